//! One case: a text file that holds several files.
//!
//! ```text
//! What this is about, in as many lines as it takes.
//! ==> jk.conf <==
//! Listen 80
//! JkWorkersFile workers.properties
//! ==> workers.properties (latin-1) <==
//! worker.list=a
//! ==> [environment] <==
//! APACHE_LOG_DIR=/var/log/apache2
//! ==> [options] <==
//! --define TEST
//! ==> [expected] <==
//! jk.conf:1: warning: …
//! ```
//!
//! The first file is the one that is given to `-f`. Relative names are in one directory, which is
//! left out in what is expected. A file may be `(latin-1)`, `(utf-16)`, `(unreadable)`,
//! `(missing)`, or
//! `(escaped)`: there `\xE9` is a byte, `\r` ends a line as on Windows, `\{text*1000}` is the text a
//! thousand times, and `\` at the end of a line is the end of the line alone.

use std::{
    fs,
    path::{Path, PathBuf},
};

use jkworkers::{LoadOptions, Loaded, load_with};

use super::memory::Memory;

/// The directory of relative names.
pub(crate) const HERE: &str = "/case/";
/// Set it, and what is expected is written anew.
pub(crate) const REWRITE: &str = "JKD_REWRITE";

/// A case as it was read.
pub(crate) struct Case {
    pub(crate) path: PathBuf,
    /// Everything before what is expected.
    given: String,
    /// The names and contents of the files.
    pub(crate) files: Vec<(String, Content)>,
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) options: Vec<String>,
    pub(crate) expected: String,
}

/// What a file holds.
#[derive(Clone)]
pub(crate) enum Content {
    Bytes(Vec<u8>),
    Unreadable,
    Missing,
}

/// All cases of a directory, in the order of their names.
pub(crate) fn all(directory: &str) -> Vec<Case> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests")
        .join(directory);
    let entries =
        fs::read_dir(&directory).unwrap_or_else(|e| panic!("{}: {e}", directory.display()));
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| Case::read(path)).collect()
}

/// Compares what came of each case with what is expected, and says all that differ.
pub(crate) fn compare<'a>(outcomes: impl IntoIterator<Item = (&'a Case, String)>) {
    let rewrite = std::env::var_os(REWRITE).is_some();
    let mut differing = Vec::new();
    for (case, outcome) in outcomes {
        if outcome == case.expected {
            continue;
        }
        if rewrite {
            fs::write(
                &case.path,
                format!("{}==> [expected] <==\n{outcome}", case.given),
            )
            .unwrap();
        } else {
            differing.push(format!(
                "{}:\n{}",
                case.name(),
                difference(&case.expected, &outcome)
            ));
        }
    }
    assert!(
        differing.is_empty(),
        "{} cases differ; {REWRITE}=1 writes what is expected anew\n\n{}",
        differing.len(),
        differing.join("\n")
    );
}

/// Lines that only one of them has.
fn difference(expected: &str, outcome: &str) -> String {
    let lost = expected
        .lines()
        .filter(|line| !outcome.lines().any(|l| l == *line));
    let new = outcome
        .lines()
        .filter(|line| !expected.lines().any(|l| l == *line));
    let mut lines: Vec<_> = lost.map(|line| format!("- {line}")).collect();
    lines.extend(new.map(|line| format!("+ {line}")));
    if lines.is_empty() {
        lines.push("(other order, or other repetitions)".into());
    }
    lines.join("\n") + "\n"
}

