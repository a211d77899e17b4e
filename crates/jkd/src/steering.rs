//! Everything that steers one request: what variables say, over what its rule says, over what its
//! worker says.
//!
//! mod_jk's precedence, pure: no socket, no clock.

use std::time::Duration;

use http::{StatusCode, header};
use jkworkers::{
    model::{Activation, AjpWorker, Host, RuleExtensions, StickySettings, variables::names},
    number::atoi,
};

use crate::{
    balancer::{RuleOverrides, Selection, SessionIds, retry::Failure},
    http1::Head,
    mapping::Mapped,
    variables::Variables,
};

/// What differs for one request from what its worker says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Steering<'a> {
    rule: &'a RuleExtensions,
    /// By member index.
    activations: &'a [Option<Activation>],
    reply_timeout: Option<Duration>,
    sticky_ignore: bool,
    stateless: bool,
    /// `JK_ROUTE`
    route: Option<&'a [u8]>,
    request_timeout: Option<Duration>,
}

impl<'a> Steering<'a> {
    /// What the host and the rule say, and over them the variables.
    pub(crate) fn by(host: &Host, mapped: &'a Mapped<'_>, variables: &'a Variables<'_>) -> Self {
        let rule = mapped.extensions();
        let flag = |name| variables.get(name).map(is_on);
        Self {
            request_timeout: host.request_timeout,
            rule,
            activations: mapped.activations(),
            reply_timeout: (variables.get(names::REPLY_TIMEOUT))
                .and_then(millis)
                .or(rule.reply_timeout),
            sticky_ignore: flag(names::STICKY_IGNORE).unwrap_or(rule.sticky_ignore),
            stateless: flag(names::STATELESS).unwrap_or(rule.stateless),
            route: variables.get(names::ROUTE).filter(|r| !r.is_empty()),
        }
    }

