//! The recorded conversations of both web servers, followed by an `Exchange`.

use ajp13::exchange::{Announced, BodyError, Exchange, NotReusable, Stage, Step, Violation};
use ajp13::wire::stream::{Content, Item};
use ajp13::wire::{ForwardRequest, PacketSize, RequestPacket, ResponsePacket};

use super::support::{Capture, capture, captures};

/// How a recorded exchange ended.
type Outcome = (Stage, Result<(), NotReusable>);

const REUSED: Outcome = (Stage::BodyDelivered, Ok(()));

/// How many exchanges a connection carried, and how the last one ended; all before it left the
/// connection reusable, or it would not have been used again.
fn expected(name: &str) -> (usize, Outcome) {
    match name {
        "jk-17-cping" => (2, REUSED),
        "jk-21-keepalive-3" | "pa-11-keepalive-3" => (3, REUSED),
        "jk-20b-jkenvvar-refused" => (1, (Stage::BodyDelivered, Err(NotReusable::ReuseForbidden))),
        // The container falls silent after the headers and a piece of the body.
        "jk-27-exception-after-commit" => {
            (1, (Stage::HeadersReceived, Err(NotReusable::Unfinished)))
        }
        "jk-46-tomcat-killed-in-flight" => (1, (Stage::RequestSent, Err(NotReusable::Unfinished))),
        "jk-49-tomcat-sigstop-cping.2" | "jk-49-tomcat-sigstop-cping.3" => (0, REUSED),
        _ => (1, REUSED),
    }
}

#[test]
fn every_recorded_exchange_is_accepted() {
    let mut replayed = 0;
    for capture in captures() {
        if capture.name.starts_with("tc-") || capture.name == "jk-34-client-abort" {
            continue;
        }
        let outcomes = Replay::default().run(&capture);
        let (count, last) = expected(&capture.name);
        assert_eq!(outcomes.len(), count, "{}", capture.name);
        for (index, outcome) in outcomes.iter().enumerate() {
            let expected = if index + 1 == count { last } else { REUSED };
            assert_eq!(*outcome, expected, "{} exchange {index}", capture.name);
        }
        replayed += 1;
    }
    assert_eq!(replayed, 65);
}

const FORBIDDEN: Outcome = (Stage::BodyDelivered, Err(NotReusable::ReuseForbidden));
const CUT: Outcome = (Stage::HeadersReceived, Err(NotReusable::Unfinished));

/// The raw client asks for trouble; what Tomcat answers is in order all the same, or stops.
#[test]
fn answers_to_the_raw_client() {
    let silent = (Stage::RequestSent, Err(NotReusable::Unfinished));
    let cases: [(&str, &[Outcome]); 16] = [
        // The container serves on after reuse=0: it is for the client to close.
        ("tc-06-no-secret", &[FORBIDDEN, REUSED]),
        ("tc-07-wrong-secret", &[FORBIDDEN]),
        ("tc-08-forward-8192-total-ok", &[REUSED]),
        ("tc-09-forward-8193-total", &[FORBIDDEN]),
        ("tc-10-data-8186-ok", &[REUSED]),
        // Error pages without END_RESPONSE.
        ("tc-11-data-8187-too-big", &[CUT]),
        ("tc-25-body-timeout-408", &[CUT]),
        ("tc-17-unknown-attribute-403", &[FORBIDDEN]),
        // No answer at all, and the next request on the connection is served.
        ("tc-20-response-headers-too-large", &[silent, REUSED]),
        ("tc-22-unknown-length-empty6", &[REUSED]),
        ("tc-23-101-headers", &[FORBIDDEN]),
        ("tc-24-crlf-in-response-header", &[REUSED]),
        ("tc-26-max-65536", &[REUSED]),
        ("tc-27-head-flush", &[REUSED]),
        ("tc-28-null-strings", &[REUSED]),
        ("tc-30-data-trailing-nul", &[REUSED]),
    ];
    for (name, expected) in cases {
        assert_eq!(Replay::default().run(&capture(name)), expected, "{name}");
    }
}

