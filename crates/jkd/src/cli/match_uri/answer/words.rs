//! How it is said.

use jkworkers::{
    model::{
        Host, Mount,
        variables::{Handler, names},
    },
    uri_map::{Explanation, MAX_URI, Refusal},
};

use crate::{cli::rule::Rule, mapping::Decision, variables::Variable};

pub(super) fn by(rule: &Mount) -> String {
    format!("  by: {}", written(rule))
}

pub(super) fn why_unmapped(
    host: &Host,
    decision: &Decision<'_>,
    explanation: &Explanation<'_>,
) -> String {
    if let Some(variable) = decision.variables.find(names::NO_JK) {
        return format!("{} is set by {}", variable.name, place(variable));
    }
    match host.handler_of(decision.asked()) {
        Handler::File => "SetHandler names the handler of files".to_owned(),
        Handler::Other => "SetHandler names a handler that jkd does not have".to_owned(),
        Handler::Jk => {
            let name = &host.indicators.worker;
            format!("{}, and {name} is not set", unmatched(explanation))
        }
        Handler::Map => unmatched(explanation),
    }
}

pub(super) fn unmatched(explanation: &Explanation<'_>) -> String {
    match (explanation.refusal, explanation.exclusion) {
        (Some(Refusal::TooLong), _) => {
            format!("longer than {MAX_URI} bytes, which are never mapped")
        }
        (Some(Refusal::Unsafe), _) => {
            "a % or \\ after decoding, refused by RejectUnsafeURI".to_owned()
        }
        (None, Some(_)) => "an exclusion takes it away".to_owned(),
        (None, None) => "no rule matches".to_owned(),
    }
}

/// Where a variable was set.
pub(super) fn place(variable: &Variable<'_>) -> String {
    match variable.by {
        Some(origin) => origin.to_string(),
        None => "SetEnv".to_owned(),
    }
}

pub(super) fn written(rule: &Mount) -> String {
    format!("{} ({})", Rule(rule), rule.origin)
}

pub(super) fn describe(host: &Host) -> String {
    let name = host.server_name.as_ref().map(|name| name.name.as_str());
    let kind = if host.addresses.is_empty() {
        "main server"
    } else {
        "virtual host"
    };
    match name {
        Some(name) => format!("{name} ({kind}, {})", host.origin),
        None => format!("{kind} ({})", host.origin),
    }
}
