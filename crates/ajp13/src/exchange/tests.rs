use super::*;
use crate::wire::{EndResponse, GetBodyChunk};

const DATA: ResponsePacket<'_> = chunk(b"data");
const FLUSH: ResponsePacket<'_> = chunk(b"");
const END: ResponsePacket<'_> = ResponsePacket::EndResponse(EndResponse { reuse: true });
const LAST: ResponsePacket<'_> = ResponsePacket::EndResponse(EndResponse { reuse: false });

const fn chunk(data: &[u8]) -> ResponsePacket<'_> {
    ResponsePacket::SendBodyChunk(SendBodyChunk { data })
}

const fn ask(wanted: u16) -> ResponsePacket<'static> {
    ResponsePacket::GetBodyChunk(GetBodyChunk { wanted })
}

/// Headers of this status, announcing 3 bytes of body.
fn head(status: u16) -> ResponsePacket<'static> {
    let mut payload = b"\x04\x00\x00\xff\xff\x00\x01\xa0\x03\x00\x013\x00".to_vec();
    payload[1..3].copy_from_slice(&status.to_be_bytes());
    ResponsePacket::decode(payload.leak()).unwrap()
}

/// An exchange whose request is on its way.
fn sent(body: Announced) -> Exchange {
    let mut exchange = Exchange::new(body, false, PacketSize::DEFAULT);
    assert_eq!(exchange.stage(), Stage::NothingSent);
    exchange.request_sent();
    exchange
}

fn with_headers(body: Announced) -> Exchange {
    let mut exchange = sent(body);
    assert!(matches!(exchange.feed(&head(200)), Ok(Step::Headers(_))));
    exchange
}

#[test]
fn a_plain_get() {
    let mut exchange = sent(Announced::None);
    assert_eq!(exchange.due(), None);
    assert_eq!(
        (exchange.stage(), exchange.reuse()),
        (Stage::RequestSent, Err(NotReusable::Unfinished))
    );
    let Ok(Step::Headers(headers)) = exchange.feed(&head(200)) else {
        panic!("no headers")
    };
    assert_eq!(headers.status, 200);
    assert_eq!(exchange.stage(), Stage::HeadersReceived);
    assert_eq!(exchange.feed(&DATA), Ok(Step::Data(b"data")));
    assert_eq!(exchange.reuse(), Err(NotReusable::Unfinished));
    assert_eq!(exchange.feed(&END), Ok(Step::End));
    assert_eq!(
        (exchange.stage(), exchange.reuse()),
        (Stage::BodyDelivered, Ok(()))
    );
    assert_eq!(
        (exchange.body_received(), exchange.body_asked()),
        (4, false)
    );
}

#[test]
fn reuse_0_means_that_we_close() {
    let mut exchange = with_headers(Announced::None);
    assert_eq!(exchange.feed(&LAST), Ok(Step::End));
    assert_eq!(exchange.reuse(), Err(NotReusable::ReuseForbidden));
}

#[test]
fn content_length_of_a_response_is_not_framing() {
    let mut exchange = with_headers(Announced::None);
    assert_eq!(exchange.feed(&DATA), Ok(Step::Data(b"data")));
    assert_eq!(exchange.feed(&DATA), Ok(Step::Data(b"data")));
    assert_eq!(exchange.stage(), Stage::HeadersReceived);
    let mut short = with_headers(Announced::None);
    assert_eq!(short.feed(&END), Ok(Step::End));
    assert_eq!(short.reuse(), Ok(()));
}

#[test]
fn an_empty_chunk_is_a_flush_and_not_the_end() {
    let mut exchange = with_headers(Announced::None);
    assert_eq!(exchange.feed(&FLUSH), Ok(Step::Flush));
    assert_eq!(exchange.feed(&FLUSH), Ok(Step::Flush));
    assert_eq!(exchange.feed(&DATA), Ok(Step::Data(b"data")));
}

#[test]
fn a_flush_before_the_headers_is_ignored_but_data_is_not() {
    let mut exchange = sent(Announced::None);
    assert_eq!(exchange.feed(&FLUSH), Ok(Step::Ignore));
    assert_eq!(exchange.stage(), Stage::RequestSent);
    assert_eq!(exchange.feed(&DATA), Err(Violation::DataBeforeHeaders));
}

