//! Logs: httpd's and mod_jk's.

use super::{Apply, Call};
use crate::{
    expr::Expression,
    httpd::draft::{AccessLine, RequestsDraft},
    log_format::LogFormat,
    model::{LogLevel, LogPlace, LogTarget, OnlyIf, StampFormat},
};

/// Which requests have a line.
enum Clause {
    Expression(Expression),
    Variable(OnlyIf),
}

/// `LogFormat format [nickname]`
pub(in crate::httpd) fn log_format(apply: &mut Apply<'_>, call: &Call<'_>) {
    let Some(format) = apply.format(call, call.first()) else {
        return;
    };
    let logs = &mut apply.server().logs;
    match call.words.get(1) {
        Some(name) => logs.formats.push((name.clone(), format)),
        None => logs.default_format = Some(format),
    }
}

/// `CustomLog file|pipe format|nickname [env=[!]variable]`
pub(in crate::httpd) fn custom_log(apply: &mut Apply<'_>, call: &Call<'_>) {
    apply.access_log(call, false);
}

/// `GlobalLog file|pipe format|nickname [env=[!]variable]`
pub(in crate::httpd) fn global_log(apply: &mut Apply<'_>, call: &Call<'_>) {
    apply.access_log(call, true);
}

/// `TransferLog file|pipe`
pub(in crate::httpd) fn transfer_log(apply: &mut Apply<'_>, call: &Call<'_>) {
    if let Some(to) = apply.log_target(call) {
        apply.server().logs.access.push(AccessLine {
            to,
            format: None,
            only: None,
            when: None,
            global: false,
            origin: call.origin.clone(),
        });
    }
}

/// `LogIOTrackTTFB On|Off`
pub(in crate::httpd) fn first_byte(apply: &mut Apply<'_>, call: &Call<'_>) {
    let Some(on) = apply.on_or_off(call) else {
        return;
    };
    if apply.section_number().is_some() {
        apply.settings().first_byte = Some(on);
    } else {
        apply.server().logs.first_byte = Some(on);
    }
}

/// A flag that changes nothing here.
pub(in crate::httpd) fn flag(apply: &mut Apply<'_>, call: &Call<'_>) {
    apply.on_or_off(call);
}

/// `JkLogFile file|"|program"`
pub(in crate::httpd) fn jk_log_file(apply: &mut Apply<'_>, call: &Call<'_>) {
    if let Some(place) = apply.log_place(call) {
        apply.server().logs.jk_file = Some(place);
    }
}

/// `JkLogLevel level`
pub(in crate::httpd) fn jk_log_level(apply: &mut Apply<'_>, call: &Call<'_>) {
    let level = match &*call.first().to_ascii_lowercase() {
        "trace" => LogLevel::Trace,
        "debug" => LogLevel::Debug,
        "info" => LogLevel::Info,
        "warn" => LogLevel::Warn,
        "error" => LogLevel::Error,
        "emerg" => LogLevel::Emerg,
        other => {
            let message = format!("JkLogLevel {other} is no level: info is used, as in mod_jk");
            let help = "Write trace, debug, info, warn, error or emerg.";
            apply.warning(call.origin, message, help);
            LogLevel::Info
        }
    };
    apply.server().logs.jk_level = Some(level);
}

/// `JkLogStampFormat format`
pub(in crate::httpd) fn jk_stamp(apply: &mut Apply<'_>, call: &Call<'_>) {
    let stamp = StampFormat::new(call.first());
    if stamp.text() != call.first() {
        let message = "JkLogStampFormat is longer than 63 bytes: the default is used, as in mod_jk";
        let help = format!("Shorten it; the default is `{}`.", StampFormat::DEFAULT);
        apply.warning(call.origin, message.to_owned(), help);
    }
    apply.server().logs.stamp = Some(stamp);
}

/// `JkRequestLogFormat format`
pub(in crate::httpd) fn jk_requests(apply: &mut Apply<'_>, call: &Call<'_>) {
    let format = LogFormat::mod_jk(call.first());
    if let Err(error) = &format {
        let message =
            format!("JkRequestLogFormat: {error}: requests are not logged, as with mod_jk");
        let help = "Use %b, %B, %H, %m, %p, %q, %r, %R, %s, %T, %U, %v, %V and %w.";
        apply.warning(call.origin, message, help);
    }
    apply.server().logs.requests = format.map_or(RequestsDraft::Nothing, RequestsDraft::Own);
}

