//! An HTTP request as the AJP request that mod_jk would make of it.

mod facts;
mod fit;
pub(crate) mod fuzzing;
mod hops;
mod indicated;
mod names;
mod tls;
mod uri;

use std::sync::Arc;

use ajp13::wire::{Attribute, ForwardRequestWriter, Method, PacketSize, RequestLine, TooLarge};
use bytes::BytesMut;
use jkworkers::model::{Activation, ForwardedFields, JkOptions, Secret};

pub(crate) use self::facts::{Facts, software};
pub(crate) use self::indicated::Indicated;
pub(crate) use self::names::{default_port, in_url, own_scheme, scheme, server_name, server_port};
pub(crate) use self::uri::{
    Seen, encode_path, forwarded as forwarded_uri, outgoing as outgoing_uri,
};
use self::{hops::Hops, tls::Tls};
use crate::{
    http1::{BodyLength, Head},
    peer::Peer,
};

/// Everything that goes into a FORWARD_REQUEST packet, borrowed from where it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Forward<'a> {
    pub(crate) head: &'a Head,
    pub(crate) peer: &'a Peer,
    /// The path as [`forwarded_uri`] made it.
    pub(crate) uri: &'a [u8],
    /// The server's name as the client knows it, in lower case.
    pub(crate) server_name: &'a str,
    /// The port that goes with it.
    pub(crate) server_port: u16,
    pub(crate) body: BodyLength,
    /// Whether there is a `Cookie` field.
    pub(crate) has_cookies: bool,
    /// What variables say instead of the connection.
    pub(crate) indicated: &'a Indicated<'a>,
    pub(crate) options: JkOptions,
    /// Fields that rules have a say in: no client can have them left out.
    pub(crate) ruled: &'a [Arc<str>],
    /// The fields of proxies, where this client is none that is known.
    pub(crate) withheld: Option<&'a ForwardedFields>,
}

/// What belongs to the worker that gets it, not to the request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Destination<'a> {
    pub(crate) secret: Option<&'a Secret>,
    /// The route of the member that was chosen, unless a variable names one; stand-alone workers
    /// have none.
    pub(crate) route: Option<&'a [u8]>,
    pub(crate) activation: Activation,
}

impl Forward<'_> {
    /// Appends the packet to `buffer`.
    ///
    /// # Errors
    ///
    /// When the head does not fit one packet; `buffer` is as before then.
    pub(crate) fn write(
        &self,
        buffer: &mut BytesMut,
        size: PacketSize,
        to: &Destination<'_>,
    ) -> Result<(), TooLarge> {
        let said = self.indicated;
        let line = RequestLine {
            method: Method::from_name(self.head.method.as_str().as_bytes()),
            protocol: Some(self.head.protocol().as_bytes()),
            uri: Some(self.uri),
            remote_addr: known(said.remote_addr.unwrap_or(self.peer.ip_text.as_bytes())),
            remote_host: said.remote_host.and_then(known),
            server_name: Some(said.local_name.unwrap_or(self.server_name.as_bytes())),
            server_port: said.local_port.unwrap_or(self.server_port),
            is_ssl: said.tls.is_some(),
        };
        let mut packet = ForwardRequestWriter::begin(buffer, size, &line);
        self.write_headers(&mut packet);
        self.write_attributes(&mut packet, to);
        packet.finish()
    }

    /// All fields but those about the client's connection, each name once: httpd joins repeated
    /// fields by `, `.
    fn write_headers(&self, packet: &mut ForwardRequestWriter<'_>) {
        let headers = &self.head.headers;
        let hops = Hops::of(headers, self.ruled).without(self.withheld);
        if headers.has_repeated() {
            for name in headers.names().filter(|name| !hops.end_here(name)) {
                let value = headers.joined(name).unwrap_or_default();
                self.write_header(packet, name, &value);
            }
        } else {
            for (name, value) in self.head.fields().filter(|(name, _)| !hops.end_here(name)) {
                self.write_header(packet, name, value);
            }
        }
        // Tomcat would wait for the body of a request without a length.
        if self.body == BodyLength::None && !headers.contains("content-length") {
            packet.header(b"content-length", b"0");
        }
    }

    fn write_header(&self, packet: &mut ForwardRequestWriter<'_>, name: &[u8], value: &[u8]) {
        let mut value = value;
        match name.len() {
            14 if name.eq_ignore_ascii_case(b"content-length") => {
                if self.body == BodyLength::Chunked {
                    return;
                }
                value = without_leading_zeros(value);
            }
            _ => {}
        }
        packet.header(name, value);
    }

    /// In mod_jk's order.
    fn write_attributes(&self, packet: &mut ForwardRequestWriter<'_>, to: &Destination<'_>) {
        if let Some(secret) = to.secret {
            packet.attribute(&Attribute::Secret(secret.reveal().as_bytes()));
        }
        let said = self.indicated;
        if let Some(user) = said.remote_user.and_then(known) {
            packet.attribute(&Attribute::RemoteUser(user));
        }
        if let Some(auth_type) = said.auth_type.and_then(known) {
            packet.attribute(&Attribute::AuthType(auth_type));
        }
        if let Some(query) = self.head.query() {
            packet.attribute(&Attribute::QueryString(query));
        }
        if let Some(route) = to.route {
            packet.attribute(&Attribute::Route(route));
        }
        if let Some(tls) = &said.tls {
            tls.write(packet);
        }
        let port = said.remote_port.unwrap_or(self.peer.port_text.as_bytes());
        let local = said.local_addr.unwrap_or(self.peer.local_text.as_bytes());
        packet.request_attribute(b"AJP_REMOTE_PORT", known(port));
        packet.request_attribute(b"AJP_LOCAL_ADDR", Some(local));
        let activation = to.activation.code().as_bytes();
        packet.request_attribute(b"JK_LB_ACTIVATION", Some(activation));
        for (name, value) in &said.attributes {
            packet.request_attribute(name.as_bytes(), Some(value));
        }
    }
}

impl Tls<'_> {
    fn write(&self, packet: &mut ForwardRequestWriter<'_>) {
        let attributes = [
            self.certificate.as_deref().map(Attribute::SslCert),
            self.cipher.as_deref().map(Attribute::SslCipher),
            self.session.as_deref().map(Attribute::SslSession),
            self.key_size.map(Attribute::SslKeySize),
        ];
        for attribute in attributes.into_iter().flatten() {
            packet.attribute(&attribute);
        }
        if let Some(protocol) = &self.protocol {
            packet.request_attribute(b"AJP_SSL_PROTOCOL", Some(protocol));
        }
    }
}

/// An empty text says that it is not known.
fn known(text: &[u8]) -> Option<&[u8]> {
    Some(text).filter(|text| !text.is_empty())
}

/// `0005` is read as octal by some; `5` by nobody.
fn without_leading_zeros(mut digits: &[u8]) -> &[u8] {
    while let [b'0', rest @ ..] = digits
        && !rest.is_empty()
    {
        digits = rest;
    }
    digits
}

#[cfg(test)]
mod tests;
