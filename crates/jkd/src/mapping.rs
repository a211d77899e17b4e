//! Which worker a request is for: the URI map, `no-jk`, `SetHandler` and the variable that names a
//! worker.

use std::{borrow::Cow, sync::Arc};

use jkworkers::{
    model::{
        Activation, Host, Mount, RuleExtensions,
        variables::{Handler, names::NO_JK},
    },
    target::Target,
    uri_map,
};

use crate::{rescue::Stumble, snapshot::Snapshot, variables::Variables};

/// A worker, and how this request uses it.
#[derive(Debug)]
pub(crate) enum Mapped<'a> {
    /// A rule of the map says so.
    Rule(&'a Mount),
    /// A variable does.
    Named(Box<Target>),
}

impl Mapped<'_> {
    pub(crate) fn worker(&self) -> &str {
        match self {
            Self::Rule(mount) => &mount.worker,
            Self::Named(target) => &target.worker,
        }
    }

    pub(crate) fn extensions(&self) -> &RuleExtensions {
        match self {
            Self::Rule(mount) => &mount.extensions,
            Self::Named(target) => &target.extensions,
        }
    }

    /// By member index.
    pub(crate) fn activations(&self) -> &[Option<Activation>] {
        let activations: &Arc<[_]> = match self {
            Self::Rule(mount) => &mount.activations,
            Self::Named(target) => &target.activations,
        };
        activations
    }

    /// `JkStripSession`: the decoded path of a request that no rule maps loses its session id.
    pub(crate) fn stripped<'p>(&self, host: &Host, decoded: &'p [u8]) -> Cow<'p, [u8]> {
        match (self, &host.strip_session) {
            (Self::Named(_), Some(name)) => uri_map::without_session(decoded, name),
            _ => Cow::Borrowed(decoded),
        }
    }

    /// Where it was written, for logs.
    pub(crate) fn origin(&self) -> String {
        match self {
            Self::Rule(mount) => mount.origin.to_string(),
            Self::Named(_) => "a variable".to_owned(),
        }
    }
}

/// The rule of the map for `path` (normalised), unless `no-jk` is set already.
pub(crate) fn rule<'a>(
    host: &'a Host,
    path: &[u8],
    variables: &Variables<'_>,
) -> Option<&'a Mount> {
    if variables.has(NO_JK) {
        return None;
    }
    host.uri_map.find(path)
}

/// The worker, when all is known about the request: `rule` is what [`rule()`] found.
///
/// # Errors
///
/// When the request is for none.
pub(crate) fn worker<'a>(
    snapshot: &Snapshot,
    host: &Host,
    path: &[u8],
    rule: Option<&'a Mount>,
    variables: &Variables<'_>,
) -> Result<Mapped<'a>, Stumble> {
    if variables.has(NO_JK) {
        return Err(Stumble::Unmapped);
    }
    match (host.handler_of(path), rule) {
        (Handler::Map | Handler::Jk, Some(mount)) => Ok(Mapped::Rule(mount)),
        (Handler::Jk, None) => {
            let text = variables.get(&host.indicators.worker);
            let text = text.ok_or(Stumble::Unmapped)?;
            Ok(Mapped::Named(named(
                snapshot,
                &String::from_utf8_lossy(text),
            )))
        }
        (Handler::Map, None) | (Handler::Other, _) => Err(Stumble::Unmapped),
    }
}

/// Whether a request that is for no worker may be for a file of `JkAutoAlias`: no rule maps it,
/// `no-jk` does not keep mod_jk from looking at it, and it is for no handler that is not there.
pub(crate) fn allows_files(
    host: &Host,
    path: &[u8],
    rule: Option<&Mount>,
    variables: &Variables<'_>,
) -> bool {
    rule.is_none() && !variables.has(NO_JK) && !matches!(host.handler_of(path), Handler::Other)
}

/// What a variable says, extensions included. What is wrong with it is not worth a line for each
/// request.
fn named(snapshot: &Snapshot, text: &str) -> Box<Target> {
    let target = Target::parse(text, |name| snapshot.configured(name), &mut |complaint| {
        tracing::debug!("{complaint}");
    });
    Box::new(target)
}
