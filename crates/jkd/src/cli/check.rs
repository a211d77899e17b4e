//! `jkd check`.

use std::{
    io::{Write as _, stdout},
    process::ExitCode,
};

use super::{INVALID, Outcome, findings, load::Sources};

/// Read a configuration and say what is wrong with it
///
/// Reads every file and prints every error and warning with its remedy. Opens no port and contacts
/// nobody. Exits with 0, or with 2 when there are errors.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    sources: Sources,
}

pub(super) fn main(args: Args) -> Outcome {
    let loaded = jkworkers::load(&args.sources.into_load_options());
    let mut out = stdout().lock();
    findings::print(&loaded.diagnostics, &mut out)?;
    out.flush()?;
    Ok(match loaded.model {
        Some(_) => ExitCode::SUCCESS,
        None => ExitCode::from(INVALID),
    })
}
