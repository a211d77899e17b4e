//! An exchange under any sequence of packets and answers keeps its promises.

use ajp13::{
    exchange::{Announced, Due, Exchange, Stage, Step},
    wire::{
        PacketSize, ResponsePacket,
        frame::{self, Direction},
    },
};

/// A way of announcing a body, then packets (a length and a payload) and answers.
pub(crate) fn packets(input: &[u8]) {
    let Some((mut watched, mut rest)) = Watched::new(input) else {
        return;
    };
    while let Some((&length, after)) = rest.split_first() {
        let (payload, after) = after.split_at(usize::from(length).min(after.len()));
        rest = after;
        match ResponsePacket::decode(payload) {
            Ok(packet) => watched.feed(&packet),
            Err(_) => watched.answer(usize::from(length) * 64),
        }
    }
    watched.check();
}

/// A way of announcing a body, then whatever a container sends; answers are given as soon as they
/// are due.
pub(crate) fn bytes(input: &[u8]) {
    let Some((mut watched, mut rest)) = Watched::new(input) else {
        return;
    };
    watched.answer(8186);
    while let Ok(Some(packet)) = frame::split(Direction::Response, rest, frame::MAX_PAYLOAD) {
        rest = packet.rest;
        let Ok(packet) = ResponsePacket::decode(packet.payload) else {
            break;
        };
        watched.feed(&packet);
        watched.answer(8186);
    }
    watched.check();
}

struct Watched {
    exchange: Exchange,
    announced: Announced,
    head_only: bool,
    status: u16,
    violated: bool,
    ended: bool,
    received: u64,
}

impl Watched {
    fn new(input: &[u8]) -> Option<(Self, &[u8])> {
        let (&kind, rest) = input.split_first()?;
        let announced = match kind >> 1 {
            0 => Announced::None,
            1 => Announced::Unknown,
            length => Announced::Length(u64::from(length) * 1000),
        };
        let head_only = kind & 1 == 1;
        let mut exchange = Exchange::new(announced, head_only, PacketSize::DEFAULT);
        exchange.request_sent();
        let watched = Self {
            exchange,
            announced,
            head_only,
            status: 0,
            violated: false,
            ended: false,
            received: 0,
        };
        Some((watched, rest))
    }

    fn feed(&mut self, packet: &ResponsePacket<'_>) {
        let stage = self.exchange.stage();
        let step = self.exchange.feed(packet);
        assert!(self.exchange.stage() >= stage);
        assert!(step.is_err() || !self.violated && !self.ended);
        match step {
            Err(_) => {
                self.violated = true;
                assert_eq!(self.exchange.stage(), stage);
            }
            Ok(Step::Headers(head)) => {
                assert_eq!((stage, self.status), (Stage::RequestSent, 0));
                let is_interim = (100..200).contains(&head.status);
                assert!(!is_interim, "nobody waits for a second head");
                self.status = head.status;
            }
            Ok(Step::Data(data)) => {
                assert!(!data.is_empty() && !self.head_only);
                assert!(!matches!(self.status, 0 | 204 | 304));
                self.received += u64::try_from(data.len()).unwrap();
            }
            Ok(Step::End) => self.ended = true,
            Ok(_) => {}
        }
        assert_eq!(self.exchange.body_received(), self.received);
        assert_eq!(self.ended, self.exchange.stage() == Stage::BodyDelivered);
        assert!(self.exchange.reuse().is_err() || (self.ended && !self.violated));
    }

    /// Sends a DATA packet if one is due; the exchange has to agree with what it said was due.
    fn answer(&mut self, bytes: usize) {
        let exchange = &mut self.exchange;
        match exchange.due() {
            None => assert!(exchange.data_sent(bytes).is_err()),
            Some(Due::End) => assert_eq!(exchange.data_sent(0), Ok(())),
            Some(Due::Data { max }) => {
                assert!(max <= PacketSize::DEFAULT.max_payload());
                assert_eq!(exchange.data_sent(bytes.clamp(1, max)), Ok(()));
            }
        }
    }

    fn check(&self) {
        match self.announced {
            Announced::None => assert_eq!(self.exchange.body_sent(), 0),
            Announced::Length(length) => assert!(self.exchange.body_sent() <= length),
            Announced::Unknown => {}
        }
    }
}
