//! `FORWARD_REQUEST` to [`http::Request`].

use bytes::{BufMut, Bytes, BytesMut};
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::uri::PathAndQuery;
use http::{Extensions, Method, Request, Uri, Version};

use crate::facts::{
    ACTIVATION_ATTRIBUTE, Activation, Attributes, ConnectionInfo, LOCAL_ADDR_ATTRIBUTE, Protocol,
    REMOTE_PORT_ATTRIBUTE, RemoteUser, Route, SSL_PROTOCOL_ATTRIBUTE, Secret, Text, TlsInfo,
};
use crate::wire::{Attribute, ForwardRequest};

/// What of a request HTTP cannot express, so that no service can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadRequest {
    #[error("a header is not valid in HTTP")]
    Header,
    #[error("the method is no HTTP token")]
    Method,
    #[error("the target is no path that a URI can hold")]
    Target,
}

/// Converts the request whose packet is `packet`, which `forward` was decoded from.
pub(crate) fn request(
    packet: &Bytes,
    forward: &ForwardRequest<'_>,
) -> Result<Request<()>, BadRequest> {
    let facts = Facts::of(packet, forward);
    let mut request = Request::new(());
    *request.method_mut() =
        Method::from_bytes(forward.method.name()).map_err(|_| BadRequest::Method)?;
    *request.uri_mut() = target(packet, forward.uri, facts.query.as_ref())?;
    *request.headers_mut() = headers(packet, forward)?;
    if let Some(version) = forward.protocol.and_then(version) {
        *request.version_mut() = version;
    } else {
        let protocol = forward.protocol.map(|protocol| text(packet, protocol));
        request.extensions_mut().insert(Protocol(protocol));
    }
    facts.into_extensions(request.extensions_mut());
    Ok(request)
}

fn text(packet: &Bytes, part: &[u8]) -> Text {
    Text::from(packet.slice_ref(part))
}

fn version(protocol: &[u8]) -> Option<Version> {
    match protocol {
        b"HTTP/0.9" => Some(Version::HTTP_09),
        b"HTTP/1.0" => Some(Version::HTTP_10),
        b"HTTP/1.1" => Some(Version::HTTP_11),
        b"HTTP/2.0" | b"HTTP/2" => Some(Version::HTTP_2),
        b"HTTP/3.0" | b"HTTP/3" => Some(Version::HTTP_3),
        _ => None,
    }
}

/// A URI would take `?` and `#` in the path for the end of it; the packet says they belong to it,
/// so that two readers would see two paths.
fn target(packet: &Bytes, path: Option<&[u8]>, query: Option<&Text>) -> Result<Uri, BadRequest> {
    let path = path.ok_or(BadRequest::Target)?;
    let is_asterisk = path == b"*" && query.is_none();
    if !is_asterisk && (path.first() != Some(&b'/') || path.iter().any(|b| b"?#".contains(b))) {
        return Err(BadRequest::Target);
    }
    let joined = match query {
        None => packet.slice_ref(path),
        Some(query) if query.as_bytes().contains(&b'#') => return Err(BadRequest::Target),
        Some(query) => join(path, query.as_bytes()),
    };
    let path_and_query = PathAndQuery::from_maybe_shared(joined).map_err(|_| BadRequest::Target)?;
    Ok(Uri::from(path_and_query))
}

fn join(path: &[u8], query: &[u8]) -> Bytes {
    let mut joined = BytesMut::with_capacity(path.len() + 1 + query.len());
    joined.put_slice(path);
    joined.put_u8(b'?');
    joined.put_slice(query);
    joined.freeze()
}

fn headers(packet: &Bytes, forward: &ForwardRequest<'_>) -> Result<HeaderMap, BadRequest> {
    let mut headers = HeaderMap::with_capacity(forward.headers.len());
    for field in forward.headers.iter() {
        let name = match field.code().and_then(coded_name) {
            Some(name) => name,
            None => HeaderName::from_bytes(field.name).map_err(|_| BadRequest::Header)?,
        };
        let value = HeaderValue::from_maybe_shared(packet.slice_ref(field.value))
            .map_err(|_| BadRequest::Header)?;
        headers
            .try_append(name, value)
            .map_err(|_| BadRequest::Header)?;
    }
    Ok(headers)
}

