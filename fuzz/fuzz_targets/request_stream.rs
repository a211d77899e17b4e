#![no_main]
//! A recorded stream: every byte belongs to one item, and what is understood can be written.

use ajp13::wire::frame::Direction;
use ajp13::wire::stream::{Content, Mismatch, Secrets, packets};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut walked = 0;
    for item in packets(Direction::Request, bytes) {
        assert_eq!(item.offset, walked);
        walked += item.bytes.len();
        let _ = item.show(Secrets::Redacted).to_string();
        let understood = !matches!(item.content, Content::Malformed(_) | Content::Incomplete);
        let written = !matches!(item.verify(), Err(Mismatch::Malformed { .. }));
        // A payload above the largest packet size is read, but never written.
        assert!(written || !understood || item.bytes.len() > 65536);
    }
    assert_eq!(walked, bytes.len());
});
