//! What jkd says of itself, and what the system says of jkd.

use std::{collections::BTreeMap, fs, net::SocketAddr};

use jkd_tests::Http;

/// The metrics at one time: the whole numbers of all series.
#[derive(Clone, Debug, Default)]
pub(crate) struct Metrics(BTreeMap<String, i64>);

/// What is counted about a member.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) elected: i64,
    pub(crate) errors: i64,
    pub(crate) client_errors: i64,
    pub(crate) sent: i64,
    pub(crate) read: i64,
    pub(crate) busy: i64,
}

impl Metrics {
    pub(crate) fn scrape(address: SocketAddr) -> Self {
        let text = Http::new(address).get("/metrics").text();
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let series = lines.filter_map(|line| {
            let (name, value) = line.rsplit_once(' ')?;
            Some((name.to_owned(), value.parse().ok()?))
        });
        Self(series.collect())
    }

    /// The sum of all series of this name with all of these labels.
    pub(crate) fn sum(&self, name: &str, labels: &[(&str, &str)]) -> i64 {
        let is_asked = |series: &str| {
            let rest = series.strip_prefix(name).unwrap_or("no");
            let has = |(key, value): &(&str, &str)| rest.contains(&format!("{key}=\"{value}\""));
            (rest.is_empty() || rest.starts_with('{')) && labels.iter().all(has)
        };
        let asked = self.0.iter().filter(|(series, _)| is_asked(series));
        asked.map(|(_, value)| value).sum()
    }

    pub(crate) fn counts(&self, member: char) -> Counts {
        let member = member.to_string();
        let sum = |name: &str, more: &[(&str, &str)]| {
            let labels = [&[("balancer", "lb"), ("member", &*member)], more].concat();
            self.sum(name, &labels)
        };
        Counts {
            elected: sum("jkd_member_elected_total", &[]),
            errors: sum("jkd_member_errors_total", &[]),
            client_errors: sum("jkd_member_client_errors_total", &[]),
            sent: sum("jkd_member_bytes_total", &[("direction", "sent")]),
            read: sum("jkd_member_bytes_total", &[("direction", "received")]),
            busy: sum("jkd_member_busy", &[]),
        }
    }

    /// Requests that a member has answered, or nobody, by class of status.
    pub(crate) fn requests(&self, member: &str, class: u16) -> i64 {
        let code = format!("{class}xx");
        let labels = [("worker", "lb"), ("member", member), ("code", &code)];
        self.sum("jkd_requests_total", &labels)
    }

    /// Whether a member serves requests.
    pub(crate) fn is_ok(&self, member: char) -> bool {
        let member = member.to_string();
        let is = |state| {
            let labels = [("balancer", "lb"), ("member", &*member), ("state", state)];
            self.sum("jkd_member_state", &labels)
        };
        is("OK") + is("OK/IDLE") == 1
    }

    /// Requests that have not ended, in whatever sense.
    pub(crate) fn in_flight(&self) -> i64 {
        self.sum("jkd_requests_in_flight", &[])
            + self.sum("jkd_member_busy", &[])
            + self.sum("jkd_pool_connections", &[("state", "busy")])
    }

    pub(crate) fn idle(&self) -> i64 {
        self.sum("jkd_pool_connections", &[("state", "idle")])
    }

    /// Connections to a member that were opened, and are neither there nor counted as closed.
    pub(crate) fn unaccounted(&self, member: char) -> i64 {
        let member = member.to_string();
        let sum = |name| self.sum(name, &[("endpoint", &*member)]);
        sum("jkd_pool_opened_total") - sum("jkd_pool_closed_total") - sum("jkd_pool_connections")
    }
}

/// What the status page says of a member, in the words of the metrics.
pub(crate) fn on_status_page(page: &str, member: char) -> Counts {
    let value = |name: &str| {
        let prefix = format!("worker.{member}.{name}=");
        let found = page.lines().find_map(|line| line.strip_prefix(&prefix));
        found.and_then(|value| value.parse().ok()).unwrap_or(-1)
    };
    Counts {
        elected: value("elected"),
        errors: value("errors"),
        client_errors: value("client_errors"),
        sent: value("transferred"),
        read: value("read"),
        busy: value("busy"),
    }
}

/// Descriptors of a process.
pub(crate) fn descriptors(pid: u32) -> usize {
    fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count)
}
