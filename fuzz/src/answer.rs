//! The head of an answer, from what a backend sends to what a client reads: nothing of it can be
//! taken for another field, or for the end of the head.

use ajp13::{
    exchange::{Announced, Exchange, Step},
    wire::{PacketSize, ResponsePacket, SendHeaders},
};

/// The payload of a SEND_HEADERS packet.
pub(crate) fn run(payload: &[u8]) {
    let Some(head) = accepted(payload) else {
        return;
    };
    let Some(text) = jkd::fuzzing::answer(payload) else {
        return;
    };
    let mut room = vec![httparse::EMPTY_HEADER; head.headers.len() + 8];
    let mut response = httparse::Response::new(&mut room);
    let parsed = response.parse(&text);
    let shown = || text.escape_ascii().to_string();
    assert_eq!(
        parsed,
        Ok(httparse::Status::Complete(text.len())),
        "{}",
        shown()
    );
    assert_eq!(response.code, Some(head.status), "{}", shown());
    let named = |name: &str| {
        let fields = response.headers.iter();
        fields
            .filter(|field| field.name.eq_ignore_ascii_case(name))
            .count()
    };
    let (lengths, codings) = (named("content-length"), named("transfer-encoding"));
    assert!(lengths + codings <= 1, "{}", shown());
    assert!(named("connection") <= 1, "{}", shown());
    for hop in [
        "keep-alive",
        "te",
        "trailer",
        "upgrade",
        "proxy-authenticate",
    ] {
        assert_eq!(named(hop), 0, "{}", shown());
    }
    is_told(&head, response.headers, &shown);
}

/// What a client gets was sent by the backend, or is one of the few fields that are ours.
fn is_told(head: &SendHeaders<'_>, fields: &[httparse::Header<'_>], shown: &dyn Fn() -> String) {
    const OURS: [&str; 4] = ["date", "connection", "transfer-encoding", "content-length"];
    for field in fields {
        let is_ours = OURS
            .iter()
            .any(|ours| field.name.eq_ignore_ascii_case(ours));
        let is_sent = head.headers.iter().any(|sent| {
            let name = sent.name.split(|b| *b == 0).next().unwrap_or_default();
            name.eq_ignore_ascii_case(field.name.as_bytes())
        });
        assert!(is_ours || is_sent, "{} in {}", field.name, shown());
    }
}

/// The head, where an exchange takes it and its length is a number, which is looked at before.
fn accepted(payload: &[u8]) -> Option<SendHeaders<'_>> {
    let packet = ResponsePacket::decode(payload).ok()?;
    let mut exchange = Exchange::new(Announced::None, false, PacketSize::MAX);
    exchange.request_sent();
    let Ok(Step::Headers(head)) = exchange.feed(&packet) else {
        return None;
    };
    let is_length = |name: &[u8]| name.eq_ignore_ascii_case(b"content-length");
    let mut lengths = head.headers.iter().filter(|field| is_length(field.name));
    let is_number = |value: &[u8]| {
        let text = str::from_utf8(value.trim_ascii()).unwrap_or_default();
        text.strip_prefix('+')
            .unwrap_or(text)
            .parse::<u64>()
            .is_ok()
            && !text.starts_with("++")
    };
    lengths.all(|field| is_number(field.value)).then_some(head)
}
