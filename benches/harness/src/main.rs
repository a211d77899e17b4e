//! `benches/run` runs this; see `benches/README.md`.

use std::process::ExitCode;

use clap::Parser;
use jkd_bench::cli::Cli;

fn main() -> ExitCode {
    match Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("jkd-bench: {error}");
            ExitCode::FAILURE
        }
    }
}
