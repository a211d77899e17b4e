//! What a recording backend shall do, as text.
//!
//! A script is one play for each request, separated by ` || `; the last one is for all requests that
//! follow. A play is acts, separated by ` | `:
//!
//! | Act | What happens |
//! |---|---|
//! | `ok` | 200, the backend's name as the body, the end |
//! | `200`, `404 Not Here` | a head with this status and reason; `Name: value` acts right behind it are its headers |
//! | `body TEXT`, `bytes N` | a chunk of the body: this text, or so many bytes |
//! | `flush` | a chunk of no bytes |
//! | `end`, `end close` | the end, with or without reuse of the connection |
//! | `read`, `ask N` | asks for the whole body, or for N bytes once |
//! | `hold` | waits for the step `release` |
//! | `delay MS` | waits so long |
//! | `close`, `reset`, `silent` | closes, aborts, or says nothing more |
//! | `packet TEXT`, `raw TEXT` | a packet with this payload, or any bytes |
//!
//! A play that has a head and neither of the acts that end it gets an `end`. A script that is `refuse`,
//! `hang-up` or `mute` is about connections: they are refused, closed at once, or never answered,
//! not even a CPing. In texts `\r`, `\n`, `\t`, `\0`, `\\` and `\xNN` stand for bytes.

use std::time::Duration;

/// What becomes of connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Door {
    /// Connections are accepted, CPings and requests answered.
    #[default]
    Open,
    /// Connects are refused; connections that there were are gone.
    Refuse,
    /// Connections are accepted and closed.
    HangUp,
    /// Connections are accepted, and that is all.
    Mute,
}

/// One thing that is done with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// GET_BODY_CHUNK for so many bytes.
    Ask(u16),
    /// SEND_BODY_CHUNK.
    Body(Vec<u8>),
    /// So many bytes of body.
    Bytes(usize),
    /// The connection is closed.
    Close,
    /// Nothing for so long.
    Delay(Duration),
    /// END_RESPONSE.
    End {
        /// Whether the connection may be used again.
        reuse: bool,
    },
    /// SEND_HEADERS.
    Head(Head),
    /// Waits until it is released.
    Hold,
    /// The backend's name as a chunk.
    Name,
    /// Any payload as a packet.
    Packet(Vec<u8>),
    /// Any bytes.
    Raw(Vec<u8>),
    /// GET_BODY_CHUNKs until the body ends.
    Read,
    /// The connection is aborted.
    Reset,
    /// Nothing more is said.
    Silent,
}

/// The head of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The status.
    pub status: u16,
    /// The reason.
    pub reason: Vec<u8>,
    /// Names and values.
    pub headers: Vec<(Vec<u8>, Vec<u8>)>,
}

/// A whole script.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Script {
    /// What becomes of connections.
    pub door: Door,
    /// One for each request.
    pub plays: Vec<Vec<Act>>,
}

impl Script {
    /// Reads a script; panics with what is wrong.
    pub fn parse(text: &str) -> Self {
        let door = match text {
            "refuse" => Door::Refuse,
            "hang-up" => Door::HangUp,
            "mute" => Door::Mute,
            _ => {
                return Self {
                    door: Door::Open,
                    plays: text.split(" || ").map(play).collect(),
                };
            }
        };
        Self {
            door,
            plays: Vec::new(),
        }
    }

    /// The play for a request, the first of which is number 0.
    pub fn play(&self, number: usize) -> &[Act] {
        let play = self.plays.get(number).or(self.plays.last());
        play.map_or(&[], Vec::as_slice)
    }
}

fn play(text: &str) -> Vec<Act> {
    let mut acts = Vec::new();
    for part in text.split(" | ") {
        let (word, rest) = part.split_once(' ').unwrap_or((part, ""));
        match acts.last_mut() {
            Some(Act::Head(head)) if word.ends_with(':') => {
                let name = unescaped(word.trim_end_matches(':'));
                head.headers.push((name, unescaped(rest)));
            }
            _ => act(word, rest, &mut acts),
        }
    }
    let begins = acts.iter().any(|act| matches!(act, Act::Head(_)));
    let ends = acts.iter().any(|act| {
        matches!(
            act,
            Act::End { .. } | Act::Close | Act::Reset | Act::Silent | Act::Packet(_) | Act::Raw(_)
        )
    });
    if begins && !ends {
        acts.push(Act::End { reuse: true });
    }
    acts
}