#[test]
fn headers_come_exactly_once() {
    let mut exchange = with_headers(Announced::None);
    assert_eq!(exchange.feed(&head(200)), Err(Violation::HeadersTwice));
    let mut exchange = sent(Announced::None);
    assert_eq!(exchange.feed(&END), Err(Violation::NoHeaders));
    assert_eq!(exchange.stage(), Stage::RequestSent);
}

#[test]
fn a_status_is_one_that_http_has() {
    for status in [1, 99, 101, 1000, u16::MAX] {
        let mut exchange = sent(Announced::None);
        assert_eq!(exchange.feed(&head(status)), Err(Violation::Status(status)));
    }
    let nothing = sent(Announced::None).feed(&head(0));
    assert_eq!(nothing, Err(Violation::NoStatus));
    for status in [200, 600, 999] {
        let answered = sent(Announced::None).feed(&head(status)).is_ok();
        assert!(answered, "{status}");
    }
}

#[test]
fn interim_responses_are_skipped_for_a_while() {
    let mut exchange = sent(Announced::None);
    for status in (0..CHATTER).map(|n| if n == 0 { 100 } else { 102 + u16::from(n) }) {
        assert_eq!(exchange.feed(&head(status)), Ok(Step::Ignore));
        assert_eq!(exchange.stage(), Stage::RequestSent);
    }
    let mut final_one = exchange.clone();
    assert!(matches!(final_one.feed(&head(200)), Ok(Step::Headers(_))));
    let mut without = exchange.clone();
    assert_eq!(without.feed(&END), Err(Violation::NoHeaders));
    assert_eq!(exchange.feed(&head(103)), Err(Violation::TooManyInterims));
}

#[test]
fn a_cpong_belongs_to_no_response() {
    assert_eq!(
        sent(Announced::None).feed(&ResponsePacket::CPong),
        Err(Violation::CPong)
    );
    let mut exchange = with_headers(Announced::None);
    assert_eq!(exchange.feed(&ResponsePacket::CPong), Err(Violation::CPong));
}

#[test]
fn nothing_before_the_request_and_nothing_after_the_end() {
    let mut exchange = Exchange::new(Announced::None, false, PacketSize::DEFAULT);
    assert_eq!(exchange.feed(&head(200)), Err(Violation::BeforeRequest));
    let mut exchange = with_headers(Announced::None);
    exchange.feed(&END).unwrap();
    assert_eq!(exchange.feed(&FLUSH), Err(Violation::AfterEnd));
    assert_eq!(
        exchange.reuse(),
        Err(NotReusable::Violated(Violation::AfterEnd))
    );
}

#[test]
fn a_violation_is_for_ever() {
    let mut exchange = sent(Announced::None);
    exchange.feed(&DATA).unwrap_err();
    for packet in [head(200), FLUSH, END] {
        assert_eq!(exchange.feed(&packet), Err(Violation::DataBeforeHeaders));
    }
    let violated = NotReusable::Violated(Violation::DataBeforeHeaders);
    assert_eq!(exchange.reuse(), Err(violated));
}

#[test]
fn data_where_there_can_be_none_is_dropped() {
    for status in [204, 304] {
        let mut exchange = sent(Announced::None);
        exchange.feed(&head(status)).unwrap();
        assert_eq!(exchange.feed(&DATA), Ok(Step::Ignore), "{status}");
        assert_eq!(exchange.feed(&FLUSH), Ok(Step::Flush), "{status}");
        assert_eq!(exchange.feed(&END), Ok(Step::End), "{status}");
        assert_eq!((exchange.body_received(), exchange.reuse()), (0, Ok(())));
    }
    let mut exchange = Exchange::new(Announced::None, true, PacketSize::DEFAULT);
    exchange.request_sent();
    exchange.feed(&head(200)).unwrap();
    assert_eq!(exchange.feed(&DATA), Ok(Step::Ignore));
}

