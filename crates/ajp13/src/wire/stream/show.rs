use std::fmt::{self, Display, Formatter};

use super::{Content, Item};
use crate::wire::{
    Attribute, Data, ForwardRequest, Header, Headers, RequestPacket, ResponsePacket,
};

/// Body bytes that are shown of a packet.
const PREVIEW: usize = 64;

/// Whether credentials are shown: the secret, and the values of `Authorization` headers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Secrets {
    /// `[redacted]` stands in their place.
    Redacted,
    /// As they are.
    Shown,
}

/// A readable description of an [`Item`]: a title line, then indented details.
#[derive(Clone, Copy)]
pub struct Show<'a> {
    item: &'a Item<'a>,
    secrets: Secrets,
}

impl<'a> Show<'a> {
    pub(super) const fn new(item: &'a Item<'a>, secrets: Secrets) -> Self {
        Self { item, secrets }
    }
}

impl Display for Show<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Item {
            offset,
            bytes,
            content,
        } = self.item;
        write!(f, "@{offset} {}, {} bytes", title(content), bytes.len())?;
        match content {
            Content::Request(RequestPacket::ForwardRequest(request)) => {
                self.forward_request(f, request)
            }
            Content::Request(RequestPacket::Data(Data::Bytes(bytes))) => preview(f, bytes),
            Content::Request(_) => Ok(()),
            Content::Response(packet) => self.response(f, packet),
            Content::Malformed(error) => {
                write!(f, "\n  {error}")?;
                preview(f, bytes)
            }
            Content::Incomplete => preview(f, bytes),
        }
    }
}

impl Show<'_> {
    fn forward_request(&self, f: &mut Formatter<'_>, request: &ForwardRequest<'_>) -> fmt::Result {
        let method = request.method;
        write!(
            f,
            "\n  method: {} (code {})",
            method.name().escape_ascii(),
            method.code()
        )?;
        field(f, "protocol", request.protocol)?;
        field(f, "uri", request.uri)?;
        field(f, "remote_addr", request.remote_addr)?;
        field(f, "remote_host", request.remote_host)?;
        field(f, "server_name", request.server_name)?;
        write!(f, "\n  server_port: {}", request.server_port)?;
        write!(f, "\n  is_ssl: {}", request.is_ssl)?;
        self.headers(f, &request.headers)?;
        for attribute in request.attributes.iter() {
            self.attribute(f, &attribute)?;
        }
        Ok(())
    }

    fn response(&self, f: &mut Formatter<'_>, packet: &ResponsePacket<'_>) -> fmt::Result {
        match packet {
            ResponsePacket::CPong => Ok(()),
            ResponsePacket::EndResponse(end) => write!(f, "\n  reuse: {}", end.reuse),
            ResponsePacket::GetBodyChunk(ask) => write!(f, "\n  wanted: {}", ask.wanted),
            ResponsePacket::SendBodyChunk(chunk) => preview(f, chunk.data),
            ResponsePacket::SendHeaders(head) => {
                write!(f, "\n  status: {}", head.status)?;
                field(f, "reason", head.reason)?;
                self.headers(f, &head.headers)
            }
        }
    }

    fn headers(&self, f: &mut Formatter<'_>, headers: &Headers<'_>) -> fmt::Result {
        headers
            .iter()
            .try_for_each(|header| self.header(f, &header))
    }

    fn header(&self, f: &mut Formatter<'_>, header: &Header<'_>) -> fmt::Result {
        match header.code() {
            Some(code) => write!(f, "\n  header A0{code:02X} ")?,
            None => f.write_str("\n  header ")?,
        }
        write!(f, "{}: ", header.name.escape_ascii())?;
        match self.secrets {
            Secrets::Redacted if header.is_secret() => f.write_str("[redacted]"),
            _ => write!(f, "{}", header.value.escape_ascii()),
        }
    }

    fn attribute(&self, f: &mut Formatter<'_>, attribute: &Attribute<'_>) -> fmt::Result {
        let code = attribute.code();
        write!(f, "\n  attribute {code:02X} {}: ", attribute.label())?;
        match (self.secrets, attribute) {
            (Secrets::Redacted, Attribute::Secret(_)) => f.write_str("[redacted]"),
            _ => attribute.show_value(f),
        }
    }
}

fn title(content: &Content<'_>) -> &'static str {
    match content {
        Content::Request(packet) => request_title(packet),
        Content::Response(packet) => response_title(packet),
        Content::Malformed(_) => "MALFORMED",
        Content::Incomplete => "INCOMPLETE",
    }
}

fn request_title(packet: &RequestPacket<'_>) -> &'static str {
    match packet {
        RequestPacket::CPing => "CPING",
        RequestPacket::Data(Data::Bytes(_)) => "DATA",
        RequestPacket::Data(Data::End) => "DATA (end of body, 6-byte form)",
        RequestPacket::Data(Data::ShortEnd) => "DATA (end of body, 4-byte form)",
        RequestPacket::ForwardRequest(_) => "FORWARD_REQUEST",
        RequestPacket::Ping => "PING (never implemented)",
        RequestPacket::Shutdown => "SHUTDOWN (obsolete)",
    }
}

fn response_title(packet: &ResponsePacket<'_>) -> &'static str {
    match packet {
        ResponsePacket::CPong => "CPONG",
        ResponsePacket::EndResponse(_) => "END_RESPONSE",
        ResponsePacket::GetBodyChunk(_) => "GET_BODY_CHUNK",
        ResponsePacket::SendBodyChunk(chunk) if chunk.data.is_empty() => "SEND_BODY_CHUNK (flush)",
        ResponsePacket::SendBodyChunk(_) => "SEND_BODY_CHUNK",
        ResponsePacket::SendHeaders(_) => "SEND_HEADERS",
    }
}

fn field(f: &mut Formatter<'_>, name: &str, value: Option<&[u8]>) -> fmt::Result {
    match value {
        Some(value) => write!(f, "\n  {name}: {}", value.escape_ascii()),
        None => write!(f, "\n  {name}: (null)"),
    }
}

fn preview(f: &mut Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    if bytes.is_empty() {
        return Ok(());
    }
    let shown = bytes.get(..PREVIEW).unwrap_or(bytes);
    write!(f, "\n  {} bytes: \"{}\"", bytes.len(), shown.escape_ascii())?;
    if shown.len() < bytes.len() {
        f.write_str(" ...")
    } else {
        Ok(())
    }
}
