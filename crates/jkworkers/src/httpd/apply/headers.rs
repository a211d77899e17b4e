//! `Header` and `RequestHeader`.

mod format;

use super::{Apply, Call};
use crate::{
    diag::excerpt,
    expr::Expression,
    model::{Format, HeaderAction, HeaderRule, HeaderRules, When},
    pattern::{Pattern, Template},
};

/// `Header [always|onsuccess] action name [value [replacement]] [early|env=[!]NAME]`
pub(in crate::httpd) fn header(apply: &mut Apply<'_>, call: &Call<'_>) {
    let first = call.first().to_ascii_lowercase();
    let (always, words) = match (&*first, call.words.split_first()) {
        ("always", Some((_, rest))) => (true, rest),
        ("onsuccess", Some((_, rest))) => (false, rest),
        _ => (false, call.words),
    };
    apply.header_rule(words, call, |rules| {
        if always {
            &mut rules.always
        } else {
            &mut rules.on_success
        }
    });
}

/// `RequestHeader action name [value [replacement]] [early|env=[!]NAME]`
pub(in crate::httpd) fn request_header(apply: &mut Apply<'_>, call: &Call<'_>) {
    let action = call.first();
    if action.eq_ignore_ascii_case("echo") {
        let message = "RequestHeader: echo is for answers".to_owned();
        return apply.error(call.origin, message, "Write `Header echo` instead.");
    }
    apply.header_rule(call.words, call, |rules| &mut rules.request);
}

/// What is wrong, and what to do about it.
type Wrong = (String, String);

fn wrong<T>(problem: impl Into<String>, remedy: impl Into<String>) -> Result<T, Wrong> {
    Err((problem.into(), remedy.into()))
}

impl Apply<'_> {
    fn header_rule(
        &mut self,
        words: &[String],
        call: &Call<'_>,
        list: impl FnOnce(&mut HeaderRules) -> &mut Vec<HeaderRule>,
    ) {
        match rule(words, call) {
            Err((problem, remedy)) => {
                self.error(call.origin, format!("{}: {problem}", call.name), remedy);
            }
            Ok(rule) if rule.when == When::Early && self.within.is_some() => {
                let message = format!("{}: early has no effect in a section", call.name);
                let help = "Leave early out, or move the line out of the section.";
                self.warning(call.origin, message, help);
            }
            Ok(rule) => list(&mut self.settings().headers).push(rule),
        }
    }
}

fn rule(words: &[String], call: &Call<'_>) -> Result<HeaderRule, Wrong> {
    let (action, name, rest) = match words {
        [] => return wrong(ACTIONS, format!("Write `{} set NAME VALUE`.", call.name)),
        [action] => {
            find(action)?;
            return wrong("the name of the field is missing", SYNTAX);
        }
        [action, name, rest @ ..] => (find(action)?, name, rest),
    };
    let count = action.values();
    if rest.len() < count {
        let problem = format!("{} takes {} after the name", action.word, plural(count));
        return wrong(problem, SYNTAX);
    }
    let (values, rest) = rest.split_at(count);
    let when = when(rest)?;
    let own = match action.kind {
        Kind::Echo => "",
        _ => field(name)?,
    };
    Ok(HeaderRule {
        action: action.made(name, values)?,
        name: own.into(),
        when,
        origin: call.origin.clone(),
    })
}

const SYNTAX: &str = "Write `set NAME VALUE`, `unset NAME`, `edit NAME REGEX REPLACEMENT`, and \
                      behind it early or env=VARIABLE; put text with blanks in quotes.";

fn plural(count: usize) -> &'static str {
    match count {
        1 => "one value",
        _ => "an expression and a replacement",
    }
}

