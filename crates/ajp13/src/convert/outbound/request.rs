//! `http::Request` to FORWARD_REQUEST.

use std::io::Write as _;

use bytes::BytesMut;
use http::header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::request::Parts;
use http::{HeaderName, Method, Version};

use crate::exchange::Announced;
use crate::facts::{
    self, Activation, Attributes, ConnectionInfo, Protocol, RawTarget, RemoteUser, Route, Secret,
    Text, TlsInfo,
};
use crate::wire::{self, Attribute, ForwardRequestWriter, PacketSize, RequestLine, TooLarge};

/// A request whose length is decided, ready to be written as a packet.
pub(crate) struct RequestHead<'a> {
    pub(crate) parts: &'a Parts,
    pub(crate) announced: Announced,
    /// Used when the request brings none itself.
    pub(crate) secret: Option<&'a Secret>,
}

/// Decimal text of a number, without allocating.
struct Decimal {
    text: [u8; 20],
    length: usize,
}

impl RequestHead<'_> {
    /// Appends the packet. Attributes are in mod_jk's order.
    pub(crate) fn write(&self, buffer: &mut BytesMut, size: PacketSize) -> Result<(), TooLarge> {
        let unknown = ConnectionInfo::default();
        let connection = self.fact::<ConnectionInfo>().unwrap_or(&unknown);
        let line = self.line(connection);
        let mut writer = ForwardRequestWriter::begin(buffer, size, &line);
        self.headers(&mut writer);
        self.attributes(&mut writer);
        self.named_attributes(connection, &mut writer);
        writer.finish()
    }

    fn line<'l>(&'l self, connection: &'l ConnectionInfo) -> RequestLine<'l> {
        let known = |text: &'l Option<Text>| text.as_ref().map(Text::as_bytes);
        let (host, port) = self.host_and_port();
        let is_ssl = connection.is_ssl || self.parts.uri.scheme_str() == Some("https");
        let named = known(&connection.server_name);
        RequestLine {
            method: wire::Method::from_name(self.parts.method.as_str().as_bytes()),
            protocol: self.protocol(),
            uri: Some(self.path()),
            remote_addr: Some(known(&connection.remote_addr).unwrap_or(b"127.0.0.1")),
            remote_host: known(&connection.remote_host),
            server_name: named.or(host),
            server_port: match connection.server_port {
                0 => port.unwrap_or(if is_ssl { 443 } else { 80 }),
                port => port,
            },
            is_ssl,
        }
    }

    fn protocol(&self) -> Option<&[u8]> {
        if let Some(Protocol(protocol)) = self.fact() {
            return protocol.as_ref().map(Text::as_bytes);
        }
        Some(match self.parts.version {
            Version::HTTP_09 => b"HTTP/0.9",
            Version::HTTP_10 => b"HTTP/1.0",
            Version::HTTP_2 => b"HTTP/2.0",
            Version::HTTP_3 => b"HTTP/3.0",
            _ => b"HTTP/1.1",
        })
    }

    fn path(&self) -> &[u8] {
        match self.fact::<RawTarget>() {
            Some(target) => target.path.as_bytes(),
            None if self.parts.uri.path().is_empty() => b"/",
            None => self.parts.uri.path().as_bytes(),
        }
    }

    fn query(&self) -> Option<&[u8]> {
        match self.fact::<RawTarget>() {
            Some(target) => target.query.as_ref().map(Text::as_bytes),
            None => self.parts.uri.query().map(str::as_bytes),
        }
    }

    /// From the Host header, otherwise from the URI.
    fn host_and_port(&self) -> (Option<&[u8]>, Option<u16>) {
        let header = self
            .parts
            .headers
            .get(HOST)
            .and_then(|host| host.to_str().ok());
        let Some(host) = header.or_else(|| self.authority()) else {
            return (None, None);
        };
        match host.rsplit_once(':') {
            Some((name, port)) if !port.ends_with(']') => {
                (Some(name.as_bytes()), port.parse().ok())
            }
            _ => (Some(host.as_bytes()), None),
        }
    }

    /// Without user information, which has no place in a Host header.
    fn authority(&self) -> Option<&str> {
        let authority = self.parts.uri.authority()?.as_str();
        Some(
            authority
                .rsplit_once('@')
                .map_or(authority, |(_, host)| host),
        )
    }

    /// `content-length` is written as the body has it, whatever the headers say: a container
    /// goes by it alone.
    fn headers(&self, writer: &mut ForwardRequestWriter<'_>) {
        let headers = &self.parts.headers;
        if let Some(host) = self.authority().filter(|_| !headers.contains_key(HOST)) {
            writer.header(HOST.as_str().as_bytes(), host.as_bytes());
        }
        for (name, value) in headers.iter().filter(|(name, _)| *name != CONTENT_LENGTH) {
            writer.header(name.as_str().as_bytes(), value.as_bytes());
        }
        let header = |writer: &mut ForwardRequestWriter<'_>, name: HeaderName, value: &[u8]| {
            writer.header(name.as_str().as_bytes(), value);
        };
        match self.announced {
            Announced::None => header(writer, CONTENT_LENGTH, b"0"),
            Announced::Length(length) => {
                header(writer, CONTENT_LENGTH, Decimal::new(length).as_bytes());
            }
            Announced::Unknown if headers.contains_key(TRANSFER_ENCODING) => {}
            // Undertow takes a request with neither header for one without body.
            Announced::Unknown => header(writer, TRANSFER_ENCODING, b"chunked"),
        }
    }

    fn attributes(&self, writer: &mut ForwardRequestWriter<'_>) {
        if let Some(secret) = self.fact().or(self.secret) {
            writer.attribute(&Attribute::Secret(secret.expose()));
        }
        if let Some(RemoteUser { name, auth_type }) = self.fact() {
            put(writer, name.as_ref(), Attribute::RemoteUser);
            put(writer, auth_type.as_ref(), Attribute::AuthType);
        }
        if let Some(query) = self.query() {
            writer.attribute(&Attribute::QueryString(query));
        }
        if let Some(Route(route)) = self.fact() {
            writer.attribute(&Attribute::Route(route.as_bytes()));
        }
        if let Some(tls) = self.fact::<TlsInfo>() {
            put(writer, tls.certificate.as_ref(), Attribute::SslCert);
            put(writer, tls.cipher.as_ref(), Attribute::SslCipher);
            put(writer, tls.session.as_ref(), Attribute::SslSession);
            if let Some(bits) = tls.key_size {
                writer.attribute(&Attribute::SslKeySize(bits));
            }
        }
    }

    fn named_attributes(&self, connection: &ConnectionInfo, writer: &mut ForwardRequestWriter<'_>) {
        let mut put = |name: &str, value: &[u8]| {
            let name = name.as_bytes();
            writer.attribute(&Attribute::RequestAttribute { name, value });
        };
        let tls = self.fact::<TlsInfo>();
        if let Some(protocol) = tls.and_then(|tls| tls.protocol.as_ref()) {
            put(facts::SSL_PROTOCOL_ATTRIBUTE, protocol.as_bytes());
        }
        if let Some(port) = connection.remote_port {
            put(
                facts::REMOTE_PORT_ATTRIBUTE,
                Decimal::new(port.into()).as_bytes(),
            );
        }
        if let Some(address) = &connection.local_addr {
            put(facts::LOCAL_ADDR_ATTRIBUTE, address.as_bytes());
        }
        if let Some(activation) = self.fact::<Activation>() {
            put(facts::ACTIVATION_ATTRIBUTE, activation.as_str().as_bytes());
        }
        for (name, value) in self
            .fact::<Attributes>()
            .iter()
            .flat_map(|list| list.iter())
        {
            let (name, value) = (name.as_bytes(), value.as_bytes());
            writer.attribute(&Attribute::RequestAttribute { name, value });
        }
    }

    fn fact<T: Send + Sync + 'static>(&self) -> Option<&T> {
        self.parts.extensions.get()
    }

    pub(crate) fn head_only(&self) -> bool {
        self.parts.method == Method::HEAD
    }
}

