use bytes::BytesMut;

use super::super::attribute::write_request_attribute;
use super::super::frame::Direction;
use super::super::header::{self, HeaderCount};
use super::super::primitive::PacketWriter;
use super::super::{Attribute, Header, PacketSize, TooLarge};
use super::{RequestLine, TYPE};

/// The longest header name whose length nobody takes for a code.
const MAX_NAME: usize = 255;

/// Writes a FORWARD_REQUEST packet into a buffer without allocating.
///
/// Headers first, then attributes. The name of a method without a code is written by itself, in
/// front of the first request attribute: where mod_jk has it. Dropped before
/// [`finish`](Self::finish), or when that fails, the buffer is as it was before.
pub struct ForwardRequestWriter<'b> {
    writer: PacketWriter<'b>,
    count: HeaderCount,
    /// A method name that still has to be written as an attribute.
    stored: Option<&'b [u8]>,
    in_attributes: bool,
}

impl<'b> ForwardRequestWriter<'b> {
    /// Begins the packet at the end of the buffer.
    pub fn begin(buffer: &'b mut BytesMut, size: PacketSize, line: &RequestLine<'b>) -> Self {
        let mut writer = PacketWriter::begin(buffer, Direction::Request, size.max_packet());
        writer.byte(TYPE);
        writer.byte(line.method.code());
        writer.string(line.protocol);
        writer.string(line.uri);
        writer.string(line.remote_addr);
        writer.string(line.remote_host);
        writer.string(line.server_name);
        writer.int(line.server_port);
        writer.byte(u8::from(line.is_ssl));
        let count = HeaderCount::begin(&mut writer);
        let stored = line.method.is_stored().then(|| line.method.name());
        Self {
            writer,
            count,
            stored,
            in_attributes: false,
        }
    }

    /// Adds a header. Its name is coded as mod_jk does it: in whatever case it is written, except
    /// that `Accept-Charset`, `Accept-Encoding` and `Accept-Language` travel as text.
    ///
    /// A name of more than 255 bytes makes [`finish`](Self::finish) fail. Tomcat would read it, but
    /// Undertow takes the length of any such name for a code: a client could choose a length that
    /// stands for `content-length` and make a body out of what follows.
    ///
    /// # Panics
    /// In debug builds when an attribute was written before; in others `finish` fails then.
    pub fn header(&mut self, name: &[u8], value: &[u8]) -> &mut Self {
        if name.len() > MAX_NAME {
            self.writer.spoil();
        }
        self.put(&header::for_request(name, value));
        self
    }

    /// Adds an attribute.
    pub fn attribute(&mut self, attribute: &Attribute<'_>) -> &mut Self {
        self.in_attributes = true;
        match attribute {
            Attribute::StoredMethod(_) => self.stored = None,
            Attribute::RequestAttribute { .. } => self.write_stored_method(),
            _ => {}
        }
        attribute.write(&mut self.writer);
        self
    }

    /// Adds a request attribute; `None` is the null string, which says that the value is not
    /// known.
    pub fn request_attribute(&mut self, name: &[u8], value: Option<&[u8]>) -> &mut Self {
        self.in_attributes = true;
        self.write_stored_method();
        write_request_attribute(name, value, &mut self.writer);
        self
    }

    /// Ends the packet.
    ///
    /// # Errors
    /// [`TooLarge`] when the request does not fit one packet; nothing is left in the buffer then,
    /// and nothing must be sent: there is no way to continue a head in a second packet.
    pub fn finish(mut self) -> Result<(), TooLarge> {
        self.write_stored_method();
        self.count.finish(&mut self.writer);
        Attribute::write_end(&mut self.writer);
        self.writer.finish()
    }

    /// Leaves the stored method to the caller, who has it among his attributes.
    pub(super) fn without_stored_method(&mut self) {
        self.stored = None;
    }

    pub(super) fn put(&mut self, header: &Header<'_>) {
        debug_assert!(!self.in_attributes, "headers come before attributes");
        if self.in_attributes {
            return self.writer.spoil();
        }
        self.count.put(&mut self.writer, header);
    }

    fn write_stored_method(&mut self) {
        if let Some(name) = self.stored.take() {
            Attribute::StoredMethod(name).write(&mut self.writer);
        }
    }
}
