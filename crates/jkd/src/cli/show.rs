//! `jkd show`.

mod access;
mod hosts;
mod logs;
mod workers;

use std::{
    io::{self, BufWriter, Write, stdout},
    process::ExitCode,
};

use jkworkers::{diff, model::Model};

use super::{Outcome, load::Sources};

/// Print the configuration as it is understood
///
/// Every default is filled in, every name resolved, mounts are in matching order with the file and
/// line that they come from. Secrets are not printed.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Times are in the unit of each directive; in JSON all of them are in seconds.

Exit status: 0, or 2 when the configuration has errors.")]
pub(super) struct Args {
    #[command(flatten)]
    sources: Sources,
    /// For people or for programs
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Format {
    Text,
    Json,
}

pub(super) fn main(args: Args) -> Outcome {
    let model = match args.sources.load() {
        Ok(model) => model,
        Err(status) => return Ok(status),
    };
    let mut out = BufWriter::new(stdout().lock());
    match args.format {
        Format::Text => text(&model, &mut out)?,
        Format::Json => json(&model, &mut out)?,
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

fn text(model: &Model, out: &mut impl Write) -> io::Result<()> {
    for file in &model.files {
        writeln!(out, "# read {}", file.display())?;
    }
    hosts::print(model, out)?;
    workers::print(model, out)
}

fn json(model: &Model, out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, &diff::document(model))?;
    writeln!(out)
}
