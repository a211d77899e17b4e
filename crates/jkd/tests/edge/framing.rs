//! What is announced to a backend comes, exactly, or the connection ends: whatever clients do.

use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, Shutdown, SocketAddr},
    sync::{
        LazyLock,
        atomic::{AtomicU16, Ordering},
    },
    thread,
    time::Duration,
};

use jkd_tests::{Jkd, wait_until};
use proptest::prelude::*;
use socket2::SockRef;

use crate::{
    recorder::{Recorder, Request},
    say::connect,
    start,
};

/// What a client does.
#[derive(Clone, Debug)]
struct Doing {
    /// How much it announces, or would send in chunks.
    length: usize,
    /// How long its chunks are; `None`: it announces a length.
    chunks: Option<usize>,
    sent: Sent,
    end: End,
}

/// How much of the whole request it sends.
#[derive(Clone, Copy, Debug)]
enum Sent {
    Bytes(usize),
    /// As a part of 1000.
    Part(usize),
}

impl Sent {
    fn of(self, whole: usize) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.min(whole),
            Self::Part(part) => whole * part / 1000,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    HalfClose,
    Reset,
    Stall,
    /// More than announced, which is no request.
    TooMuch,
}

fn doing() -> impl Strategy<Value = Doing> {
    let length = prop_oneof![
        1_usize..40,
        8180_usize..8192,
        16360_usize..16390,
        1_usize..60_000
    ];
    let chunks = proptest::option::of(prop_oneof![1_usize..20, 1000_usize..9000]);
    let sent = prop_oneof![Just(1000_usize), 0_usize..1000];
    let ends = [End::HalfClose, End::Reset, End::Stall, End::TooMuch];
    let end = proptest::sample::select(ends.to_vec());
    (length, chunks, sent, end).prop_map(|(length, chunks, sent, end)| Doing {
        // Many small chunks say no more than some.
        length: if chunks.is_some_and(|size| size < 20) {
            length % 300 + 1
        } else {
            length
        },
        chunks,
        sent: Sent::Part(if end == End::TooMuch { 1000 } else { sent }),
        end,
    })
}

fn payload(length: usize) -> Vec<u8> {
    let byte = |n: usize| b'a' + u8::try_from(n * 7 % 26).expect("a letter");
    (0..length).map(byte).collect()
}

/// The whole request.
fn text(doing: &Doing) -> Vec<u8> {
    let payload = payload(doing.length);
    let head = |field: &str| format!("POST /t/a HTTP/1.1\r\nHost: jkd.test\r\n{field}\r\n\r\n");
    let Some(size) = doing.chunks else {
        return [
            head(&format!("Content-Length: {}", doing.length)).into_bytes(),
            payload,
        ]
        .concat();
    };
    let mut text = head("Transfer-Encoding: chunked").into_bytes();
    for chunk in payload.chunks(size) {
        text.extend(format!("{:x}\r\n", chunk.len()).as_bytes());
        text.extend(chunk);
        text.extend(b"\r\n");
    }
    text.extend(b"0\r\n\r\n");
    text
}

/// Whether all of the request was sent.
fn carry_out(doing: &Doing, server: SocketAddr, own: Ipv4Addr) -> bool {
    let mut stream = connect(server, own);
    let whole = text(doing);
    let sent = doing.sent.of(whole.len());
    let _ = stream.write_all(&whole[..sent]);
    match doing.end {
        End::HalfClose => {
            let _ = stream.shutdown(Shutdown::Write);
        }
        End::Reset => {
            let _ = SockRef::from(&stream).set_linger(Some(Duration::ZERO));
            return sent == whole.len();
        }
        End::Stall => {}
        End::TooMuch => {
            let _ = stream.write_all(b"\x01\x02 nothing that anybody wants\r\n\r\n");
        }
    }
    let _ = stream.read_to_end(&mut Vec::new());
    sent == whole.len()
}

/// What is wrong with what reached the backend.
fn judge(doing: &Doing, whole: bool, requests: &[Request]) -> Result<(), String> {
    let [request] = requests else {
        let may_be_none = !whole || doing.end == End::Reset;
        return (requests.is_empty() && may_be_none)
            .then_some(())
            .ok_or_else(|| format!("{} requests", requests.len()));
    };
    let announced = request.values("content-length");
    let right = match doing.chunks {
        None => announced == [doing.length.to_string()],
        Some(_) => announced.is_empty(),
    };
    let payload = payload(doing.length);
    let complete = request.complete == Some(true);
    let is_part = payload.starts_with(&request.body);
    if !right || !is_part || complete && request.body != payload {
        return Err(format!("{announced:?}, {} bytes", request.body.len()));
    }
    if complete && !whole || !complete && whole && doing.end != End::Reset {
        return Err(format!("complete: {complete}"));
    }
    Ok(())
}

static STAGE: LazyLock<(Recorder, Jkd)> = LazyLock::new(|| {
    let recorder = Recorder::start();
    let jkd = start(
        &recorder,
        "RequestReadTimeout header=3 body=3\nKeepAliveTimeout 1\n",
    );
    (recorder, jkd)
});

static CLIENTS: AtomicU16 = AtomicU16::new(1);

/// What is wrong with what reaches the backend when clients do all of that at once.
fn wrong(list: Vec<Doing>) -> Vec<String> {
    let (recorder, jkd) = &*STAGE;
    let server = jkd.address;
    let done: Vec<_> = thread::scope(|scope| {
        let each = |doing: Doing| {
            let [high, low] = CLIENTS.fetch_add(1, Ordering::SeqCst).to_be_bytes();
            let own = Ipv4Addr::new(127, 78, high, low);
            scope.spawn(move || (carry_out(&doing, server, own), doing, own.to_string()))
        };
        let threads: Vec<_> = list.into_iter().map(each).collect();
        let done = threads.into_iter();
        done.map(|thread| thread.join().expect("a client"))
            .collect()
    });
    wait_until("the end of all bodies", || recorder.is_settled());
    let verdicts = done.iter().filter_map(|(whole, doing, own)| {
        let verdict = judge(doing, *whole, &recorder.of(own));
        verdict.err().map(|reason| format!("{doing:?}: {reason}"))
    });
    verdicts.chain(recorder.desyncs()).collect()
}

#[test]
fn a_body_is_whole_or_breaks_off_wherever_its_client_does() {
    for chunks in [None, Some(4)] {
        let doing = |end, bytes| Doing {
            length: 10,
            chunks,
            sent: Sent::Bytes(bytes),
            end,
        };
        let whole = text(&doing(End::HalfClose, 0)).len();
        for end in [End::HalfClose, End::Reset] {
            let list = (0..=whole).map(|bytes| doing(end, bytes)).collect();
            assert_eq!(wrong(list), Vec::<String>::new());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_body_is_what_was_announced_or_breaks_off(
        list in proptest::collection::vec(doing(), 100),
    ) {
        prop_assert_eq!(wrong(list), Vec::<String>::new());
    }
}
