//! The recordings as values.

use std::fs;
use std::path::{Path, PathBuf};

use ajp13::wire::frame::Direction;
use ajp13::wire::stream::{self, Item};

/// One recorded connection.
pub(crate) struct Capture {
    pub(crate) name: String,
    pub(crate) requests: Vec<u8>,
    pub(crate) responses: Vec<u8>,
    /// Reads in order of time: direction, and the offset behind the last byte read.
    pub(crate) reads: Vec<(Direction, usize)>,
}

/// All recordings, by name.
pub(crate) fn captures() -> Vec<Capture> {
    let mut names: Vec<_> = fs::read_dir(directory())
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().into_string().ok())
        .filter_map(|file| file.strip_suffix(".seq").map(str::to_owned))
        .collect();
    names.sort();
    assert_eq!(names.len(), 96, "a recording was added or lost");
    names.into_iter().map(load).collect()
}

/// One recording.
pub(crate) fn capture(name: &str) -> Capture {
    load(name.to_owned())
}

impl Capture {
    pub(crate) fn bytes(&self, direction: Direction) -> &[u8] {
        match direction {
            Direction::Request => &self.requests,
            Direction::Response => &self.responses,
        }
    }

    pub(crate) fn packets(&self, direction: Direction) -> Vec<Item<'_>> {
        stream::packets(direction, self.bytes(direction)).collect()
    }

    /// The packets of both directions in the order in which their last bytes passed.
    pub(crate) fn in_order(&self) -> Vec<Item<'_>> {
        let mut items: Vec<_> = [Direction::Request, Direction::Response]
            .into_iter()
            .flat_map(|direction| {
                let items = self.packets(direction);
                items
                    .into_iter()
                    .map(move |item| (self.read_of(direction, &item), item))
            })
            .collect();
        items.sort_by_key(|(read, _)| *read);
        items.into_iter().map(|(_, item)| item).collect()
    }

    /// Which read brought the last byte of a packet.
    fn read_of(&self, direction: Direction, item: &Item<'_>) -> usize {
        let end = item.offset + item.bytes.len();
        let position = self
            .reads
            .iter()
            .position(|&(d, upto)| d == direction && upto >= end);
        position.unwrap_or_else(|| panic!("{}: no read up to {end}", self.name))
    }
}

fn load(name: String) -> Capture {
    let read = |suffix: &str| fs::read(directory().join(format!("{name}.{suffix}"))).unwrap();
    let reads = String::from_utf8(read("seq"))
        .unwrap()
        .lines()
        .filter_map(relay_read)
        .collect();
    Capture {
        requests: read("c2s.bin"),
        responses: read("s2c.bin"),
        reads,
        name,
    }
}

/// A line of the relay that is about bytes, not about the end of the stream.
fn relay_read(line: &str) -> Option<(Direction, usize)> {
    let line: serde_json::Value = serde_json::from_str(line).unwrap();
    let number = |key: &str| line.get(key)?.as_u64()?.try_into().ok();
    let upto: usize = number("off")
        .zip(number("len"))
        .map(|(off, len): (usize, usize)| off + len)?;
    let direction = if line["dir"] == "c2s" {
        Direction::Request
    } else {
        Direction::Response
    };
    Some((direction, upto))
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/captures")
}