#[test]
fn a_known_length_owes_one_packet_at_once_and_one_per_ask() {
    let mut exchange = sent(Announced::Length(8190));
    assert_eq!(exchange.due(), Some(Due::Data { max: 8186 }));
    exchange.data_sent(8186).unwrap();
    assert_eq!(exchange.due(), None);
    assert_eq!(exchange.data_sent(4), Err(BodyError::NotAsked));
    assert_eq!(exchange.feed(&ask(8186)), Ok(Step::WantBody { max: 4 }));
    assert_eq!(exchange.data_sent(5), Err(BodyError::TooLong));
    exchange.data_sent(4).unwrap();
    assert_eq!((exchange.due(), exchange.body_sent()), (None, 8190));
    assert!(exchange.body_asked());
}

#[test]
fn asked_after_the_last_byte_the_answer_is_the_end_again_and_again() {
    let mut exchange = sent(Announced::Length(1));
    exchange.data_sent(1).unwrap();
    for _ in 0..3 {
        assert_eq!(exchange.feed(&ask(8186)), Ok(Step::WantBody { max: 0 }));
        assert_eq!(exchange.due(), Some(Due::End));
        assert_eq!(exchange.data_sent(1), Err(BodyError::TooLong));
        exchange.data_sent(0).unwrap();
        assert_eq!(exchange.due(), None);
    }
}

#[test]
fn asked_after_the_end_of_an_unknown_length() {
    let mut exchange = sent(Announced::Unknown);
    assert_eq!(exchange.due(), None);
    assert_eq!(exchange.data_sent(0), Err(BodyError::NotAsked));
    exchange.feed(&ask(8186)).unwrap();
    exchange.data_sent(8186).unwrap();
    exchange.feed(&ask(8186)).unwrap();
    assert_eq!(exchange.due(), Some(Due::Data { max: 8186 }));
    exchange.data_sent(0).unwrap();
    assert_eq!(exchange.feed(&ask(8186)), Ok(Step::WantBody { max: 0 }));
    assert_eq!(exchange.data_sent(1), Err(BodyError::TooLong));
    exchange.data_sent(0).unwrap();
}

#[test]
fn a_request_without_body_may_be_asked_all_the_same() {
    for body in [Announced::None, Announced::Length(0)] {
        let mut exchange = sent(body);
        assert_eq!(exchange.due(), None);
        assert_eq!(exchange.feed(&ask(8186)), Ok(Step::WantBody { max: 0 }));
        exchange.data_sent(0).unwrap();
    }
}

#[test]
fn chatter_that_moves_nothing_ends() {
    let flush = ResponsePacket::SendBodyChunk(SendBodyChunk { data: b"" });
    let mut exchange = sent(Announced::None);
    for _ in 0..16 {
        assert_eq!(exchange.feed(&flush), Ok(Step::Ignore));
    }
    assert_eq!(exchange.feed(&flush), Err(Violation::TooManyFlushes));

    let mut exchange = sent(Announced::None);
    for _ in 0..16 {
        exchange.feed(&ask(8186)).unwrap();
        exchange.data_sent(0).unwrap();
    }
    assert_eq!(exchange.feed(&ask(8186)), Err(Violation::TooManyAsks));

    let mut exchange = sent(Announced::Unknown);
    for _ in 0..16 {
        exchange.feed(&ask(8186)).unwrap();
    }
    assert_eq!(exchange.feed(&ask(8186)), Err(Violation::TooManyAsks));
}

#[test]
fn asking_and_taking_may_go_on_for_ever() {
    let mut exchange = with_headers(Announced::Unknown);
    for _ in 0..1000 {
        exchange.feed(&ask(1)).unwrap();
        exchange.data_sent(1).unwrap();
    }
}

#[test]
fn body_asked_for_after_headers_and_between_data() {
    let mut exchange = with_headers(Announced::Unknown);
    assert_eq!(exchange.feed(&ask(8186)), Ok(Step::WantBody { max: 8186 }));
    // The response goes on while the answer is on its way.
    assert_eq!(exchange.feed(&DATA), Ok(Step::Data(b"data")));
    exchange.data_sent(100).unwrap();
    assert_eq!(exchange.feed(&ask(8186)), Ok(Step::WantBody { max: 8186 }));
    exchange.data_sent(0).unwrap();
    assert_eq!(exchange.feed(&END), Ok(Step::End));
    assert_eq!(exchange.reuse(), Ok(()));
}

