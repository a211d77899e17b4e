//! Debian's `envvars`: the shell script that `apache2ctl` reads before it starts httpd.
//!
//! Variables such as `${APACHE_LOG_DIR}` are defined there. No shell runs here: lines of the form
//! `NAME=value` and `export NAME=value` count, with `$NAME` and `${NAME}` in the value; everything
//! else is skipped. Inside of `if`, `case` and their like only Debian's own `SUFFIX` is decided.

use std::{collections::BTreeMap, ffi::OsString, io, path::Path};

use super::{Files, Stamp};

/// What the file defines.
#[derive(Debug, Default)]
pub(crate) struct Envvars {
    values: BTreeMap<String, String>,
}

impl Envvars {
    /// Reads the `envvars` of a directory, if there is one.
    pub(crate) fn read(directory: &Path, files: &dyn Files) -> Option<Self> {
        let bytes = files.read(&directory.join("envvars")).ok()?;
        let text = String::from_utf8_lossy(&bytes);
        let mut envvars = Self::default();
        envvars.set("APACHE_CONFDIR", directory.display().to_string());
        envvars.set("SUFFIX", suffix(directory));
        envvars.lines(&text);
        Some(envvars)
    }

    fn lines(&mut self, text: &str) {
        let mut depth: u32 = 0;
        for line in text.lines().map(str::trim) {
            match line.split([' ', '\t', ';']).next().unwrap_or_default() {
                "if" | "case" | "for" | "while" => depth += 1,
                "fi" | "esac" | "done" => depth = depth.saturating_sub(1),
                _ if depth == 0 => self.line(line),
                _ => {}
            }
        }
    }

    fn line(&mut self, line: &str) {
        let assignment = line.strip_prefix("export ").unwrap_or(line).trim_start();
        let Some((name, value)) = assignment.split_once('=') else {
            return;
        };
        if !name.is_empty() && name.chars().all(is_name) {
            if let Some(value) = self.value(value) {
                self.set(name, value);
            }
        }
    }

    /// What a shell makes of the right side. `None`: only a shell knows.
    fn value(&self, text: &str) -> Option<String> {
        let literal = text
            .strip_prefix('\'')
            .and_then(|text| text.split_once('\''));
        if let Some((value, rest)) = literal {
            return is_end(rest).then(|| value.to_owned());
        }
        let quoted = text.strip_prefix('"').and_then(|text| text.split_once('"'));
        let (text, rest) = match quoted {
            Some(parts) => parts,
            None => text.split_at(text.find([' ', '\t', ';']).unwrap_or(text.len())),
        };
        if !is_end(rest) || text.contains(['`', '\\', '"', '\'', '&', '|', '<', '>', '(']) {
            return None;
        }
        let mut parts = text.split('$');
        let mut value = parts.next()?.to_owned();
        for part in parts {
            let (name, rest) = variable(part)?;
            value.push_str(self.values.get(name).map_or("", String::as_str));
            value.push_str(rest);
        }
        Some(value)
    }

    fn set(&mut self, name: &str, value: String) {
        self.values.insert(name.to_owned(), value);
    }
}

/// Debian's several instances: `/etc/apache2-blue` has `-blue` in the names of its directories.
fn suffix(directory: &Path) -> String {
    let name = directory.file_name().map(|name| name.to_string_lossy());
    let suffix = name
        .as_deref()
        .and_then(|name| name.strip_prefix("apache2-"));
    suffix
        .map(|suffix| format!("-{suffix}"))
        .unwrap_or_default()
}

/// Splits what follows a `$` at the end of the name.
fn variable(text: &str) -> Option<(&str, &str)> {
    if let Some(braced) = text.strip_prefix('{') {
        let (name, rest) = braced.split_once('}')?;
        return name.chars().all(is_name).then_some((name, rest));
    }
    let end = text.find(|c| !is_name(c)).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

/// Whether nothing but a comment follows.
fn is_end(text: &str) -> bool {
    let text = text.trim_start_matches([' ', '\t', ';']);
    text.is_empty() || text.starts_with('#')
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Files whose environment is completed: what the process has counts more.
pub(crate) struct WithEnvvars<'a> {
    pub(crate) files: &'a dyn Files,
    pub(crate) envvars: Option<Envvars>,
}

impl Files for WithEnvvars<'_> {
    fn env(&self, name: &str) -> Option<String> {
        let written = || self.envvars.as_ref()?.values.get(name).cloned();
        self.files.env(name).or_else(written)
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.files.read(path)
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<OsString>> {
        self.files.list(directory)
    }

    fn is_directory(&self, path: &Path) -> bool {
        self.files.is_directory(path)
    }

    fn exists(&self, path: &Path) -> bool {
        self.files.exists(path)
    }

    fn stamp(&self, path: &Path) -> Option<Stamp> {
        self.files.stamp(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::memory::Memory;

    /// The beginning of Debian's own.
    const DEBIAN: &str = "
# envvars - default environment variables for apache2ctl
unset HOME
if [ \"${APACHE_CONFDIR##/etc/apache2-}\" != \"${APACHE_CONFDIR}\" ] ; then
\tSUFFIX=\"-${APACHE_CONFDIR##/etc/apache2-}\"
else
\tSUFFIX=
fi
export APACHE_RUN_USER=www-data
export APACHE_PID_FILE=/var/run/apache2$SUFFIX/apache2.pid
export APACHE_LOG_DIR=/var/log/apache2$SUFFIX
";

    fn read(directory: &str, text: &str) -> Envvars {
        let name = format!("{directory}/envvars");
        let files = Memory::new(&[(&*name, text)]);
        Envvars::read(Path::new(directory), &files).unwrap()
    }

    #[test]
    fn debians_own_is_understood() {
        for (directory, logs) in [
            ("/etc/apache2", "/var/log/apache2"),
            ("/etc/apache2-blue", "/var/log/apache2-blue"),
        ] {
            let envvars = read(directory, DEBIAN);
            assert_eq!(envvars.values["APACHE_LOG_DIR"], logs);
            assert_eq!(envvars.values["APACHE_RUN_USER"], "www-data");
        }
    }

    #[test]
    fn only_what_needs_no_shell_counts() {
        let text = "A=1\nexport B=\"$A ${A}2\" # more\nC='$A'\nD=`date`\nE=$(date)\nF=${A:-x}\n\
                    G=a b\nif true; then\n  H=1\nfi\nI=$NONE.\n J=2;\nexport A\nK=\n2X-=1\n";
        let values = read("/etc/x", text).values;
        let found: Vec<_> = values.iter().map(|(k, v)| format!("{k}={v}")).collect();
        assert_eq!(
            found,
            [
                "A=1",
                "APACHE_CONFDIR=/etc/x",
                "B=1 12",
                "C=$A",
                "I=.",
                "J=2",
                "K=",
                "SUFFIX="
            ]
        );
    }

    #[test]
    fn the_environment_of_the_process_counts_more() {
        let files = Memory::new(&[("/etc/jk.conf", "ServerAlias ${A} ${B}\n")])
            .with("/etc/envvars", b"A=file\nB=file\n")
            .env("A", "process");
        assert_eq!(files.model().hosts[0].aliases, ["process", "file"]);
    }

    proptest::proptest! {
        #[test]
        fn any_text_ends_without_panic(text: String) {
            let _ = read("/etc/x", &format!("A=$B\nX={text}\n"));
        }
    }
}
