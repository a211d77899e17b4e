//! One connection over streams that a test controls to the byte.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use ajp13::wire::PacketSize;
use ajp13::{Body, Conn, Error, ErrorKind, PooledConn, SendOptions, Stage};
use bytes::Bytes;
use http::Response;
use http_body::Body as _;
use http_body_util::{BodyExt, Empty, Full};
use parking_lot::Mutex;
use proptest::prelude::*;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf, duplex};
use tokio::time::{Instant, sleep, timeout};

use crate::support::*;

/// Reads come from a recording, `step` bytes at a time; writes are recorded one by one.
#[derive(Default)]
struct Recording {
    answer: Vec<u8>,
    position: usize,
    step: usize,
    writes: Arc<Mutex<Vec<Vec<u8>>>>,
    /// Writes fail once the bytes written are so many.
    write_limit: Option<usize>,
}

impl AsyncRead for Recording {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.writes.lock().is_empty() && self.write_limit.is_none() {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let count = self
            .step
            .min(buffer.remaining())
            .min(self.answer.len() - self.position);
        buffer.put_slice(&self.answer[self.position..self.position + count]);
        self.position += count;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Recording {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[io::IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut writes = self.writes.lock();
        let written: usize = writes.iter().map(Vec::len).sum();
        if self.write_limit.is_some_and(|limit| written >= limit) {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let bytes: Vec<u8> = slices
            .iter()
            .flat_map(|slice| slice.iter().copied())
            .collect();
        let count = self
            .write_limit
            .map_or(bytes.len(), |limit| bytes.len().min(limit - written));
        writes.push(bytes[..count].to_vec());
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

fn conn<IO: ajp13::Io>(io: IO) -> PooledConn<IO> {
    Conn::new(io, "a test", PacketSize::DEFAULT).into()
}

async fn replay(answer: &[u8], step: usize) -> Result<(u16, Bytes), Error> {
    let io = Recording {
        answer: answer.to_vec(),
        step,
        ..Recording::default()
    };
    let sent = conn(io)
        .send(get, Empty::<Bytes>::new(), SendOptions::default())
        .await;
    let answer = sent.map_err(|failure| failure.error)?;
    let status = answer.status().as_u16();
    Ok((status, answer.into_body().collect().await?.to_bytes()))
}

/// An answer with every kind of packet in it.
fn eventful() -> Vec<u8> {
    let headers = [
        ("Content-Type", "text/plain"),
        ("Set-Cookie", "a=b"),
        ("Set-Cookie", "c=d"),
    ];
    let parts = [
        FLUSH,
        ASK,
        &head(200, &headers),
        FLUSH,
        &chunk(b"some "),
        ASK,
        &chunk(&[b'x'; 8184]),
        b"AB\x00\x06\x03\x00\x03abc",
        FLUSH,
        END,
    ];
    parts.concat()
}

#[tokio::test]
async fn head_and_first_data_go_out_in_one_write() {
    for length in [5, 5000, 20_000] {
        let io = Recording {
            answer: whole(b""),
            step: 9999,
            ..Recording::default()
        };
        let writes = Arc::clone(&io.writes);
        let upload = Full::new(Bytes::from(vec![7; length]));
        conn(io)
            .send(post(Some(length)), upload, announced(length))
            .await
            .unwrap();
        let writes = writes.lock();
        assert_eq!(writes.len(), 1);
        let head = 4 + usize::from(u16::from_be_bytes([writes[0][2], writes[0][3]]));
        assert_eq!(writes[0].len(), head + 6 + length.min(8186));
    }
}

#[tokio::test]
async fn every_size_of_read_gives_the_same_answer() {
    let expected = [b"some ", &[b'x'; 8184][..], b"abc"].concat();
    for step in [1, 2, 3, 7, 100, 8191, 100_000] {
        let (status, body) = replay(&eventful(), step).await.unwrap();
        assert_eq!(
            (status, &body[..]),
            (200, &expected[..]),
            "{step} bytes a read"
        );
    }
}

#[tokio::test]
async fn an_answer_cut_anywhere_is_an_error() {
    let answer = eventful();
    let interesting = (0..200).chain(answer.len() - 40..answer.len());
    for length in interesting {
        let error = replay(&answer[..length], 64).await.unwrap_err();
        let kind = error.kind();
        // Between packets it is closed; in the middle of one that is no AJP.
        assert!(
            matches!(kind, ErrorKind::Closed | ErrorKind::Protocol),
            "cut after {length}: {kind:?}"
        );
        assert!(length != 3 || kind == ErrorKind::Closed);
        assert!(length != 4 || kind == ErrorKind::Protocol);
        assert_eq!(error.peer(), Some("a test"));
    }
}

#[tokio::test]
async fn packets_out_of_order_are_refused() {
    let ok = head(200, &[]);
    for (answer, kind) in [
        (chunk(b"early"), ErrorKind::Order),
        (END.to_vec(), ErrorKind::Order),
        (CPONG.to_vec(), ErrorKind::Order),
        ([&ok[..], &ok].concat(), ErrorKind::Order),
        (head(101, &[]), ErrorKind::Response),
        (head(99, &[]), ErrorKind::Response),
        (head(1000, &[]), ErrorKind::Response),
        (head(103, &[]).repeat(17), ErrorKind::Order),
        (b"AB\x00\x01\x63".to_vec(), ErrorKind::Protocol),
        (b"AB\x00\x00".to_vec(), ErrorKind::Protocol),
        (b"\x12\x34\x00\x01\x09".to_vec(), ErrorKind::Protocol),
        (b"AB\x00\x03\x03\x00\x09".to_vec(), ErrorKind::Protocol),
    ] {
        let error = replay(&answer, 64).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
    }
}

#[tokio::test]
async fn an_answer_wins_over_a_failed_write() {
    let answer = [&head(413, &[])[..], &chunk(b"too much"), END_AND_CLOSE].concat();
    let io = Recording {
        answer,
        step: 9999,
        write_limit: Some(500),
        ..Recording::default()
    };
    let upload = Full::new(Bytes::from(vec![7; 5000]));
    let answer = conn(io)
        .send(post(Some(5000)), upload, announced(5000))
        .await
        .unwrap();
    assert_eq!(answer.status(), 413);
    assert_eq!(read(answer.into_body()).await.unwrap(), "too much");
}

#[tokio::test]
async fn a_request_that_was_not_written_whole_was_not_sent() {
    for (limit, stage) in [
        (0, Stage::NothingSent),
        (20, Stage::NothingSent),
        (500, Stage::RequestSent),
    ] {
        let io = Recording {
            write_limit: Some(limit),
            ..Recording::default()
        };
        let upload = Full::new(Bytes::from(vec![7; 5000]));
        let failure = conn(io)
            .send(post(Some(5000)), upload, announced(5000))
            .await
            .unwrap_err();
        assert_eq!(failure.error.kind(), ErrorKind::Closed);
        assert_eq!(failure.error.stage(), stage, "{limit} bytes written");
    }
}

fn timed(limit: Duration) -> SendOptions {
    SendOptions {
        reply_timeout: Some(limit),
        ..unknown()
    }
}

const LIMIT: Duration = Duration::from_secs(30);

async fn silent_after(bytes: &[u8]) -> (Error, Duration) {
    let (io, mut container) = duplex(1 << 16);
    let (_sender, body) = pieces();
    let begun = Instant::now();
    container.write_all(bytes).await.unwrap();
    let outcome = async {
        let answer = conn(io)
            .send(post(None), body, timed(LIMIT))
            .await
            .map_err(|f| f.error)?;
        answer.into_body().collect().await
    };
    (outcome.await.unwrap_err(), begun.elapsed())
}

#[tokio::test(start_paused = true)]
async fn silence_ends_with_the_reply_timeout() {
    for bytes in [
        &b""[..],
        FLUSH,
        &head(200, &[]),
        &[head(200, &[]), chunk(b"x")].concat(),
    ] {
        let (error, took) = silent_after(bytes).await;
        assert_eq!(error.kind(), ErrorKind::Reply);
        assert!(error.is_timeout());
        assert!(took >= LIMIT && took < LIMIT * 2, "{took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn packets_now_and_then_are_no_silence() {
    let (io, mut container) = duplex(1 << 16);
    let serve = async {
        container.write_all(&head(200, &[])).await.unwrap();
        for _ in 0..20 {
            sleep(LIMIT / 10 * 9).await;
            container.write_all(FLUSH).await.unwrap();
        }
        container.write_all(END).await.unwrap();
    };
    let ask = async {
        let answer = conn(io)
            .send(get, Empty::<Bytes>::new(), timed(LIMIT))
            .await
            .unwrap();
        answer.into_body().collect().await.unwrap()
    };
    tokio::join!(serve, ask);
}

#[tokio::test(start_paused = true)]
async fn neither_a_slow_upload_nor_a_slow_reader_is_the_containers_silence() {
    let (io, container) = duplex(1 << 16);
    let mut container = Peer { io: container };
    let (sender, body) = pieces();
    let serve = async {
        container.request().await;
        container.send(ASK).await;
        sleep(LIMIT * 3).await;
        sender.send(Ok("late".into())).unwrap();
        assert_eq!(container.data().await, b"late");
        container.send(&head(200, &[])).await;
        sleep(LIMIT / 2).await;
        container.send(&[&chunk(b"done")[..], END].concat()).await;
        container
    };
    let ask = async {
        let mut body: Body<DuplexStream> = conn(io)
            .send(post(None), body, timed(LIMIT))
            .await
            .unwrap()
            .into_body();
        assert!(timeout(LIMIT / 10, body.frame()).await.is_err());
        sleep(LIMIT * 3).await;
        assert_eq!(read(body).await.unwrap(), "done");
    };
    tokio::join!(serve, ask);
}

#[tokio::test]
async fn a_reader_who_pauses_holds_the_container_back() {
    let (io, mut container) = duplex(4096);
    let mut sent = 0;
    let mut serve = Box::pin(async {
        container.write_all(&head(200, &[])).await.unwrap();
        let packet = chunk(&[7; 8000]);
        loop {
            container.write_all(&packet).await.unwrap();
            sent += packet.len();
        }
    });
    let ask = async {
        let answer: Response<Body<DuplexStream>> = conn(io)
            .send(get, Empty::<Bytes>::new(), SendOptions::default())
            .await
            .unwrap();
        let mut body = answer.into_body();
        for _ in 0..3 {
            body.frame().await.unwrap().unwrap();
        }
        body
    };
    let body = tokio::select! {
        body = ask => body,
        () = &mut serve => unreachable!("it never ends"),
    };
    let _ = timeout(Duration::from_millis(50), &mut serve).await;
    drop(serve);
    drop(body);
    assert!(sent < 200_000, "{sent} bytes were taken in advance");
}

#[tokio::test]
async fn a_length_that_was_announced_is_not_taken_back() {
    let (io, mut container) = duplex(1 << 16);
    let headers = head(200, &[("Content-Length", "12")]);
    let answer = [&headers[..], &chunk(b"too short"), END].concat();
    container.write_all(&answer).await.unwrap();
    let answer = conn(io).send(get, Empty::<Bytes>::new(), SendOptions::default());
    let mut body = answer.await.unwrap().into_body();
    assert_eq!(body.size_hint().exact(), Some(12));
    let first = body.frame().await.unwrap().unwrap();
    assert_eq!(first.into_data().unwrap(), "too short");
    assert_eq!(
        (body.size_hint().exact(), body.is_end_stream()),
        (Some(3), false)
    );
    assert_eq!(read(body).await.unwrap_err().kind(), ErrorKind::Length);
}

#[tokio::test]
async fn an_upload_nobody_asks_for_is_not_read() {
    let (io, container) = duplex(1 << 16);
    let mut container = Peer { io: container };
    let (sender, body) = pieces();
    sender.send(Ok("first".into())).unwrap();
    sender.send(Ok("second".into())).unwrap();
    let serve = async {
        container.request().await;
        container.send(&whole(b"no thanks")).await;
    };
    let send = conn(io).send(post(None), body, unknown());
    let ((), answer) = tokio::join!(serve, send);
    let body = answer.unwrap().into_body();
    assert_eq!(body.tally().sent, 0);
    assert_eq!(read(body).await.unwrap(), "no thanks");
    assert!(sender.is_closed());
}

/// A valid answer with some bytes changed, taken out or put in.
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let edits = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3), 1..6);
    edits.prop_map(|edits| {
        let mut bytes = eventful();
        for (index, byte, kind) in edits {
            let at = index.index(bytes.len());
            match kind {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ => drop(bytes.remove(at)),
            }
        }
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_answer_makes_it_panic_or_hang(
        answer in prop_oneof![damaged(), prop::collection::vec(any::<u8>(), 0..300)],
        step in 1..300_usize,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            if let Ok((status, body)) = within(replay(&answer, step)).await {
                prop_assert!((200..=999).contains(&status));
                prop_assert!(body.len() < answer.len());
                let end: [&[u8]; 2] = [b"\x05\x01", b"\x05"];
                prop_assert!(end.iter().any(|end| answer.windows(end.len()).any(|w| w == *end)));
            }
            Ok(())
        })?;
    }
}
