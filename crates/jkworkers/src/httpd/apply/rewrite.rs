//! `RewriteEngine`, `RewriteCond`, `RewriteRule` and their relatives.

mod arguments;
mod flags;
mod maps;

use std::sync::Arc;

use self::arguments::Line;
pub(in crate::httpd) use self::maps::map;
use super::{Apply, Call};
use crate::{
    diag::excerpt,
    expr::Expression,
    pattern::Pattern,
    rewrite::{
        BadText, Condition, Looks, Options, Order, RewriteRule, SectionRewriting, Test, Text,
    },
};

/// What is wrong, and what to do about it.
type Problem = (String, String);

/// `RewriteEngine On|Off`
pub(in crate::httpd) fn engine(apply: &mut Apply<'_>, call: &Call<'_>) {
    let on = match &*call.first().to_ascii_lowercase() {
        "on" => true,
        "off" => false,
        _ => {
            let message = "RewriteEngine must be On or Off".to_owned();
            return apply.error(call.origin, message, "Write On or Off.");
        }
    };
    if apply.within.is_none() {
        apply.server().rewriting.engine = Some(on);
    }
    apply.rewriting().engine = Some(on);
}

/// `RewriteOptions OPTION …`
pub(in crate::httpd) fn options(apply: &mut Apply<'_>, call: &Call<'_>) {
    let mut options = Options::default();
    for word in call.words {
        let option = match &*word.to_ascii_lowercase() {
            "inherit" => &mut options.inherit,
            "inheritbefore" => &mut options.inherit_before,
            "inheritdown" => &mut options.inherit_down,
            "inheritdownbefore" => &mut options.inherit_down_before,
            "ignoreinherit" => &mut options.ignore_inherit,
            "allownoslash" => &mut options.no_slash,
            "mergebase" => &mut options.merge_base,
            "ignorecontextinfo" => &mut options.ignore_context,
            "unsafeprefixstat" => &mut options.any_file,
            "longurloptimization" => continue,
            lower if lower.starts_with("maxredirects=") => {
                let message = "RewriteOptions: MaxRedirects counts no more, as in httpd";
                let help = "Write LimitInternalRecursion.";
                apply.warning(call.origin, message.to_owned(), help);
                continue;
            }
            _ => {
                let message = format!("RewriteOptions: {} is not supported", excerpt(word));
                let help = "Write Inherit, InheritBefore, InheritDown, InheritDownBefore, \
                            IgnoreInherit, AllowNoSlash, MergeBase, IgnoreContextInfo or nothing.";
                apply.error(call.origin, message, help);
                continue;
            }
        };
        *option = true;
    }
    let add = |said: &mut Option<Options>| *said = Some(said.unwrap_or_default().and(options));
    if apply.within.is_none() {
        add(&mut apply.server().rewriting.options);
    }
    add(&mut apply.rewriting().options);
}

/// `RewriteBase path`
pub(in crate::httpd) fn base(apply: &mut Apply<'_>, call: &Call<'_>) {
    let path = call.first();
    if !path.starts_with('/') {
        let message = "RewriteBase: argument is not a valid URL".to_owned();
        return apply.error(
            call.origin,
            message,
            "Write a path of requests, such as /app.",
        );
    }
    apply.rewriting().base = Some(path.into());
}

/// `LimitInternalRecursion turns [subrequests]`: zero is the default.
pub(in crate::httpd) fn turns(apply: &mut Apply<'_>, call: &Call<'_>) {
    let numbers: Result<Vec<u32>, _> = call.words.iter().map(|word| word.parse()).collect();
    if let Ok([turns, ..]) = numbers.as_deref() {
        apply.server().max_turns = Some(*turns).filter(|turns| *turns > 0);
    } else {
        let message = "LimitInternalRecursion: not a number".to_owned();
        apply.error(call.origin, message, "Write a number, such as 10.");
    }
}

/// `RewriteLog`, `RewriteLogLevel`: httpd 2.2.
pub(in crate::httpd) fn log(apply: &mut Apply<'_>, call: &Call<'_>) {
    let message = format!("{} is one of httpd 2.2 and is ignored", call.name);
    apply.tell_once(call.name, call.origin, message);
}

/// `RewriteCond test pattern [flags]`
pub(in crate::httpd) fn condition(apply: &mut Apply<'_>, call: &Call<'_>) {
    match read_condition(call.raw) {
        Ok(condition) if apply.within.is_some() => {
            apply.rewriting().pending.0.push(condition);
        }
        Ok(condition) => apply.server().rewriting.conditions.push(condition),
        Err((problem, help)) => {
            apply.error(call.origin, format!("RewriteCond: {problem}"), help);
        }
    }
}

/// `RewriteRule pattern substitution [flags]`
pub(in crate::httpd) fn rule(apply: &mut Apply<'_>, call: &Call<'_>) {
    let in_section = apply.within.is_some();
    let said = apply.rewriting();
    let conditions = if in_section {
        std::mem::take(&mut said.pending.0)
    } else {
        std::mem::take(&mut apply.server().rewriting.conditions)
    };
    match read_rule(call, conditions) {
        Ok(rule) if in_section => apply.rewriting().rules.push(Arc::new(rule)),
        Ok(rule) => apply.server().rewriting.rules.push(Arc::new(rule)),
        Err((problem, help)) => {
            apply.error(call.origin, format!("RewriteRule: {problem}"), help);
        }
    }
}

