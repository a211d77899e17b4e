//! `jkd ajp`: AJP by hand.

mod dump;
mod ping;

use super::Outcome;

/// Speak AJP by hand: ping a Tomcat, get a page from it, read a captured stream
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    Ping(ping::Args),
    Dump(dump::Args),
}

pub(super) fn main(command: Command) -> Outcome {
    match command {
        Command::Ping(args) => ping::main(&args),
        Command::Dump(args) => dump::main(&args),
    }
}