impl Apply<'_> {
    fn access_log(&mut self, call: &Call<'_>, global: bool) {
        let [_, format, rest @ ..] = call.words else {
            return;
        };
        let (only, when) = match rest.first().map(|clause| self.condition_of(call, clause)) {
            None => (None, None),
            Some(None) => return,
            Some(Some(Clause::Variable(only))) => (Some(only), None),
            Some(Some(Clause::Expression(when))) => (None, Some(when)),
        };
        if self.format(call, format).is_none() {
            return;
        }
        if let Some(to) = self.log_target(call) {
            self.server().logs.access.push(AccessLine {
                to,
                format: Some(format.clone()),
                only,
                when,
                global,
                origin: call.origin.clone(),
            });
        }
    }

    /// `env=…`, `expr=…`
    fn condition_of(&mut self, call: &Call<'_>, clause: &str) -> Option<Clause> {
        let is = |prefix: &str| {
            let start = clause.get(..prefix.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(prefix))
        };
        let problem = match clause.get(4..) {
            Some(name) if is("env=") => {
                let variable = name.strip_prefix('!').unwrap_or(name);
                if !variable.is_empty() {
                    return Some(Clause::Variable(OnlyIf {
                        negated: variable.len() < name.len(),
                        variable: variable.into(),
                    }));
                }
                "missing environment variable name"
            }
            _ if is("expr=") => {
                let read = Expression::new(clause.get(5..).unwrap_or_default());
                return match read {
                    Ok(expression) if expression.wants_answer() => {
                        let message = format!("{} … {clause}: resp() is not known here", call.name);
                        let help = "Look at REQUEST_STATUS, or at a variable.";
                        self.error(call.origin, message, help);
                        None
                    }
                    Ok(expression) => Some(Clause::Expression(expression)),
                    Err(bad) => {
                        let message = format!("{} … {clause}: {bad}", call.name);
                        self.error(call.origin, message, bad.remedy());
                        None
                    }
                };
            }
            _ => "error in condition clause",
        };
        let message = format!("{} … {clause}: {problem}", call.name);
        let help = "Write env=NAME or env=!NAME, and set the variable with SetEnvIf.";
        self.error(call.origin, message, help);
        None
    }

    fn format(&mut self, call: &Call<'_>, text: &str) -> Option<LogFormat> {
        match LogFormat::httpd(text) {
            Ok(format) => Some(format),
            Err(error) => {
                let message = format!("{}: {error}", call.name);
                let help = "Correct the format; %% is a percent sign.";
                self.error(call.origin, message, help);
                None
            }
        }
    }

    pub(super) fn log_place(&mut self, call: &Call<'_>) -> Option<LogPlace> {
        Some(LogPlace {
            to: self.log_target(call)?,
            origin: call.origin.clone(),
        })
    }

    /// The first word: a file, or a program behind a `|`.
    fn log_target(&mut self, call: &Call<'_>) -> Option<LogTarget> {
        let word = call.first();
        let Some(program) = word.strip_prefix('|') else {
            if word.is_empty() {
                let message = format!("{}: the name of the file is empty", call.name);
                self.error(call.origin, message, "Write a file.");
                return None;
            }
            return Some(LogTarget::File(self.path(word)));
        };
        let program = program.strip_prefix('|').unwrap_or(program);
        let (shell, program) = match program.strip_prefix('$') {
            Some(program) => (true, program),
            None => (false, program),
        };
        if program.trim().is_empty() {
            let message = format!("{}: there is no program behind `|`", call.name);
            let help = "Write a program with its path, such as \"|/usr/bin/rotatelogs …\".";
            self.error(call.origin, message, help);
            return None;
        }
        Some(LogTarget::Program {
            command: program.to_owned(),
            shell,
        })
    }

    /// Outside of all sections but `<VirtualHost>`.
    pub(super) fn is_outside(&self) -> bool {
        self.within.is_none()
    }
}