/// The first packet of a body was announced and does not come: the whole response does, but its end
/// waits. The empty packet that the raw client then sends is not allowed here.
#[test]
fn the_end_waits_for_a_body_that_was_announced() {
    let recorded = capture("tc-21-body-announced-never-sent-unread");
    let items = recorded.in_order();
    let mut exchange = begin(forward_request(&items[0]));
    let mut steps = Vec::new();
    for item in &items[1..] {
        match item.content {
            Content::Response(packet) => steps.push(exchange.feed(&packet).unwrap()),
            _ => assert_eq!(exchange.data_sent(0), Err(BodyError::TooShort)),
        }
        if steps.last() != Some(&Step::End) {
            assert!(exchange.due().is_some(), "the container waits");
        }
    }
    assert_eq!(steps.last(), Some(&Step::End));
    assert_eq!(exchange.reuse(), Err(NotReusable::BodyOwed));
}

/// An unasked end of body is answered like a request, after the response it did not belong to.
#[test]
fn an_unasked_packet_desynchronises() {
    let recorded = capture("tc-18-unsolicited-empty-desync");
    let items = recorded.in_order();
    let mut exchange = begin(forward_request(&items[0]));
    assert_eq!(exchange.data_sent(0), Err(BodyError::NotAsked));
    let responses = items.iter().filter_map(|item| match item.content {
        Content::Response(packet) => Some(packet),
        _ => None,
    });
    let violation = responses
        .map(|packet| exchange.feed(&packet))
        .find_map(Result::err);
    assert_eq!(violation, Some(Violation::AfterEnd));
    assert_eq!(
        exchange.reuse(),
        Err(NotReusable::Violated(Violation::AfterEnd))
    );
}

/// mod_jk answers for a client that went away with an empty packet, and Tomcat takes the truncated
/// upload for the whole. The exchange does not allow it: the connection has to be closed.
#[test]
fn the_recorded_abort_is_refused() {
    let abort = capture("jk-34-client-abort");
    let items = abort.in_order();
    let mut exchange = begin(forward_request(&items[0]));
    let Content::Request(RequestPacket::Data(data)) = items[1].content else {
        panic!("no DATA")
    };
    assert_eq!(
        exchange.data_sent(data.bytes().len()),
        Err(BodyError::TooShort)
    );
}

#[derive(Default)]
struct Replay {
    exchange: Option<Exchange>,
    pings: usize,
    outcomes: Vec<Outcome>,
}

impl Replay {
    fn run(mut self, capture: &Capture) -> Vec<Outcome> {
        for item in capture.in_order() {
            let context = format!("{}: {item:?}", capture.name);
            match item.content {
                Content::Request(packet) => self.request(&packet, &context),
                Content::Response(packet) => self.response(&packet, &context),
                _ => panic!("{context}"),
            }
        }
        self.end();
        self.outcomes
    }

    fn request(&mut self, packet: &RequestPacket<'_>, context: &str) {
        match packet {
            RequestPacket::CPing => self.pings += 1,
            RequestPacket::Data(data) => {
                let exchange = self.exchange.as_mut().unwrap();
                assert!(exchange.due().is_some(), "{context}");
                assert_eq!(exchange.data_sent(data.bytes().len()), Ok(()), "{context}");
            }
            RequestPacket::ForwardRequest(request) => {
                self.end();
                self.exchange = Some(begin(*request));
            }
            _ => panic!("{context}"),
        }
    }

    fn response(&mut self, packet: &ResponsePacket<'_>, context: &str) {
        if *packet == ResponsePacket::CPong {
            self.pings = self.pings.checked_sub(1).unwrap();
            return;
        }
        let exchange = self.exchange.as_mut().unwrap();
        let step = exchange
            .feed(packet)
            .unwrap_or_else(|error| panic!("{context}: {error}"));
        if let Step::Data(data) = step {
            assert!(!data.is_empty(), "{context}");
        }
    }

    fn end(&mut self) {
        if let Some(exchange) = self.exchange.take() {
            self.outcomes.push((exchange.stage(), exchange.reuse()));
        }
    }
}

fn begin(request: ForwardRequest<'_>) -> Exchange {
    let announced = match request.content_length().unwrap() {
        None => Announced::Unknown,
        Some(0) => Announced::None,
        Some(length) => Announced::Length(length),
    };
    let head_only = request.method.name() == b"HEAD";
    let mut exchange = Exchange::new(announced, head_only, PacketSize::MAX);
    exchange.request_sent();
    exchange
}

fn forward_request<'a>(item: &Item<'a>) -> ForwardRequest<'a> {
    match item.content {
        Content::Request(RequestPacket::ForwardRequest(request)) => request,
        _ => panic!("{item:?}"),
    }
}
