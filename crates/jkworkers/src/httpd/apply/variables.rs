//! Variables and what they are for: `SetEnvIf`, `SetEnv` and their relatives, `SetHandler`, and
//! mod_jk's `Jk…Indicator` and `JkEnvVar`.

use std::sync::Arc;

use super::{Apply, Call};
use crate::{
    diag::{excerpt, nearest},
    expr::Expression,
    model::variables::{
        Assignment, Condition, EnvVar, Handler, Indicators, OwnVariable, Setting, Subject,
        VariableRules, names,
    },
    pattern::{Pattern, Template},
};

/// `SetEnvIf attribute regex [!]name[=value] …`
pub(in crate::httpd) fn set_env_if(apply: &mut Apply<'_>, call: &Call<'_>) {
    apply.condition(call, false);
}

/// `SetEnvIfNoCase attribute regex [!]name[=value] …`
pub(in crate::httpd) fn set_env_if_no_case(apply: &mut Apply<'_>, call: &Call<'_>) {
    apply.condition(call, true);
}

/// `BrowserMatch regex [!]name[=value] …`
pub(in crate::httpd) fn browser_match(apply: &mut Apply<'_>, call: &Call<'_>) {
    apply.condition_on("User-Agent", call.words, call, false);
}

/// `BrowserMatchNoCase regex [!]name[=value] …`
pub(in crate::httpd) fn browser_match_no_case(apply: &mut Apply<'_>, call: &Call<'_>) {
    apply.condition_on("User-Agent", call.words, call, true);
}

/// `SetEnvIfExpr expression [!]name[=value] …`
pub(in crate::httpd) fn set_env_if_expr(apply: &mut Apply<'_>, call: &Call<'_>) {
    match Expression::new(call.first()) {
        Ok(expression) => {
            let words = call.words.get(1..).unwrap_or_default();
            let subject = Subject::Expression(expression);
            // Its groups are those of the expression.
            if let Some(pattern) = apply.pattern("()", false, call) {
                apply.conditional(call, subject, pattern, words);
            }
        }
        Err(bad) => {
            let message = format!("{} {}: {bad}", call.name, excerpt(call.first()));
            apply.error(call.origin, message, bad.remedy());
        }
    }
}

/// `SetEnv name [value]`
pub(in crate::httpd) fn set_env(apply: &mut Apply<'_>, call: &Call<'_>) {
    let value = call.words.get(1).map_or("", String::as_str);
    apply.doubt(call.first(), Some(value), call);
    apply.setting(call.first(), value);
}

/// `PassEnv name …`
pub(in crate::httpd) fn pass_env(apply: &mut Apply<'_>, call: &Call<'_>) {
    for name in call.words {
        if let Some(value) = (apply.env)(name) {
            apply.setting(name, &value);
        } else {
            let message = format!("PassEnv variable {name} was undefined");
            let help = "Set it in the environment of the server, or remove its name.";
            apply.warning(call.origin, message, help);
        }
    }
}

/// `UnsetEnv name …`
pub(in crate::httpd) fn unset_env(apply: &mut Apply<'_>, call: &Call<'_>) {
    for name in call.words {
        let rules = apply.variables();
        let is_it = |known: &str| known.eq_ignore_ascii_case(name);
        rules.settings.retain(|setting| !is_it(&setting.name));
        if !rules.unset.iter().any(|known| is_it(known)) {
            rules.unset.push(name.as_str().into());
        }
    }
}

/// `SetHandler name`
pub(in crate::httpd) fn set_handler(apply: &mut Apply<'_>, call: &Call<'_>) {
    let name = call.first();
    let handler = match &*name.to_ascii_lowercase() {
        "none" => Handler::Map,
        "default-handler" => Handler::File,
        "jakarta-servlet" => Handler::Jk,
        _ => {
            let message =
                format!("there is no handler {name} here: what it is set for is answered with 404");
            let help = "Write jakarta-servlet, or None to leave it to the mounts.";
            apply.warning(call.origin, message, help);
            Handler::Other
        }
    };
    apply.settings().handler = Some(handler);
}

/// The name that may be meant by one that nobody reads.
fn misspelt(name: &str) -> Option<&'static str> {
    let lower = name.to_ascii_lowercase();
    if matches!(&*lower, "no_jk" | "nojk" | "jk-no" | "jk_no") {
        return Some(names::NO_JK);
    }
    let is_known = |known: &str| known.eq_ignore_ascii_case(name);
    if !lower.starts_with("jk_") || names::READ.iter().any(|known| is_known(known)) {
        return None;
    }
    nearest(name, names::READ.iter().copied())
}

/// `JkWorkerIndicator` and its relatives.
pub(in crate::httpd) fn indicator(apply: &mut Apply<'_>, call: &Call<'_>) {
    let named = (call.name, Arc::from(call.first()));
    apply.server().indicators.push(named);
}

/// `JkEnvVar name [default]`
pub(in crate::httpd) fn env_var(apply: &mut Apply<'_>, call: &Call<'_>) {
    let name = call.first();
    if name.eq_ignore_ascii_case("UNIQUE_ID") && !apply.draft.loads("unique_id_module") {
        let message = format!("JkEnvVar {name}: nothing makes such a variable here");
        let help =
            "Load unique_id_module before this line, set one by SetEnvIf, or give it a default.";
        apply.warning(call.origin, message, help);
    }
    let default = call.words.get(1).filter(|text| !text.is_empty());
    let default = default.map(|text| text.as_str().into());
    let vars = &mut apply.server().env_vars;
    match vars
        .iter_mut()
        .find(|known| known.name.eq_ignore_ascii_case(name))
    {
        Some(known) => known.default = default,
        None => vars.push(EnvVar {
            name: name.into(),
            own: OwnVariable::named(name),
            default,
        }),
    }
}

