//! What httpd would keep of an answer before it passes it on.

use std::{collections::VecDeque, mem};

use bytes::Bytes;

/// So much httpd keeps, bytes.
pub(super) const HOLD: usize = 8000;

/// Pieces of an answer that have come. They stay until there is more than httpd would keep or
/// somebody wants them passed on; then all of them go, and it begins anew.
#[derive(Debug, Default)]
pub(super) struct Held {
    pieces: VecDeque<Bytes>,
    length: usize,
    released: bool,
    /// Somebody wants them passed on.
    flushed: bool,
}

impl Held {
    pub(super) fn push(&mut self, piece: Bytes) {
        if piece.is_empty() {
            return;
        }
        self.length += piece.len();
        self.pieces.push_back(piece);
        self.released |= self.length > HOLD;
    }

    /// How many bytes are here.
    pub(super) const fn len(&self) -> usize {
        self.length
    }

    /// The next piece that may go.
    pub(super) fn pop(&mut self) -> Option<Bytes> {
        if !self.released {
            return None;
        }
        let piece = self.pieces.pop_front();
        self.length -= piece.as_ref().map_or(0, Bytes::len);
        self.released = !self.pieces.is_empty();
        self.flushed &= self.released;
        piece
    }

    /// The next piece, whether it may go or not.
    pub(super) fn shift(&mut self) -> Option<Bytes> {
        let piece = self.pieces.pop_front()?;
        self.length -= piece.len();
        Some(piece)
    }

    /// Whether somebody wants what has been taken passed on. Tells it once.
    pub(super) fn take_flush(&mut self) -> bool {
        self.released = false;
        mem::take(&mut self.flushed)
    }

    /// What is here may go.
    pub(super) fn release(&mut self) {
        self.released = true;
        self.flushed = true;
    }

    pub(super) const fn may_go(&self) -> bool {
        self.released
    }

    /// How many bytes.
    pub(super) const fn length(&self) -> usize {
        self.length
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// All of it.
    pub(super) fn to_vec(&self) -> Vec<u8> {
        self.pieces.iter().flatten().copied().collect()
    }
}

impl From<Vec<Bytes>> for Held {
    fn from(pieces: Vec<Bytes>) -> Self {
        let mut held = Self::default();
        for piece in pieces {
            held.push(piece);
        }
        held
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(held: &mut Held) -> Vec<usize> {
        std::iter::from_fn(|| held.pop().map(|piece| piece.len())).collect()
    }

    #[test]
    fn keeps_what_httpd_would_time_and_again() {
        let mut held = Held::default();
        let mut steps = Vec::new();
        for size in [4000, 4000, 1, 3999, 8000, 8001, 8000] {
            held.push(Bytes::from(vec![b'x'; size]));
            steps.push(taken(&mut held));
        }
        assert_eq!(
            steps,
            [
                vec![],
                vec![],
                vec![4000, 4000, 1],
                vec![],
                vec![3999, 8000],
                vec![8001],
                vec![]
            ]
        );
        assert_eq!(held.length(), 8000);
        held.release();
        assert_eq!(taken(&mut held), [8000]);
        assert!(!held.may_go() && held.is_empty());
    }

    #[test]
    fn nothing_is_no_piece() {
        let mut held = Held::default();
        held.push(Bytes::new());
        held.release();
        assert_eq!(held.pop(), None);
        assert!(!held.may_go());
    }
}
