//! `jkd check`.

mod against;

use std::{
    io::{Write, stdout},
    process::ExitCode,
};

use jkworkers::{diff, model::Model};

use self::against::{Against, Other};
use super::{DIFFERENT, INVALID, Outcome, findings, load::Sources};
use crate::secrets;

/// Read a configuration and say what is wrong with it
///
/// Reads every file and prints every error and warning with its remedy. Opens no port, and contacts
/// nobody but the server of --against.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit status: 0; 2 when there are errors; with --against also 3 when there are differences, and 1 when
the other configuration cannot be had.")]
pub(super) struct Args {
    #[command(flatten)]
    sources: Sources,
    /// Say what would change: the other configuration is a file in httpd's syntax, a
    /// workers.properties, the output of `jkd show --format json`, or that of a running jkd at the
    /// URL of its status page
    #[arg(long, value_name = "URL|FILE")]
    against: Option<Against>,
}

pub(super) fn main(args: Args) -> Outcome {
    let loaded = jkworkers::load(&args.sources.clone().into_load_options());
    let loaded = secrets::checked(loaded);
    let mut out = stdout().lock();
    findings::print(&loaded.diagnostics, &mut out)?;
    out.flush()?;
    match (loaded.model, args.against) {
        (None, _) => Ok(ExitCode::from(INVALID)),
        (Some(_), None) => Ok(ExitCode::SUCCESS),
        (Some(model), Some(against)) => compare(&model, &against, args.sources, &mut out),
    }
}

fn compare(model: &Model, against: &Against, sources: Sources, out: &mut impl Write) -> Outcome {
    let (changes, note) = match against.get(sources)? {
        Other::Model(other) => (diff::models(&other, model), ""),
        Other::Document(other) => {
            let note = " (secrets are not compared)";
            (diff::documents(&other, &diff::document(model)), note)
        }
        Other::Invalid(found) => {
            writeln!(out, "{against} has errors:")?;
            findings::print(&found, out)?;
            return Ok(ExitCode::from(INVALID));
        }
    };
    write!(out, "{changes}")?;
    Ok(match changes.len() {
        0 => {
            writeln!(out, "no difference from {against}{note}")?;
            ExitCode::SUCCESS
        }
        count => {
            let noun = if count == 1 {
                "difference"
            } else {
                "differences"
            };
            writeln!(out, "{count} {noun} from {against}{note}")?;
            ExitCode::from(DIFFERENT)
        }
    })
}
