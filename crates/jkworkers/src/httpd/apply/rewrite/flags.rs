//! What stands in `[…]` behind a rule or a condition.

use super::Problem;
use crate::{
    diag::excerpt,
    model::{has_error_page, variables::Handler},
    rewrite::{Escape, Flags, MAX_ROUNDS},
};

/// The flags of a condition.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct OfCondition {
    pub(super) ignores_case: bool,
    pub(super) or_next: bool,
    pub(super) no_vary: bool,
}

pub(super) fn of_condition(text: Option<&str>) -> Result<OfCondition, Problem> {
    let mut flags = OfCondition::default();
    for (name, _) in split(text)? {
        match &*name.to_ascii_lowercase() {
            "nc" | "nocase" => flags.ignores_case = true,
            "or" | "ornext" => flags.or_next = true,
            "nv" | "novary" => flags.no_vary = true,
            _ => return Err(unknown(name)),
        }
    }
    Ok(flags)
}

/// The flags of a rule, and whether case makes no difference to its pattern.
pub(super) fn of_rule(text: Option<&str>) -> Result<(Flags, bool), Problem> {
    let mut flags = Flags::default();
    let mut ignores_case = false;
    for (name, value) in split(text)? {
        match &*name.to_ascii_lowercase() {
            "nc" | "nocase" => ignores_case = true,
            lower => set(&mut flags, lower, name, value)?,
        }
    }
    Ok((flags, ignores_case))
}

#[allow(clippy::too_many_lines, reason = "a flat match")]
fn set(flags: &mut Flags, lower: &str, name: &str, value: &str) -> Result<(), Problem> {
    match lower {
        "b" | "backrefescaping" => {
            escape(flags).is_on = true;
            if !value.is_empty() {
                escape(flags).only = Some(value.to_owned());
            }
        }
        "bctls" => {
            escape(flags).is_on = true;
            escape(flags).controls = true;
        }
        "bne" if value.is_empty() => {
            let message = "flag 'BNE' wants a list of characters (i.e. [BNE=...])";
            return Err((message.to_owned(), "Write BNE=/ or the like.".to_owned()));
        }
        "bne" => value.clone_into(&mut escape(flags).never),
        "bnp" | "backrefernoplus" => escape(flags).no_plus = true,
        "c" | "chain" => flags.chain = true,
        "co" | "cookie" => flags.cookies.push(super::text(value)?),
        "dpi" | "discardpath" => flags.no_path_info = true,
        "e" | "env" => flags.variables.push(super::text(value)?),
        "end" => flags.end = true,
        "l" | "last" => flags.last = true,
        "f" | "forbidden" => flags.status = Some(403),
        "g" | "gone" => flags.status = Some(410),
        "h" | "handler" => flags.handler = Some(handler(value)?),
        "n" | "next" => {
            let rounds = value.parse().unwrap_or(MAX_ROUNDS);
            flags.again = Some(rounds.min(MAX_ROUNDS));
        }
        "ne" | "noescape" => flags.no_escape = true,
        "ns" | "nosubreq" => flags.not_ahead = true,
        "p" | "proxy" => return Err(proxy()),
        "pt" | "passthrough" => flags.pass = true,
        "qsa" | "qsappend" => flags.append_query = true,
        "qsd" | "qsdiscard" => flags.discard_query = true,
        "qsl" | "qslast" => flags.last_mark = true,
        "r" | "redirect" => redirect(flags, value)?,
        "s" | "skip" => {
            let number = crate::rewrite::number_of(value.as_bytes());
            flags.skip = usize::try_from(number).unwrap_or_default();
        }
        "t" | "type" => flags.kind = Some(super::text(value)?),
        "unc" => flags.keeps_slashes = true,
        "unsafeallow3f" => flags.allow_mark = true,
        "unsafeprefixstat" => flags.allow_any_file = true,
        _ => return Err(unknown(name)),
    }
    Ok(())
}

fn escape(flags: &mut Flags) -> &mut Escape {
    flags.escape.get_or_insert_default()
}

/// There is no mod_proxy.
fn proxy() -> Problem {
    let message = "the flag P is mod_proxy's: jkd sends requests to workers only";
    let help = "Mount the path (JkMount) and write the rule with [PT] instead of [P], with a path \
                instead of a URL; other servers need a proxy of their own.";
    (message.to_owned(), help.to_owned())
}

fn redirect(flags: &mut Flags, value: &str) -> Result<(), Problem> {
    let status = match &*value.to_ascii_lowercase() {
        "" | "temp" => 302,
        "permanent" => 301,
        "seeother" => 303,
        number => number.parse().unwrap_or_default(),
    };
    if !has_error_page(status) {
        let message = format!(
            "invalid HTTP response code '{}' for flag 'R'",
            excerpt(value)
        );
        let help = "Write permanent, temp, seeother, or a status from 300 to 511.";
        return Err((message, help.to_owned()));
    }
    flags.not_on_behalf = true;
    if (300..400).contains(&status) {
        flags.redirect = Some(status);
    } else {
        flags.status = Some(status);
    }
    Ok(())
}

fn handler(value: &str) -> Result<Handler, Problem> {
    if value == "jakarta-servlet" {
        return Ok(Handler::Jk);
    }
    let message = format!("there is no handler {}", excerpt(value));
    Err((message, "Write H=jakarta-servlet, or remove it.".to_owned()))
}

/// Names, and what stands behind their `=`.
fn split(text: Option<&str>) -> Result<Vec<(&str, &str)>, Problem> {
    let Some(text) = text else {
        return Ok(Vec::new());
    };
    let inner = text.strip_prefix('[').and_then(|t| t.strip_suffix(']'));
    let inner = inner.ok_or_else(|| {
        let message = format!("bad flag delimiters: {}", excerpt(text));
        (
            message,
            "Write flags as [A,B]; with blanks in quotes.".to_owned(),
        )
    })?;
    let flags = inner
        .split(',')
        .map(str::trim)
        .filter(|flag| !flag.is_empty());
    Ok(flags
        .map(|flag| flag.split_once('=').unwrap_or((flag, "")))
        .collect())
}

fn unknown(name: &str) -> Problem {
    let message = format!("unknown flag '{}'", excerpt(name));
    (message, "Correct its name, or remove it.".to_owned())
}
