use super::{Announced, BodyError, CHATTER, Due, NotReusable, Step, Violation, count};
use crate::wire::{GetBodyChunk, PacketSize};

/// The request body as a debt to the container.
#[derive(Clone, Debug)]
pub(super) struct RequestBody {
    /// Announced bytes not sent yet; `None` when the length is unknown and the end was not sent.
    left: Option<u64>,
    /// DATA packets the container waits for. More than one only if it asks again too early.
    owed: u32,
    /// The most bytes it takes in one.
    wanted: usize,
    largest: usize,
    /// Asks so far to which only an empty packet could be the answer.
    vain: u8,
    pub(super) asked: bool,
    pub(super) sent: u64,
}

impl RequestBody {
    pub(super) fn new(body: Announced, size: PacketSize) -> Self {
        let left = match body {
            Announced::None => Some(0),
            Announced::Length(length) => Some(length),
            Announced::Unknown => None,
        };
        let largest = size.max_data();
        Self {
            left,
            owed: 0,
            wanted: largest,
            largest,
            vain: 0,
            asked: false,
            sent: 0,
        }
    }

    pub(super) fn begin(&mut self) {
        if self.left.is_some_and(|left| left > 0) {
            self.owed = self.owed.saturating_add(1);
        }
    }

    /// Ends the debt: what comes after the response would be taken for the next request.
    pub(super) fn close(&mut self, reuse: bool) -> Result<(), NotReusable> {
        let owed = std::mem::take(&mut self.owed);
        match reuse {
            false => Err(NotReusable::ReuseForbidden),
            true if owed > 0 => Err(NotReusable::BodyOwed),
            true => Ok(()),
        }
    }

    pub(super) fn ask<'a>(&mut self, ask: GetBodyChunk) -> Result<Step<'a>, Violation> {
        self.asked = true;
        self.owed = self.owed.saturating_add(1);
        self.wanted = usize::from(ask.wanted).min(self.largest);
        let max = self.max();
        if max == 0 {
            self.vain = self.vain.saturating_add(1);
        }
        if self.vain > CHATTER || self.owed > u32::from(CHATTER) {
            return Err(Violation::TooManyAsks);
        }
        Ok(Step::WantBody { max })
    }

    pub(super) fn due(&self) -> Option<Due> {
        (self.owed > 0).then(|| match self.max() {
            0 => Due::End,
            max => Due::Data { max },
        })
    }

    pub(super) fn pay(&mut self, bytes: usize) -> Result<(), BodyError> {
        let max = self.max();
        if self.owed == 0 {
            return Err(BodyError::NotAsked);
        }
        if bytes > max {
            return Err(BodyError::TooLong);
        }
        if bytes == 0 && max > 0 && self.left.is_some() {
            return Err(BodyError::TooShort);
        }
        self.owed -= 1;
        self.take(bytes, max);
        Ok(())
    }

    /// An empty answer ends a body of unknown length, unless empty is all that was asked for.
    fn take(&mut self, bytes: usize, max: usize) {
        let bytes = count(bytes);
        self.sent = self.sent.saturating_add(bytes);
        self.left = match self.left {
            Some(left) => Some(left.saturating_sub(bytes)),
            None if bytes == 0 && max > 0 => Some(0),
            None => None,
        };
    }

    fn max(&self) -> usize {
        match self.left {
            Some(left) => usize::try_from(left).unwrap_or(usize::MAX).min(self.wanted),
            None => self.wanted,
        }
    }
}
