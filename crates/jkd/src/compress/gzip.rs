//! The format around what zlib makes (RFC 1952), piece by piece.

use std::{cell::RefCell, fmt, sync::Arc};

use bytes::{Bytes, BytesMut};
use flate2::{Compress, Compression, FlushCompress, Status};

/// A header without a name and a time, made under Unix.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];

/// What is made at once, bytes.
const STEP: usize = 8 * 1024;

/// So many are kept by each thread for the next answers.
const KEPT: usize = 16;

/// So many bodies are compressed at once by each thread: each holds a quarter of a megabyte as long
/// as its client takes.
const MOST: usize = 500;

thread_local! {
    /// The last that was used stands last.
    static IDLE: RefCell<Vec<Engine>> = const { RefCell::new(Vec::new()) };
    /// Shared with all bodies that this thread has begun: they may end on another one.
    static BEGUN: Arc<()> = Arc::default();
    static ROOM: RefCell<[u8; STEP]> = const { RefCell::new([0; STEP]) };
}

/// A body that is being compressed.
pub(crate) struct Gzip {
    /// There until it is dropped.
    engine: Option<Engine>,
    crc: crc32fast::Hasher,
    /// What is made and has not been taken.
    out: BytesMut,
    is_flushed: bool,
    /// Counts as one of its thread.
    _begun: Arc<()>,
}

/// What is used again and again: the largest part of it is zlib's memory.
struct Engine {
    level: u32,
    zlib: Compress,
}

impl Engine {
    fn new(level: u32) -> Self {
        Self {
            level,
            zlib: Compress::new(Compression::new(level), false),
        }
    }

    /// One of this level that has been used before.
    fn kept(level: u32) -> Option<Self> {
        let taken = IDLE.try_with(|idle| {
            let mut idle = idle.try_borrow_mut().ok()?;
            let place = idle.iter().rposition(|engine| engine.level == level)?;
            Some(idle.remove(place))
        });
        let mut engine = taken.ok().flatten()?;
        engine.zlib.reset();
        Some(engine)
    }

    /// Where there is no room, the oldest of another level makes some: a reload may have changed it.
    fn keep(self) {
        // At the end of a thread there is no place to keep it.
        let _ = IDLE.try_with(|idle| {
            let Ok(mut idle) = idle.try_borrow_mut() else {
                return;
            };
            if idle.len() >= KEPT {
                let is_other = |engine: &Self| engine.level != self.level;
                let Some(other) = idle.iter().position(is_other) else {
                    return;
                };
                idle.remove(other);
            }
            idle.push(self);
        });
    }
}

