//! Reading an answer of HTTP/1.1: its head, and how long its body is.

use std::io;

use crate::input::invalid;

/// Headers of an answer at most.
const MOST_HEADERS: usize = 64;

/// An answer as far as it has come.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Answer {
    /// The status; 0 before the head has come.
    pub(super) status: u16,
    /// Bytes of body.
    pub(super) length: u64,
    /// Whether the connection ends with it.
    pub(super) closes: bool,
    expects: Part,
}

/// What comes next.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Part {
    #[default]
    Head,
    /// So many bytes of body.
    Body(u64),
    /// The line with a chunk's size.
    Size,
    /// So many bytes of a chunk.
    Chunk(u64),
    /// The end of the line behind a chunk.
    ChunkEnd,
    /// Lines up to an empty one.
    Trailer,
    Nothing,
}

impl Answer {
    /// Takes bytes and returns how many it has used.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut used = 0;
        while !self.is_complete() {
            let step = self.step(&bytes[used..])?;
            if step == 0 {
                break;
            }
            used += step;
        }
        Ok(used)
    }

    pub(super) fn is_complete(&self) -> bool {
        self.expects == Part::Nothing
    }

    fn step(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.expects {
            Part::Head => self.head(bytes),
            Part::Body(left) => {
                let (step, left) = self.count(bytes, left);
                self.expects = if left == 0 {
                    Part::Nothing
                } else {
                    Part::Body(left)
                };
                Ok(step)
            }
            Part::Chunk(left) => {
                let (step, left) = self.count(bytes, left);
                self.expects = if left == 0 {
                    Part::ChunkEnd
                } else {
                    Part::Chunk(left)
                };
                Ok(step)
            }
            Part::Size | Part::ChunkEnd | Part::Trailer => self.line(bytes),
            Part::Nothing => Ok(0),
        }
    }

    fn count(&mut self, bytes: &[u8], left: u64) -> (usize, u64) {
        let step = usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()));
        self.length += step as u64;
        (step, left - step as u64)
    }

    fn line(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(end) = memchr::memchr(b'\n', bytes) else {
            return Ok(0);
        };
        let line = bytes[..end].trim_ascii();
        self.expects = match (self.expects, line.is_empty()) {
            (Part::ChunkEnd, true) => Part::Size,
            (Part::Trailer, true) => Part::Nothing,
            (Part::Trailer, false) => Part::Trailer,
            (Part::Size, false) => match chunk_size(line)? {
                0 => Part::Trailer,
                size => Part::Chunk(size),
            },
            _ => return Err(invalid("chunks that are none")),
        };
        Ok(end + 1)
    }

    fn head(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
        let mut response = httparse::Response::new(&mut headers);
        let used = match response.parse(bytes).map_err(invalid)? {
            httparse::Status::Complete(used) => used,
            httparse::Status::Partial => return Ok(0),
        };
        self.status = response.code.unwrap_or(0);
        let mut length = None;
        let mut is_chunked = false;
        for header in response.headers {
            if header.name.eq_ignore_ascii_case("content-length") {
                length = Some(number(header.value, 10)?);
            } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
                is_chunked = true;
            } else if header.name.eq_ignore_ascii_case("connection") {
                self.closes = header.value.eq_ignore_ascii_case(b"close");
            }
        }
        self.expects = match (self.status, length) {
            (204 | 304, _) | (_, Some(0)) => Part::Nothing,
            _ if is_chunked => Part::Size,
            (_, Some(length)) => Part::Body(length),
            (_, None) => return Err(invalid("an answer that only its connection's end ends")),
        };
        Ok(used)
    }
}

fn chunk_size(line: &[u8]) -> io::Result<u64> {
    let digits = line.split(|&byte| byte == b';').next().unwrap_or(line);
    number(digits.trim_ascii(), 16)
}

fn number(digits: &[u8], radix: u32) -> io::Result<u64> {
    let text = std::str::from_utf8(digits).map_err(invalid)?;
    u64::from_str_radix(text, radix).map_err(invalid)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fed in pieces of every size, with what was not used fed again.
    fn fed(bytes: &[u8]) -> Answer {
        let mut answers = (1..=bytes.len()).map(|size| {
            let mut answer = Answer::default();
            let mut rest = Vec::new();
            for piece in bytes.chunks(size) {
                rest.extend_from_slice(piece);
                let used = answer.feed(&rest).unwrap();
                rest.drain(..used);
            }
            assert!(answer.is_complete() && rest.is_empty(), "pieces of {size}");
            (answer.status, answer.length, answer.closes)
        });
        let first = answers.next().unwrap();
        assert!(answers.all(|answer| answer == first));
        let mut answer = Answer::default();
        answer.feed(bytes).unwrap();
        answer
    }

    #[test]
    fn lengths_are_counted() {
        let answer = fed(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
        assert_eq!(
            (answer.status, answer.length, answer.closes),
            (200, 5, false)
        );
        let answer = fed(b"HTTP/1.1 404 No\r\nConnection: Close\r\ncontent-length: 0\r\n\r\n");
        assert_eq!(
            (answer.status, answer.length, answer.closes),
            (404, 0, true)
        );
        assert_eq!(fed(b"HTTP/1.1 204 None\r\n\r\n").length, 0);
    }

    #[test]
    fn chunks_are_counted() {
        let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        let body = b"5\r\nhello\r\n00a;x=y\r\n0123456789\r\n0\r\nA: b\r\n\r\n";
        assert_eq!(fed(&[&head[..], body].concat()).length, 15);
    }

    #[test]
    fn nonsense_is_refused() {
        for bytes in [
            &b"HTTP/1.1 200 OK\r\n\r\nto the end"[..],
            b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
            b"\x15\x03\x01",
        ] {
            assert!(Answer::default().feed(bytes).is_err(), "{bytes:?}");
        }
    }
}