    /// What the backend is told about the route, whichever member gets the request.
    pub(crate) const fn route(&self) -> Option<&'a [u8]> {
        self.route
    }

    /// The session ids that count, read under the names of the rule or else of the worker, out of
    /// the path as it is forwarded and, if there are any, of the cookies.
    pub(crate) fn sessions(
        &self,
        uri: &'a [u8],
        head: &'a Head,
        has_cookies: bool,
        worker: &'a StickySettings,
    ) -> SessionIds<'a> {
        if !worker.enabled || self.sticky_ignore {
            return SessionIds::default();
        }
        if let Some(route) = self.route {
            return SessionIds::route(route);
        }
        let fields = || head.headers.get_all(header::COOKIE.as_str());
        let cookies = has_cookies.then(fields).into_iter().flatten();
        let path = written(self.rule.session_path.as_ref()).unwrap_or(&worker.path);
        let cookie = written(self.rule.session_cookie.as_ref()).unwrap_or(&worker.cookie);
        SessionIds::find(uri, cookies, path, cookie)
    }

    /// What the balancer needs to know.
    pub(crate) fn selection<'b>(&self, sessions: &'b SessionIds<'b>) -> Selection<'b>
    where
        'a: 'b,
    {
        Selection {
            sessions,
            rule: RuleOverrides {
                stateless: self.stateless,
                activations: self.activations,
            },
        }
    }

    /// `JkdRequestTimeout`: for all attempts together.
    pub(crate) fn request_timeout(&self) -> Option<Duration> {
        self.request_timeout
    }

    /// What `reply_timeout` is for this request, where it is not the worker's. Zero is off.
    pub(crate) const fn reply_timeout(&self) -> Option<Duration> {
        self.reply_timeout
    }

    /// `fail_on_status`: positive numbers put the member in error, negative ones do not. A rule's
    /// list replaces the worker's.
    pub(crate) fn counts_as_failure(
        &self,
        worker: &AjpWorker,
        status: StatusCode,
    ) -> Option<Failure> {
        Failure::by_status(status.as_u16(), self.failing_statuses(worker))
    }

    /// Whether a status may be a failure.
    pub(crate) fn fails_on_statuses(&self, worker: &AjpWorker) -> bool {
        !self.failing_statuses(worker).is_empty()
    }

    fn failing_statuses<'b>(&'b self, worker: &'b AjpWorker) -> &'b [i32] {
        match self.rule.fail_on_status.as_slice() {
            [] => worker.fail_on_status.as_slice(),
            own => own,
        }
    }

    /// Whether session ids are not looked at.
    pub(crate) const fn ignores_sessions(&self) -> bool {
        self.sticky_ignore
    }

    /// Whether members take turns, and the request begins no session.
    pub(crate) const fn is_stateless(&self) -> bool {
        self.stateless
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

/// A flag: empty and numbers other than 0 switch it on, everything else off.
fn is_on(text: &[u8]) -> bool {
    text.is_empty() || atoi(text) != 0
}

/// A limit in milliseconds. What is no number is 0, which is off; a negative one does not count.
fn millis(text: &[u8]) -> Option<Duration> {
    u64::try_from(atoi(text)).ok().map(Duration::from_millis)
}

/// `name=` without a value is as if it were not written.
fn written(value: Option<&String>) -> Option<&str> {
    value.map(String::as_str).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{peer::Peer, variables::tests::model};

    /// The steering of a request to `/`, by the rule's extensions and by variables.
    fn steered(extensions: &str, variables: &str, check: impl FnOnce(&Steering<'_>)) {
        let model = model(&format!("JkMount / ajp13{extensions}\n{variables}"), &[]);
        let host = &model.hosts[0];
        let head = Head::with("GET", "/", &[]);
        let local = ([127, 0, 0, 1], 80).into();
        let peer = Peer::new(local, local, 0);
        let mut variables = Variables::begin(host, &head, &peer, &[]);
        variables.complete(host, &head, &peer, b"/");
        let mapped = Mapped::Rule(host.uri_map.find(b"/").unwrap());
        check(&Steering::by(host, &mapped, &variables));
    }

    #[test]
    fn a_variable_wins_over_the_rule() {
        let millis = |n| Some(Duration::from_millis(n));
        for (rule, variable, expected) in [
            ("", None, None),
            (";reply_timeout=5", None, millis(5)),
            (";reply_timeout=5", Some("7"), millis(7)),
            (";reply_timeout=5", Some("0"), millis(0)),
            (";reply_timeout=5", Some("\"\""), millis(0)),
            (";reply_timeout=5", Some("never"), millis(0)),
            (";reply_timeout=5", Some("-1"), millis(5)),
            (";reply_timeout=-1", Some("-1"), None),
            ("", Some("9s"), millis(9)),
        ] {
            let line = variable.map(|v| format!("SetEnv JK_REPLY_TIMEOUT {v}"));
            steered(rule, &line.unwrap_or_default(), |steering| {
                assert_eq!(steering.reply_timeout(), expected, "{rule} {variable:?}");
            });
        }
    }

    #[test]
    fn flags_can_be_switched_both_ways() {
        for (rule, variable, expected) in [
            (0, None, false),
            (1, None, true),
            (0, Some("\"\""), true),
            (0, Some("-2"), true),
            (1, Some("0"), false),
            (1, Some("on"), false),
        ] {
            let rule = format!(";stateless={rule};sticky_ignore={rule}");
            let lines =
                variable.map(|v| format!("SetEnv JK_STATELESS {v}\nSetEnv jk_sticky_ignore {v}"));
            steered(&rule, &lines.unwrap_or_default(), |steering| {
                assert_eq!(steering.stateless, expected, "{rule} {variable:?}");
                assert_eq!(steering.sticky_ignore, expected, "{rule} {variable:?}");
            });
        }
    }

    #[test]
    fn a_route_needs_a_name() {
        steered("", "SetEnv JK_ROUTE b", |s| {
            assert_eq!(s.route(), Some(&b"b"[..]));
        });
        steered("", "SetEnv JK_ROUTE", |s| assert_eq!(s.route(), None));
    }
}
