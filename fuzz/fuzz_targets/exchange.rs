#![no_main]
//! An exchange under any sequence of packets and answers keeps its promises.

use ajp13::exchange::{Announced, Due, Exchange, Stage};
use ajp13::wire::{PacketSize, ResponsePacket};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((&kind, mut rest)) = input.split_first() else { return };
    let announced = match kind >> 1 {
        0 => Announced::None,
        1 => Announced::Unknown,
        length => Announced::Length(u64::from(length) * 1000),
    };
    let mut exchange = Exchange::new(announced, kind & 1 == 1, PacketSize::DEFAULT);
    exchange.request_sent();
    let mut violated = false;
    while let Some((&length, after)) = rest.split_first() {
        let stage = exchange.stage();
        let (payload, after) = after.split_at(usize::from(length).min(after.len()));
        rest = after;
        match ResponsePacket::decode(payload) {
            Ok(packet) => violated |= exchange.feed(&packet).is_err(),
            Err(_) => answer(&mut exchange, usize::from(length) * 64),
        }
        assert!(exchange.stage() >= stage);
        let ended = exchange.stage() == Stage::BodyDelivered;
        assert!(exchange.reuse().is_err() || (ended && !violated));
    }
    match announced {
        Announced::None => assert_eq!(exchange.body_sent(), 0),
        Announced::Length(length) => assert!(exchange.body_sent() <= length),
        Announced::Unknown => {}
    }
});

/// Sends a DATA packet if one is due; the exchange has to agree with what it said was due.
fn answer(exchange: &mut Exchange, bytes: usize) {
    match exchange.due() {
        None => assert!(exchange.data_sent(bytes).is_err()),
        Some(Due::End) => assert_eq!(exchange.data_sent(0), Ok(())),
        Some(Due::Data { max }) => assert_eq!(exchange.data_sent(bytes.clamp(1, max)), Ok(())),
    }
}
