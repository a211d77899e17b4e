//! `Require`, `Order`, `Allow`, `Deny` and `Satisfy` inside a `<Location>`.

use super::{Apply, Call};
use crate::{
    access::{BadAddress, parse_net},
    diag::Origin,
    httpd::{Node, lex},
    model::{AccessRule, AddressSet, Order, Require},
};

/// What is wrong, and what to do about it.
type Problem = (String, String);

/// `Require …`
pub(in crate::httpd) fn require(apply: &mut Apply<'_>, call: &Call<'_>) {
    match parse_require(call.words) {
        Ok(rule) if rule.negated => apply.refuse_negation("RequireAny", call.origin),
        Ok(rule) => apply.add_require(Require::Rule(rule)),
        Err((message, help)) => apply.error(call.origin, message, help),
    }
}

/// `Order Deny,Allow` and its like.
pub(in crate::httpd) fn order(apply: &mut Apply<'_>, call: &Call<'_>) {
    let allow_first = match &*call.words.join(" ").to_ascii_lowercase() {
        "allow,deny" | "mutual-failure" => true,
        "deny,allow" => false,
        _ => {
            let message = "Order takes Deny,Allow or Allow,Deny".to_owned();
            return apply.error(call.origin, message, "Write no blank behind the comma.");
        }
    };
    apply.current_order().allow_first = allow_first;
}

/// `Allow from …`
pub(in crate::httpd) fn allow(apply: &mut Apply<'_>, call: &Call<'_>) {
    let sets = apply.from(call);
    apply.current_order().allow.extend(sets);
}

/// `Deny from …`
pub(in crate::httpd) fn deny(apply: &mut Apply<'_>, call: &Call<'_>) {
    let sets = apply.from(call);
    apply.current_order().deny.extend(sets);
}

/// `Satisfy All|Any`
pub(in crate::httpd) fn satisfy(apply: &mut Apply<'_>, call: &Call<'_>) {
    let any = match &*call.first().to_ascii_lowercase() {
        "any" => true,
        "all" => false,
        _ => {
            let message = "Satisfy either 'any' or 'all'.".to_owned();
            return apply.error(call.origin, message, "All is the default.");
        }
    };
    apply.current_order().satisfy_any = any;
}

/// `AuthMerging`: only its default is there.
pub(in crate::httpd) fn auth_merging(apply: &mut Apply<'_>, call: &Call<'_>) {
    if !call.first().eq_ignore_ascii_case("off") {
        let message = "AuthMerging And and Or are not in effect yet".to_owned();
        let help = "Write all Require lines into the innermost <Location> and remove the line.";
        apply.error(call.origin, message, help);
    }
}