/// The header of a code, counted from 1, without parsing its name.
fn coded_name(code: u8) -> Option<HeaderName> {
    Some(match code {
        1 => header::ACCEPT,
        2 => header::ACCEPT_CHARSET,
        3 => header::ACCEPT_ENCODING,
        4 => header::ACCEPT_LANGUAGE,
        5 => header::AUTHORIZATION,
        6 => header::CONNECTION,
        7 => header::CONTENT_TYPE,
        8 => header::CONTENT_LENGTH,
        9 => header::COOKIE,
        11 => header::HOST,
        12 => header::PRAGMA,
        13 => header::REFERER,
        14 => header::USER_AGENT,
        _ => return None,
    })
}

/// All that is not HTTP, gathered in one walk over the attributes.
#[derive(Default)]
struct Facts {
    connection: ConnectionInfo,
    tls: TlsInfo,
    user: RemoteUser,
    route: Option<Route>,
    activation: Option<Activation>,
    secret: Option<Secret>,
    query: Option<Text>,
    attributes: Attributes,
}

impl Facts {
    fn of(packet: &Bytes, forward: &ForwardRequest<'_>) -> Self {
        let connection = ConnectionInfo {
            remote_addr: forward.remote_addr.map(|addr| text(packet, addr)),
            remote_host: forward.remote_host.map(|host| text(packet, host)),
            remote_port: None,
            local_addr: None,
            server_name: forward.server_name.map(|name| text(packet, name)),
            server_port: forward.server_port,
            is_ssl: forward.is_ssl,
        };
        let mut facts = Self {
            connection,
            ..Self::default()
        };
        for attribute in forward.attributes.iter() {
            facts.take(packet, &attribute);
        }
        facts
    }

    fn take(&mut self, packet: &Bytes, attribute: &Attribute<'_>) {
        match *attribute {
            Attribute::RemoteUser(name) => self.user.name = Some(text(packet, name)),
            Attribute::AuthType(scheme) => self.user.auth_type = Some(text(packet, scheme)),
            Attribute::QueryString(query) => self.query = Some(text(packet, query)),
            Attribute::Route(route) => self.route = Some(Route(text(packet, route))),
            Attribute::SslCert(pem) => self.tls.certificate = Some(text(packet, pem)),
            Attribute::SslCipher(cipher) => self.tls.cipher = Some(text(packet, cipher)),
            Attribute::SslSession(session) => self.tls.session = Some(text(packet, session)),
            Attribute::SslKeySize(bits) => self.tls.key_size = Some(bits),
            Attribute::Secret(secret) => self.secret = Some(Secret::new(text(packet, secret))),
            Attribute::RequestAttribute { name, value } => self.take_named(packet, name, value),
            // Obsolete, and meant for the container's own mapping; and the method, known already.
            Attribute::Context(_) | Attribute::ServletPath(_) | Attribute::StoredMethod(_) => {}
        }
    }

    /// Named attributes that stand for facts of the connection become those; one that does not
    /// parse stays what it is.
    fn take_named(&mut self, packet: &Bytes, name: &[u8], value: &[u8]) {
        if name == REMOTE_PORT_ATTRIBUTE.as_bytes() {
            self.connection.remote_port = decimal(value);
        } else if name == LOCAL_ADDR_ATTRIBUTE.as_bytes() {
            self.connection.local_addr = Some(text(packet, value));
        } else if name == SSL_PROTOCOL_ATTRIBUTE.as_bytes() {
            self.tls.protocol = Some(text(packet, value));
        } else if let Some(activation) = activation(name, value) {
            self.activation = Some(activation);
        } else {
            self.attributes
                .push(text(packet, name), text(packet, value));
        }
    }

    fn into_extensions(self, extensions: &mut Extensions) {
        extensions.insert(self.connection);
        insert_unless(&TlsInfo::default(), self.tls, extensions);
        insert_unless(&RemoteUser::default(), self.user, extensions);
        insert_unless(&Attributes::new(), self.attributes, extensions);
        self.route.map(|route| extensions.insert(route));
        self.activation
            .map(|activation| extensions.insert(activation));
        self.secret.map(|secret| extensions.insert(secret));
    }
}

fn insert_unless<T>(nothing: &T, fact: T, extensions: &mut Extensions)
where
    T: Clone + PartialEq + Send + Sync + 'static,
{
    if fact != *nothing {
        extensions.insert(fact);
    }
}

fn activation(name: &[u8], value: &[u8]) -> Option<Activation> {
    if name != ACTIVATION_ATTRIBUTE.as_bytes() {
        return None;
    }
    Activation::from_bytes(value)
}

fn decimal(digits: &[u8]) -> Option<u16> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests;