impl Case {
    fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let mut case = Self {
            path: path.to_owned(),
            given: String::new(),
            files: Vec::new(),
            environment: Vec::new(),
            options: Vec::new(),
            expected: String::new(),
        };
        for (header, body) in sections(&text) {
            if header != "[expected]" {
                case.given += &written(header, body);
            }
            case.section(header, body);
        }
        case
    }

    fn section(&mut self, header: &str, body: &str) {
        let lines = body.lines().map(str::to_owned);
        match header {
            "" => {}
            "[expected]" => body.clone_into(&mut self.expected),
            "[options]" => self.options.extend(lines),
            "[environment]" => self.environment.extend(lines.map(|line| {
                let (name, value) = line.split_once('=').unwrap_or((&line, ""));
                (name.to_owned(), value.to_owned())
            })),
            _ => self.files.push(file(header, body)),
        }
    }

    /// The file's name.
    pub(crate) fn name(&self) -> String {
        self.path
            .file_stem()
            .unwrap()
            .to_string_lossy()
            .into_owned()
    }

    /// Loads it, as `jkd check -f` does.
    pub(crate) fn load(&self) -> Loaded {
        let mut options = LoadOptions {
            config: self.files.first().map(|(name, _)| absolute(name)),
            ..LoadOptions::default()
        };
        for line in &self.options {
            let (option, value) = line.split_once(' ').unwrap_or((line, ""));
            match option {
                "--define" => options.defines.push(value.into()),
                "--listen" => options.listen.push(value.into()),
                "--mount" => options.mounts.push(value.into()),
                "--mount-file" => options.mount_files.push(absolute(value)),
                "--workers" => options.workers = Some(absolute(value)),
                _ => panic!("{}: the option {option} is not known here", self.name()),
            }
        }
        load_with(&options, &Memory::of(self))
    }
}

/// What there is to say, as `jkd check` prints it.
pub(crate) fn findings(loaded: &Loaded) -> String {
    let found = &loaded.diagnostics;
    format!("{found}{}\n", found.summary()).replace(HERE, "")
}

/// The name with the directory of relative ones.
pub(crate) fn absolute(name: &str) -> PathBuf {
    Path::new(HERE).join(name)
}

/// Headers and what is below them; the text before the first one has none.
fn sections(text: &str) -> Vec<(&str, &str)> {
    let mut result = vec![("", 0, 0)];
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let header = line.trim_end().strip_prefix("==> ");
        if let Some(header) = header.and_then(|h| h.strip_suffix(" <==")) {
            if let Some(last) = result.last_mut() {
                last.2 = at;
            }
            result.push((header, at + line.len(), text.len()));
        }
        at += line.len();
    }
    let parts = result.into_iter();
    parts
        .map(|(header, from, to)| (header, &text[from..to]))
        .collect()
}

fn written(header: &str, body: &str) -> String {
    match header {
        "" => body.to_owned(),
        _ => format!("==> {header} <==\n{body}"),
    }
}

fn file(header: &str, body: &str) -> (String, Content) {
    let (name, how) = header.split_once(" (").unwrap_or((header, ""));
    let bytes = match how {
        "" => body.as_bytes().to_vec(),
        "latin-1)" => body
            .chars()
            .map(|c| u8::try_from(u32::from(c)).unwrap())
            .collect(),
        "utf-16)" => utf16(body),
        "escaped)" => unescaped(body),
        "unreadable)" => return (name.to_owned(), Content::Unreadable),
        "missing)" => return (name.to_owned(), Content::Missing),
        _ => panic!("what is ({how} in {header}?"),
    };
    (name.to_owned(), Content::Bytes(bytes))
}

fn utf16(text: &str) -> Vec<u8> {
    let units = std::iter::once(0xFEFF).chain(text.encode_utf16());
    units.flat_map(u16::to_le_bytes).collect()
}

fn unescaped(body: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = body;
    while let Some((before, after)) = rest.split_once('\\') {
        bytes.extend_from_slice(before.as_bytes());
        rest = escape(after, &mut bytes);
    }
    bytes.extend_from_slice(rest.as_bytes());
    bytes
}

/// What follows a backslash; gives what is behind it.
fn escape<'a>(text: &'a str, bytes: &mut Vec<u8>) -> &'a str {
    if let Some(rest) = text.strip_prefix('x') {
        bytes.push(u8::from_str_radix(&rest[..2], 16).unwrap());
        return &rest[2..];
    }
    if let Some(rest) = text.strip_prefix('{') {
        let (inner, rest) = rest.split_once('}').unwrap();
        let (text, times) = inner.rsplit_once('*').unwrap();
        bytes.extend(text.repeat(times.parse().unwrap()).bytes());
        return rest;
    }
    if let Some(rest) = text.strip_prefix('r') {
        bytes.push(b'\r');
        return rest;
    }
    bytes.push(b'\\');
    text
}