impl Apply<'_> {
    /// What is said in the section around, or about all sections.
    fn rewriting(&mut self) -> &mut SectionRewriting {
        self.server().rewriting.is_told = true;
        let in_section = self.within.is_some();
        let said = &mut self.settings().rewriting;
        said.is_told |= in_section;
        said
    }
}

fn read_rule(call: &Call<'_>, conditions: Vec<Condition>) -> Result<RewriteRule, Problem> {
    let line = Line::read(call.raw).ok_or_else(|| bad_line("PATTERN SUBSTITUTION [FLAGS]"))?;
    let (mut flags, ignores_case) = flags::of_rule(line.flags)?;
    let (negated, text) = negation(line.first);
    let pattern = pattern(text, ignores_case)?;
    let mut to = line.second;
    if let Some(path) = to.strip_suffix('?') {
        if flags.append_query {
            flags.last_mark = true;
        } else {
            (to, flags.no_query) = (path, true);
        }
    } else {
        flags.no_query = flags.discard_query && !to.contains('?');
    }
    let is_path = to != "-" && flags.status.is_none();
    let to = is_path.then(|| self::text(to)).transpose()?;
    Ok(RewriteRule {
        pattern,
        negated,
        conditions,
        to,
        flags,
        written: call.raw.to_owned(),
        origin: call.origin.clone(),
    })
}

fn read_condition(raw: &str) -> Result<Condition, Problem> {
    let line = Line::read(raw).ok_or_else(|| bad_line("TEST PATTERN [FLAGS]"))?;
    let flags = flags::of_condition(line.flags)?;
    let (negated, wanted) = negation(line.second);
    let (subject, looks) = if line.first.eq_ignore_ascii_case("expr") {
        (text("")?, Looks::Expression(expression(wanted)?))
    } else {
        (text(line.first)?, looks(wanted, flags.ignores_case)?)
    };
    Ok(Condition {
        subject,
        negated,
        looks,
        or_next: flags.or_next,
        no_vary: flags.no_vary,
    })
}

/// What a subject has to look like.
fn looks(wanted: &str, ignores_case: bool) -> Result<Looks, Problem> {
    let mut chars = wanted.chars();
    let (Some(first), Some(_)) = (chars.next(), chars.next()) else {
        return pattern(wanted, ignores_case).map(Looks::Pattern);
    };
    let behind = wanted.get(1..).unwrap_or_default();
    let or_equal = behind.strip_prefix('=');
    let order = |order| Looks::Text {
        order,
        text: or_equal.unwrap_or(behind).to_owned(),
        ignores_case,
    };
    Ok(match (first, or_equal) {
        ('<', Some(_)) => order(Order::LessOrEqual),
        ('<', None) => order(Order::Less),
        ('>', Some(_)) => order(Order::GreaterOrEqual),
        ('>', None) => order(Order::Greater),
        ('=', _) => Looks::Equal {
            text: if behind == "\"\"" { "" } else { behind }.to_owned(),
            ignores_case,
        },
        ('-', _) => match test(behind)? {
            Some(looks) => looks,
            None => pattern(wanted, ignores_case).map(Looks::Pattern)?,
        },
        _ => pattern(wanted, ignores_case).map(Looks::Pattern)?,
    })
}

/// What stands behind a `-`; `None`: it is an expression.
fn test(text: &str) -> Result<Option<Looks>, Problem> {
    let file = |test| Ok(Some(Looks::File(test)));
    match text {
        "f" => return file(Test::Regular),
        "d" => return file(Test::Directory),
        "s" => return file(Test::NotEmpty),
        "h" | "l" | "L" => return file(Test::Link),
        "x" => return file(Test::Executable),
        "F" | "U" => {
            let is_file = text == "F";
            return Ok(Some(Looks::Answered { is_file }));
        }
        _ => {}
    }
    let (name, number) = text.split_at_checked(2).unwrap_or_default();
    let order = match name {
        _ if number.is_empty() => return Ok(None),
        "eq" => Order::Equal,
        "ge" => Order::GreaterOrEqual,
        "gt" => Order::Greater,
        "le" => Order::LessOrEqual,
        "lt" => Order::Less,
        "ne" => Order::NotEqual,
        _ => return Ok(None),
    };
    let number = crate::rewrite::number_of(number.as_bytes());
    Ok(Some(Looks::Number(order, number)))
}

fn expression(text: &str) -> Result<Expression, Problem> {
    Expression::new(text).map_err(|bad| {
        let message = format!("cannot use the expression {}: {bad}", excerpt(text));
        (message, bad.remedy().to_owned())
    })
}

fn negation(text: &str) -> (bool, &str) {
    match text.strip_prefix('!') {
        Some(rest) => (true, rest),
        None => (false, text),
    }
}

fn pattern(text: &str, ignores_case: bool) -> Result<Pattern, Problem> {
    Pattern::new(text, ignores_case).map_err(|bad| {
        let message = format!("cannot use the expression {}: {bad}", excerpt(text));
        (message, bad.remedy().to_owned())
    })
}

fn text(text: &str) -> Result<Text, Problem> {
    Text::new(text).map_err(|bad| match bad {
        BadText::Depth => (
            "maps are nested too deep".to_owned(),
            "Ask one map for the key of another one at most.".to_owned(),
        ),
        BadText::Name(name) => (
            format!("there is no variable %{{{}}}", excerpt(&name)),
            "Correct the name; headers are %{HTTP:Name}, variables are %{ENV:NAME}.".to_owned(),
        ),
    })
}

fn bad_line(syntax: &str) -> Problem {
    let help = format!("Write {syntax}; what has blanks goes in quotes.");
    ("bad argument line".to_owned(), help)
}
