//! Logs as text, in httpd's words.

use std::io::{self, Write};

use jkworkers::model::{AccessLog, JkLog, Levels, LogPlace, Logs, StampFormat};

use super::hosts::line;

/// What differs from `base`, or from the defaults.
pub(super) fn print(
    logs: &Logs,
    base: Option<&Logs>,
    indent: &str,
    out: &mut impl Write,
) -> io::Result<()> {
    jk(&logs.jk, base.map(|base| &base.jk), indent, out)?;
    let own = |of: Option<&Logs>| of.and_then(|logs| logs.error.clone());
    if own(base) != own(Some(logs)) {
        place("ErrorLog", logs.error.as_ref(), indent, out)?;
    }
    let default = Levels::default();
    let levels = base.map_or(&default, |base| &base.error_level);
    if logs.error_level != *levels {
        writeln!(out, "{indent}LogLevel {}", logs.error_level)?;
    }
    error_format(logs, base, indent, out)?;
    if base.is_some_and(|base| base.access == logs.access) {
        return Ok(());
    }
    logs.access
        .iter()
        .try_for_each(|log| line(out, indent, &access(log), &log.origin))
}

fn error_format(
    logs: &Logs,
    base: Option<&Logs>,
    indent: &str,
    out: &mut impl Write,
) -> io::Result<()> {
    let formats = &logs.error_format;
    if base.is_some_and(|base| base.error_format == *formats) {
        return Ok(());
    }
    for (kind, lines) in [
        ("", formats.line.as_slice()),
        ("connection ", &formats.connection),
        ("request ", &formats.request),
    ] {
        for line in lines {
            writeln!(out, "{indent}ErrorLogFormat {kind}{}", quoted(line.text()))?;
        }
    }
    Ok(())
}

fn jk(log: &JkLog, base: Option<&JkLog>, indent: &str, out: &mut impl Write) -> io::Result<()> {
    if base.is_none_or(|base| base.file != log.file) {
        place("JkLogFile", log.file.as_ref(), indent, out)?;
    }
    if base.is_none_or(|base| base.level != log.level) {
        writeln!(out, "{indent}JkLogLevel {}", log.level.name())?;
    }
    let stamp = base.map_or(StampFormat::DEFAULT, |base| base.stamp.text());
    if log.stamp.text() != stamp {
        writeln!(out, "{indent}JkLogStampFormat \"{}\"", log.stamp.text())?;
    }
    match &log.requests {
        Some(format) if base.is_none_or(|base| base.requests != log.requests) => {
            writeln!(out, "{indent}JkRequestLogFormat {}", quoted(format.text()))
        }
        _ => Ok(()),
    }
}

fn place(
    name: &str,
    place: Option<&LogPlace>,
    indent: &str,
    out: &mut impl Write,
) -> io::Result<()> {
    let Some(LogPlace { to, origin }) = place else {
        return Ok(());
    };
    let target = to.to_string();
    let target = if target.contains(' ') {
        quoted(&target)
    } else {
        target
    };
    line(out, indent, &format!("{name} {target}"), origin)
}

fn access(log: &AccessLog) -> String {
    let only = log.only.as_ref().map_or(String::new(), |only| {
        format!(
            " env={}{}",
            if only.negated { "!" } else { "" },
            only.variable
        )
    });
    let (to, format) = (log.to.to_string(), quoted(log.format.text()));
    format!("CustomLog {} {format}{only}", quoted(&to))
}

/// As one word of a line.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\\\""))
}
