//! Many requests, cancelled and abandoned at random, against containers that misbehave at random:
//! each request gets its own answer, whole, or an error.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use ajp13::{IdlePing, PingPolicy, Pool, PoolOptions, SendOptions};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use tokio::io::AsyncWriteExt;
use tokio::task::JoinSet;

use crate::support::*;

const SEEDS: u64 = 4;
const CLIENTS: u64 = 12;
const REQUESTS: u64 = 40;

/// A small generator, so that a seed tells what happened.
#[derive(Clone)]
struct Dice(u64);

impl Dice {
    fn new(seed: u64, number: u64) -> Self {
        Self(
            (seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
                ^ (number + 1).wrapping_mul(0xd1b5_4a32_d192_ed03),
        )
    }

    /// A number below `sides`.
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % sides
    }
}

/// What only the answer to this request says. Its length differs from most others'.
fn canary(id: u64) -> Vec<u8> {
    let word = format!("<{id:08x}>");
    word.repeat(1 + usize::try_from(id * 37 % 3000).unwrap() / 2)
        .into_bytes()
}

/// Reads a request, its whole body included, and returns what its body says.
async fn take(peer: &mut Peer, dice: &mut Dice) -> Option<u64> {
    loop {
        let packet = peer.packet_or_end().await?;
        match packet.first()? {
            10 => {
                let answer = if dice.roll(20) == 0 {
                    [CPONG, &whole(b"poison")].concat()
                } else {
                    CPONG.to_vec()
                };
                peer.io.write_all(&answer).await.ok()?;
            }
            code => {
                assert_eq!(*code, 2, "a request is expected");
                break;
            }
        }
    }
    let mut body = peer.packet_or_end().await?.split_off(2);
    while body.len() < 4096 {
        peer.io.write_all(ASK).await.ok()?;
        let more = peer.packet_or_end().await?;
        assert!(more.len() > 2, "the body ended too early");
        body.extend(&more[2..]);
    }
    assert_eq!(body.len(), 4096);
    Some(u64::from_be_bytes(body[..8].try_into().unwrap()))
}

/// Sends in pieces with pauses between them.
async fn dribble(peer: &mut Peer, mut bytes: &[u8], dice: &mut Dice) -> Option<()> {
    while !bytes.is_empty() {
        let most = [1, 7, 100, 100_000][usize::try_from(dice.roll(4)).unwrap()];
        let (piece, rest) = bytes.split_at(bytes.len().min(most));
        peer.io.write_all(piece).await.ok()?;
        if dice.roll(3) == 0 {
            tokio::task::yield_now().await;
        }
        bytes = if rest.len() > 2000 {
            peer.io.write_all(&rest[..rest.len() - 200]).await.ok()?;
            &rest[rest.len() - 200..]
        } else {
            rest
        };
    }
    Some(())
}

/// An answer and something that belongs to none, in one segment with its end.
async fn with_surplus(
    peer: &mut Peer,
    right: &[u8],
    surplus: &[u8],
    dice: &mut Dice,
) -> Option<()> {
    let (right, end) = right.split_at(right.len() - 1);
    dribble(peer, right, dice).await?;
    peer.io.write_all(&[end, surplus].concat()).await.ok()
}

/// One connection of a container that does one of the things that go wrong now and then.
#[allow(clippy::too_many_lines, reason = "a flat match")]
async fn misbehave(mut peer: Peer, mut dice: Dice, threads: bool) -> Option<()> {
    loop {
        let id = take(&mut peer, &mut dice).await?;
        let body = canary(id);
        let length = body.len().to_string();
        let head = match dice.roll(3) {
            0 => head(200, &[]),
            _ => head(200, &[("Content-Length", &length)]),
        };
        let chunks: Vec<u8> = body.chunks(1500).flat_map(chunk).collect();
        let right = [&head, &chunks, END].concat();
        let cut = usize::try_from(dice.roll(right.len() as u64)).unwrap();
        match dice.roll(24) {
            0 => return None,
            1 => return dribble(&mut peer, &right[..cut], &mut dice).await,
            2 => {
                peer.io.write_all(&right[..cut]).await.ok()?;
                return peer.io.set_zero_linger().ok();
            }
            3 => with_surplus(&mut peer, &right, &whole(b"poison"), &mut dice).await?,
            4 => with_surplus(&mut peer, &right, FLUSH, &mut dice).await?,
            5 => with_surplus(&mut peer, &right, ASK, &mut dice).await?,
            6 => with_surplus(&mut peer, &right, b"AB", &mut dice).await?,
            7 => {
                let last = [&head, &chunks, END_AND_CLOSE].concat();
                dribble(&mut peer, &last, &mut dice).await?;
            }
            8 => dribble(&mut peer, &[&head, &head, &chunks, END].concat(), &mut dice).await?,
            9 => dribble(&mut peer, END, &mut dice).await?,
            10 => dribble(&mut peer, &[&chunks, &right[..]].concat(), &mut dice).await?,
            11 if !threads => {
                // In a segment of its own, yet there before anybody can look.
                peer.io.write_all(&right).await.ok()?;
                peer.io.try_write(&whole(b"poison")).ok()?;
            }
            12 => {
                peer.io.write_all(&right).await.ok()?;
                return None;
            }
            _ => dribble(&mut peer, &right, &mut dice).await?,
        }
    }
}

