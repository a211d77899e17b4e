//! A request of HTTP as the backend is told of it: what it decodes is what the client wrote, and
//! nothing of that is taken for something else.

use std::sync::LazyLock;

use ajp13::wire::{
    Attribute, ForwardRequest, Method,
    frame::{self, Direction},
};
use jkd::fuzzing::{Told, told};
use jkworkers::{
    model::{ForwardUri, Host, Model},
    uri_map::tomcat,
};

use crate::files::Memory;

/// Names that say nothing of the request, but of the client's connection.
const HOPS: [&str; 8] = [
    "connection",
    "keep-alive",
    "proxy",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "upgrade",
];

/// A configuration that says nothing.
static MODEL: LazyLock<Model> = LazyLock::new(|| Memory::of(b"").load().model.unwrap());

/// The host of requests that name none.
pub(crate) fn host() -> &'static Host {
    &MODEL.hosts[0]
}

/// A byte for `JkOptions ForwardURI…`, then a head.
pub(crate) fn run(input: &[u8]) {
    let Some((&option, request)) = input.split_first() else {
        return;
    };
    let option = match option % 4 {
        0 => ForwardUri::Proxy,
        1 => ForwardUri::Escaped,
        2 => ForwardUri::Compat,
        _ => ForwardUri::CompatUnparsed,
    };
    let Some(told) = told(host(), option, request) else {
        return;
    };
    let whole = frame::split(Direction::Request, &told.packet, frame::MAX_PAYLOAD);
    let whole = whole.unwrap().expect("a packet");
    assert!(whole.rest.is_empty());
    let request = ForwardRequest::decode(whole.payload).unwrap();
    line(&request, &told);
    fields(&request, &told);
    attributes(&request, &told);
}

fn line(request: &ForwardRequest<'_>, told: &Told) {
    assert_eq!(request.method, Method::from_name(&told.method));
    assert_eq!(request.uri, Some(&*told.uri));
    assert!(!told.uri.iter().any(u8::is_ascii_control), "{told:?}");
    assert!(tomcat::reads_as(&told.uri, &told.mapped), "{told:?}");
    assert_eq!(request.server_name, Some(told.server.0.as_bytes()));
    assert_eq!(request.server_port, told.server.1);
    assert_eq!(request.remote_addr, Some(&b"127.0.0.1"[..]));
    assert_eq!(request.remote_host, None);
    assert!(!request.is_ssl);
}

fn fields(request: &ForwardRequest<'_>, told: &Told) {
    let is = |name: &[u8], other: &str| name.eq_ignore_ascii_case(other.as_bytes());
    for field in request.headers.iter() {
        let (name, value) = (field.name, field.value);
        let shown = || format!("{} of {told:?}", name.escape_ascii());
        assert!(
            !name.is_empty() && name.iter().copied().all(is_token),
            "{}",
            shown()
        );
        let clean = |b: &u8| *b == b'\t' || !b.is_ascii_control();
        assert!(value.iter().all(clean), "{}", shown());
        if is(name, "content-length") {
            continue;
        }
        let sent = told.fields.iter();
        let sent = sent.filter(|(other, _)| other.eq_ignore_ascii_case(name));
        let sent: Vec<_> = sent.map(|(_, value)| value.as_slice()).collect();
        assert_eq!(sent.join(&b", "[..]), value, "{}", shown());
        let is_plain = |option: &[u8]| matches!(option, b"" | b"close" | b"keep-alive");
        let lower = value.to_ascii_lowercase();
        let is_plain = lower
            .split(|b| *b == b',')
            .all(|o| is_plain(o.trim_ascii()));
        let is_hop = HOPS.iter().any(|hop| is(name, hop));
        assert!(!is_hop || is(name, "connection") && is_plain, "{}", shown());
    }
    let lengths: Vec<_> = (request.headers.iter())
        .filter(|field| is(field.name, "content-length"))
        .map(|field| field.value.to_vec())
        .collect();
    let expected = match (told.is_chunked, told.length) {
        (true, _) => Vec::new(),
        (false, length) => vec![length.unwrap_or(0).to_string().into_bytes()],
    };
    assert_eq!(lengths, expected, "{told:?}");
}

fn is_token(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b)
}

/// Those that jkd says by itself, and the query: nothing that a client writes becomes another.
fn attributes(request: &ForwardRequest<'_>, told: &Told) {
    let mut named = Vec::new();
    let mut query = None;
    for attribute in request.attributes.iter() {
        match attribute {
            Attribute::QueryString(text) => assert!(query.replace(text.to_vec()).is_none()),
            Attribute::Route(route) => assert_eq!(route, b"route"),
            Attribute::RequestAttribute { name, .. } => named.push(name.to_vec()),
            Attribute::StoredMethod(method) => assert_eq!(method, told.method),
            other => panic!("{other:?} of {told:?}"),
        }
    }
    assert_eq!(query, told.query);
    let own: [&[u8]; 3] = [b"AJP_REMOTE_PORT", b"AJP_LOCAL_ADDR", b"JK_LB_ACTIVATION"];
    assert_eq!(named, own, "{told:?}");
}