fn put<'t>(
    writer: &mut ForwardRequestWriter<'_>,
    text: Option<&'t Text>,
    make: fn(&'t [u8]) -> Attribute<'t>,
) {
    if let Some(text) = text {
        writer.attribute(&make(text.as_bytes()));
    }
}

impl Decimal {
    fn new(number: u64) -> Self {
        let mut text = [0; 20];
        let mut free = &mut text[..];
        // Twenty digits hold every u64.
        let _ = write!(free, "{number}");
        let length = 20 - free.len();
        Self { text, length }
    }

    fn as_bytes(&self) -> &[u8] {
        self.text.get(..self.length).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{ForwardRequest, frame};
    use http::Request;

    fn packet(request: Request<()>, announced: Announced) -> BytesMut {
        let (parts, ()) = request.into_parts();
        let mut buffer = BytesMut::new();
        let head = RequestHead {
            parts: &parts,
            announced,
            secret: None,
        };
        head.write(&mut buffer, PacketSize::DEFAULT).unwrap();
        buffer
    }

    fn decode(packet: &[u8]) -> ForwardRequest<'_> {
        let frame = frame::split(frame::Direction::Request, packet, frame::MAX_PAYLOAD);
        ForwardRequest::decode(frame.unwrap().unwrap().payload).unwrap()
    }

