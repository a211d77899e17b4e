//! What several sections say together.

use std::{path::Path, sync::Arc};

use super::{Client, Join, Unknown, Verdict};
use crate::{
    expr::Text,
    model::{Asked, Auth, AuthType, Host, Merging, Order, Require, Section},
};

/// What the sections about a request say about who may come in.
#[derive(Clone, Debug)]
pub struct Policy<'h> {
    /// The `Require` lines that count: the first section's, and those that are merged with them.
    require: Option<&'h Require>,
    merged: Vec<(Merging, &'h Require)>,
    order: Option<&'h Order>,
    kind: Option<&'h AuthType>,
    auth: Merged<'h>,
    /// Who said the `Require` lines, and the `Order`.
    sections: [Option<&'h Section>; 2],
}

#[derive(Clone, Debug, Default)]
struct Merged<'h> {
    name: Option<&'h Text>,
    user_file: Option<&'h Path>,
    group_file: Option<&'h Path>,
    authoritative: Option<bool>,
    forbids: Option<bool>,
}

/// What follows for a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It may come in.
    Allowed,
    /// It may if it authenticates.
    Authenticate,
    /// It may not: 403.
    Forbidden,
    /// Another user might: 401.
    Unauthorized,
    /// An expression that cannot be evaluated: 500, as in httpd.
    Failed,
    /// `AuthType` without any `Require`: 500, as in httpd.
    Misconfigured,
}

impl<'h> Policy<'h> {
    /// Merges what the sections about `asked` say; `None` if they say nothing.
    pub fn about(host: &'h Host, asked: Asked<'_>) -> Option<Self> {
        let mut policy: Option<Self> = None;
        for section in host.sections_about(asked) {
            let settings = &section.settings;
            if !settings.access.is_empty() || !settings.auth.is_empty() {
                policy.get_or_insert_with(Self::empty).add(section);
            }
        }
        policy
    }

    const fn empty() -> Self {
        Self {
            require: None,
            merged: Vec::new(),
            order: None,
            kind: None,
            auth: Merged {
                name: None,
                user_file: None,
                group_file: None,
                authoritative: None,
                forbids: None,
            },
            sections: [None; 2],
        }
    }

    fn add(&mut self, section: &'h Section) {
        let access = &section.settings.access;
        self.add_require(access.merging, access.require.as_ref(), section);
        if let Some(order) = &access.order {
            self.order = Some(order);
            self.sections[1] = Some(section);
        }
        self.add_auth(&section.settings.auth);
    }

    fn add_require(
        &mut self,
        merging: Option<Merging>,
        require: Option<&'h Require>,
        section: &'h Section,
    ) {
        match (merging, require) {
            (Some(merging @ (Merging::And | Merging::Or)), Some(require))
                if self.require.is_some() =>
            {
                self.merged.push((merging, require));
            }
            (None | Some(Merging::And | Merging::Or), None) => return,
            (Some(Merging::Off), _) | (_, Some(_)) => {
                self.require = require;
                self.merged.clear();
            }
        }
        self.sections[0] = Some(section);
    }

    fn add_auth(&mut self, auth: &'h Auth) {
        let merged = &mut self.auth;
        self.kind = auth.kind.as_ref().or(self.kind);
        merged.name = auth.name.as_ref().or(merged.name);
        merged.user_file = auth
            .user_file
            .as_ref()
            .map(|f| f.as_path())
            .or(merged.user_file);
        merged.group_file = auth
            .group_file
            .as_ref()
            .map(|f| f.as_path())
            .or(merged.group_file);
        merged.authoritative = auth.authoritative.or(merged.authoritative);
        merged.forbids = auth.forbids.or(merged.forbids);
    }

    /// Whether `Order`, `Allow` and `Deny` keep it out, whoever its user is.
    pub fn is_kept_out_by_order(&self, client: &impl Client) -> bool {
        self.order.is_some_and(|order| {
            let satisfies_any = order.satisfy_any.contains(client.method());
            !satisfies_any && order.allows(client) == Ok(false)
        })
    }

