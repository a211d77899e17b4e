//! A forward request as a container reads it, byte for byte, and what came around it.

use std::fmt;

use ajp13::wire::{Attribute, ForwardRequest};

/// A request as a backend got it. Texts are escaped as in Rust's byte strings, so that any byte can
/// be seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forwarded {
    /// The backend.
    pub by: String,
    /// Whether it was the first on its connection.
    pub fresh: bool,
    /// CPings on its connection since the request before it.
    pub cpings: usize,
    /// The method, and whether it came as text (`stored`) although it has a code.
    pub method: String,
    /// `HTTP/1.1` and the like.
    pub protocol: String,
    /// The URI without its query.
    pub uri: String,
    /// The client's address.
    pub remote_addr: String,
    /// The client's name.
    pub remote_host: Option<String>,
    /// The server's name.
    pub server_name: String,
    /// The server's port.
    pub server_port: u16,
    /// Whether the client came over TLS.
    pub is_ssl: bool,
    /// Headers in order.
    pub headers: Vec<Field>,
    /// Attributes in order.
    pub attributes: Vec<(String, String)>,
    /// The body, as far as it was read.
    pub body: Vec<u8>,
    /// How many bytes of it came in each packet.
    pub body_packets: Vec<usize>,
    /// Whether an empty packet said that the body ends.
    pub body_ended: bool,
}

/// A header of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// The name as it came; in lower case where it came as a code.
    pub name: String,
    /// The value.
    pub value: String,
    /// Whether its name came as a code.
    pub coded: bool,
}

impl Forwarded {
    /// Reads the payload of a packet. What cannot be read is a request without a method whose URI
    /// says why.
    pub fn read(payload: &[u8]) -> Self {
        match ForwardRequest::decode(payload) {
            Ok(request) => Self::of(&request),
            Err(error) => Self {
                uri: format!("broken packet: {error}: {}", payload.escape_ascii()),
                ..Self::default()
            },
        }
    }

    fn of(request: &ForwardRequest<'_>) -> Self {
        let headers = request.headers.iter().map(|header| Field {
            name: text(header.name),
            value: text(header.value),
            coded: header.code().is_some(),
        });
        Self {
            method: text(request.method.name()),
            protocol: text(request.protocol.unwrap_or_default()),
            uri: text(request.uri.unwrap_or_default()),
            remote_addr: text(request.remote_addr.unwrap_or_default()),
            remote_host: request.remote_host.map(text),
            server_name: text(request.server_name.unwrap_or_default()),
            server_port: request.server_port,
            is_ssl: request.is_ssl,
            headers: headers.collect(),
            attributes: request.attributes.iter().map(pair).collect(),
            ..Self::default()
        }
    }

    /// The first header of this name, whatever its case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let field = self.headers.iter();
        let field = field
            .into_iter()
            .find(|f| f.name.eq_ignore_ascii_case(name));
        field.map(|field| field.value.as_str())
    }

    /// The first attribute of this name.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        let (_, value) = self.attributes.iter().find(|(n, _)| n == name)?;
        Some(value)
    }

    /// Whether a packet of the body comes without being asked for.
    pub(crate) fn announces_body(&self) -> bool {
        self.header("content-length")
            .is_some_and(|length| length != "0")
    }
}

impl fmt::Display for Forwarded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let connection = if self.fresh { "new" } else { "used" };
        let (by, cpings) = (&self.by, self.cpings);
        writeln!(f, "{by} ({connection} connection, {cpings} CPings)")?;
        writeln!(f, "  {} {} {}", self.method, self.uri, self.protocol)?;
        let (host, plain) = (&self.remote_host, if self.is_ssl { "TLS" } else { "plain" });
        writeln!(f, "  from {} {host:?}, {plain}", self.remote_addr)?;
        writeln!(f, "  at {}:{}", self.server_name, self.server_port)?;
        for Field { name, value, coded } in &self.headers {
            let code = if *coded { " (code)" } else { "" };
            writeln!(f, "  header{code} {name}: {value}")?;
        }
        for (name, value) in &self.attributes {
            writeln!(f, "  attribute {name}={value}")?;
        }
        if !self.body.is_empty() || self.body_ended {
            let end = if self.body_ended { ", ended" } else { "" };
            writeln!(
                f,
                "  body {} in {:?}{end}: {}",
                self.body.len(),
                self.body_packets,
                shortened(&self.body)
            )?;
        }
        Ok(())
    }
}

/// Bytes as text that shows each of them.
pub fn text(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}

/// Bytes as text; of many the ends and a sum.
pub fn shortened(bytes: &[u8]) -> String {
    const MOST: usize = 400;
    if bytes.len() <= MOST {
        return text(bytes);
    }
    let sum = bytes.iter().fold(0_u64, |sum, &byte| {
        sum.wrapping_mul(1_099_511_628_211)
            .wrapping_add(byte.into())
    });
    let (begin, end) = (&bytes[..40], &bytes[bytes.len() - 40..]);
    format!("{} … {} ({sum:016x})", text(begin), text(end))
}

fn pair(attribute: Attribute<'_>) -> (String, String) {
    let value = match attribute {
        Attribute::RequestAttribute { name, value } => return (text(name), text(value)),
        Attribute::SslKeySize(bits) => bits.to_string(),
        Attribute::Context(value)
        | Attribute::ServletPath(value)
        | Attribute::RemoteUser(value)
        | Attribute::AuthType(value)
        | Attribute::QueryString(value)
        | Attribute::Route(value)
        | Attribute::SslCert(value)
        | Attribute::SslCipher(value)
        | Attribute::SslSession(value)
        | Attribute::Secret(value)
        | Attribute::StoredMethod(value) => text(value),
        other => format!("{other:?}"),
    };
    (format!("({})", attribute.label()), value)
}
