//! `jkd ajp`: AJP by hand.

mod dump;
mod get;
mod ping;
mod request;

use super::Outcome;

/// Speak AJP by hand: ping a Tomcat, get a page from it, read a captured stream
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    Ping(ping::Args),
    Get(Box<get::Args>),
    Dump(dump::Args),
}

pub(super) fn main(command: Command) -> Outcome {
    match command {
        Command::Ping(args) => ping::main(&args),
        Command::Get(args) => get::main(*args),
        Command::Dump(args) => dump::main(&args),
    }
}
