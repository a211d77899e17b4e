//! The `jkd` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    jkd::cli::main()
}
