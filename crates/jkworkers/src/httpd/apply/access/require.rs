//! `Require` and the sections that group its lines.

use super::{Apply, Call, Problem};
use crate::{
    access::{BadAddress, parse_net},
    diag::{Origin, excerpt, nearest},
    expr::{BadExpression, Expression, Text},
    httpd::{Node, lex},
    model::{AccessRule, KNOWN_METHODS, Methods, Named, Require, Who},
};

/// `Require …`
pub(in crate::httpd) fn require(apply: &mut Apply<'_>, call: &Call<'_>) {
    match parse(call.words, call.raw) {
        Ok(rule) => {
            apply.warn_of_nobody(&rule, call.origin);
            let rule = apply.limited(Require::Rule(rule));
            apply.add_require(rule, call.origin);
        }
        Err((message, help)) => apply.error(call.origin, message, help),
    }
}

impl Apply<'_> {
    /// `<RequireAll>`, `<RequireAny>`, `<RequireNone>`
    pub(in crate::httpd::apply) fn require_section(&mut self, node: &Node, children: &[Node]) {
        if self.within.is_none() {
            let message = format!("<{}> not allowed here", node.name);
            return self.error(&node.origin, message, "Write it inside a <Location>.");
        }
        let group = self.require_group(node, children);
        let group = self.limited(group);
        self.add_require(group, &node.origin);
    }

    /// A section with everything in it.
    fn require_group(&mut self, node: &Node, children: &[Node]) -> Require {
        let all = node.name.eq_ignore_ascii_case("requireall");
        let mut rules = Vec::new();
        self.require_children(node, children, &mut rules);
        if rules.is_empty() {
            let message = format!(
                "<{}> directive contains no authorization directives",
                node.name
            );
            self.error(&node.origin, message, "Write Require lines into it.");
        } else if all && rules.iter().all(is_negative) {
            let message = "<RequireAll> directive contains only negative authorization directives";
            let help = "Add `Require all granted` to it.";
            self.error(&node.origin, message.to_owned(), help);
        }
        match &*node.name.to_ascii_lowercase() {
            "requireall" => Require::All(rules),
            "requirenone" => Require::None(rules),
            _ => Require::Any(rules),
        }
    }

    fn require_children(&mut self, node: &Node, children: &[Node], rules: &mut Vec<Require>) {
        let all = node.name.eq_ignore_ascii_case("requireall");
        for child in children {
            if let (Some(inner), true) = (&child.children, is_limit(&child.name)) {
                self.within_limit(child, |apply| apply.require_children(node, inner, rules));
                continue;
            }
            let Some(rule) = self.require_child(child) else {
                continue;
            };
            if is_negative(&rule) && !all {
                self.refuse_negation(&rule, &node.name, &child.origin);
            }
            rules.push(self.limited(rule));
        }
    }

    fn require_child(&mut self, child: &Node) -> Option<Require> {
        let lower = child.name.to_ascii_lowercase();
        match (&*lower, &child.children) {
            ("requireall" | "requireany" | "requirenone", Some(children)) => {
                Some(self.require_group(child, children))
            }
            ("require", None) => match parse(&lex::words(&child.args), &child.args) {
                Ok(rule) => {
                    self.warn_of_nobody(&rule, &child.origin);
                    Some(Require::Rule(rule))
                }
                Err((message, help)) => {
                    self.error(&child.origin, message, help);
                    None
                }
            },
            _ => {
                let message = format!("{} not allowed here", child.name);
                let help = "Only Require lines and their sections may stand here.";
                self.error(&child.origin, message, help);
                None
            }
        }
    }

    /// Inside of `<Limit>` a rule is for its methods only.
    fn limited(&self, rule: Require) -> Require {
        if self.methods.is_all() {
            rule
        } else {
            Require::Limited(self.methods.clone(), Box::new(rule))
        }
    }

    fn refuse_negation(&mut self, rule: &Require, section: &str, origin: &Origin) {
        let what = match rule {
            Require::None(_) => "<RequireNone> directive",
            _ => "negative Require directive",
        };
        let message = format!("{what} has no effect in <{section}> directive");
        let help = "Put it into <RequireAll>, together with `Require all granted`.";
        self.error(origin, message, help);
    }

    fn add_require(&mut self, rule: Require, origin: &Origin) {
        if is_negative(&rule) {
            return self.refuse_negation(&rule, "RequireAny", origin);
        }
        let require = &mut self.settings().access.require;
        if let Require::Any(rules) = require.get_or_insert(Require::Any(Vec::new())) {
            rules.push(rule);
        }
    }

    /// httpd takes such lines.
    fn warn_of_nobody(&mut self, rule: &AccessRule, origin: &Origin) {
        let (kind, names) = match &rule.who {
            Who::Host(names) => ("host", names),
            Who::ForwardDns(names) => ("forward-dns", names),
            Who::User(names) => ("user", names),
            Who::Group(names) => ("group", names),
            _ => return,
        };
        if names.is_empty() {
            let message = format!("Require {kind} without a name is met by nobody");
            self.warning(origin, message, format!("Write `Require {kind} NAME`."));
        }
    }
}

