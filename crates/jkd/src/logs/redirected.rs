//! What an `ErrorDocument` on this server makes of a request, for the lines about it.

use http::StatusCode;

use super::{Record, Transaction};
use crate::{
    http1::Head,
    snapshot::{Served, Snapshot},
};

/// The request for the page of an error, as httpd makes one: items with `>` are about it.
#[derive(Debug)]
pub(crate) struct Redirected {
    pub(crate) head: Head,
    pub(crate) record: Record,
    /// What it came to.
    pub(crate) status: u16,
    /// Whether the client gets its answer.
    pub(crate) answers: bool,
    pub(crate) served: Served,
    /// What the client's own request came to.
    pub(crate) first_status: u16,
    /// Who served that, or tried to.
    pub(crate) first_served: Served,
}

impl Redirected {
    /// A request for the page of an error with this status, which `served` has led to.
    pub(crate) const fn new(
        head: Head,
        record: Record,
        status: StatusCode,
        served: Served,
    ) -> Self {
        Self {
            head,
            record,
            status: status.as_u16(),
            answers: false,
            served,
            first_status: status.as_u16(),
            first_served: served,
        }
    }

    /// The same, whose answer the client gets.
    pub(crate) const fn answering(mut self) -> Self {
        self.answers = true;
        self
    }

    /// The same, which is given up.
    pub(crate) const fn failing(mut self) -> Self {
        self.status = StatusCode::INTERNAL_SERVER_ERROR.as_u16();
        self
    }

    /// `own` is what is known of both: the client's own request, and the one for the page.
    pub(crate) fn transactions<'a>(
        &'a self,
        own: &Transaction<'a>,
        snapshot: &'a Snapshot,
    ) -> (Transaction<'a>, Transaction<'a>) {
        let first = Transaction {
            status: self.first_status,
            has_fields: !self.answers,
            group: snapshot.group_of(self.first_served),
            member: self.first_served.member,
            ..*own
        };
        let last = Transaction {
            head: &self.head,
            record: &self.record,
            status: self.status,
            has_fields: self.answers,
            user: None,
            group: snapshot.group_of(self.served),
            member: self.served.member,
            ..*own
        };
        (first, last)
    }
}
