//! What a server says about its clients.

use std::time::Duration;

use crate::model::{ClientRules, Pace};

/// Limits and timeouts towards clients, as far as they are written.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ClientsDraft {
    pub(crate) keep_alive: Option<bool>,
    pub(crate) keep_alive_timeout: Option<Duration>,
    pub(crate) max_keep_alive_requests: Option<u32>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) send_rate: Option<u32>,
    pub(crate) max_line: Option<usize>,
    pub(crate) max_fields: Option<usize>,
    pub(crate) max_field: Option<usize>,
    pub(crate) head_pace: Option<Pace>,
    pub(crate) body_pace: Option<Pace>,
    /// `HttpProtocolOptions RegisteredMethods`, or `LenientMethods`.
    pub(crate) only_registered: Option<bool>,
}

impl ClientsDraft {
    /// What holds, with what `base`, the main server, says, and httpd's defaults.
    pub(crate) fn over(&self, base: Option<&Self>) -> ClientRules {
        let defaults = ClientRules::default();
        let of = base.unwrap_or(self);
        // In a virtual host 0 says as much as nothing.
        let timeout = |own: Option<Duration>, main| match base {
            Some(_) => own.filter(|time| !time.is_zero()).or(main),
            None => own,
        };
        ClientRules {
            keep_alive: self
                .keep_alive
                .or(of.keep_alive)
                .unwrap_or(defaults.keep_alive),
            keep_alive_timeout: timeout(self.keep_alive_timeout, of.keep_alive_timeout)
                .unwrap_or(defaults.keep_alive_timeout),
            max_keep_alive_requests: (self.max_keep_alive_requests)
                .or(of.max_keep_alive_requests)
                .unwrap_or(defaults.max_keep_alive_requests),
            timeout: timeout(self.timeout, of.timeout).unwrap_or(defaults.timeout),
            send_rate: (self.send_rate.or(of.send_rate)).unwrap_or(defaults.send_rate),
            max_line: self.max_line.or(of.max_line).unwrap_or(defaults.max_line),
            max_fields: self
                .max_fields
                .or(of.max_fields)
                .unwrap_or(defaults.max_fields),
            max_field: self
                .max_field
                .or(of.max_field)
                .unwrap_or(defaults.max_field),
            head_pace: self
                .head_pace
                .or(of.head_pace)
                .unwrap_or(defaults.head_pace),
            body_pace: self
                .body_pace
                .or(of.body_pace)
                .unwrap_or(defaults.body_pace),
            methods: (self.only_registered)
                .or(of.only_registered)
                .unwrap_or_default()
                .then(ClientRules::known_methods),
        }
    }
}
