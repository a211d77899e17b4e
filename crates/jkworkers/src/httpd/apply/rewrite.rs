//! `RewriteEngine`, `RewriteCond`, `RewriteRule`.

mod arguments;
mod flags;

use self::arguments::Line;
use super::{Apply, Call};
use crate::{
    diag::excerpt,
    httpd::draft::Inherit,
    pattern::Pattern,
    rewrite::{BadText, Condition, Looks, Order, RewriteRule, Test, Text},
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
    let in_section = apply.within.is_some();
    let draft = &mut apply.server().rewriting;
    if in_section {
        draft.on_in_section |= on;
    } else {
        draft.engine = Some(on);
        draft.is_told = true;
    }
}

/// `RewriteOptions OPTION …`
pub(in crate::httpd) fn options(apply: &mut Apply<'_>, call: &Call<'_>) {
    for word in call.words {
        let inherits = match &*word.to_ascii_lowercase() {
            "inherit" => Inherit::After,
            "inheritbefore" => Inherit::Before,
            "ignoreinherit" => Inherit::No,
            // About rules in directories, and about speed.
            "allownoslash" | "longurloptimization" | "mergebase" => continue,
            _ => {
                let message = format!("RewriteOptions: {} is not supported", excerpt(word));
                let help = "Write Inherit or InheritBefore in each <VirtualHost> that is to have \
                            the main server's rules, or nothing.";
                apply.error(call.origin, message, help);
                continue;
            }
        };
        if apply.within.is_none() {
            let draft = &mut apply.server().rewriting;
            draft.inherits = Some(inherits);
            draft.is_told = true;
        }
    }
}

/// `RewriteLog`, `RewriteLogLevel`: httpd 2.2.
pub(in crate::httpd) fn log(apply: &mut Apply<'_>, call: &Call<'_>) {
    let message = format!("{} is one of httpd 2.2 and is ignored", call.name);
    apply.tell_once(call.name, call.origin, message);
}

/// `RewriteMap`
pub(in crate::httpd) fn map(apply: &mut Apply<'_>, call: &Call<'_>) {
    let message = "RewriteMap is not supported: rules that use it would be lost".to_owned();
    let help = "Write a RewriteRule or a RewriteCond for each line of the map.";
    apply.error(call.origin, message, help);
}

/// `RewriteCond test pattern [flags]`
pub(in crate::httpd) fn condition(apply: &mut Apply<'_>, call: &Call<'_>) {
    if apply.within.is_some() {
        return; // The rule behind it says what there is to say.
    }
    match read_condition(call.raw) {
        Ok(condition) => apply.server().rewriting.conditions.push(condition),
        Err((problem, help)) => {
            apply.error(call.origin, format!("RewriteCond: {problem}"), help);
        }
    }
}

/// `RewriteRule pattern substitution [flags]`
pub(in crate::httpd) fn rule(apply: &mut Apply<'_>, call: &Call<'_>) {
    if apply.within.is_some() {
        let line = (call.origin.clone(), excerpt(call.raw).into_owned());
        return apply.server().rewriting.in_sections.push(line);
    }
    let draft = &mut apply.server().rewriting;
    draft.is_told = true;
    let conditions = std::mem::take(&mut draft.conditions);
    match read_rule(call, conditions) {
        Ok(rule) => apply.server().rewriting.rules.push(rule),
        Err((problem, help)) => {
            apply.error(call.origin, format!("RewriteRule: {problem}"), help);
        }
    }
}

impl Apply<'_> {
    /// Rules in sections see paths of files, which no request for a worker has.
    pub(super) fn refuse_rules_in_sections(&mut self) {
        let main = self
            .draft
            .servers
            .first()
            .map(|main| main.rewriting.clone());
        let mut lost = Vec::new();
        for (number, server) in self.draft.servers.iter_mut().enumerate() {
            let draft = &mut server.rewriting;
            let main = main.as_ref().filter(|_| number > 0);
            if draft.is_on(main) || draft.on_in_section {
                lost.append(&mut draft.in_sections);
            }
        }
        for (origin, rule) in lost {
            let message = format!("RewriteRule {rule} is not in effect inside of a section");
            let help = "Write it outside of all sections, with a pattern for the whole path, which \
                        begins with /.";
            self.error(&origin, message, help);
        }
    }
}

fn read_rule(call: &Call<'_>, conditions: Vec<Condition>) -> Result<RewriteRule, Problem> {
    let line = Line::read(call.raw).ok_or_else(|| bad_line("PATTERN SUBSTITUTION [FLAGS]"))?;
    let (flags, ignores_case) = flags::of_rule(line.flags)?;
    let (negated, text) = negation(line.first);
    let pattern = pattern(text, ignores_case)?;
    let to = match line.second {
        "-" => None,
        text => Some(self::text(text)?),
    };
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
    if line.first.eq_ignore_ascii_case("expr") {
        let help = "Write a condition for each part of the expression.";
        return Err(("expressions are not supported".to_owned(), help.to_owned()));
    }
    let flags = flags::of_condition(line.flags)?;
    let (negated, wanted) = negation(line.second);
    Ok(Condition {
        subject: text(line.first)?,
        negated,
        looks: looks(wanted, flags.ignores_case)?,
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
    let order = |order| Looks::Text(order, or_equal.unwrap_or(behind).to_owned());
    Ok(match (first, or_equal) {
        ('<', Some(_)) => order(Order::LessOrEqual),
        ('<', None) => order(Order::Less),
        ('>', Some(_)) => order(Order::GreaterOrEqual),
        ('>', None) => order(Order::Greater),
        ('=', _) => Looks::Equal {
            text: behind.replace("\"\"", ""),
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
            let help = "Test for the file with -f, or write the paths into a pattern.";
            return Err((format!("-{text} is not supported"), help.to_owned()));
        }
        _ => {}
    }
    let (name, number) = text.split_at_checked(2).unwrap_or_default();
    let order = match name {
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
        BadText::Map => (
            "maps are not supported".to_owned(),
            "Write a rule for each line of the map.".to_owned(),
        ),
        BadText::LookAhead => (
            "%{LA-U:…} and %{LA-F:…} are not supported".to_owned(),
            "Use a variable that is known before the request is mapped.".to_owned(),
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
