//! Answers as bytes, made once for each path.

use std::io;

use ajp13::wire::{EndResponse, PacketSize, SendBodyChunk, SendHeadersWriter};
use bytes::BytesMut;
use tokio::{io::AsyncWriteExt, net::TcpStream};

use super::Segments;

/// An answer, and where its writes end.
#[derive(Debug)]
pub(super) struct Answer {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Answer {
    /// Sends it, in as many writes as it should have.
    pub(super) async fn send(&self, stream: &mut TcpStream) -> io::Result<()> {
        let mut start = 0;
        for &end in &self.ends {
            stream.write_all(&self.bytes[start..end]).await?;
            start = end;
        }
        Ok(())
    }
}

/// Text of that length.
pub(super) fn text(length: usize) -> Vec<u8> {
    let line = b"All work and no play makes a dull benchmark, line after line.\n";
    line.iter().copied().cycle().take(length).collect()
}

/// An answer in AJP13.
pub(super) fn ajp(
    status: u16,
    body: &[u8],
    sized: bool,
    size: PacketSize,
    segments: Segments,
) -> Answer {
    let mut buffer = BytesMut::new();
    let mut ends = Vec::new();
    let mut writer = SendHeadersWriter::begin(&mut buffer, size, status, Some(b"200"));
    writer.header(b"Content-Type", b"text/plain;charset=UTF-8");
    if sized {
        writer.header(b"Content-Length", body.len().to_string().as_bytes());
    }
    writer.finish().expect("a short head fits");
    if segments != Segments::One {
        ends.push(buffer.len());
    }
    for data in body.chunks(size.max_chunk()) {
        let chunk = SendBodyChunk { data };
        chunk
            .encode(&mut buffer, size)
            .expect("a chunk of that size fits");
        if segments == Segments::Packet {
            ends.push(buffer.len());
        }
    }
    buffer.extend_from_slice(&EndResponse { reuse: true }.to_bytes());
    ends.push(buffer.len());
    Answer {
        bytes: buffer.into(),
        ends,
    }
}

/// An answer in HTTP/1.1.
pub(super) fn http(status: u16, body: &[u8], sized: bool) -> Answer {
    let mut bytes = format!("HTTP/1.1 {status} {status}\r\n").into_bytes();
    bytes.extend_from_slice(b"Content-Type: text/plain;charset=UTF-8\r\n");
    if sized {
        bytes.extend_from_slice(format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes());
        bytes.extend_from_slice(body);
    } else {
        bytes.extend_from_slice(b"Transfer-Encoding: chunked\r\n\r\n");
        for chunk in body.chunks(PacketSize::DEFAULT.max_chunk()) {
            bytes.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            bytes.extend_from_slice(chunk);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"0\r\n\r\n");
    }
    Answer {
        ends: vec![bytes.len()],
        bytes,
    }
}

#[cfg(test)]
mod tests {
    use ajp13::wire::{
        ResponsePacket,
        frame::{self, Direction, MAX_PAYLOAD},
    };

    use super::*;

    #[test]
    fn an_answer_is_cut_as_it_should() {
        let body = text(20_000);
        for (segments, writes) in [
            (Segments::One, 1),
            (Segments::Head, 2),
            (Segments::Packet, 5),
        ] {
            let answer = ajp(200, &body, true, PacketSize::DEFAULT, segments);
            assert_eq!(answer.ends.len(), writes, "{segments:?}");
            assert_eq!(answer.ends.last(), Some(&answer.bytes.len()));
            let mut rest = &answer.bytes[..];
            let mut got = Vec::new();
            while let Some(frame) = frame::split(Direction::Response, rest, MAX_PAYLOAD).unwrap() {
                if let ResponsePacket::SendBodyChunk(chunk) =
                    ResponsePacket::decode(frame.payload).unwrap()
                {
                    got.extend_from_slice(chunk.data);
                }
                rest = frame.rest;
            }
            assert!(got == body && rest.is_empty());
        }
    }
}
