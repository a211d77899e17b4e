//! Which worker a request is for: the URI map, `no-jk`, `SetHandler` and the variable that names a
//! worker.

use std::{borrow::Cow, sync::Arc};

use jkworkers::{
    model::{
        Activation, Asked, Host, Mount, RuleExtensions, Worker,
        variables::{Handler, names::NO_JK},
    },
    target::Target,
    uri_map::{self, BadUri},
};

use crate::{
    access::Guest, http1::Head, peer::Peer, redirect, rescue::Stumble, variables::Variables,
};

/// A request whose path was found in the map, before it is known whether its client may come in.
#[derive(Debug)]
pub(crate) struct Found<'a> {
    /// The path as it is mapped.
    pub(crate) path: Cow<'a, [u8]>,
    /// The variables that conditions set.
    pub(crate) variables: Variables<'a>,
    /// Whether mod_jk may look at it: `no-jk` was not set when it was mapped.
    pub(crate) for_jk: bool,
    /// The rule of the map.
    rule: Option<&'a Mount>,
}

/// Variables that are there before a request is looked at: those of the request whose page of an
/// error this one is for.
pub(crate) type Earlier = [(String, Vec<u8>)];

/// Looks up a request of `host` whose path decodes to `decoded`.
///
/// # Errors
///
/// When its path cannot be mapped, or a `Redirect` is about it.
pub(crate) fn find<'a>(
    host: &'a Host,
    head: &Head,
    peer: &Peer,
    decoded: &'a [u8],
    earlier: &'a Earlier,
) -> Result<Found<'a>, Stumble> {
    let mut variables = Variables::begin(host, head, peer, earlier);
    let for_jk = !variables.has(NO_JK);
    let path = match uri_map::clean(decoded) {
        // What is not for mod_jk is not looked at with its eyes.
        Err(_) if !for_jk => Cow::Borrowed(decoded),
        cleaned => cleaned.map_err(bad_path)?,
    };
    let rule = rule(host, &path, &variables);
    if rule.is_none() || !host.mounts_first {
        redirect::by_server(host, head, decoded)?;
    }
    variables.enter(host, head, peer, &path);
    Ok(Found {
        path,
        variables,
        for_jk,
        rule,
    })
}

/// What was decided about a request whose client may come in.
#[derive(Debug)]
pub(crate) struct Decision<'a> {
    /// The path as it was mapped and checked.
    pub(crate) path: Cow<'a, [u8]>,
    /// All variables of the request.
    pub(crate) variables: Variables<'a>,
    /// Where it goes, or why nowhere.
    pub(crate) target: Result<Mapped<'a>, Stumble>,
    /// Whether it may be for a file.
    pub(crate) allows_files: bool,
    /// Whether mod_jk may look at it: `no-jk` was not set when it was mapped.
    pub(crate) for_jk: bool,
}

impl<'a> Found<'a> {
    /// Whether a rule of the map is about it.
    pub(crate) const fn is_mapped(&self) -> bool {
        self.rule.is_some()
    }

    /// The worker that it names.
    pub(crate) fn worker(&self) -> Option<&'a str> {
        self.rule.map(|rule| &*rule.worker)
    }

    /// The request as sections see it that decide who may come in.
    pub(crate) fn guest<'g>(&'g self, host: &'g Host, head: &'g Head, peer: &'g Peer) -> Guest<'g> {
        Guest {
            host,
            head,
            peer,
            variables: &self.variables,
            asked: Asked::at(&self.path),
        }
    }

    /// Decides where the request goes. Names of workers in variables are looked up by `worker`.
    pub(crate) fn decide<'w>(
        self,
        host: &'a Host,
        worker: impl Fn(&str) -> Option<&'w Worker>,
    ) -> Decision<'a> {
        let Self {
            path,
            mut variables,
            for_jk,
            rule,
        } = self;
        variables.settle(host, &path);
        let target = self::worker(worker, host, &path, rule, &variables);
        let allows_files = target.is_err() && allows_files(host, &path, rule);
        Decision {
            path,
            variables,
            target,
            allows_files,
            for_jk,
        }
    }
}

/// What a path that cannot be mapped comes to.
pub(crate) const fn bad_path(error: BadUri) -> Stumble {
    match error.status() {
        404 => Stumble::HiddenPath,
        _ => Stumble::BadPath,
    }
}

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
fn rule<'a>(host: &'a Host, path: &[u8], variables: &Variables<'_>) -> Option<&'a Mount> {
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
fn worker<'a, 'w>(
    configured: impl Fn(&str) -> Option<&'w Worker>,
    host: &Host,
    path: &[u8],
    rule: Option<&'a Mount>,
    variables: &Variables<'_>,
) -> Result<Mapped<'a>, Stumble> {
    // `OPTIONS *` is about the server, and no section covers it.
    if variables.has(NO_JK) || path == b"*" {
        return Err(Stumble::Unmapped);
    }
    match (host.handler_of(Asked::at(path)), rule) {
        (Handler::Map | Handler::Jk, Some(mount)) => Ok(Mapped::Rule(mount)),
        (Handler::Jk, None) => by_variable(configured, host, variables),
        (Handler::Map, None) | (Handler::Other, _) => Err(Stumble::Unmapped),
    }
}

/// Whether a request that is for no worker may be for a file: no rule maps it, and it is for no
/// handler that is not there.
fn allows_files(host: &Host, path: &[u8], rule: Option<&Mount>) -> bool {
    rule.is_none() && !matches!(host.handler_of(Asked::at(path)), Handler::Other)
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
