use std::fmt;

use bytes::BytesMut;

use super::frame::Direction;
use super::header::{self, HeaderCount};
use super::primitive::{PacketWriter, Parsed, Text, int, run, string};
use super::{Error, Header, Headers, PacketSize, RESPONSE_HEADERS, TooLarge};

/// The type byte.
pub(super) const TYPE: u8 = 4;

/// Status and headers of a response; exactly one per response, there are no interim ones.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct SendHeaders<'a> {
    /// The status, any number the application set.
    pub status: u16,
    /// The reason phrase. Tomcat sends the status as text, others a phrase, nothing or null.
    pub reason: Option<&'a [u8]>,
    /// Headers in order. `Content-Length` does not frame the body, and hop-by-hop headers of the
    /// application are among them.
    pub headers: Headers<'a>,
}

impl<'a> SendHeaders<'a> {
    /// Appends the packet with the same codes as it was decoded from.
    ///
    /// # Errors
    /// [`TooLarge`] when it does not fit.
    pub fn encode(&self, buffer: &mut BytesMut, size: PacketSize) -> Result<(), TooLarge> {
        let mut writer = SendHeadersWriter::begin(buffer, size, self.status, self.reason);
        for header in self.headers.iter() {
            writer.put(&header);
        }
        writer.finish()
    }

    /// Decodes what follows the type byte; bytes after the last header are ignored.
    pub(super) fn decode(body: &'a [u8]) -> Result<Self, Error> {
        run(Self::parse(body)).map(|(_, packet)| packet)
    }

    fn parse(input: &'a [u8]) -> Parsed<'a, Self> {
        let (rest, status) = int(input)?;
        let (rest, reason) = string(rest)?;
        let (rest, headers) = Headers::parse(&RESPONSE_HEADERS, rest)?;
        Ok((
            rest,
            Self {
                status,
                reason,
                headers,
            },
        ))
    }
}

impl fmt::Debug for SendHeaders<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendHeaders")
            .field("status", &self.status)
            .field("reason", &Text(self.reason))
            .field("headers", &self.headers)
            .finish()
    }
}

/// Writes a SEND_HEADERS packet into a buffer without allocating.
///
/// Dropped before [`finish`](Self::finish), or when that fails, the buffer is as it was before.
pub struct SendHeadersWriter<'b> {
    writer: PacketWriter<'b>,
    count: HeaderCount,
}

impl<'b> SendHeadersWriter<'b> {
    /// Begins the packet at the end of the buffer.
    pub fn begin(
        buffer: &'b mut BytesMut,
        size: PacketSize,
        status: u16,
        reason: Option<&[u8]>,
    ) -> Self {
        let mut writer = PacketWriter::begin(buffer, Direction::Response, size.max_packet());
        writer.byte(TYPE);
        writer.int(status);
        writer.string(reason);
        let count = HeaderCount::begin(&mut writer);
        Self { writer, count }
    }

    /// Adds a header; its name is coded where a code exists, in whatever case it is written.
    pub fn header(&mut self, name: &[u8], value: &[u8]) -> &mut Self {
        self.put(&header::for_response(name, value));
        self
    }

    /// Ends the packet.
    ///
    /// # Errors
    /// [`TooLarge`] when the headers do not fit; nothing is left in the buffer then.
    pub fn finish(mut self) -> Result<(), TooLarge> {
        self.count.finish(&mut self.writer);
        self.writer.finish()
    }

    fn put(&mut self, header: &Header<'_>) {
        self.count.put(&mut self.writer, header);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_and_read() {
        let mut buffer = BytesMut::new();
        let mut writer = SendHeadersWriter::begin(&mut buffer, PacketSize::DEFAULT, 302, None);
        writer.header(b"location", b"/x").header(b"X-Y", b"");
        writer.finish().unwrap();
        let bytes = b"AB\x00\x17\x04\x01\x2e\xff\xff\x00\x02\
            \xa0\x06\x00\x02/x\x00\x00\x03X-Y\x00\x00\x00\x00";
        assert_eq!(buffer[..], bytes[..]);
        let packet = SendHeaders::decode(&bytes[5..]).unwrap();
        assert_eq!((packet.status, packet.reason), (302, None));
        assert_eq!(packet.headers.get(b"Location"), Some(&b"/x"[..]));
        assert_eq!(packet.headers.len(), 2);
    }

    #[test]
    fn the_largest_head_fits_exactly() {
        let mut buffer = BytesMut::new();
        for (length, fits) in [(8176, true), (8177, false)] {
            buffer.clear();
            let mut writer = SendHeadersWriter::begin(&mut buffer, PacketSize::DEFAULT, 200, None);
            writer.header(b"Date", b"").header(b"Date", b"");
            writer.header(b"Date", &vec![b'v'; length - 10]);
            assert_eq!(writer.finish().is_ok(), fits, "{length}");
            assert_eq!(buffer.len(), if fits { 8192 } else { 0 });
        }
    }

    #[test]
    fn a_count_above_the_headers_is_truncated() {
        assert_eq!(
            SendHeaders::decode(b"\x00\xc8\x00\x00\x00\x00\x01"),
            Err(Error::Truncated)
        );
    }
}