fn act(word: &str, rest: &str, acts: &mut Vec<Act>) {
    let number = || -> u16 { rest.parse().unwrap_or_else(|_| panic!("no number: {rest}")) };
    if word == "ok" {
        acts.extend([Act::Head(Head::of(200, b"OK")), Act::Name]);
    }
    acts.push(match word {
        "ok" => Act::End { reuse: true },
        "name" => Act::Name,
        "body" => Act::Body(unescaped(rest)),
        "bytes" => Act::Bytes(rest.parse().expect("a number")),
        "flush" => Act::Body(Vec::new()),
        "end" => Act::End {
            reuse: rest != "close",
        },
        "read" => Act::Read,
        "ask" => Act::Ask(number()),
        "hold" => Act::Hold,
        "delay" => Act::Delay(Duration::from_millis(number().into())),
        "close" => Act::Close,
        "reset" => Act::Reset,
        "silent" => Act::Silent,
        "packet" => Act::Packet(unescaped(rest)),
        "raw" => Act::Raw(unescaped(rest)),
        _ => match word.parse() {
            Ok(status) => Act::Head(Head::of(status, &unescaped(rest))),
            Err(_) => panic!("no act: {word} {rest}"),
        },
    });
}

impl Head {
    fn of(status: u16, reason: &[u8]) -> Self {
        Self {
            status,
            reason: reason.to_vec(),
            headers: Vec::new(),
        }
    }
}

/// The bytes that a text with `\r`, `\n`, `\t`, `\0`, `\\` and `\xNN` stands for.
pub fn unescaped(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        if first != b'\\' {
            bytes.push(first);
            rest = after;
            continue;
        }
        let (byte, length) = match after {
            [b'r', ..] => (b'\r', 1),
            [b'n', ..] => (b'\n', 1),
            [b't', ..] => (b'\t', 1),
            [b'0', ..] => (0, 1),
            [b'\\', ..] => (b'\\', 1),
            [b'x', high, low, ..] => (hex(*high) * 16 + hex(*low), 3),
            _ => panic!("a `\\` that means nothing: {text}"),
        };
        bytes.push(byte);
        rest = &after[length..];
    }
    bytes
}

fn hex(digit: u8) -> u8 {
    let value = char::from(digit).to_digit(16);
    let value = value.unwrap_or_else(|| panic!("no hexadecimal digit: {digit}"));
    u8::try_from(value).expect("one digit")
}

#[cfg(test)]
mod tests {
    use super::{Act, Door, Head, Script, unescaped};

    #[test]
    fn plays_acts_and_headers_are_told_apart() {
        let script =
            Script::parse("close || 404 Not Here | X-A: b, c | x: | body \\x00 | end close");
        let head = Act::Head(Head {
            status: 404,
            reason: b"Not Here".to_vec(),
            headers: vec![
                (b"X-A".to_vec(), b"b, c".to_vec()),
                (b"x".to_vec(), Vec::new()),
            ],
        });
        let last = vec![head, Act::Body(vec![0]), Act::End { reuse: false }];
        assert_eq!(script.play(0), [Act::Close]);
        assert_eq!(script.play(1), last);
        assert_eq!(script.play(9), last);
        assert_eq!(Script::parse("mute").door, Door::Mute);
    }

    #[test]
    fn a_head_alone_is_ended() {
        let script = Script::parse("204 || 200 | bytes 3 | close");
        assert_eq!(script.play(0).last(), Some(&Act::End { reuse: true }));
        assert_eq!(script.play(1).last(), Some(&Act::Close));
    }

    #[test]
    fn escapes_stand_for_bytes() {
        assert_eq!(unescaped(r"a\r\n\x0d\\\0\t"), b"a\r\n\r\\\0\t");
    }
}
