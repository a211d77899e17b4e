#![no_main]
//! A request head: decoded, encoded and decoded again it is the same.

use ajp13::wire::{ForwardRequest, PacketSize};
use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|payload: &[u8]| {
    let Ok(request) = ForwardRequest::decode(payload) else { return };
    assert_eq!(request.headers.iter().count(), request.headers.len());
    let mut again = BytesMut::new();
    if request.encode(&mut again, PacketSize::MAX).is_err() {
        assert!(payload.len() > PacketSize::MAX.max_payload());
        return;
    }
    assert!(again.len() <= payload.len() + 4);
    assert_eq!(ForwardRequest::decode(&again[4..]), Ok(request));
});
