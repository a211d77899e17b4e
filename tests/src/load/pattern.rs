//! Bodies that are different for each request and at each place, so that a byte of another answer,
//! or a missing one, shows.

/// Bytes until the pattern would repeat, were it not for its number.
const BLOCK: usize = 1024;

/// The body that belongs to a number, from its beginning or from anywhere.
#[derive(Clone, Debug)]
pub struct Pattern {
    block: Box<[u8; BLOCK]>,
    at: usize,
}

impl Pattern {
    /// The pattern of a request's number, at its first byte.
    pub fn new(number: u64) -> Self {
        let mut block = Box::new([0; BLOCK]);
        let mut dice = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        for eight in block.chunks_exact_mut(8) {
            dice ^= dice << 13;
            dice ^= dice >> 7;
            dice ^= dice << 17;
            eight.copy_from_slice(&dice.to_le_bytes());
        }
        Self { block, at: 0 }
    }

    /// The next `length` bytes.
    pub fn take(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(length);
        self.walk(length, |piece, _| bytes.extend_from_slice(piece));
        bytes
    }

    /// Whether these are the next bytes.
    pub fn is_next(&mut self, bytes: &[u8]) -> bool {
        let mut same = true;
        self.walk(bytes.len(), |piece, from| {
            same &= bytes[from..from + piece.len()] == *piece;
        });
        same
    }

    /// Gives the next bytes piece by piece, each with its place among them.
    fn walk(&mut self, length: usize, mut each: impl FnMut(&[u8], usize)) {
        let end = self.at + length;
        let start = self.at;
        while self.at < end {
            let (number, inside) = (self.at / BLOCK, self.at % BLOCK);
            self.block[..8].copy_from_slice(&number.to_le_bytes());
            let piece = &self.block[inside..BLOCK.min(inside + end - self.at)];
            each(piece, self.at - start);
            self.at += piece.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_the_whole() {
        let whole = Pattern::new(7).take(5000);
        let mut pieces = Pattern::new(7);
        for piece in whole.chunks(333) {
            assert!(pieces.is_next(piece));
        }
    }

    #[test]
    fn what_is_missing_or_anothers_shows() {
        let whole = Pattern::new(7).take(5000);
        assert!(!Pattern::new(8).is_next(&whole));
        assert!(!Pattern::new(7).is_next(&whole[1024..]));
        let mut changed = whole;
        changed[4000] ^= 1;
        assert!(!Pattern::new(7).is_next(&changed));
    }
}