impl Apply<'_> {
    /// The rules of the section around, else of the server.
    fn variables(&mut self) -> &mut VariableRules {
        &mut self.settings().variables
    }

    fn setting(&mut self, name: &str, value: &str) {
        let setting = Setting {
            name: name.into(),
            value: value.into(),
        };
        self.variables().set(setting);
    }

    /// Warns of what steers requests in another way than it seems.
    fn doubt(&mut self, name: &str, value: Option<&str>, call: &Call<'_>) {
        let directive = call.name;
        if let Some(meant) = misspelt(name) {
            let message = format!("{directive} {name}: mod_jk reads no variable of this name");
            let help = format!("Did you mean {meant}? Leave it if you mean this one.");
            return self.warning(call.origin, message, help);
        }
        let is_number = |text: &str| text.parse::<i32>().is_ok();
        let Some(text) = value.filter(|text| !text.is_empty() && !is_number(text)) else {
            return;
        };
        let help = match names::ALL.iter().find(|n| n.eq_ignore_ascii_case(name)) {
            Some(&names::REPLY_TIMEOUT) => "Write milliseconds, digits only; 0 is no limit.",
            Some(&(names::STATELESS | names::STICKY_IGNORE)) => {
                "Write 1 to switch it on, or 0 to switch it off."
            }
            _ => return,
        };
        let text = excerpt(text);
        let message = format!(
            "{directive} {name}: `{text}` is no whole number, and only its leading digits count"
        );
        self.warning(call.origin, message, help);
    }

    fn condition(&mut self, call: &Call<'_>, ignores_case: bool) {
        if let Some((attribute, rest)) = call.words.split_first() {
            self.condition_on(attribute, rest, call, ignores_case);
        }
    }

    /// `words` are the expression and the assignments.
    fn condition_on(
        &mut self,
        attribute: &str,
        words: &[String],
        call: &Call<'_>,
        ignores_case: bool,
    ) {
        let Some((text, assignments)) = words.split_first() else {
            return;
        };
        let Some(subject) = self.subject(attribute, call) else {
            return;
        };
        let Some(pattern) = self.pattern(text, ignores_case, call) else {
            return;
        };
        self.conditional(call, subject, pattern, assignments);
    }

    fn conditional(
        &mut self,
        call: &Call<'_>,
        subject: Subject,
        pattern: Pattern,
        assignments: &[String],
    ) {
        let assignments = assignments.iter().map(|word| assignment(word, &pattern));
        let assignments: Vec<_> = assignments.collect();
        for Assignment { name, value } in &assignments {
            let value = value.as_ref().and_then(Template::constant);
            self.doubt(name, value, call);
        }
        let condition = Condition {
            assignments,
            subject,
            pattern,
            origin: call.origin.clone(),
        };
        self.variables().conditions.push(condition);
    }

    fn subject(&mut self, attribute: &str, call: &Call<'_>) -> Option<Subject> {
        Some(match &*attribute.to_ascii_lowercase() {
            "remote_addr" | "remote_host" => Subject::RemoteAddr,
            "server_addr" => Subject::ServerAddr,
            "request_uri" => Subject::RequestUri,
            "request_method" => Subject::RequestMethod,
            "request_protocol" => Subject::RequestProtocol,
            lower if lower.starts_with("oid(") => {
                let message = format!("{} OID: certificates are not looked at", call.name);
                self.error(call.origin, message, "Remove the line.");
                return None;
            }
            lower if lower.bytes().all(is_of_name) => Subject::Named(lower.into()),
            // Names of headers come without their case.
            _ => Subject::AnyHeader(self.pattern(attribute, true, call)?),
        })
    }

    fn pattern(&mut self, text: &str, ignores_case: bool, call: &Call<'_>) -> Option<Pattern> {
        match Pattern::new(text, ignores_case) {
            Ok(pattern) => Some(pattern),
            Err(bad) => {
                let text = excerpt(text);
                let message = format!("{}: cannot use the expression `{text}`: {bad}", call.name);
                self.error(call.origin, message, bad.remedy());
                None
            }
        }
    }
}

/// A name without any other character is no expression.
const fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

/// As httpd reads it: `NAME=` is the same as `NAME`.
fn assignment(word: &str, pattern: &Pattern) -> Assignment {
    let (name, value) = match word.split_once('=') {
        Some((name, value)) if !value.is_empty() => (name, value),
        split => {
            let name = split.map_or(word, |(name, _)| name);
            let plain = name.strip_prefix('!');
            (plain.unwrap_or(name), plain.map_or("1", |_| "!"))
        }
    };
    Assignment {
        name: name.into(),
        value: (!value.starts_with('!')).then(|| Template::new(value, pattern)),
    }
}

/// The names that `directives` give, over those of `base`.
pub(crate) fn indicators(base: Indicators, directives: &[(&'static str, Arc<str>)]) -> Indicators {
    let mut indicators = base;
    for (directive, name) in directives {
        let mut all = indicators.by_directive().into_iter();
        if let Some((_, place)) = all.find(|(known, _)| known == directive) {
            *place = Arc::clone(name);
        }
    }
    indicators
}
