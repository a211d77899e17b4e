//! Files and programs: what the writer writes to.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write as _},
    os::{
        fd::{AsFd, BorrowedFd},
        unix::{fs::OpenOptionsExt as _, process::CommandExt as _},
    },
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
    thread,
    time::Duration,
};

use jkworkers::model::LogTarget;
use rustix::{
    fs::{OFlags, fcntl_setfl},
    process::{Pid, Signal, kill_process},
};
use tokio::time::Instant;

use super::syslog::Syslog;

/// An open file, or a program that runs.
#[derive(Debug)]
pub(super) enum Output {
    File(File),
    Program(Program),
    Syslog(Syslog),
}

/// A program that reads lines from its standard input.
#[derive(Debug)]
pub(super) struct Program {
    child: Child,
    /// `None` when it is to end.
    input: Option<ChildStdin>,
}

impl Output {
    /// Opens a file for appending, or starts a program.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub(super) fn open(target: &LogTarget) -> io::Result<Self> {
        match target {
            LogTarget::File(path) => Ok(Self::File(append_to(path)?)),
            LogTarget::Program { command, shell } => {
                Ok(Self::Program(Program::start(command, *shell)?))
            }
            LogTarget::Syslog { facility, tag } => {
                Ok(Self::Syslog(Syslog::open(*facility, tag.as_deref())))
            }
        }
    }

    /// Writes what can be written now.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.write(bytes),
            Self::Syslog(syslog) => syslog.write(bytes),
            Self::Program(program) => match &mut program.input {
                Some(input) => input.write(bytes),
                None => Err(io::ErrorKind::BrokenPipe.into()),
            },
        }
    }

    /// Whether it is a program that has ended.
    pub(super) fn has_ended(&mut self) -> bool {
        match self {
            Self::File(_) | Self::Syslog(_) => false,
            Self::Program(program) => !matches!(program.child.try_wait(), Ok(None)),
        }
    }
}

/// Opens or creates a file. One that is a pipe without a reader is an error, and one whose reader
/// is slow does not hold up the others.
fn append_to(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true).mode(0o644);
    options.custom_flags(OFlags::NONBLOCK.bits().cast_signed());
    options.open(path).or_else(|error| {
        // Sockets cannot be opened by name.
        match path.to_str() {
            Some("/dev/stdout") => duplicate(io::stdout().as_fd()),
            Some("/dev/stderr") => duplicate(io::stderr().as_fd()),
            _ => Err(error),
        }
    })
}

fn duplicate(of: BorrowedFd<'_>) -> io::Result<File> {
    of.try_clone_to_owned().map(File::from)
}

impl Program {
    fn start(command: &str, shell: bool) -> io::Result<Self> {
        let words = if shell {
            vec!["/bin/sh".to_owned(), "-c".to_owned(), command.to_owned()]
        } else {
            words(command)
        };
        let Some((program, arguments)) = words.split_first() else {
            return Err(io::ErrorKind::NotFound.into());
        };
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::piped());
        // The interrupt key of a terminal is for jkd, which then ends its programs in good order.
        let mut child = command.process_group(0).spawn()?;
        let input = child.stdin.take();
        if let Some(input) = &input {
            fcntl_setfl(input, OFlags::NONBLOCK)?;
        }
        Ok(Self { child, input })
    }

    /// It has had all: it may end.
    pub(super) fn close(&mut self) {
        self.input = None;
    }

    pub(super) fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits for its end until `deadline`, then asks for it.
    pub(super) fn wait(mut self, deadline: Instant) {
        const PAUSE: Duration = Duration::from_millis(5);
        self.close();
        while !self.has_ended() {
            if Instant::now() >= deadline {
                let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
                if let Some(pid) = pid {
                    let _ = kill_process(pid, Signal::TERM);
                }
                return;
            }
            thread::sleep(PAUSE);
        }
    }
}

/// Splits as httpd does where no shell is wanted: at blanks, unless they are quoted, or escaped by
/// a backslash.
fn words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = command.chars().peekable();
    while rest.next_if(char::is_ascii_whitespace).is_some() || rest.peek().is_some() {
        let quote = rest.next_if(|c| matches!(c, '"' | '\''));
        let mut word = String::new();
        while let Some(c) = rest.next() {
            let is_end = match quote {
                Some(quote) => c == quote,
                None => c.is_ascii_whitespace(),
            };
            if is_end {
                break;
            }
            let escaped = (c == '\\')
                .then(|| rest.next_if(|n| matches!(n, '"' | '\'' | '\\' | ' ' | '\t')))
                .flatten();
            word.push(escaped.unwrap_or(c));
        }
        if quote.is_some() || !word.is_empty() {
            words.push(word);
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_split_without_a_shell() {
        for (command, expected) in [
            ("/bin/cat", &["/bin/cat"][..]),
            ("  /bin/cat  -u\t x ", &["/bin/cat", "-u", "x"]),
            ("a \"b c\" 'd \"e'", &["a", "b c", "d \"e"]),
            (r#"a b\ c "d\"e" \x"#, &["a", "b c", "d\"e", "\\x"]),
            ("a \"\" b", &["a", "", "b"]),
            ("a \"open", &["a", "open"]),
            ("", &[]),
        ] {
            assert_eq!(words(command), expected, "{command}");
        }
    }

    #[test]
    fn a_file_is_appended_to_and_a_missing_directory_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.log");
        let target = LogTarget::File(path.clone());
        for text in ["one\n", "two\n"] {
            let mut output = Output::open(&target).unwrap();
            assert_eq!(output.write(text.as_bytes()).unwrap(), 4);
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one\ntwo\n");
        let missing = LogTarget::File(dir.path().join("no/such"));
        assert!(Output::open(&missing).is_err());
        let missing = LogTarget::Program {
            command: "/no/such/program".into(),
            shell: false,
        };
        assert!(Output::open(&missing).is_err());
    }
}