    #[test]
    fn a_plain_get_says_what_is_known_and_that_there_is_no_body() {
        let request = Request::get("http://user@shop.example:81/a%20b;x=1?q=%2F")
            .body(())
            .unwrap();
        let packet = packet(request, Announced::None);
        let sent = decode(&packet);
        assert_eq!(sent.method.name(), b"GET");
        assert_eq!(sent.uri, Some(&b"/a%20b;x=1"[..]));
        assert_eq!(sent.protocol, Some(&b"HTTP/1.1"[..]));
        assert_eq!(sent.remote_addr, Some(&b"127.0.0.1"[..]));
        assert_eq!(
            (sent.server_name, sent.server_port),
            (Some(&b"shop.example"[..]), 81)
        );
        assert_eq!(sent.headers.get(b"host"), Some(&b"shop.example:81"[..]));
        assert_eq!(sent.headers.get(b"content-length"), Some(&b"0"[..]));
        let attributes: Vec<_> = sent.attributes.iter().collect();
        assert_eq!(attributes, [Attribute::QueryString(b"q=%2F")]);
    }

    fn with_all_facts() -> Request<()> {
        let mut request = Request::post("https://[::1]/").body(()).unwrap();
        let mut more = Attributes::new();
        more.push("name", "value");
        let facts = request.extensions_mut();
        facts.insert(Secret::new("hush"));
        facts.insert(more);
        facts.insert(Activation::Disabled);
        facts.insert(Route("node1".into()));
        facts.insert(RemoteUser {
            name: Some("ann".into()),
            auth_type: Some("Basic".into()),
        });
        facts.insert(TlsInfo {
            cipher: Some("C".into()),
            key_size: Some(256),
            protocol: Some("TLSv1.3".into()),
            ..TlsInfo::default()
        });
        facts.insert(ConnectionInfo {
            remote_addr: Some("192.0.2.7".into()),
            remote_port: Some(4711),
            local_addr: Some("192.0.2.1".into()),
            ..ConnectionInfo::default()
        });
        request
    }

    #[test]
    fn facts_become_attributes_in_the_order_of_mod_jk() {
        let packet = packet(with_all_facts(), Announced::Length(u64::MAX));
        let sent = decode(&packet);
        assert_eq!(
            (sent.server_name, sent.server_port),
            (Some(&b"[::1]"[..]), 443)
        );
        assert!(sent.is_ssl);
        assert_eq!(sent.remote_addr, Some(&b"192.0.2.7"[..]));
        assert_eq!(
            sent.headers.get(b"content-length"),
            Some(&b"18446744073709551615"[..])
        );
        let named = |name: &'static str, value: &'static str| Attribute::RequestAttribute {
            name: name.as_bytes(),
            value: value.as_bytes(),
        };
        let expected = [
            Attribute::Secret(b"hush"),
            Attribute::RemoteUser(b"ann"),
            Attribute::AuthType(b"Basic"),
            Attribute::Route(b"node1"),
            Attribute::SslCipher(b"C"),
            Attribute::SslKeySize(256),
            named("AJP_SSL_PROTOCOL", "TLSv1.3"),
            named("AJP_REMOTE_PORT", "4711"),
            named("AJP_LOCAL_ADDR", "192.0.2.1"),
            named("JK_LB_ACTIVATION", "DIS"),
            named("name", "value"),
        ];
        assert_eq!(sent.attributes.iter().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn the_length_of_the_body_wins_over_the_header() {
        let request = || {
            Request::post("/")
                .header("Content-Length", "77")
                .body(())
                .unwrap()
        };
        let sent = packet(request(), Announced::Unknown);
        let sent = decode(&sent);
        assert_eq!(sent.headers.get(b"content-length"), None);
        assert_eq!(
            sent.headers.get(b"transfer-encoding"),
            Some(&b"chunked"[..])
        );
        let sent = packet(request(), Announced::Length(5));
        assert_eq!(
            decode(&sent).headers.get(b"content-length"),
            Some(&b"5"[..])
        );
        assert_eq!(decode(&sent).headers.len(), 1);
    }

    #[test]
    fn raw_targets_and_protocols_go_out_unchanged() {
        let mut request = Request::get("/").body(()).unwrap();
        let facts = request.extensions_mut();
        facts.insert(RawTarget {
            path: "/a|b".into(),
            query: Some("".into()),
        });
        facts.insert(Protocol(None));
        let packet = packet(request, Announced::None);
        let sent = decode(&packet);
        assert_eq!((sent.uri, sent.protocol), (Some(&b"/a|b"[..]), None));
        assert_eq!(
            sent.attributes.iter().next(),
            Some(Attribute::QueryString(b""))
        );
    }
}
