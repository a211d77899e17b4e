//! The bookkeeping of one request body: what was announced, asked for, received.
//!
//! ```text
//!            content-length > 0            want, more left
//!   new ───────────────────────► Awaited ◄─────────────── Idle
//!    │  length unknown               │  DATA, more left     ▲
//!    ├───────────────────────────────┼─────────────────────►┘
//!    │  content-length = 0           │  DATA, last byte | end of body
//!    └───────────────────────────────┴─────────────────────► Complete
//! ```
//!
//! In `Awaited` the web server owes exactly one packet; nothing else may be read from the
//! connection before it, not even to end the response.

use bytes::Bytes;

use super::request_body::BodyError;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Awaited,
    Idle,
    Complete,
}

/// A pure state machine: knows lengths and order, not bytes.
#[derive(Debug)]
pub(super) struct Upload {
    state: State,
    /// Bytes still to come, when the request announced its length.
    left: Option<u64>,
}

/// What a body packet meant.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Delivery {
    /// The bytes; empty only at the end of the body.
    pub(super) data: Bytes,
    /// Whether the body is complete with it.
    pub(super) last: bool,
}

impl Upload {
    /// The body of a request with this content length.
    pub(super) fn new(content_length: Option<u64>) -> Self {
        let state = match content_length {
            Some(0) => State::Complete,
            Some(_) => State::Awaited,
            None => State::Idle,
        };
        Self {
            state,
            left: content_length,
        }
    }

    /// Whether the web server owes a packet.
    pub(super) fn awaited(&self) -> bool {
        self.state == State::Awaited
    }

    /// The service wants more: whether a `GET_BODY_CHUNK` must be sent for it.
    pub(super) fn ask(&mut self) -> bool {
        let ask = self.state == State::Idle;
        if ask {
            self.state = State::Awaited;
        }
        ask
    }

    /// Nothing more will be taken, because of `error`.
    pub(super) fn give_up(&mut self, error: BodyError) -> BodyError {
        self.state = State::Complete;
        error
    }

    /// Takes the awaited packet; no bytes is the end of the body.
    pub(super) fn deliver(&mut self, data: Bytes) -> Result<Delivery, BodyError> {
        debug_assert_eq!(self.state, State::Awaited);
        self.state = State::Complete;
        if data.is_empty() {
            return match self.left {
                None => Ok(Delivery { data, last: true }),
                Some(_) => Err(BodyError::TooShort),
            };
        }
        let received = u64::try_from(data.len()).unwrap_or(u64::MAX);
        if let Some(left) = &mut self.left {
            *left = left.checked_sub(received).ok_or(BodyError::TooLong)?;
        }
        let last = self.left == Some(0);
        if !last {
            self.state = State::Idle;
        }
        Ok(Delivery { data, last })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(len: usize) -> Bytes {
        Bytes::from(vec![b'x'; len])
    }

    #[test]
    fn no_body_is_never_asked_for() {
        let mut upload = Upload::new(Some(0));
        assert!(!upload.awaited());
        assert!(!upload.ask());
    }

    #[test]
    fn an_announced_body_begins_unasked() {
        let mut upload = Upload::new(Some(30));
        assert!(upload.awaited());
        assert!(!upload.ask(), "the first packet comes by itself");
        assert!(!upload.deliver(bytes(10)).unwrap().last);
        assert!(!upload.awaited());
        assert!(upload.ask());
        assert!(!upload.ask(), "one packet is owed at a time");
        assert!(upload.deliver(bytes(20)).unwrap().last);
        assert!(!upload.ask(), "all of it is here");
    }

    #[test]
    fn a_body_of_unknown_length_is_asked_for_until_it_ends() {
        let mut upload = Upload::new(None);
        assert!(!upload.awaited());
        assert!(upload.ask());
        assert!(!upload.deliver(bytes(8186)).unwrap().last);
        assert!(upload.ask());
        assert_eq!(
            upload.deliver(Bytes::new()),
            Ok(Delivery {
                data: Bytes::new(),
                last: true
            })
        );
        assert!(!upload.ask());
    }

    #[test]
    fn the_announced_length_is_enforced() {
        let mut upload = Upload::new(Some(10));
        assert_eq!(upload.deliver(bytes(11)), Err(BodyError::TooLong));
        assert!(!upload.ask());
        let mut upload = Upload::new(Some(10));
        assert_eq!(upload.deliver(bytes(0)), Err(BodyError::TooShort));
        assert!(!upload.ask());
    }
}
