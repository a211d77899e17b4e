//! An answer, from the packets of AJP13 to HTTP. Bodies are not copied: what is to be sent is a list
//! of pieces, some of which are in what was read.

use std::{io, io::Write, ops::Range};

use ajp13::wire::{
    ResponsePacket, SendBodyChunk, SendHeaders,
    frame::{self, Direction, MAX_PAYLOAD},
};

use super::date;
use crate::input::invalid;

/// What a client gets next.
#[derive(Debug, Default)]
pub(super) struct Output {
    /// Heads, and what frames chunks.
    pub(super) own: Vec<u8>,
    pub(super) pieces: Vec<Piece>,
}

/// A part of it.
#[derive(Clone, Debug)]
pub(super) enum Piece {
    /// Of [`Output::own`].
    Own(Range<usize>),
    /// Of what was read.
    Read(Range<usize>),
}

/// One write takes no more pieces.
pub(super) const MOST_PIECES: usize = 60;

/// What ends a run of packets.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Event {
    /// The answer is complete; whether its connection may go on.
    End { reuse: bool },
    /// More is to be read.
    More,
    /// So many bytes of the request's body are asked for.
    Wanted(u16),
}

/// How an answer goes on.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) is_head: bool,
    pub(super) closes: bool,
    chunked: bool,
}

impl Answer {
    pub(super) fn new(is_head: bool, closes: bool) -> Self {
        Self {
            is_head,
            closes,
            chunked: false,
        }
    }

    /// Turns packets into output, up to an event; returns how many bytes they have.
    pub(super) fn feed(&mut self, bytes: &[u8], out: &mut Output) -> io::Result<(usize, Event)> {
        let mut used = 0;
        while out.pieces.len() + 3 < MOST_PIECES {
            let rest = &bytes[used..];
            let split = frame::split(Direction::Response, rest, MAX_PAYLOAD).map_err(invalid)?;
            let Some(frame) = split else {
                break;
            };
            let length = frame.packet_len();
            match ResponsePacket::decode(frame.payload).map_err(invalid)? {
                ResponsePacket::SendHeaders(head) => self.head(&head, out),
                ResponsePacket::SendBodyChunk(chunk) => {
                    // Behind the packet's length, type and own length.
                    let start = used + SendBodyChunk::prefix(0).map_or(0, |prefix| prefix.len());
                    self.body(start..start + chunk.data.len(), out);
                }
                ResponsePacket::EndResponse(end) => {
                    if self.chunked {
                        out.add(b"0\r\n\r\n");
                    }
                    return Ok((used + length, Event::End { reuse: end.reuse }));
                }
                ResponsePacket::GetBodyChunk(ask) => {
                    return Ok((used + length, Event::Wanted(ask.wanted)));
                }
                other => return Err(invalid(format!("{other:?}"))),
            }
            used += length;
        }
        Ok((used, Event::More))
    }

    fn head(&mut self, head: &SendHeaders<'_>, out: &mut Output) {
        let start = out.own.len();
        let own = &mut out.own;
        own.extend_from_slice(b"HTTP/1.1 ");
        own.extend_from_slice(itoa::Buffer::new().format(head.status).as_bytes());
        own.push(b' ');
        own.extend_from_slice(head.reason.unwrap_or_default());
        own.extend_from_slice(b"\r\n");
        let (mut is_sized, mut is_dated) = (false, false);
        for header in head.headers.iter() {
            is_sized |= header.code() == Some(3);
            is_dated |= header.code() == Some(4);
            own.extend_from_slice(header.name);
            own.extend_from_slice(b": ");
            own.extend_from_slice(header.value);
            own.extend_from_slice(b"\r\n");
        }
        if !is_dated {
            date::append(own);
        }
        self.chunked = !is_sized && !self.is_head && !matches!(head.status, 204 | 304);
        if self.chunked {
            own.extend_from_slice(b"Transfer-Encoding: chunked\r\n");
        }
        if self.closes {
            own.extend_from_slice(b"Connection: close\r\n");
        }
        own.extend_from_slice(b"\r\n");
        out.pieces.push(Piece::Own(start..out.own.len()));
    }

    fn body(&mut self, data: Range<usize>, out: &mut Output) {
        if self.is_head || data.is_empty() {
            return;
        }
        if self.chunked {
            let start = out.own.len();
            let _ = write!(out.own, "{:x}\r\n", data.len());
            out.pieces.push(Piece::Own(start..out.own.len()));
        }
        out.pieces.push(Piece::Read(data));
        if self.chunked {
            out.add(b"\r\n");
        }
    }
}

impl Output {
    fn add(&mut self, bytes: &[u8]) {
        let start = self.own.len();
        self.own.extend_from_slice(bytes);
        self.pieces.push(Piece::Own(start..self.own.len()));
    }

    pub(super) fn slice<'a>(&'a self, piece: &Piece, read: &'a [u8]) -> &'a [u8] {
        match piece {
            Piece::Own(range) => &self.own[range.clone()],
            Piece::Read(range) => &read[range.clone()],
        }
    }
}
