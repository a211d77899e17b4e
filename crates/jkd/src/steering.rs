//! Everything that steers one request: what its rule says, over what its worker says.
//!
//! mod_jk's precedence, pure: no socket, no clock.

use std::time::Duration;

use http::{HeaderValue, StatusCode, header};
use jkworkers::model::{Activation, AjpWorker, Host, Mount, RuleExtensions, StickySettings};

use crate::{
    balancer::{RuleOverrides, Selection, SessionIds, retry::Failure},
    forward::Forward,
};

/// What differs for one request from what its worker says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Steering<'a> {
    rule: &'a RuleExtensions,
    /// By member index.
    activations: &'a [Option<Activation>],
    request_timeout: Option<Duration>,
}

impl<'a> Steering<'a> {
    /// What the rule that matched says, and its host.
    pub(crate) fn by(host: &Host, mount: &'a Mount) -> Self {
        Self {
            request_timeout: host.request_timeout,
            rule: &mount.extensions,
            activations: &mount.activations,
        }
    }

    /// The session ids that count, read under the names of the rule or else of the worker.
    pub(crate) fn sessions(
        &self,
        forward: &'a Forward<'_>,
        worker: &'a StickySettings,
    ) -> SessionIds<'a> {
        if !worker.enabled || self.rule.sticky_ignore {
            return SessionIds::default();
        }
        let fields = || forward.head.headers.get_all(header::COOKIE);
        let cookies = forward.has_cookies.then(fields).into_iter().flatten();
        let cookies = cookies.map(HeaderValue::as_bytes);
        let path = written(self.rule.session_path.as_ref()).unwrap_or(&worker.path);
        let cookie = written(self.rule.session_cookie.as_ref()).unwrap_or(&worker.cookie);
        SessionIds::find(forward.uri, cookies, path, cookie)
    }

    /// What the balancer needs to know.
    pub(crate) fn selection<'b>(&self, sessions: &'b SessionIds<'b>) -> Selection<'b>
    where
        'a: 'b,
    {
        Selection {
            sessions,
            rule: RuleOverrides {
                stateless: self.rule.stateless,
                activations: self.activations,
            },
        }
    }

    /// `JkRequestTimeout`: for all attempts together.
    pub(crate) fn request_timeout(&self) -> Option<Duration> {
        self.request_timeout
    }

    /// What `reply_timeout` is for this request, where it is not the worker's. Zero is off.
    pub(crate) fn reply_timeout(&self) -> Option<Duration> {
        self.rule.reply_timeout
    }

    /// `fail_on_status`: positive numbers put the member in error, negative ones do not. A rule's
    /// list replaces the worker's.
    pub(crate) fn counts_as_failure(
        &self,
        worker: &AjpWorker,
        status: StatusCode,
    ) -> Option<Failure> {
        let wanted = match self.rule.fail_on_status.as_slice() {
            [] => worker.fail_on_status.as_slice(),
            own => own,
        };
        Failure::by_status(status.as_u16(), wanted)
    }

    /// `use_server_errors`: whether an answer with this status gives way to a page of our own.
    pub(crate) fn replaces(&self, status: StatusCode) -> bool {
        (self.rule.use_server_errors).is_some_and(|lowest| status.as_u16() >= lowest)
    }

    /// `set_session_cookie`: a rule can switch it on, not off. The name in the cookie and its path
    /// are always the worker's, as in mod_jk.
    pub(crate) fn sets_cookie(&self, worker: &StickySettings) -> bool {
        worker.set_cookie || self.rule.set_session_cookie
    }
}

/// `name=` without a value is as if it were not written.
fn written(value: Option<&String>) -> Option<&str> {
    value.map(String::as_str).filter(|value| !value.is_empty())
}
