//! What mod_jk notes about a request.

use std::io::Write as _;

use jkworkers::log_format::{MemberNote, Note};

use super::{Record, escape::escaped, line::Transaction};
use crate::{
    balancer::MemberView,
    snapshot::{self, Group},
};

impl Transaction<'_> {
    /// Whether a worker had the request.
    pub(super) fn is_for_worker(&self) -> bool {
        self.worker_name().is_some()
    }

    /// Whether it was for a worker, whoever had it.
    pub(super) fn is_mapped(&self) -> bool {
        self.is_for_worker() || self.meant().is_some()
    }

    fn meant(&self) -> Option<&str> {
        Some(self.record.extra()?.meant.get()?)
    }

    fn worker_name(&self) -> Option<&str> {
        let group = self.group.map(|group| &*group.name);
        group.or_else(|| Some(&self.other_worker()?.0))
    }

    fn other_worker(&self) -> Option<&(Box<str>, &'static str)> {
        self.record.extra()?.other_worker.get()
    }

    /// Adds a note; `false` where there is none.
    pub(super) fn note(&self, note: Note, line: &mut Vec<u8>) -> bool {
        match note {
            Note::WorkerName => text(self.worker_name().or_else(|| self.meant()), line),
            Note::WorkerType => text(self.worker_type(), line),
            Note::WorkerRoute => text(self.route(), line),
            Note::Duration => self.duration(line),
            Note::First(about) => self.member(self.first(), about, line),
            Note::Last(about) => self.member(self.last(), about, line),
        }
    }

    /// One of `Header note`.
    pub(super) fn own_note(&self, name: &str, line: &mut Vec<u8>) -> bool {
        if name.eq_ignore_ascii_case("remoteip-proxy-ip-list") && self.peer.proxies().is_some() {
            return text(self.peer.proxies(), line);
        }
        of_header(self.record, name, |value| escaped(line, value)).is_some()
    }

    fn worker_type(&self) -> Option<&str> {
        match self.group {
            Some(group) if group.is_balancer => Some("lb"),
            Some(_) => Some("ajp13"),
            None => self.other_worker().map(|(_, kind)| *kind),
        }
    }

    /// That of the member that was tried first.
    fn route(&self) -> Option<&str> {
        let first = self.first()?.index;
        self.balancer()?.route(first)
    }

    fn duration(&self, line: &mut Vec<u8>) -> bool {
        let began = self.record.extra().and_then(|e| e.dispatched.get());
        let Some(began) = began else { return false };
        let took = self.ended.saturating_duration_since(*began);
        let (seconds, micros) = (took.as_secs(), took.subsec_micros());
        write!(line, "{seconds}.{micros:06}").is_ok()
    }

    /// A balancer: other workers have no members.
    fn balancer(&self) -> Option<&Group> {
        self.group.filter(|group| group.is_balancer)
    }

    fn last(&self) -> Option<MemberView> {
        let balancer = &self.balancer()?.balancer;
        balancer.member_view(self.member?, snapshot::now())
    }

    fn first(&self) -> Option<MemberView> {
        let failed = self.record.extra().and_then(|e| e.first.get());
        let failed = failed.map(|view| (**view).clone());
        failed.or_else(|| self.last())
    }

    fn member(&self, view: Option<MemberView>, about: MemberNote, line: &mut Vec<u8>) -> bool {
        let Some(view) = view else { return false };
        let number = match about {
            MemberNote::Name => return text(self.name_of(view.index), line),
            MemberNote::Activation => return text(Some(view.activation.code()), line),
            MemberNote::State => return text(Some(view.state.text()), line),
            MemberNote::Value => view.load,
            MemberNote::Accessed => view.counts.elected,
            MemberNote::Sessions => view.counts.sessions,
            MemberNote::Read => view.counts.read,
            MemberNote::Transferred => view.counts.transferred,
            MemberNote::Errors => view.counts.errors,
            MemberNote::Busy => u64::from(view.busy),
        };
        write!(line, "{number}").is_ok()
    }

    fn name_of(&self, member: usize) -> Option<&str> {
        let members = &self.balancer()?.balancer.config().members;
        members.get(member).map(|member| &*member.worker.name)
    }
}

/// Shows what `Header note` has noted under this name.
pub(super) fn of_header(record: &Record, name: &str, show: impl FnOnce(&[u8])) -> Option<()> {
    let notes = record.extra()?.notes.lock();
    let mut known = notes.iter().rev();
    let (_, value) = known.find(|(known, _)| known.eq_ignore_ascii_case(name))?;
    show(value);
    Some(())
}

fn text(text: Option<&str>, line: &mut Vec<u8>) -> bool {
    let Some(text) = text else { return false };
    escaped(line, text.as_bytes());
    true
}