/// `<Limit>` or `<LimitExcept>`.
fn is_limit(name: &str) -> bool {
    name.eq_ignore_ascii_case("limit") || name.eq_ignore_ascii_case("limitexcept")
}

fn is_negative(rule: &Require) -> bool {
    match rule {
        Require::Rule(rule) => rule.negated,
        Require::Limited(_, inner) => is_negative(inner),
        Require::None(_) => true,
        Require::Any(_) | Require::All(_) => false,
    }
}

/// `raw` are the words as they were written.
fn parse(words: &[String], raw: &str) -> Result<AccessRule, Problem> {
    let (negated, words, raw) = match words.split_first() {
        Some((not, rest)) if not.eq_ignore_ascii_case("not") => (true, rest, behind(raw)),
        _ => (false, words, raw),
    };
    let (provider, rest) = words
        .split_first()
        .map_or(("", words), |(p, r)| (p.as_str(), r));
    let lower = provider.to_ascii_lowercase();
    let who = match special(&lower, rest, behind(raw))? {
        Some(who) => who,
        None => who(&lower, rest)?,
    };
    Ok(AccessRule { negated, who })
}

/// What stands behind the first word.
fn behind(raw: &str) -> &str {
    lex::word(raw).map_or("", |(_, rest)| rest)
}

/// What is made for each request.
fn special(provider: &str, words: &[String], raw: &str) -> Result<Option<Who>, Problem> {
    let problem = |bad: BadExpression| {
        let message = format!("Require {provider} {}: {bad}", excerpt(raw));
        (message, bad.remedy().to_owned())
    };
    if provider == "expr" {
        let raw = lex::trim(raw);
        let inner = raw.strip_prefix('"').and_then(|raw| raw.strip_suffix('"'));
        let read = Expression::new(inner.unwrap_or(raw)).map_err(problem)?;
        return Ok(Some(Who::Expression(read)));
    }
    if !words.iter().any(|word| word.contains("%{")) {
        return Ok(None);
    }
    let named = match provider {
        "forward-dns" => Named::ForwardDns,
        "group" => Named::Group,
        "host" => Named::Host,
        "user" => Named::User,
        _ => return Ok(None),
    };
    let text = Text::new(lex::trim(raw)).map_err(problem)?;
    Ok(Some(Who::Made(named, text)))
}

fn who(provider: &str, words: &[String]) -> Result<Who, Problem> {
    Ok(match provider {
        "all" => return all(words),
        "local" => Who::Local,
        "ip" => return ip(words),
        "host" => Who::Host(words.to_vec()),
        "forward-dns" => Who::ForwardDns(words.to_vec()),
        "method" => return method(words),
        "env" => Who::Env(words.iter().map(|name| name.as_str().into()).collect()),
        "valid-user" => Who::ValidUser,
        "user" => Who::User(words.to_vec()),
        "group" => Who::Group(words.to_vec()),
        _ => return Err(unsupported(provider)),
    })
}

fn all(words: &[String]) -> Result<Who, Problem> {
    match words {
        [what] if what.eq_ignore_ascii_case("granted") => Ok(Who::Everybody),
        [what] if what.eq_ignore_ascii_case("denied") => Ok(Who::Nobody),
        _ => {
            let message = "Require all takes `granted` or `denied`".to_owned();
            Err((message, "Write one of the two.".into()))
        }
    }
}

fn ip(words: &[String]) -> Result<Who, Problem> {
    if words.is_empty() {
        let message = "Require ip takes addresses".to_owned();
        return Err((message, BadAddress::Address.remedy().into()));
    }
    let net = |word: &String| {
        parse_net(word)
            .map_err(|bad| (format!("Require ip {word}: {bad}"), bad.remedy().to_owned()))
    };
    Ok(Who::Ip(words.iter().map(net).collect::<Result<_, _>>()?))
}

fn method(words: &[String]) -> Result<Who, Problem> {
    methods(words).map(Who::Method).map_err(|word| {
        let message = format!("Require method {word}: httpd knows no such method");
        (message, "Write GET, POST and the like in capitals.".into())
    })
}

/// These methods, or the one that nobody knows.
pub(super) fn methods(words: &[String]) -> Result<Methods, &str> {
    match words.iter().find(|word| !KNOWN_METHODS.contains(&&***word)) {
        Some(word) => Err(word),
        None => Ok(Methods::of(words.iter().map(String::as_str))),
    }
}

fn unsupported(provider: &str) -> Problem {
    const KNOWN: &[&str] = &[
        "all",
        "env",
        "expr",
        "group",
        "host",
        "ip",
        "local",
        "method",
        "user",
        "valid-user",
    ];
    let help = match nearest(provider, KNOWN.iter().copied()) {
        Some(known) => format!("Did you mean `Require {known}`?"),
        None => SUPPORTED.to_owned(),
    };
    (
        format!("Require {provider} is not supported: what it protects would be open"),
        help,
    )
}

const SUPPORTED: &str = "Write `Require ip …`, `Require user …`, `Require all denied` or another kind that the manual \
     names.";
