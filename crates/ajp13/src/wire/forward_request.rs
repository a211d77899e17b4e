use std::fmt;

use bytes::BytesMut;

pub use writer::ForwardRequestWriter;

use super::primitive::{Parsed, Text, byte, int, run, string};
use super::{Attributes, Error, Headers, Method, PacketSize, REQUEST_HEADERS, TooLarge};

mod writer;

/// The type byte.
pub(super) const TYPE: u8 = 2;

/// A request head. All of it fits one packet; there is no continuation.
///
/// Nothing in it is validated beyond its structure: names and values may hold any byte, the URI
/// may be anything, and whoever serves it has to judge. `Debug` shows neither secrets nor
/// credentials.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct ForwardRequest<'a> {
    /// The method.
    pub method: Method<'a>,
    /// Such as `HTTP/1.1`.
    pub protocol: Option<&'a [u8]>,
    /// The path as the client wrote it, percent-encoded, without the query string.
    pub uri: Option<&'a [u8]>,
    /// Address of the client as text.
    pub remote_addr: Option<&'a [u8]>,
    /// Name of the client; usually null.
    pub remote_host: Option<&'a [u8]>,
    /// Name of the server, without port.
    pub server_name: Option<&'a [u8]>,
    /// Port of the server.
    pub server_port: u16,
    /// Whether the client used TLS.
    pub is_ssl: bool,
    /// Headers in order.
    pub headers: Headers<'a>,
    /// Attributes in order.
    pub attributes: Attributes<'a>,
}

/// What precedes the headers of a request, for [`ForwardRequestWriter`]. The meaning of the
/// fields is that of [`ForwardRequest`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RequestLine<'a> {
    /// The method.
    pub method: Method<'a>,
    /// Such as `HTTP/1.1`.
    pub protocol: Option<&'a [u8]>,
    /// The path, percent-encoded, without the query string.
    pub uri: Option<&'a [u8]>,
    /// Address of the client as text.
    pub remote_addr: Option<&'a [u8]>,
    /// Name of the client; null unless it was looked up.
    pub remote_host: Option<&'a [u8]>,
    /// Name of the server, without port.
    pub server_name: Option<&'a [u8]>,
    /// Port of the server.
    pub server_port: u16,
    /// Whether the client used TLS.
    pub is_ssl: bool,
}

impl<'a> ForwardRequest<'a> {
    /// Decodes the payload of a packet, type byte included. Bytes after the end marker of the
    /// attributes are ignored, as Tomcat does.
    ///
    /// # Errors
    /// Any [`Error`] about a field, an unknown code, or the end of the packet.
    pub fn decode(payload: &'a [u8]) -> Result<Self, Error> {
        match payload.split_first() {
            Some((&TYPE, body)) => Self::decode_body(body),
            Some((&other, _)) => Err(Error::UnknownType(other)),
            None => Err(Error::Empty),
        }
    }

    /// Appends the packet as it was decoded: the same codes, the same order.
    ///
    /// # Errors
    /// [`TooLarge`] when it does not fit.
    pub fn encode(&self, buffer: &mut BytesMut, size: PacketSize) -> Result<(), TooLarge> {
        let mut writer = ForwardRequestWriter::begin(buffer, size, &self.line());
        writer.without_stored_method();
        for header in self.headers.iter() {
            writer.put(&header);
        }
        for attribute in self.attributes.iter() {
            writer.attribute(&attribute);
        }
        writer.finish()
    }

    /// What precedes the headers.
    pub const fn line(&self) -> RequestLine<'a> {
        RequestLine {
            method: self.method,
            protocol: self.protocol,
            uri: self.uri,
            remote_addr: self.remote_addr,
            remote_host: self.remote_host,
            server_name: self.server_name,
            server_port: self.server_port,
            is_ssl: self.is_ssl,
        }
    }

    /// The length of the body by the `content-length` header: `None` without one, which means
    /// that the length is unknown, also for a GET.
    ///
    /// # Errors
    /// [`Error::ContentLength`] when it is not all digits, above what a signed 64-bit number
    /// holds, or there twice, even with equal values.
    pub fn content_length(&self) -> Result<Option<u64>, Error> {
        let mut values = self.headers.iter().filter(|header| match header.code() {
            Some(code) => code == 8,
            None => header.name.eq_ignore_ascii_case(b"content-length"),
        });
        match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some(header), None) => digits(header.value).map(Some).ok_or(Error::ContentLength),
            (Some(_), Some(_)) => Err(Error::ContentLength),
        }
    }

    pub(super) fn decode_body(body: &'a [u8]) -> Result<Self, Error> {
        let (_, (code, stored, request)) = run(Self::parse(body))?;
        let method = Method::decode(code, stored)?;
        Ok(Self { method, ..request })
    }

    /// The request with a method still to be filled in from its code and stored name.
    fn parse(input: &'a [u8]) -> Parsed<'a, (u8, Option<&'a [u8]>, Self)> {
        let (rest, code) = byte(input)?;
        let (rest, protocol) = string(rest)?;
        let (rest, uri) = string(rest)?;
        let (rest, remote_addr) = string(rest)?;
        let (rest, remote_host) = string(rest)?;
        let (rest, server_name) = string(rest)?;
        let (rest, server_port) = int(rest)?;
        let (rest, is_ssl) = byte(rest)?;
        let (rest, headers) = Headers::parse(&REQUEST_HEADERS, rest)?;
        let (rest, (attributes, stored)) = Attributes::parse(rest)?;
        let request = Self {
            method: Method::stored(b""),
            protocol,
            uri,
            remote_addr,
            remote_host,
            server_name,
            server_port,
            is_ssl: is_ssl != 0,
            headers,
            attributes,
        };
        Ok((rest, (code, stored, request)))
    }
}

impl fmt::Debug for ForwardRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ForwardRequest")
            .field("method", &self.method)
            .field("protocol", &Text(self.protocol))
            .field("uri", &Text(self.uri))
            .field("remote_addr", &Text(self.remote_addr))
            .field("remote_host", &Text(self.remote_host))
            .field("server_name", &Text(self.server_name))
            .field("server_port", &self.server_port)
            .field("is_ssl", &self.is_ssl)
            .field("headers", &self.headers)
            .field("attributes", &self.attributes)
            .finish()
    }
}

/// A number of nothing but digits, within a signed 64-bit number.
fn digits(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    let number = text.iter().try_fold(0_i64, |number, &digit| {
        let digit = digit.is_ascii_digit().then(|| i64::from(digit - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })?;
    u64::try_from(number).ok()
}

#[cfg(test)]
mod tests;
