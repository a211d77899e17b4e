//! Requests with something changed about them.

use proptest::{prelude::*, sample::Index};

/// What is changed about a request.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    Delete(Index),
    Insert(Index, &'static [u8]),
    Replace(Index, &'static [u8]),
    RepeatLine(Index),
}

/// What parsers read in different ways.
const PIECES: [&[u8]; 38] = [
    b"\r",
    b"\n",
    b"\r\n",
    b"\r\n\r\n",
    b" ",
    b"\t",
    b"\0",
    b"\x0b",
    b"\x0c",
    b"\x7f",
    b"\x85",
    b"\xa0",
    b"\xff",
    b",",
    b";",
    b":",
    b"0",
    b"1",
    b"5",
    b"a",
    b"+",
    b"-",
    b"0x",
    b"%00",
    b"%2e",
    b"%2f",
    b"%5c",
    b"\\",
    b"//",
    b"/../",
    b"/;x/",
    b"?",
    b"#",
    b"\"",
    b"Content-Length: 5\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Host: b\r\n",
    b"Transfer-Encoding : x\r\n",
];

pub(crate) fn change() -> impl Strategy<Value = Change> {
    let piece = || proptest::sample::select(PIECES.to_vec());
    prop_oneof![
        any::<Index>().prop_map(Change::Delete),
        (any::<Index>(), piece()).prop_map(|(at, piece)| Change::Insert(at, piece)),
        (any::<Index>(), piece()).prop_map(|(at, piece)| Change::Replace(at, piece)),
        any::<Index>().prop_map(Change::RepeatLine),
    ]
}

/// Changes a text.
pub(crate) fn carry_out(text: &mut Vec<u8>, change: &Change) {
    if text.is_empty() {
        return;
    }
    match change {
        Change::Delete(at) => {
            text.remove(at.index(text.len()));
        }
        Change::Insert(at, piece) => {
            let at = at.index(text.len());
            text.splice(at..at, piece.iter().copied());
        }
        Change::Replace(at, piece) => {
            let at = at.index(text.len());
            text.splice(at..=at, piece.iter().copied());
        }
        Change::RepeatLine(at) => {
            let lines: Vec<_> = text.split_inclusive(|b| *b == b'\n').collect();
            let at = at.index(lines.len());
            let (before, after) = lines.split_at(at);
            *text = [before, &after[..1], after].concat().concat();
        }
    }
}
