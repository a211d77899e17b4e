//! A forward request as a backend reads it, without the library under test.

use std::fmt;

/// A decoded FORWARD_REQUEST.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heard {
    /// The method's name, whether it came as a code or as an attribute.
    pub method: String,
    /// `HTTP/1.1` and the like.
    pub protocol: String,
    /// The URI without its query.
    pub uri: String,
    /// The client's address.
    pub remote_addr: String,
    /// The client's name, if it was sent.
    pub remote_host: Option<String>,
    /// The server's name.
    pub server_name: String,
    /// The server's port.
    pub server_port: u16,
    /// Whether the client came over TLS.
    pub is_ssl: bool,
    /// Headers in the order in which they came, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Attributes in the order in which they came: `secret`, `route` and the like, or the own name
    /// of a request attribute.
    pub attributes: Vec<(String, String)>,
}

/// The methods that have a code, in the order of the codes from 1 on. The library under test is not
/// asked.
pub const METHODS: [&str; 27] = [
    "OPTIONS",
    "GET",
    "HEAD",
    "POST",
    "PUT",
    "DELETE",
    "TRACE",
    "PROPFIND",
    "PROPPATCH",
    "MKCOL",
    "COPY",
    "MOVE",
    "LOCK",
    "UNLOCK",
    "ACL",
    "REPORT",
    "VERSION-CONTROL",
    "CHECKIN",
    "CHECKOUT",
    "UNCHECKOUT",
    "SEARCH",
    "MKWORKSPACE",
    "UPDATE",
    "LABEL",
    "MERGE",
    "BASELINE-CONTROL",
    "MKACTIVITY",
];

/// The headers of requests that have a code, in the order of the codes from 0xA001 on.
pub const HEADERS: [&str; 14] = [
    "accept",
    "accept-charset",
    "accept-encoding",
    "accept-language",
    "authorization",
    "connection",
    "content-type",
    "content-length",
    "cookie",
    "cookie2",
    "host",
    "pragma",
    "referer",
    "user-agent",
];

const ATTRIBUTES: [&str; 13] = [
    "context",
    "servlet_path",
    "remote_user",
    "auth_type",
    "query_string",
    "route",
    "ssl_cert",
    "ssl_cipher",
    "ssl_session",
    "",
    "ssl_key_size",
    "secret",
    "stored_method",
];

impl Heard {
    /// Reads the payload of a packet, from its code byte to its end; nothing where it is no proper
    /// forward request.
    pub fn decode(payload: &[u8]) -> Option<Self> {
        let mut packet = Packet(payload);
        (packet.byte()? == 2).then_some(())?;
        let method = packet.byte()?;
        let mut heard = Self {
            method: name(&METHODS, method).unwrap_or_default(),
            protocol: packet.string()?.unwrap_or_default(),
            uri: packet.string()?.unwrap_or_default(),
            remote_addr: packet.string()?.unwrap_or_default(),
            remote_host: packet.string()?,
            server_name: packet.string()?.unwrap_or_default(),
            server_port: packet.short()?,
            is_ssl: packet.byte()? != 0,
            ..Self::default()
        };
        for _ in 0..packet.short()? {
            heard.headers.push(packet.header()?);
        }
        while let Some((name, value)) = packet.attribute()? {
            if name == "stored_method" {
                heard.method = value;
            } else {
                heard.attributes.push((name, value));
            }
        }
        Some(heard)
    }

    /// The first header of this name (in lower case).
    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }

    /// The first attribute of this name.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        find(&self.attributes, name)
    }

    /// The URI with its query.
    pub fn target(&self) -> String {
        match self.attribute("query_string") {
            Some(query) => format!("{}?{query}", self.uri),
            None => self.uri.clone(),
        }
    }
}

