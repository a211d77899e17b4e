//! What of a request counts for how it is answered, and whether its connection stays.

use http::{Method, Version};
use jkworkers::model::ClientRules;

use crate::http1::{
    Framing, Head, Heading,
    write::{After, Asked},
};

/// What of a request counts for how it is answered.
#[derive(Clone, Copy)]
pub(super) struct Request {
    pub(super) asked: Asked,
    /// Its client speaks HTTP/1.0.
    is_old: bool,
    persists: bool,
    asks_to_stay: bool,
    /// How many requests there have been, with this one.
    served: u32,
}

impl Request {
    pub(super) fn of(head: &Head, framing: &Framing, served: u32) -> Self {
        Self {
            asked: Asked {
                head_only: head.method == Method::HEAD,
                knows_chunks: head.version == Version::HTTP_11,
            },
            is_old: head.version == Version::HTTP_10,
            persists: framing.persists,
            asks_to_stay: framing.asks_to_stay,
            served,
        }
    }

    /// What cannot be read, and is answered all the same.
    pub(super) fn unreadable(head: &Head) -> Self {
        Self {
            asked: Asked {
                head_only: head.method == Method::HEAD,
                knows_chunks: false,
            },
            is_old: head.version == Version::HTTP_10,
            persists: false,
            asks_to_stay: false,
            served: 0,
        }
    }

    /// The same, as variables say that this client is treated.
    pub(super) fn treated(mut self, head: &mut Heading) -> Self {
        if head.downgrades {
            self.asked.knows_chunks = false;
            self.is_old = true;
            self.persists &= self.asks_to_stay;
        }
        head.forces_version &= self.is_old;
        head.closes |= head.forces_version;
        self
    }

    /// The same, where the connection cannot stay in any case.
    pub(super) const fn unless(self, cannot: bool) -> Self {
        Self {
            persists: self.persists && !cannot,
            ..self
        }
    }

    /// What becomes of the connection: httpd's rules.
    pub(super) fn after(self, rules: &ClientRules) -> After {
        let most = rules.max_keep_alive_requests;
        // As in httpd: so many may follow the first one.
        let before = self.served.saturating_sub(1);
        let is_last = most > 0 && before >= most;
        if !self.persists || !rules.keep_alive || rules.keep_alive_timeout.is_zero() || is_last {
            After::Close
        } else if self.asks_to_stay {
            let left = (most > 0).then(|| most.saturating_sub(before));
            After::StayAsAsked(rules.keep_alive_timeout.as_secs(), left)
        } else {
            After::Stay
        }
    }
}