async fn serve(backend: Backend, seed: u64, threads: bool) {
    let mut peers = JoinSet::new();
    for number in 1000.. {
        let peer = backend.accept_any().await;
        peers.spawn(misbehave(peer, Dice::new(seed, number), threads));
    }
}

/// What became of requests.
#[derive(Default)]
struct Count {
    right: AtomicUsize,
    failed: AtomicUsize,
    dropped: AtomicUsize,
}

async fn request(pool: &Pool, id: u64, lane: usize, dice: &mut Dice, count: &Count) {
    let Ok(conn) = pool.checkout_on(lane).await else {
        count.failed.fetch_add(1, Relaxed);
        return;
    };
    let mut body = vec![0; 4096];
    body[..8].copy_from_slice(&id.to_be_bytes());
    let options = SendOptions {
        reply_timeout: Some(Duration::from_secs(1)),
        ..announced(4096)
    };
    let sent = conn
        .send(post(Some(4096)), Full::new(Bytes::from(body)), options)
        .await;
    let Ok(answer) = sent else {
        count.failed.fetch_add(1, Relaxed);
        return;
    };
    let (expected, mut got) = (canary(id), Vec::new());
    let mut body = answer.into_body();
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else {
            count.failed.fetch_add(1, Relaxed);
            return;
        };
        got.extend(frame.into_data().unwrap());
        assert!(expected.starts_with(&got), "somebody else's answer");
        if dice.roll(30) == 0 {
            count.dropped.fetch_add(1, Relaxed);
            return;
        }
    }
    assert_eq!(got, expected, "a torn answer looks whole");
    count.right.fetch_add(1, Relaxed);
}

async fn client(pool: Pool, seed: u64, number: u64, count: Arc<Count>) {
    let mut dice = Dice::new(seed, number);
    for turn in 0..REQUESTS {
        let id = number * REQUESTS + turn;
        let lane = usize::try_from(dice.roll(3)).unwrap();
        let mut fate = dice.clone();
        let mut asked = Box::pin(request(&pool, id, lane, &mut fate, &count));
        if dice.roll(8) == 0 {
            // Gives up somewhere on the way.
            for _ in 0..dice.roll(12) {
                let polled =
                    std::future::poll_fn(|cx| std::task::Poll::Ready(asked.as_mut().poll(cx)));
                if polled.await.is_ready() {
                    break;
                }
                tokio::task::yield_now().await;
            }
            count.dropped.fetch_add(1, Relaxed);
        } else {
            asked.await;
        }
    }
}

fn options(seed: u64) -> PoolOptions {
    let ping = IdlePing {
        idle: Duration::ZERO,
        timeout: Duration::from_secs(2),
    };
    PoolOptions {
        max: (seed % 3 != 0).then_some(4),
        lanes: 3,
        acquire_timeout: PATIENCE,
        ping: PingPolicy {
            before_request: (seed % 2 == 0).then_some(ping),
            interval: (seed % 4 == 1).then_some(ping),
            ..PingPolicy::NEVER
        },
        ..PoolOptions::default()
    }
}

async fn storm(seed: u64, threads: bool) {
    let backend = Backend::bind().await;
    let pool = backend.pool(options(seed));
    let mut server = JoinSet::new();
    server.spawn(serve(backend, seed, threads));
    let count = Arc::new(Count::default());
    let mut clients = JoinSet::new();
    for number in 0..CLIENTS {
        clients.spawn(client(pool.clone(), seed, number, count.clone()));
    }
    within(async {
        while let Some(ended) = clients.join_next().await {
            ended.unwrap();
            pool.maintain().await;
        }
    })
    .await;
    let stats = pool.stats();
    assert_eq!(stats.busy, 0, "seed {seed}");
    assert_eq!(
        stats.idle as u64,
        stats.opened - stats.closed.total(),
        "seed {seed}"
    );
    assert!(stats.idle <= 4 || seed % 3 == 0, "seed {seed}");
    let most = usize::try_from(CLIENTS * REQUESTS).unwrap();
    assert!(
        count.right.load(Relaxed) > most / 4,
        "seed {seed}: {}",
        count.right.load(Relaxed)
    );
    assert!(
        count.failed.load(Relaxed) > 0 && count.dropped.load(Relaxed) > 0,
        "seed {seed}"
    );
}

#[tokio::test]
async fn nobody_gets_somebody_elses_answer() {
    for seed in 0..SEEDS {
        storm(seed, false).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn nobody_gets_somebody_elses_answer_with_threads() {
    for seed in SEEDS..SEEDS * 2 {
        storm(seed, true).await;
    }
}