impl fmt::Display for Heard {
    /// What matters for balancing: `GET /x route=a ACT`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.target())?;
        if let Some(route) = self.attribute("route") {
            write!(f, " route={route}")?;
        }
        if let Some(activation) = self.attribute("JK_LB_ACTIVATION") {
            write!(f, " {activation}")?;
        }
        // Those of JkEnvVar.
        let own = |name: &str| name.starts_with(|c: char| c.is_ascii_uppercase());
        let routine = |name: &str| name.starts_with("AJP_") || name == "JK_LB_ACTIVATION";
        for (name, value) in &self.attributes {
            if own(name) && !routine(name) {
                write!(f, " {name}={value}")?;
            }
        }
        Ok(())
    }
}

fn find<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let (_, value) = pairs.iter().find(|(n, _)| n == name)?;
    Some(value)
}

fn name(names: &[&str], code: u8) -> Option<String> {
    let name = names.get(usize::from(code.checked_sub(1)?))?;
    Some((*name).to_owned())
}

struct Packet<'a>(&'a [u8]);

impl Packet<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (&byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(byte)
    }

    fn short(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes([self.byte()?, self.byte()?]))
    }

    /// A string, or that there is none.
    fn string(&mut self) -> Option<Option<String>> {
        match self.short()? {
            u16::MAX => Some(None),
            length => self.text(length).map(Some),
        }
    }

    fn text(&mut self, length: u16) -> Option<String> {
        let (text, rest) = self.0.split_at_checked(length.into())?;
        self.0 = rest;
        (self.byte()? == 0).then(|| String::from_utf8_lossy(text).into_owned())
    }

    fn header(&mut self) -> Option<(String, String)> {
        let name = match self.short()? {
            code @ 0xA001..=0xA00E => HEADERS.get(usize::from(code - 0xA001))?.to_string(),
            length => self.text(length)?.to_ascii_lowercase(),
        };
        Some((name, self.string()?.unwrap_or_default()))
    }

    /// An attribute, or that there is none left.
    fn attribute(&mut self) -> Option<Option<(String, String)>> {
        let (name, value) = match self.byte()? {
            0xFF => return Some(None),
            0x0A => (self.string()??, self.string()?.unwrap_or_default()),
            0x0B => ("ssl_key_size".to_owned(), self.short()?.to_string()),
            code => (name(&ATTRIBUTES, code)?, self.string()?.unwrap_or_default()),
        };
        Some(Some((name, value)))
    }
}

#[cfg(test)]
mod tests {
    use super::Heard;

    #[test]
    fn a_request_is_read_whole() {
        let string = |text: &str| -> Vec<u8> {
            let length = u16::try_from(text.len()).unwrap().to_be_bytes();
            [&length, text.as_bytes(), b"\0"].concat()
        };
        let mut packet = vec![2, 0xFF];
        packet.extend([string("HTTP/1.1"), string("/x"), string("127.0.0.9")].concat());
        packet.extend([0xFF, 0xFF]);
        packet.extend([string("here"), vec![0x1F, 0x90, 1, 0, 2]].concat());
        packet.extend([vec![0xA0, 0x0B], string("here"), string("X-Y"), string("z")].concat());
        packet.extend([vec![5], string("q=1"), vec![6], string("a")].concat());
        packet.extend([vec![0x0B, 0, 128, 0x0D], string("PATCH")].concat());
        packet.extend([vec![0x0A], string("JK_LB_ACTIVATION"), string("DIS")].concat());
        packet.push(0xFF);
        let heard = Heard::decode(&packet).unwrap();
        assert_eq!(heard.to_string(), "PATCH /x?q=1 route=a DIS");
        assert_eq!((heard.server_port, heard.is_ssl), (8080, true));
        assert_eq!(heard.remote_host, None);
        assert_eq!(heard.header("host"), Some("here"));
        assert_eq!(heard.header("x-y"), Some("z"));
        assert_eq!(heard.attribute("ssl_key_size"), Some("128"));
        for end in 0..packet.len() {
            assert_eq!(Heard::decode(&packet[..end]), None, "{end}");
        }
    }
}
