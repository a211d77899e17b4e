//! What clients may take: httpd's limits and timeouts of connections and requests.

use std::{collections::BTreeSet, num::NonZeroU32, time::Duration};

use serde::Serialize;

/// Limits and timeouts towards clients, with httpd's defaults.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClientRules {
    /// `KeepAlive`: whether a connection may serve more than one request.
    pub keep_alive: bool,
    /// `KeepAliveTimeout`: how long a connection may stand between two requests.
    pub keep_alive_timeout: Duration,
    /// `MaxKeepAliveRequests`: how many requests a connection may serve; 0 is no limit.
    pub max_keep_alive_requests: u32,
    /// `Timeout`: how long a request may wait for its client.
    pub timeout: Duration,
    /// `JkdSendMinRate`: so many bytes a second of an answer a client must take on average while it
    /// is waited for, or it is given up after [`timeout`](Self::timeout); 0: any will do.
    pub send_rate: u32,
    /// `LimitRequestLine`, bytes.
    pub max_line: usize,
    /// `LimitRequestFields`; `usize::MAX` is no limit.
    pub max_fields: usize,
    /// `LimitRequestFieldSize`, bytes, the name included.
    pub max_field: usize,
    /// `RequestReadTimeout header=…`
    pub head_pace: Pace,
    /// `RequestReadTimeout body=…`
    pub body_pace: Pace,
    /// `HttpProtocolOptions RegisteredMethods`: no other methods than these are let in. `None`: all
    /// are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub methods: Option<BTreeSet<String>>,
}

/// The methods that httpd knows of itself.
pub(crate) const KNOWN_METHODS: &[&str] = &[
    "BASELINE-CONTROL",
    "CHECKIN",
    "CHECKOUT",
    "CONNECT",
    "COPY",
    "DELETE",
    "GET",
    "HEAD",
    "LABEL",
    "LOCK",
    "MERGE",
    "MKACTIVITY",
    "MKCOL",
    "MKWORKSPACE",
    "MOVE",
    "OPTIONS",
    "PATCH",
    "POST",
    "PROPFIND",
    "PROPPATCH",
    "PUT",
    "REPORT",
    "TRACE",
    "UNCHECKOUT",
    "UNLOCK",
    "UPDATE",
    "VERSION-CONTROL",
];

impl ClientRules {
    /// The methods that are let in with `RegisteredMethods`, where nothing registers others.
    pub(crate) fn known_methods() -> BTreeSet<String> {
        KNOWN_METHODS
            .iter()
            .map(|name| (*name).to_owned())
            .collect()
    }

    /// Whether requests with this method are let in.
    pub fn knows(&self, method: &str) -> bool {
        let known = self.methods.as_ref();
        known.is_none_or(|known| known.contains(method))
    }
}

/// How many connections clients may have at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ConnectionLimits {
    /// `JkdMaxConnections`: those of all clients together. `None`: as many as the limit of open
    /// files leaves room for, and at most [`DEFAULT_MOST`](Self::DEFAULT_MOST).
    pub most: Option<NonZeroU32>,
    /// `JkdMaxConnectionsPerClient`: those of one address, or of one network of IPv6. `None`: all.
    pub of_one_client: Option<NonZeroU32>,
}

impl ConnectionLimits {
    /// How many there may be where nothing is said and there are files enough.
    pub const DEFAULT_MOST: u32 = 10_000;
}

/// How fast something has to come: `FIRST-MOST,MinRate=RATE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Pace {
    /// The time that it may take; zero is no limit.
    pub first: Duration,
    /// The time that it may take in all, however much of it there is.
    pub most: Option<Duration>,
    /// So many bytes prolong the time by a second; 0: none do.
    pub rate: u32,
}

impl Default for ClientRules {
    fn default() -> Self {
        Self {
            keep_alive: true,
            keep_alive_timeout: Duration::from_secs(5),
            max_keep_alive_requests: 100,
            timeout: Duration::from_secs(60),
            send_rate: 100,
            max_line: 8190,
            max_fields: 100,
            max_field: 8190,
            head_pace: Pace {
                first: Duration::from_secs(20),
                most: Some(Duration::from_secs(40)),
                rate: 500,
            },
            body_pace: Pace {
                first: Duration::from_secs(20),
                most: None,
                rate: 500,
            },
            methods: None,
        }
    }
}

impl Pace {
    /// No limit.
    pub const NONE: Self = Self {
        first: Duration::ZERO,
        most: None,
        rate: 0,
    };

    /// How long it may take if so many `bytes` have come. `None`: for ever.
    pub fn allows(&self, bytes: u64) -> Option<Duration> {
        if self.first.is_zero() {
            return None;
        }
        let more = bytes.checked_div(u64::from(self.rate)).unwrap_or(0);
        let time = self.first.saturating_add(Duration::from_secs(more));
        Some(self.most.map_or(time, |most| time.min(most)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_buy_time() {
        let seconds = |pace: Pace, bytes| pace.allows(bytes).map(|time| time.as_secs());
        let rules = ClientRules::default();
        let head = [0, 499, 500, 10_000, 1_000_000].map(|n| seconds(rules.head_pace, n));
        assert_eq!(head, [20, 20, 21, 40, 40].map(Some));
        let body = [0, 5_000, 5_000_000].map(|n| seconds(rules.body_pace, n));
        assert_eq!(body, [20, 30, 10_020].map(Some));
        assert_eq!(seconds(Pace::NONE, 5), None);
        let rigid = Pace {
            rate: 0,
            ..rules.head_pace
        };
        assert_eq!(seconds(rigid, 5_000_000), Some(20));
    }
}
