//! `ErrorLog`, its format and its levels.

use super::{Apply, Call};
use crate::{
    error_format::ErrorFormat,
    httpd::modules,
    model::{LogPlace, LogTarget, Severity},
};

/// `ErrorLog file|pipe|syslog[:facility[:tag]]`
pub(in crate::httpd) fn error_log(apply: &mut Apply<'_>, call: &Call<'_>) {
    let first = call.first();
    let place = match LogTarget::syslog(first) {
        Some(Ok(to)) => Some(LogPlace {
            to,
            origin: call.origin.clone(),
        }),
        Some(Err(facility)) => {
            let message = format!("ErrorLog {first}: there is no facility `{facility}`");
            let help = "Write local0 … local7, daemon, user or another one of syslog.";
            return apply.error(call.origin, message, help);
        }
        None if first == "journald" => {
            let message = "ErrorLog journald: the journal is not written to directly".to_owned();
            let help = "Write syslog, which the journal reads, or a file.";
            return apply.error(call.origin, message, help);
        }
        None => apply.log_place(call),
    };
    if place.is_some() {
        apply.server().logs.error = place;
    }
}

/// `ErrorLogFormat [connection|request] format`
pub(in crate::httpd) fn error_log_format(apply: &mut Apply<'_>, call: &Call<'_>) {
    let (kind, text) = match call.words {
        [text] => (None, text),
        [kind, text] => (Some(kind.to_ascii_lowercase()), text),
        _ => return,
    };
    if !matches!(kind.as_deref(), None | Some("connection" | "request")) {
        let message = format!(
            "ErrorLogFormat {}: ErrorLogFormat type must be one of request, connection",
            call.first()
        );
        let help = "Put the format into quotes, with one of the two in front, or nothing.";
        return apply.error(call.origin, message, help);
    }
    let format = match ErrorFormat::read(text, kind.is_none()) {
        Ok(format) => format,
        Err(error) => {
            let help = "Correct the format; %% is a percent sign.";
            return apply.error(call.origin, format!("ErrorLogFormat: {error}"), help);
        }
    };
    let logs = &mut apply.server().logs;
    let lines = match kind.as_deref() {
        None => {
            logs.error_line = Some(format);
            return;
        }
        Some("connection") => &mut logs.error_connection,
        Some(_) => &mut logs.error_request,
    };
    let lines = lines.get_or_insert_default();
    // An empty one takes back those of the main server.
    if !text.is_empty() {
        lines.push(format);
    }
}

/// `LogLevel level module:level …`, also in sections. `JkLogLevel` is what says so of mod_jk's own
/// log.
pub(in crate::httpd) fn log_level(apply: &mut Apply<'_>, call: &Call<'_>) {
    for word in call.words {
        let (module, level) = match word.rsplit_once(':') {
            Some((module, level)) => (Some(module), level),
            None => (None, &**word),
        };
        let Some(level) = Severity::named(level) else {
            let message = format!(
                "LogLevel {word}: Log level keyword must be one of \
                 emerg/alert/crit/error/warn/notice/info/debug/trace1/.../trace8"
            );
            return apply.error(call.origin, message, "warn is the default.");
        };
        let module = match module.map(|name| modules::short_name(name).ok_or(name)) {
            None => None,
            Some(Ok(module)) => Some(module),
            Some(Err(name)) => {
                let message = format!("LogLevel {word}: Cannot find module {name}");
                let help = "Write the name of a module without mod_, such as core or ssl.";
                return apply.error(call.origin, message, help);
            }
        };
        let levels = if apply.is_outside() {
            &mut apply.server().logs.error_level
        } else {
            &mut apply.settings().log_levels
        };
        match module {
            None => levels.set_all(level),
            Some(module) => levels.set(module, level),
        }
    }
}
