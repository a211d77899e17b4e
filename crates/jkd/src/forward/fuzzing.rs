//! Requests with texts in and packets out, for tries with arbitrary input.

use ajp13::wire::PacketSize;
use bytes::BytesMut;
use jkworkers::{
    model::{Activation, ForwardUri, Host},
    uri_map,
};

use super::{Destination, Forward, Indicated, Seen, outgoing_uri, server_name, server_port};
use crate::{
    http1::{BodyLength, fuzzing::any_head},
    peer::Peer,
    strict,
};

/// A request as a backend is told of it, and what it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// FORWARD_REQUEST in its frame.
    pub packet: Vec<u8>,
    /// The method.
    pub method: Vec<u8>,
    /// The path as the client wrote it.
    pub path: Vec<u8>,
    /// The path as it was mapped.
    pub mapped: Vec<u8>,
    /// The path as it is forwarded.
    pub uri: Vec<u8>,
    /// The query.
    pub query: Option<Vec<u8>>,
    /// The fields in order.
    pub fields: Vec<(Vec<u8>, Vec<u8>)>,
    /// The server's name, and its port.
    pub server: (String, u16),
    /// The length of the body, where there is one and its length is known.
    pub length: Option<u64>,
    /// Whether it comes in chunks.
    pub is_chunked: bool,
}

/// What a backend is told of a request. `None` where it is refused before, or does not fit a packet.
pub fn told(host: &Host, option: ForwardUri, request: &[u8]) -> Option<Told> {
    let came = any_head(request);
    let checked = strict::check(&came, || super::scheme(host)).ok()?;
    let named = strict::named(&came, &checked);
    let head = named.as_deref().unwrap_or(&came);
    let decoded = uri_map::decode(head.path(), host.uri_rules).ok()?;
    let path = uri_map::clean(&decoded).ok()?;
    let uri = outgoing_uri(Seen::new(head.path(), &decoded, &path), option).ok()?;
    let address = ([127, 0, 0, 1], 80).into();
    let peer = &Peer::new(address, address, 0);
    let naming = host.own_naming();
    let name = server_name(&checked.target, naming, host, peer);
    let forward = Forward {
        head,
        peer,
        uri: &uri,
        server_name: &name,
        server_port: server_port(&checked.target, naming, host, peer),
        body: checked.body,
        has_cookies: checked.has_cookies,
        indicated: &Indicated::default(),
        options: host.options,
        ruled: &[],
        withheld: None,
    };
    Some(Told {
        packet: packet(&forward)?,
        method: head.method.as_str().into(),
        path: head.path().to_vec(),
        mapped: path.to_vec(),
        uri: uri.to_vec(),
        query: head.query().map(<[u8]>::to_vec),
        fields: (head.fields())
            .map(|(name, value)| (name.to_vec(), value.to_vec()))
            .collect(),
        server: (name.to_string(), forward.server_port),
        length: checked.body.known(),
        is_chunked: checked.body == BodyLength::Chunked,
    })
}

fn packet(forward: &Forward<'_>) -> Option<Vec<u8>> {
    let to = Destination {
        secret: None,
        route: Some(b"route"),
        activation: Activation::Active,
    };
    let mut packet = BytesMut::new();
    forward.write(&mut packet, PacketSize::DEFAULT, &to).ok()?;
    Some(packet.to_vec())
}
