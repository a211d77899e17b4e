//! The recorded conversations of both web servers, followed by an `Exchange`.

use ajp13::exchange::{Announced, BodyError, Exchange, NotReusable, Stage, Step};
use ajp13::wire::stream::{Content, Item};
use ajp13::wire::{ForwardRequest, PacketSize, RequestPacket, ResponsePacket};

use super::support::{Capture, captures};

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

/// mod_jk answers for a client that went away with an empty packet, and Tomcat takes the truncated
/// upload for the whole. The exchange does not allow it: the connection has to be closed.
#[test]
fn the_recorded_abort_is_refused() {
    let captures = captures();
    let abort = captures
        .iter()
        .find(|capture| capture.name == "jk-34-client-abort")
        .unwrap();
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