#[test]
fn the_wanted_size_is_an_upper_bound() {
    let mut exchange = sent(Announced::Unknown);
    assert_eq!(exchange.feed(&ask(10)), Ok(Step::WantBody { max: 10 }));
    assert_eq!(exchange.data_sent(11), Err(BodyError::TooLong));
    exchange.data_sent(3).unwrap();
    assert_eq!(
        exchange.feed(&ask(u16::MAX)),
        Ok(Step::WantBody { max: 8186 })
    );
}

#[test]
fn asked_for_nothing_the_answer_is_empty_and_the_body_goes_on() {
    for body in [Announced::Unknown, Announced::Length(10)] {
        let mut exchange = with_headers(body);
        if body == Announced::Length(10) {
            exchange.data_sent(5).unwrap();
        }
        assert_eq!(exchange.feed(&ask(0)), Ok(Step::WantBody { max: 0 }));
        assert_eq!(exchange.due(), Some(Due::End));
        exchange.data_sent(0).unwrap();
        exchange.feed(&ask(8186)).unwrap();
        exchange.data_sent(5).unwrap();
    }
}

#[test]
fn an_abort_is_never_an_empty_packet() {
    let mut exchange = sent(Announced::Length(100));
    assert_eq!(exchange.data_sent(0), Err(BodyError::TooShort));
    exchange.data_sent(10).unwrap();
    exchange.feed(&ask(8186)).unwrap();
    assert_eq!(exchange.data_sent(0), Err(BodyError::TooShort));
    assert_eq!(exchange.due(), Some(Due::Data { max: 90 }));
}

#[test]
fn an_end_while_body_is_owed_spoils_the_connection() {
    // The first packet was announced and is missing: the next request would be taken for it.
    let mut exchange = with_headers(Announced::Length(100));
    assert_eq!(exchange.feed(&END), Ok(Step::End));
    assert_eq!(exchange.reuse(), Err(NotReusable::BodyOwed));

    let mut exchange = with_headers(Announced::Unknown);
    exchange.feed(&ask(8186)).unwrap();
    assert_eq!(exchange.feed(&END), Ok(Step::End));
    assert_eq!(exchange.reuse(), Err(NotReusable::BodyOwed));
    // Too late: it would be taken for the next request.
    assert_eq!(
        (exchange.due(), exchange.data_sent(1)),
        (None, Err(BodyError::NotAsked))
    );
    assert_eq!(exchange.reuse(), Err(NotReusable::BodyOwed));
}

#[test]
fn a_body_that_nobody_read_does_not_spoil_the_connection() {
    let mut exchange = sent(Announced::Length(20_000));
    exchange.data_sent(8186).unwrap();
    exchange.feed(&head(200)).unwrap();
    exchange.feed(&END).unwrap();
    assert_eq!(exchange.reuse(), Ok(()));
    assert!(!exchange.body_asked());
}

#[test]
fn asked_twice_each_ask_is_answered() {
    let mut exchange = sent(Announced::Unknown);
    exchange.feed(&ask(8186)).unwrap();
    exchange.feed(&ask(8186)).unwrap();
    exchange.data_sent(1).unwrap();
    assert_eq!(exchange.due(), Some(Due::Data { max: 8186 }));
    exchange.data_sent(1).unwrap();
    assert_eq!(exchange.due(), None);
}

#[test]
fn lengths_beyond_memory_are_fine() {
    let mut exchange = sent(Announced::Length(u64::MAX));
    assert_eq!(exchange.due(), Some(Due::Data { max: 8186 }));
    exchange.data_sent(8186).unwrap();
    for _ in 0..3 {
        exchange.feed(&ask(u16::MAX)).unwrap();
        exchange.data_sent(8186).unwrap();
    }
    assert_eq!(exchange.body_sent(), 4 * 8186);
}
