//! What a hostile backend does with a request, as text: steps separated by ` ; `. What is joined by
//! ` + ` goes out in one write.
//!
//! | Word | What goes out |
//! |---|---|
//! | `good`, `poison` | a whole answer: `hello`; another one that nobody has asked for |
//! | `head 200 OK \| Name: value` | SEND_HEADERS; `head#N` claims N fields |
//! | `chunk TEXT`, `chunk#N TEXT`, `flush` | SEND_BODY_CHUNK; with N as its length; without bytes |
//! | `end 1`, `end 0`, `end` | END_RESPONSE; without the byte that tells about reuse |
//! | `ask N`, `pong` | GET_BODY_CHUNK, CPONG |
//! | `packet TEXT`, `raw TEXT` | a packet with this payload, any bytes |
//!
//! | Step | What happens |
//! |---|---|
//! | `N x WORD` | N times |
//! | `slowly WORD` | byte by byte |
//! | `split N WORD` | N bytes, and the rest on its own |
//! | `take` | reads a DATA packet |
//! | `asks N`, `asks all` | N times, or to the end of the body: asks for body, and reads it |
//! | `until N` | waits until the client has read N bytes of the body |
//! | `answered` | waits until the client has read the whole answer |
//! | `pause` | waits so long that what came before is read on its own |
//! | `reset`, `close`, `half-close` | aborts, closes, closes for writing |
//! | `silent` | says nothing until the other side closes |

use jkd_tests::unescaped;

use crate::packets::{ask, chunk, chunk_of, head, packet, repeated};

/// One step.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Answered,
    Asks(Option<usize>),
    Close,
    HalfClose,
    Pause,
    Reset,
    Send(usize, Vec<u8>),
    Silent,
    Slowly(Vec<u8>),
    Split(usize, Vec<u8>),
    Take,
    Until(usize),
}

impl Step {
    /// All steps of a line.
    pub(crate) fn parse_all(line: &str) -> Vec<Self> {
        line.split(" ; ").map(Self::parse).collect()
    }

    fn parse(text: &str) -> Self {
        let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
        match word {
            "answered" => Self::Answered,
            "asks" => Self::Asks(rest.parse().ok()),
            "close" => Self::Close,
            "half-close" => Self::HalfClose,
            "pause" => Self::Pause,
            "reset" => Self::Reset,
            "silent" => Self::Silent,
            "slowly" => Self::Slowly(bytes(rest)),
            "split" => {
                let (at, words) = rest.split_once(' ').expect("a number");
                Self::Split(at.parse().expect("a number"), bytes(words))
            }
            "take" => Self::Take,
            "until" => Self::Until(rest.parse().expect("a number")),
            _ => match (word.parse(), rest.strip_prefix("x ")) {
                (Ok(times), Some(words)) => Self::Send(times, bytes(words)),
                _ => Self::Send(1, bytes(text)),
            },
        }
    }
}

fn bytes(words: &str) -> Vec<u8> {
    words.split(" + ").flat_map(word).collect()
}

fn word(text: &str) -> Vec<u8> {
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    let (word, number) = word.split_once('#').unwrap_or((word, ""));
    let number = number.parse().ok();
    match word {
        "ask" => ask(rest.parse().expect("a number")),
        "chunk" => match number {
            Some(claimed) => chunk_of(claimed, &repeated(rest)),
            None => chunk(&repeated(rest)),
        },
        "end" => {
            let reuse = rest.parse::<u8>().ok();
            packet(&[&[5], reuse.as_slice()].concat())
        }
        "flush" => chunk(b""),
        "good" => whole("hello", ""),
        "head" => head(rest, number),
        "packet" => packet(&repeated(rest)),
        "poison" => whole("POISONED", " | X-Poison: 1"),
        "pong" => packet(&[9]),
        "raw" => unescaped(rest),
        _ => panic!("no word of a script: {text}"),
    }
}

fn whole(text: &str, fields: &str) -> Vec<u8> {
    let fields = format!(
        "200 OK | Content-Type: text/plain | Content-Length: {}{fields}",
        text.len()
    );
    [head(&fields, None), chunk(text.as_bytes()), packet(&[5, 1])].concat()
}
