//! Which logs a host has in the end.

use std::sync::OnceLock;

use crate::{
    error_format::{ErrorFormat, ErrorFormats},
    httpd::{AccessLine, LogsDraft, RequestsDraft, Server},
    log_format::LogFormat,
    model::{AccessLog, JkLog, Logs},
};

/// The logs of a server. `base` is the main server, unless this is it.
pub(super) fn of(base: Option<&Server>, server: &Server) -> Logs {
    let (own, base) = (&server.logs, base.map(|base| &base.logs));
    Logs {
        access: access(base, own),
        jk: jk(base, own),
        error: own.error.as_ref().or_else(|| base?.error.as_ref()).cloned(),
        error_level: match base {
            Some(base) => own.error_level.over(&base.error_level),
            None => own.error_level.clone(),
        },
        error_format: error_format(base, own),
        first_byte: own
            .first_byte
            .or_else(|| base?.first_byte)
            .unwrap_or_default(),
    }
}

fn error_format(base: Option<&LogsDraft>, own: &LogsDraft) -> ErrorFormats {
    let said = |of: for<'d> fn(&'d LogsDraft) -> &'d Option<Vec<ErrorFormat>>| {
        let said = of(own).as_ref().or_else(|| of(base?).as_ref());
        said.cloned().unwrap_or_default()
    };
    let line = own.error_line.as_ref();
    ErrorFormats {
        line: line.or_else(|| base?.error_line.as_ref()).cloned(),
        connection: said(|logs| &logs.error_connection),
        request: said(|logs| &logs.error_request),
    }
}

fn jk(base: Option<&LogsDraft>, own: &LogsDraft) -> JkLog {
    JkLog {
        file: own
            .jk_file
            .as_ref()
            .or_else(|| base?.jk_file.as_ref())
            .cloned(),
        level: own.jk_level.or_else(|| base?.jk_level).unwrap_or_default(),
        stamp: own
            .stamp
            .as_ref()
            .or_else(|| base?.stamp.as_ref())
            .cloned()
            .unwrap_or_default(),
        requests: requests(base, own),
    }
}

fn requests(base: Option<&LogsDraft>, own: &LogsDraft) -> Option<LogFormat> {
    match (&own.requests, base) {
        (RequestsDraft::Own(format), _) => Some(format.clone()),
        (RequestsDraft::Inherited, Some(base)) => requests(None, base),
        _ => None,
    }
}

/// As httpd merges them: whoever has none of his own has all of the main server's. Nicknames are
/// those of the server that wrote the line, and of the main one; the format of a `TransferLog` is
/// the one of the server that uses it.
fn access(base: Option<&LogsDraft>, own: &LogsDraft) -> Vec<AccessLog> {
    let default = own.default_format.as_ref();
    let default = default.or_else(|| base?.default_format.as_ref());
    let log = |line: &AccessLine, tables: [Option<&LogsDraft>; 2]| AccessLog {
        to: line.to.clone(),
        format: match &line.format {
            Some(text) => named(text, tables),
            None => default.unwrap_or_else(|| common()).clone(),
        },
        only: line.only.clone(),
        when: line.when.clone(),
        origin: line.origin.clone(),
    };
    let inherited = base.into_iter().flat_map(|base| &base.access);
    let inherited = inherited.filter(|line| own.access.is_empty() || line.global);
    let inherited = inherited.map(|line| log(line, [base, None]));
    let own = own.access.iter().map(|line| log(line, [Some(own), base]));
    own.chain(inherited).collect()
}

/// A nickname's format, or the format that the text is.
fn named(text: &str, tables: [Option<&LogsDraft>; 2]) -> LogFormat {
    let formats = tables.into_iter().flatten();
    let found = formats.map(|logs| logs.formats.iter().rev());
    let found = found.into_iter().flatten();
    let mut found = found.filter(|(name, _)| name.eq_ignore_ascii_case(text));
    if let Some((_, format)) = found.next() {
        return format.clone();
    }
    if text.eq_ignore_ascii_case("CLF") {
        return common().clone();
    }
    // It was checked when it was read.
    LogFormat::httpd(text).unwrap_or_else(|_| common().clone())
}

fn common() -> &'static LogFormat {
    static COMMON: OnceLock<LogFormat> = OnceLock::new();
    COMMON.get_or_init(|| {
        LogFormat::httpd(LogFormat::COMMON).unwrap_or_else(|_| unreachable!("it is a format"))
    })
}