impl Apply<'_> {
    /// `<RequireAll>`, `<RequireAny>`, `<RequireNone>`
    pub(super) fn require_section(&mut self, node: &Node, children: &[Node]) {
        if self.within.is_none() {
            let message = format!("<{}> not allowed here", node.name);
            return self.error(&node.origin, message, "Write it inside a <Location>.");
        }
        let group = self.require_group(node, children);
        if is_negative(&group) {
            self.refuse_negation("RequireAny", &node.origin);
        } else {
            self.add_require(group);
        }
    }

    /// A section with everything in it.
    fn require_group(&mut self, node: &Node, children: &[Node]) -> Require {
        let all = node.name.eq_ignore_ascii_case("requireall");
        let mut rules = Vec::new();
        for child in children {
            let rule = self.require_child(child);
            let negative = rule.as_ref().is_some_and(is_negative);
            if negative && !all {
                self.refuse_negation(&node.name, &child.origin);
            }
            rules.extend(rule);
        }
        if all && !rules.is_empty() && rules.iter().all(is_negative) {
            let message = "<RequireAll> directive contains only negative authorization directives";
            self.error(
                &node.origin,
                message.to_owned(),
                "Add `Require all granted` to it.",
            );
        }
        if rules.is_empty() {
            let message = format!("<{}> is empty and grants nothing", node.name);
            self.warning(&node.origin, message, "Write Require lines into it.");
        }
        match &*node.name.to_ascii_lowercase() {
            "requireall" => Require::All(rules),
            "requirenone" => Require::None(rules),
            _ => Require::Any(rules),
        }
    }

    fn require_child(&mut self, child: &Node) -> Option<Require> {
        let lower = child.name.to_ascii_lowercase();
        match (&*lower, &child.children) {
            ("requireall" | "requireany" | "requirenone", Some(children)) => {
                Some(self.require_group(child, children))
            }
            ("require", None) => match parse_require(&lex::words(&child.args)) {
                Ok(rule) => Some(Require::Rule(rule)),
                Err((message, help)) => {
                    self.error(&child.origin, message, help);
                    None
                }
            },
            _ => {
                let message = format!("{} not allowed here", child.name);
                self.error(
                    &child.origin,
                    message,
                    "Only Require lines and their sections may stand here.",
                );
                None
            }
        }
    }

    fn refuse_negation(&mut self, section: &str, origin: &Origin) {
        let message = format!("negative Require directive has no effect in <{section}> directive");
        let help = "Put it into <RequireAll>, together with `Require all granted`.";
        self.error(origin, message, help);
    }

    /// `Satisfy Any` where nothing is required lets everybody in.
    pub(super) fn warn_of_empty_satisfaction(&mut self) {
        let Some(section) = self.current_section() else {
            return;
        };
        let access = &section.settings.access;
        let any = access.order.as_ref().is_some_and(|o| o.satisfy_any);
        if any && access.require.is_none() {
            let (covers, origin) = (section.covers.to_string(), section.origin.clone());
            let message =
                format!("Satisfy Any without Require lets everybody into {covers}, as in httpd");
            self.warning(&origin, message, "Remove Satisfy, or write a Require line.");
        }
    }

    fn add_require(&mut self, rule: Require) {
        let require = &mut self.settings().access.require;
        if let Require::Any(rules) = require.get_or_insert(Require::Any(Vec::new())) {
            rules.push(rule);
        }
    }

    /// What access control by `Order` is from its first directive on.
    fn current_order(&mut self) -> &mut Order {
        let order = &mut self.settings().access.order;
        order.get_or_insert(Order {
            allow_first: false,
            allow: Vec::new(),
            deny: Vec::new(),
            satisfy_any: false,
        })
    }

    /// The arguments of `Allow` and `Deny`.
    fn from(&mut self, call: &Call<'_>) -> Vec<AddressSet> {
        let Some((from, names)) = call.words.split_first() else {
            return Vec::new();
        };
        if !from.eq_ignore_ascii_case("from") || names.is_empty() {
            let message = format!("{} takes `from` and then addresses", call.name);
            self.error(
                call.origin,
                message,
                format!("Write `{} from …`.", call.name),
            );
            return Vec::new();
        }
        let mut sets = Vec::new();
        for name in names {
            match from_one(name) {
                Ok(set) => sets.push(set),
                Err((problem, help)) => {
                    self.error(
                        call.origin,
                        format!("{} from {name}: {problem}", call.name),
                        help,
                    );
                }
            }
        }
        sets
    }
}

/// One word behind `from`.
fn from_one(name: &str) -> Result<AddressSet, Problem> {
    if name.eq_ignore_ascii_case("all") {
        return Ok(AddressSet::All);
    }
    if name.to_ascii_lowercase().starts_with("env=") {
        let problem = "environment variables are not in effect yet";
        return Err((problem.into(), "Write addresses.".into()));
    }
    address(name)
}

fn parse_require(words: &[String]) -> Result<AccessRule, Problem> {
    let (negated, words) = match words.split_first() {
        Some((not, rest)) if not.eq_ignore_ascii_case("not") => (true, rest),
        _ => (false, words),
    };
    let (provider, rest) = words
        .split_first()
        .map_or(("", words), |(p, r)| (p.as_str(), r));
    let who = match (&*provider.to_ascii_lowercase(), rest) {
        ("all", [what]) if what.eq_ignore_ascii_case("granted") => vec![AddressSet::All],
        ("all", [what]) if what.eq_ignore_ascii_case("denied") => Vec::new(),
        ("all", _) => {
            let message = "Require all takes `granted` or `denied`".to_owned();
            return Err((message, "Write one of the two.".into()));
        }
        ("local", []) => vec![AddressSet::Local],
        ("local", _) => {
            let message = "Require local takes no argument".to_owned();
            return Err((message, "Write addresses behind `Require ip`.".into()));
        }
        ("ip", []) => {
            let message = "Require ip takes addresses".to_owned();
            return Err((message, BadAddress::Address.remedy().into()));
        }
        ("ip", names) => names
            .iter()
            .map(|n| address_of("Require ip", n))
            .collect::<Result<_, _>>()?,
        _ => return Err(unsupported(provider)),
    };
    Ok(AccessRule { negated, who })
}

fn unsupported(provider: &str) -> Problem {
    (
        format!("Require {provider} is not in effect yet: the location would be open"),
        "Write `Require ip …`, `Require local` or `Require all denied`.".into(),
    )
}

fn address_of(what: &str, name: &str) -> Result<AddressSet, Problem> {
    address(name).map_err(|(problem, help)| (format!("{what} {name}: {problem}"), help))
}

fn address(name: &str) -> Result<AddressSet, Problem> {
    parse_net(name)
        .map(AddressSet::Net)
        .map_err(|bad| (bad.to_string(), bad.remedy().into()))
}

fn is_negative(rule: &Require) -> bool {
    match rule {
        Require::Rule(rule) => rule.negated,
        Require::None(_) => true,
        Require::Any(_) | Require::All(_) => false,
    }
}