/// zlib was used in a way that it does not allow.
#[derive(Debug, thiserror::Error)]
#[error("cannot compress: {0}")]
pub(crate) struct Broken(#[from] flate2::CompressError);

impl Gzip {
    /// `None` where as many are being compressed as may be.
    pub(crate) fn new(level: u32) -> Option<Self> {
        let begun = BEGUN.try_with(Arc::clone).ok()?;
        // Without the thread's own and this one.
        if Arc::strong_count(&begun) - 2 >= MOST {
            return None;
        }
        let engine = Engine::kept(level).unwrap_or_else(|| Engine::new(level));
        Some(Self {
            engine: Some(engine),
            crc: crc32fast::Hasher::new(),
            out: BytesMut::from(&HEADER[..]),
            is_flushed: false,
            _begun: begun,
        })
    }

    /// Takes a piece of the body.
    pub(crate) fn push(&mut self, data: &[u8]) -> Result<(), Broken> {
        self.crc.update(data);
        let mut rest = data;
        while !rest.is_empty() {
            let (taken, _) = self.step(rest, FlushCompress::None)?;
            rest = rest.get(taken..).unwrap_or_default();
        }
        Ok(())
    }

    /// Makes all of what there was so far.
    pub(crate) fn flush(&mut self) -> Result<(), Broken> {
        self.is_flushed = true;
        loop {
            let before = self.out.len();
            self.step(&[], FlushCompress::Sync)?;
            // Where the room was enough, nothing is left.
            if self.out.len() - before < STEP {
                return Ok(());
            }
        }
    }

    /// Makes the end.
    pub(crate) fn finish(&mut self) -> Result<(), Broken> {
        while self.step(&[], FlushCompress::Finish)?.1 != Status::StreamEnd {}
        let length = self.input().to_le_bytes();
        let crc = self.crc.clone().finalize();
        self.out.extend_from_slice(&crc.to_le_bytes());
        self.out.extend(length.iter().take(4));
        Ok(())
    }

    /// What is made so far.
    pub(crate) fn take(&mut self) -> Bytes {
        self.out.split().freeze()
    }

    /// How much of it is there, bytes.
    pub(crate) fn made(&self) -> usize {
        self.out.len()
    }

    /// Whether it was ever flushed.
    pub(crate) const fn is_flushed(&self) -> bool {
        self.is_flushed
    }

    /// How much was taken, bytes.
    pub(crate) fn input(&self) -> u64 {
        let engine = self.engine.as_ref();
        engine.map_or(0, |engine| engine.zlib.total_in())
    }

    /// How much zlib has made of it, bytes.
    pub(crate) fn output(&self) -> u64 {
        let engine = self.engine.as_ref();
        engine.map_or(0, |engine| engine.zlib.total_out())
    }

    /// One step: how much of the input it has taken.
    fn step(&mut self, input: &[u8], flush: FlushCompress) -> Result<(usize, Status), Broken> {
        let Some(Engine { zlib, .. }) = &mut self.engine else {
            return Ok((input.len(), Status::StreamEnd));
        };
        let (before_in, before_out) = (zlib.total_in(), zlib.total_out());
        let length = |now: u64, before: u64| usize::try_from(now - before).unwrap_or(usize::MAX);
        ROOM.with_borrow_mut(|room| {
            let status = zlib.compress(input, &mut room[..], flush)?;
            let made = room.get(..length(zlib.total_out(), before_out));
            self.out.extend_from_slice(made.unwrap_or_default());
            Ok((length(zlib.total_in(), before_in), status))
        })
    }
}

impl Drop for Gzip {
    fn drop(&mut self) {
        if let Some(engine) = self.engine.take() {
            engine.keep();
        }
    }
}

impl fmt::Debug for Gzip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gzip")
            .field("input", &self.input())
            .field("made", &self.made())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use proptest::prelude::*;

    use super::*;

    fn plain(packed: &[u8]) -> std::io::Result<Vec<u8>> {
        let mut text = Vec::new();
        flate2::read::GzDecoder::new(packed).read_to_end(&mut text)?;
        Ok(text)
    }

    /// What can be read of something that has not ended.
    fn begun(packed: &[u8], length: usize) -> Vec<u8> {
        let mut text = vec![0; length];
        let mut decoder = flate2::read::GzDecoder::new(packed);
        decoder.read_exact(&mut text).unwrap();
        text
    }

    proptest! {
        #[test]
        fn what_went_in_comes_out(
            pieces in proptest::collection::vec(proptest::collection::vec(0_u8..9, 0..3000), 0..20),
            level in 1_u32..10,
        ) {
            let mut gzip = Gzip::new(level).unwrap();
            let mut packed = Vec::new();
            for (index, piece) in pieces.iter().enumerate() {
                gzip.push(piece).unwrap();
                if index % 3 == 0 {
                    gzip.flush().unwrap();
                    packed.extend_from_slice(&gzip.take());
                }
            }
            gzip.finish().unwrap();
            packed.extend_from_slice(&gzip.take());
            prop_assert_eq!(plain(&packed).unwrap(), pieces.concat());
        }
    }

    #[test]
    fn what_is_flushed_can_be_read() {
        let noise: Vec<u8> = (0..90_000_u32)
            .map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[0])
            .collect();
        for text in [&b"one"[..], &noise] {
            let mut gzip = Gzip::new(6).unwrap();
            gzip.push(text).unwrap();
            gzip.flush().unwrap();
            assert_eq!(begun(&gzip.take(), text.len()), text);
            // Twice is harmless.
            gzip.flush().unwrap();
            gzip.push(b"two").unwrap();
            gzip.flush().unwrap();
            assert_ne!(gzip.take(), "");
        }
    }

    #[test]
    fn memory_of_an_old_level_makes_room() {
        let of_level = |level| {
            IDLE.with_borrow(|idle| idle.iter().filter(|engine| engine.level == level).count())
        };
        let begin = |count, level| -> Vec<_> { (0..count).map(|_| Gzip::new(level)).collect() };
        drop(begin(KEPT + 3, 1));
        assert_eq!((of_level(1), of_level(9)), (KEPT, 0));
        drop(begin(1, 9));
        assert_eq!((of_level(1), of_level(9)), (KEPT - 1, 1));
        drop(begin(KEPT + 3, 9));
        assert_eq!((of_level(1), of_level(9)), (0, KEPT));
    }

    #[test]
    fn no_more_are_compressed_at_once_than_may_be() {
        let mut begun: Vec<_> = (0..MOST).map_while(|_| Gzip::new(1)).collect();
        assert_eq!(begun.len(), MOST);
        assert!(Gzip::new(1).is_none());
        // Wherever it ends, its place is free.
        let last = begun.pop();
        std::thread::spawn(move || drop(last)).join().unwrap();
        assert!(Gzip::new(1).is_some());
    }

    #[test]
    fn memory_is_used_again() {
        let pack = |text: &[u8]| {
            let mut gzip = Gzip::new(4).unwrap();
            gzip.push(text).unwrap();
            gzip.finish().unwrap();
            gzip.take()
        };
        let first = pack(b"first first first");
        assert!(IDLE.with_borrow(|idle| idle.iter().any(|engine| engine.level == 4)));
        assert_eq!(plain(&pack(b"second")).unwrap(), b"second");
        assert_eq!(pack(b"first first first"), first);
    }
}
