//! The command line: what was typed. One file per command below `cli/`.

mod ajp;
mod check;
mod demo;
mod findings;
mod load;
mod match_uri;
mod rule;
mod run;
mod show;

use std::{
    error::Error,
    io::{self, ErrorKind},
    process::ExitCode,
};

use clap::{Parser, Subcommand};

/// Something went wrong while the command ran: a port is taken, nobody answers, a file is not there.
const FAILED: u8 = 1;
/// The configuration has errors, or the command line has (clap uses the same status).
const INVALID: u8 = 2;
/// `jkd check --against`: all is well, and different.
const DIFFERENT: u8 = 3;

/// What a command comes to: an exit status, or a reason that is printed and means [`FAILED`].
type Outcome = Result<ExitCode, Box<dyn Error>>;

#[derive(Debug, Parser)]
#[command(
    name = "jkd",
    version,
    about = "An HTTP front end for Tomcat clusters that runs on mod_jk's own configuration files",
    long_about = "jkd accepts HTTP and passes it on to Tomcats over AJP13, as Apache httpd does \
with mod_jk: with its workers.properties, its Jk* directives, sticky sessions and failover.",
    after_help = EXAMPLES,
    subcommand_required = true,
    arg_required_else_help = true,
    max_term_width = 100
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  jkd demo                                   everything at once, without any Tomcat
  jkd run -f /etc/jkd/jk.conf                serve what the file says
  jkd run -l 127.0.0.1:8080 --workers workers.properties --mount '/*=lb'
  jkd check -f jk.conf                       every error and warning, nothing is started
  jkd check -f jk.conf --against http://127.0.0.1:8080/jk-status
                                             what a reload would change
  jkd match -f jk.conf /shop/cart            which worker serves this, and why
  jkd ajp get ajp://127.0.0.1:8009/          ask a Tomcat directly

Signals of `jkd run`:
  TERM, INT   stop accepting, finish what is in flight, exit; a second one exits at once
  HUP         read all files again; if they are invalid, what runs goes on running
              (uriworkermap files are read when they change, all of them with --watch)

Exit status:
  0   done
  1   failed: a port is taken, nobody answers, a file cannot be read
  2   the configuration has errors, or the command line has
  3   jkd check --against: there are differences";

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::Args),
    Check(check::Args),
    Show(show::Args),
    Match(match_uri::Args),
    Demo(demo::Args),
    #[command(subcommand)]
    Ajp(ajp::Command),
}

/// Parses the command line of the process and does what it says.
pub fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Run(args) => return run::main(args),
        Command::Check(args) => check::main(args),
        Command::Show(args) => show::main(args),
        Command::Match(args) => match_uri::main(args),
        Command::Demo(args) => demo::main(&args),
        Command::Ajp(command) => ajp::main(command),
    };
    outcome.unwrap_or_else(|error| {
        if reader_has_gone(&*error) {
            return ExitCode::SUCCESS;
        }
        eprintln!("jkd: {error}");
        ExitCode::from(FAILED)
    })
}

/// Whether the output went to a pipe whose reader has seen enough, as in `jkd show | head`.
fn reader_has_gone(error: &(dyn Error + 'static)) -> bool {
    error
        .downcast_ref::<io::Error>()
        .is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_and_option_explains_itself() {
        fn explained(command: &clap::Command) {
            assert!(command.get_about().is_some(), "{}", command.get_name());
            for argument in command.get_arguments() {
                let (of, name) = (command.get_name(), argument.get_id());
                assert!(argument.get_help().is_some(), "{name} of {of}");
            }
            command.get_subcommands().for_each(explained);
        }
        explained(&Cli::command());
    }
}
