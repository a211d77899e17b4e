//! What jkd takes for a request is one for a reader that knows nothing but the rules, byte by byte:
//! the same method, path, query and body, and none behind it that the reader does not see.

use std::{
    net::Ipv4Addr,
    sync::{
        LazyLock,
        atomic::{AtomicU16, Ordering},
    },
    thread,
};

use jkd_tests::{Jkd, wait_until};
use proptest::{prelude::*, sample::Index};

use crate::{
    case,
    mutate::{carry_out, change},
    plain::read,
    recorder::Recorder,
    say::say,
    start,
};

/// A path without anything that is written in more than one way: decoded, dots and empty segments
/// resolved, without parameters.
fn resolved(path: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut rest = path.chars();
    while let Some(c) = rest.next() {
        let byte = u8::try_from(u32::from(c)).ok()?;
        let digits = rest.as_str().get(..2).filter(|_| byte == b'%');
        if let Some(byte) = digits.and_then(|two| u8::from_str_radix(two, 16).ok()) {
            bytes.push(byte);
            rest.nth(1);
        } else {
            bytes.push(byte);
        }
    }
    let mut segments: Vec<&[u8]> = Vec::new();
    for segment in bytes.split(|b| *b == b'/') {
        match segment.split(|b| *b == b';').next().unwrap_or_default() {
            b"" | b"." => {}
            b".." => {
                segments.pop()?;
            }
            segment => segments.push(segment),
        }
    }
    Some(segments.join(&b'/'))
}

static STAGE: LazyLock<(Recorder, Jkd)> = LazyLock::new(|| {
    let recorder = Recorder::start();
    let jkd = start(&recorder, "");
    (recorder, jkd)
});

static CLIENTS: AtomicU16 = AtomicU16::new(1);

/// The requests of all cases that say in one piece what they send.
static BASES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let texts = case::all().into_iter().filter_map(|case| case.text());
    texts
        .filter(|text| !text.is_empty() && text.len() < 2000)
        .collect()
});

fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let changes = proptest::collection::vec(change(), 0..4);
    (any::<Index>(), changes).prop_map(|(base, changes)| {
        let mut text = base.get(&BASES).clone();
        for change in &changes {
            carry_out(&mut text, change);
        }
        text
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_forwarded_is_what_a_plain_reader_reads(
        texts in proptest::collection::vec(mutated(), 150),
    ) {
        let (recorder, jkd) = &*STAGE;
        let server = jkd.address;
        let said: Vec<_> = thread::scope(|scope| {
            let each = |text: &Vec<u8>| {
                let [high, low] = CLIENTS.fetch_add(1, Ordering::SeqCst).to_be_bytes();
                let (own, text) = (Ipv4Addr::new(127, 79, high, low), text.clone());
                scope.spawn(move || {
                    say(server, own, &text);
                    (own.to_string(), text)
                })
            };
            let threads: Vec<_> = texts.iter().map(each).collect();
            threads.into_iter().map(|thread| thread.join().expect("a client")).collect()
        });
        wait_until("the end of all bodies", || recorder.is_settled());
        prop_assert_eq!(recorder.desyncs(), Vec::<String>::new());
        let mut forwarded = 0;
        for (own, text) in said {
            let read = read(&text);
            let mut rest = read.iter();
            for came in recorder.of(&own) {
                // A body that breaks off is no request for the application either.
                if came.complete != Some(true) {
                    continue;
                }
                forwarded += 1;
                // Others may have been answered without the backend.
                let query = came.attribute("query_string");
                let found = rest.any(|plain| {
                    plain.method == came.method
                        && plain.body == came.body
                        && plain.query.as_deref() == query
                        && resolved(&plain.path) == resolved(&came.uri)
                });
                prop_assert!(found, "{}\n{:?}\n{:?}", text.escape_ascii(), came, read);
            }
        }
        // Many are requests still.
        prop_assert!(forwarded > 10, "{}", forwarded);
    }
}