fn when(words: &[String]) -> Result<When, Wrong> {
    let [word] = words else {
        return match words {
            [] => Ok(When::Always),
            _ => wrong("too many arguments", "Put a value with blanks in quotes."),
        };
    };
    let lower = word.to_ascii_lowercase();
    if lower == "early" {
        return Ok(When::Early);
    }
    if let Some(text) = word.get(5..).filter(|_| lower.starts_with("expr=")) {
        let read = Expression::new(text);
        return match read {
            Ok(expression) => Ok(When::Expression(expression)),
            Err(bad) => wrong(format!("{}: {bad}", excerpt(word)), bad.remedy()),
        };
    }
    let Some(name) = word.get(4..).filter(|_| lower.starts_with("env=")) else {
        let problem = format!("`{}` is no condition", excerpt(word));
        return wrong(
            problem,
            "Write early, env=VARIABLE or env=!VARIABLE; put a value with blanks in quotes.",
        );
    };
    match name.strip_prefix('!').unwrap_or(name) {
        "" => wrong(
            "the name of the variable is missing",
            "Write env=VARIABLE or env=!VARIABLE.",
        ),
        bare if name.starts_with('!') => Ok(When::NotSet(bare.into())),
        bare => Ok(When::Set(bare.into())),
    }
}

/// The name of a field, up to a colon.
fn field(name: &str) -> Result<&str, Wrong> {
    let bare = name.split(':').next().unwrap_or_default();
    let is_token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    if bare.is_empty() || !bare.bytes().all(is_token) {
        let problem = format!("`{}` is no name of a field", excerpt(name));
        return wrong(problem, "Write letters, digits and hyphens.");
    }
    if ["content-length", "transfer-encoding"].contains(&&*bare.to_ascii_lowercase()) {
        let problem = format!("{bare} says where a message ends, and cannot be changed");
        return wrong(problem, "Remove the line: the field is always right.");
    }
    Ok(bare)
}

#[derive(Clone, Copy)]
struct Action {
    word: &'static str,
    kind: Kind,
}

#[derive(Clone, Copy)]
enum Kind {
    /// With one value.
    Value(fn(Format) -> HeaderAction),
    Edit {
        everywhere: bool,
    },
    Echo,
    Unset,
}

const ALL: &[Action] = &[
    of("add", Kind::Value(HeaderAction::Add)),
    of("append", Kind::Value(HeaderAction::Append)),
    of("echo", Kind::Echo),
    of("edit", Kind::Edit { everywhere: false }),
    of("edit*", Kind::Edit { everywhere: true }),
    of("merge", Kind::Value(HeaderAction::Merge)),
    of("note", Kind::Value(HeaderAction::Note)),
    of("set", Kind::Value(HeaderAction::Set)),
    of("setifempty", Kind::Value(HeaderAction::SetIfEmpty)),
    of("unset", Kind::Unset),
];

const ACTIONS: &str = "the action must be add, append, echo, edit, edit*, merge, note, set, \
                       setifempty or unset";

const fn of(word: &'static str, kind: Kind) -> Action {
    Action { word, kind }
}

fn find(word: &str) -> Result<Action, Wrong> {
    let mut all = ALL.iter();
    match all.find(|action| action.word.eq_ignore_ascii_case(word)) {
        Some(action) => Ok(*action),
        None => wrong(format!("{ACTIONS}, not `{}`", excerpt(word)), SYNTAX),
    }
}

impl Action {
    const fn values(self) -> usize {
        match self.kind {
            Kind::Value(_) => 1,
            Kind::Edit { .. } => 2,
            Kind::Echo | Kind::Unset => 0,
        }
    }

    fn made(self, name: &str, values: &[String]) -> Result<HeaderAction, Wrong> {
        Ok(match (self.kind, values) {
            (Kind::Value(make), [value, ..]) => {
                make(format::parse(value, &|text| Template::literal(text))?)
            }
            (Kind::Edit { everywhere }, [text, value, ..]) => {
                let pattern = pattern(text)?;
                HeaderAction::Edit {
                    value: format::parse(value, &|text| Template::substitution(text))?,
                    pattern,
                    everywhere,
                }
            }
            (Kind::Echo, _) => HeaderAction::Echo(pattern(name)?),
            _ => HeaderAction::Unset,
        })
    }
}

fn pattern(text: &str) -> Result<Pattern, Wrong> {
    Pattern::new(text, false).or_else(|bad| {
        let problem = format!("cannot use the expression `{}`: {bad}", excerpt(text));
        wrong(problem, bad.remedy())
    })
}
