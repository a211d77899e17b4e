//! Which worker that is, and what is said of it.

use std::sync::Arc;

use jkworkers::{
    model::{
        Activation, Host, Mount, RuleExtensions, Worker,
        variables::{Handler, names::NO_JK},
    },
    target::Target,
};

use crate::{rescue::Stumble, variables::Variables};

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

    /// Where it was written, for logs.
    pub(crate) fn origin(&self) -> String {
        match self {
            Self::Rule(mount) => mount.origin.to_string(),
            Self::Named(_) => "a variable".to_owned(),
        }
    }
}

/// The worker, when all is known about the request: `rule` is what [`rule`](super::rule) found.
///
/// # Errors
///
/// When the request is for none.
pub(super) fn worker<'a, 'w>(
    configured: impl Fn(&str) -> Option<&'w Worker>,
    host: &Host,
    (path, handler): (&[u8], Handler),
    rule: Option<&'a Mount>,
    variables: &Variables<'_>,
) -> Result<Mapped<'a>, Stumble> {
    // `OPTIONS *` is about the server, and no section covers it.
    if variables.has(NO_JK) || path == b"*" {
        return Err(Stumble::Unmapped);
    }
    match (handler, rule) {
        (Handler::Map | Handler::Jk, Some(mount)) => Ok(Mapped::Rule(mount)),
        (Handler::Jk, None) => by_variable(configured, host, variables),
        (Handler::Map, None) | (Handler::File | Handler::Other, _) => Err(Stumble::Unmapped),
    }
}

/// The worker that a variable names, for a request whose handler asks for it.
///
/// # Errors
///
/// When none does.
pub(crate) fn by_variable<'w>(
    configured: impl Fn(&str) -> Option<&'w Worker>,
    host: &Host,
    variables: &Variables<'_>,
) -> Result<Mapped<'static>, Stumble> {
    let text = variables
        .get(&host.indicators.worker)
        .filter(|_| !variables.has(NO_JK));
    let text = String::from_utf8_lossy(text.ok_or(Stumble::Unmapped)?);
    Ok(Mapped::Named(named(configured, &text)))
}

/// What a variable says, extensions included. What is wrong with it is not worth a line for each
/// request.
fn named<'w>(configured: impl Fn(&str) -> Option<&'w Worker>, text: &str) -> Box<Target> {
    let target = Target::parse(text, configured, &mut |complaint| {
        tracing::debug!("{complaint}");
    });
    Box::new(target)
}
