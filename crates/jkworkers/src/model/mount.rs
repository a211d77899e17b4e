//! Mounts: which requests are for which worker.

use std::{sync::Arc, time::Duration};

use serde::Serialize;

use super::Activation;
use crate::diag::Origin;

/// One rule: this URI pattern is served by this worker, or excluded from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mount {
    /// The pattern; begins with `/`.
    pub pattern: Arc<str>,
    /// Exact text or wildcards.
    pub kind: UriMatch,
    /// The worker's name; `*` in an exclusion means any worker.
    pub worker: Arc<str>,
    /// `JkUnMount` or a `!` rule.
    pub exclusion: bool,
    /// A `-` rule: shown, never applied.
    pub disabled: bool,
    /// What kind of line it was.
    pub source: MountSource,
    /// What stood behind the worker's name.
    #[serde(skip_serializing_if = "RuleExtensions::is_empty")]
    pub extensions: RuleExtensions,
    /// The extensions `active`, `disabled` and `stopped`, resolved: another activation for members
    /// of the balancer, by their index. Empty when the rule changes none.
    #[serde(skip_serializing_if = "is_empty")]
    pub activations: Arc<[Option<Activation>]>,
    /// Where it was written.
    pub origin: Origin,
}

fn is_empty(activations: &Arc<[Option<Activation>]>) -> bool {
    activations.is_empty()
}

/// How a pattern is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum UriMatch {
    /// Byte for byte.
    Exact,
    /// `?` is one byte, `*` any run of bytes, `/` included.
    Wildcard,
}

/// What kind of line a rule was. Between rules that are equally specific the greater one wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MountSource {
    /// `worker.NAME.mount`.
    WorkerDefinition,
    /// `JkMount`, `JkUnMount`, or `--mount`.
    JkMount,
    /// A line of a uriworkermap file (`JkMountFile`, `--mount-file`).
    UriWorkerMap,
}

/// Rule extensions, `worker;reply_timeout=…;…`: what is different for the requests of one rule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RuleExtensions {
    /// `reply_timeout`, instead of the worker's; zero switches it off.
    pub reply_timeout: Option<Duration>,
    /// `sticky_ignore`: session ids are not looked at.
    pub sticky_ignore: bool,
    /// `stateless`: members take turns whatever their load, and the request begins no session.
    pub stateless: bool,
    /// `active`: members that are active for this rule.
    pub active: Vec<String>,
    /// `disabled`: members that are disabled for this rule.
    pub disabled: Vec<String>,
    /// `stopped`: members that are stopped for this rule.
    pub stopped: Vec<String>,
    /// `fail_on_status`: replaces the worker's list, unless it is empty.
    pub fail_on_status: Vec<i32>,
    /// `use_server_errors`: answers with this status or a higher one give way to a page of the
    /// server's own.
    pub use_server_errors: Option<u16>,
    /// `session_cookie`: the cookie to read session ids from. The one that `set_session_cookie`
    /// sets has the name that the worker says.
    pub session_cookie: Option<String>,
    /// `session_path`: the text that stands before `=` and a session id in the path. Its leading
    /// `;` is not a part of it, as in mod_jk.
    pub session_path: Option<String>,
    /// `set_session_cookie`: switches it on where the worker does not.
    pub set_session_cookie: bool,
    /// `session_cookie_path`. As in mod_jk it has no effect: the worker's counts.
    pub session_cookie_path: Option<String>,
    /// The lists as they were written, if any was: status pages show them so.
    #[serde(skip)]
    pub written: Option<Box<WrittenLists>>,
}

/// Lists of a rule as they were written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WrittenLists {
    /// `active`.
    pub active: String,
    /// `disabled`.
    pub disabled: String,
    /// `stopped`.
    pub stopped: String,
    /// `fail_on_status`.
    pub fail_on_status: String,
}

impl RuleExtensions {
    /// Whether nothing was written.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
