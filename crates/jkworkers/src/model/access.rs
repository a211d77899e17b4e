//! Who may come in: `Require`, `Order`, `Allow`, `Deny`, `Satisfy`.

use std::sync::Arc;

use serde::Serialize;

use super::{Methods, Net};
use crate::expr::{Expression, Text};

/// What one section says about who may come in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Access {
    /// `Require …`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub require: Option<Require>,
    /// `AuthMerging`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merging: Option<Merging>,
    /// `Order`, `Allow`, `Deny`, `Satisfy`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<Order>,
}

impl Access {
    /// Whether nothing was written.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The expressions and the texts that are looked at.
    pub(crate) fn expressions(&self) -> (Vec<&Expression>, Vec<&Text>) {
        let (mut expressions, mut texts) = (Vec::new(), Vec::new());
        if let Some(require) = &self.require {
            require.rules(&mut |rule| match &rule.who {
                Who::Expression(expression) => expressions.push(expression),
                Who::Made(_, text) => texts.push(text),
                _ => {}
            });
        }
        (expressions, texts)
    }

    /// The variables that are looked at.
    pub(crate) fn variables(&self) -> impl Iterator<Item = &str> {
        let mut names = Vec::new();
        if let Some(require) = &self.require {
            require.rules(&mut |rule| {
                if let Who::Env(own) = &rule.who {
                    names.extend(own.iter().map(|name| &**name));
                }
            });
        }
        let lists = self
            .order
            .iter()
            .flat_map(|order| [&order.allow, &order.deny]);
        let from = lists.flatten().filter_map(|entry| match &entry.whence {
            Whence::Env(name) | Whence::NotEnv(name) => Some(&**name),
            _ => None,
        });
        names.into_iter().chain(from)
    }
}

/// `AuthMerging`: what becomes of the `Require` lines of the sections before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Merging {
    /// They do not count, even if this section has none of its own.
    Off,
    /// They have to be met, too.
    And,
    /// They are enough.
    Or,
}

/// `Require` lines and the sections that group them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Require {
    /// `<RequireAny>`, and what a plain list of `Require` lines is: one grant is enough.
    Any(Vec<Self>),
    /// `<RequireAll>`: no refusal and at least one grant.
    All(Vec<Self>),
    /// `<RequireNone>`: no grant.
    None(Vec<Self>),
    /// Inside of `<Limit>`: it counts for some methods only.
    Limited(Methods, Box<Self>),
    /// One line.
    Rule(AccessRule),
}

impl Require {
    /// Shows all lines.
    fn rules<'a>(&'a self, show: &mut impl FnMut(&'a AccessRule)) {
        match self {
            Self::Any(inner) | Self::All(inner) | Self::None(inner) => {
                for each in inner {
                    each.rules(show);
                }
            }
            Self::Limited(_, inner) => inner.rules(show),
            Self::Rule(rule) => show(rule),
        }
    }
}

/// One line of `Require`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AccessRule {
    /// `Require not …`.
    pub negated: bool,
    /// Whom it names.
    pub who: Who,
}

/// Whom a `Require` line names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Who {
    /// `all granted`.
    Everybody,
    /// `all denied`.
    Nobody,
    /// `local`: 127.0.0.0/8, `::1`, or both ends of the connection equal.
    Local,
    /// `ip`: clients in one of these networks.
    Ip(Vec<Net>),
    /// `host`: clients whose name, which must lead back to their address, is or ends in one of
    /// these.
    Host(Vec<String>),
    /// `forward-dns`: clients with an address that one of these names has.
    ForwardDns(Vec<String>),
    /// `method`: requests with one of these methods.
    Method(Methods),
    /// `expr`: requests for which it holds.
    #[serde(rename = "expr")]
    Expression(Expression),
    /// `user`, `group`, `host` or `forward-dns`, with names that each request makes.
    Made(Named, Text),
    /// `env`: requests with one of these variables.
    Env(Vec<Arc<str>>),
    /// `valid-user`: everybody who has authenticated.
    ValidUser,
    /// `user`: these users.
    User(Vec<String>),
    /// `group`: members of these groups.
    Group(Vec<String>),
}

/// What names are the names of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Named {
    /// `forward-dns`
    ForwardDns,
    /// `group`
    Group,
    /// `host`
    Host,
    /// `user`
    User,
}

impl Named {
    /// As it is written.
    pub const fn word(self) -> &'static str {
        match self {
            Self::ForwardDns => "forward-dns",
            Self::Group => "group",
            Self::Host => "host",
            Self::User => "user",
        }
    }

    /// The requirement for these names.
    pub(crate) const fn all(self, names: Vec<String>) -> Who {
        match self {
            Self::ForwardDns => Who::ForwardDns(names),
            Self::Group => Who::Group(names),
            Self::Host => Who::Host(names),
            Self::User => Who::User(names),
        }
    }
}

/// `Order`, `Allow`, `Deny` and `Satisfy`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Order {
    /// `Order Allow,Deny` (and `Mutual-failure`), for these methods: allowed when `allow` matches
    /// and `deny` does not. Otherwise `Order Deny,Allow`: denied when `deny` matches and `allow`
    /// does not.
    pub allow_first: Methods,
    /// `Allow from`.
    pub allow: Vec<Entry>,
    /// `Deny from`.
    pub deny: Vec<Entry>,
    /// `Satisfy Any`, for these methods: either this or the `Require` lines are enough; without any
    /// `Require` line everybody may come in, as in httpd.
    pub satisfy_any: Methods,
}

impl Default for Order {
    fn default() -> Self {
        Self {
            allow_first: Methods::none(),
            allow: Vec::new(),
            deny: Vec::new(),
            satisfy_any: Methods::none(),
        }
    }
}

/// One word behind `Allow from` or `Deny from`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// The methods for which it counts.
    #[serde(skip_serializing_if = "Methods::is_all")]
    pub methods: Methods,
    /// Whom it names.
    pub whence: Whence,
}

/// Whom `Allow` and `Deny` name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Whence {
    /// Everybody.
    All,
    /// An address or a network.
    Net(Net),
    /// Clients whose name, which must lead back to their address, is or ends in this one.
    Host(String),
    /// `env=name`: requests with this variable.
    Env(Arc<str>),
    /// `env=!name`: requests without it.
    NotEnv(Arc<str>),
}