    /// What follows before the client has authenticated.
    ///
    /// # Errors
    ///
    /// What has to be found out first.
    pub fn before(&self, client: &impl Client) -> Result<Step, Unknown> {
        let ordered = self.order.map_or(Ok(true), |order| order.allows(client))?;
        let any = self
            .order
            .is_some_and(|order| order.satisfy_any.contains(client.method()));
        if ordered == any {
            return Ok(if any { Step::Allowed } else { Step::Forbidden });
        }
        Ok(match self.verdict(client)? {
            None if self.auth_type().is_some() => Step::Misconfigured,
            None | Some(Verdict::Granted) => Step::Allowed,
            Some(Verdict::DeniedWithoutUser) => Step::Authenticate,
            Some(Verdict::Denied | Verdict::Neutral) => Step::Forbidden,
        })
    }

    /// What follows when it has.
    ///
    /// # Errors
    ///
    /// What has to be found out first.
    pub fn after(&self, client: &impl Client) -> Result<Step, Unknown> {
        Ok(match self.verdict(client)? {
            Some(Verdict::Granted) => Step::Allowed,
            Some(Verdict::DeniedWithoutUser) | None => Step::Unauthorized,
            Some(_) if self.auth.forbids == Some(true) => Step::Forbidden,
            Some(_) => Step::Unauthorized,
        })
    }

    /// `AuthType`, as it was written, unless it is `None`.
    pub const fn auth_type(&self) -> Option<&'h Arc<str>> {
        match self.kind {
            Some(AuthType::Basic(text)) => Some(text),
            _ => None,
        }
    }

    /// `AuthName`.
    pub const fn realm(&self) -> Option<&'h Text> {
        self.auth.name
    }

    /// `AuthUserFile`.
    pub const fn user_file(&self) -> Option<&'h Path> {
        self.auth.user_file
    }

    /// `AuthGroupFile`.
    pub const fn group_file(&self) -> Option<&'h Path> {
        self.auth.group_file
    }

    /// `AuthBasicAuthoritative`.
    pub fn is_authoritative(&self) -> bool {
        self.auth.authoritative.unwrap_or(true)
    }

    /// The sections whose `Require` lines, and whose `Order`, count.
    pub fn gatekeepers(&self) -> impl Iterator<Item = &'h Section> {
        let [require, order] = self.sections;
        let is_other = |order: &&Section| require.is_none_or(|one| !std::ptr::eq(one, *order));
        require.into_iter().chain(order.filter(is_other))
    }

    /// As httpd nests merged sections: each into the next one.
    fn verdict(&self, client: &impl Client) -> Result<Option<Verdict>, Unknown> {
        let Some(first) = self.require else {
            return Ok(None);
        };
        let mut sum = Part::of(first, client)?;
        for (merging, require) in &self.merged {
            let join = match merging {
                Merging::Or => Join::Or,
                Merging::And | Merging::Off => Join::And,
            };
            sum = sum.with(Part::of(require, client)?, join);
        }
        Ok(Some(sum.within(Join::And)))
    }
}

/// What the lines of one section come to; `None` where all of them are for other methods.
#[derive(Clone, Copy)]
struct Part(Option<Verdict>);

impl Part {
    fn of(require: &Require, client: &impl Client) -> Result<Self, Unknown> {
        let counts = |child: &Require| match child {
            Require::Limited(methods, _) => methods.contains(client.method()),
            _ => true,
        };
        match require {
            Require::Any(children) if !children.iter().any(counts) => Ok(Self(None)),
            _ => require.verdict(client, Join::And).map(Some).map(Self),
        }
    }

    fn within(self, join: Join) -> Verdict {
        self.0.unwrap_or_else(|| join.neutral())
    }

    fn with(self, other: Self, join: Join) -> Self {
        if self.0.or(other.0).is_none() {
            return self;
        }
        let mut both = Verdict::Neutral;
        for verdict in [self.within(join), other.within(join)] {
            if verdict != Verdict::Neutral && join.add(&mut both, verdict) {
                break;
            }
        }
        Self(Some(both))
    }
}
