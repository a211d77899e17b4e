//! A client's connection.

use std::{io, net::SocketAddr, pin::pin, time::Duration};

use jkd_tests::Pattern;
use socket2::SockRef;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpStream,
        tcp::{ReadHalf, WriteHalf},
    },
    select,
    time::{Instant, sleep, timeout},
};

use crate::job::{Fate, Job, Leaves, Seen, Slow};

/// How long clients wait for an answer: longer than any trouble lasts.
const PATIENCE: Duration = Duration::from_secs(60);

/// A connection, and what has been read of it and not used.
#[derive(Debug)]
pub(crate) struct Conn {
    stream: TcpStream,
    buffer: Vec<u8>,
    used: bool,
}

/// An answer that is being read.
struct Reading<'a> {
    stream: ReadHalf<'a>,
    buffer: &'a mut Vec<u8>,
    head: Head,
    pattern: Pattern,
    bytes: u64,
    same: bool,
    slow: bool,
    /// Bytes of the answer after which the client leaves.
    until: Option<usize>,
    taken: usize,
}

#[derive(Debug, Default)]
struct Head {
    status: u16,
    length: Option<u64>,
    chunked: bool,
    closes: bool,
    node: Option<char>,
    id: Option<u64>,
    /// What the node says of the request's body.
    body: Option<String>,
}

impl Conn {
    pub(crate) async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: Vec::new(),
            used: false,
        })
    }

    /// Sends all requests, and reads their answers; the connection, if it can be used again.
    pub(crate) async fn ask(mut self, jobs: &[Job]) -> (Vec<Seen>, Option<Self>) {
        let was_used = std::mem::replace(&mut self.used, true);
        let (stream, write) = self.stream.split();
        let mut seen = Vec::new();
        let mut kept = true;
        {
            let mut sending = pin!(send_all(write, jobs));
            let mut sent = None;
            let mut reading = Reading::new(stream, &mut self.buffer);
            for job in jobs {
                let began = Instant::now();
                let mut fate = Fate::Behind;
                if kept {
                    let mut answer = pin!(timeout(PATIENCE, reading.answer(job)));
                    fate = loop {
                        select! {
                            biased;
                            fate = &mut answer => break fate.unwrap_or(Fate::TimedOut),
                            end = &mut sending, if sent.is_none() => match end {
                                Sent::Left(fate) => break fate,
                                end => sent = Some(end),
                            }
                        }
                    };
                }
                if fate == Fate::Lost && was_used {
                    fate = Fate::Stale;
                }
                seen.push(reading.seen(job, fate, began));
                kept &= fate == Fate::Whole && !reading.head.closes;
            }
            kept &= sent == Some(Sent::All) && reading.buffer.is_empty();
        }
        if !kept && jobs[0].id.is_multiple_of(2) {
            let _ = SockRef::from(&self.stream).set_linger(Some(Duration::ZERO));
        }
        (seen, kept.then_some(self))
    }
}

/// How sending ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sent {
    All,
    /// The server takes no more: its answer may have come before.
    Failed,
    /// The client leaves.
    Left(Fate),
}

async fn send_all(mut stream: WriteHalf<'_>, jobs: &[Job]) -> Sent {
    for job in jobs {
        match send(&mut stream, job).await {
            Ok(None) => {}
            Ok(Some(fate)) => return Sent::Left(fate),
            Err(_) => return Sent::Failed,
        }
    }
    Sent::All
}

/// Sends a request; how it ends, if the client leaves meanwhile.
async fn send(stream: &mut WriteHalf<'_>, job: &Job) -> io::Result<Option<Fate>> {
    let head = job.head();
    let half = head.len() / 2;
    if job.leaves == Some(Leaves::InHead) {
        stream.write_all(&head[..half]).await?;
        sleep(Duration::from_millis(20)).await;
        return Ok(Some(Fate::LeftEarly));
    }
    if job.slow == Slow::Sending {
        stream.write_all(&head[..half]).await?;
        sleep(Duration::from_millis(50)).await;
        stream.write_all(&head[half..]).await?;
    } else {
        stream.write_all(&head).await?;
    }
    send_body(stream, job).await?;
    match job.leaves {
        Some(Leaves::InBody) => return Ok(Some(Fate::Left)),
        Some(Leaves::Waiting(time)) => sleep(time).await,
        _ => return Ok(None),
    }
    Ok(Some(Fate::Left))
}

async fn send_body(stream: &mut WriteHalf<'_>, job: &Job) -> io::Result<()> {
    let mut pattern = Pattern::new(job.id);
    let stays = job.leaves != Some(Leaves::InBody);
    let mut left = if stays { job.body } else { job.body / 2 };
    let most = if job.slow == Slow::Sending {
        1 + left / 8
    } else {
        48 * 1024
    };
    while left > 0 {
        let piece = pattern.take(left.min(most));
        left -= piece.len();
        if job.body_is_chunked() {
            stream
                .write_all(format!("{:x}\r\n", piece.len()).as_bytes())
                .await?;
            stream.write_all(&piece).await?;
            stream.write_all(b"\r\n").await?;
        } else {
            stream.write_all(&piece).await?;
        }
        if job.slow == Slow::Sending {
            sleep(Duration::from_millis(50)).await;
        }
    }
    if job.body > 0 && job.body_is_chunked() && stays {
        stream.write_all(b"0\r\n\r\n").await?;
    }
    Ok(())
}

/// Why an answer is not read to its end.
enum Stop {
    Ended,
    Left,
    NoHttp,
}

impl<'a> Reading<'a> {
    fn new(stream: ReadHalf<'a>, buffer: &'a mut Vec<u8>) -> Self {
        Self {
            stream,
            buffer,
            head: Head::default(),
            pattern: Pattern::new(0),
            bytes: 0,
            same: true,
            slow: false,
            until: None,
            taken: 0,
        }
    }

    async fn answer(&mut self, job: &Job) -> Fate {
        self.head = Head::default();
        self.pattern = Pattern::new(job.id);
        (self.bytes, self.same, self.taken) = (0, true, self.buffer.len());
        self.slow = job.slow == Slow::Reading;
        self.until = match job.leaves {
            Some(Leaves::InAnswer(bytes)) => Some(bytes),
            _ => None,
        };
        match self.read(job.method).await {
            Ok(()) if self.is_right(job) => Fate::Whole,
            Ok(()) | Err(Stop::NoHttp) => Fate::Wrong,
            Err(Stop::Left) if self.head.status > 0 => Fate::LeftInAnswer,
            Err(Stop::Left) => Fate::Left,
            Err(Stop::Ended) if self.head.status > 0 => Fate::Cut,
            Err(Stop::Ended) => Fate::Lost,
        }
    }

    fn seen(&self, job: &Job, fate: Fate, began: Instant) -> Seen {
        let answered = !matches!(fate, Fate::Behind);
        Seen {
            id: job.id,
            method: job.method,
            fate,
            status: if answered { self.head.status } else { 0 },
            bytes: self.bytes,
            node: self.head.node.filter(|_| answered),
            session: job.session,
            took: began.elapsed(),
        }
    }

    /// What comes from a node must be what it was asked for. The server itself has answers for
    /// members that fail, and no others.
    fn is_right(&self, job: &Job) -> bool {
        let Head {
            status, id, body, ..
        } = &self.head;
        let Some(id) = id else {
            return matches!(status, 500 | 502..=504);
        };
        let length = if job.method == "HEAD" { 0 } else { job.size };
        let told = (job.body > 0).then(|| job.body.to_string());
        *id == job.id
            && *status == job.status
            && self.same
            && u64::try_from(length) == Ok(self.bytes)
            && *body == told
    }

    async fn read(&mut self, method: &str) -> Result<(), Stop> {
        loop {
            let length = self.until(b"\r\n\r\n").await?;
            self.head = Head::parse(&self.buffer[..length]).ok_or(Stop::NoHttp)?;
            self.buffer.drain(..length);
            if self.head.status >= 200 {
                break;
            }
            self.head = Head::default();
        }
        if method == "HEAD" {
            return Ok(());
        }
        match self.head.length {
            _ if self.head.chunked => self.chunks().await,
            Some(length) => self.body(length).await,
            None => Err(Stop::NoHttp),
        }
    }

    /// Reads until these bytes have come, and returns where they end.
    async fn until(&mut self, bytes: &[u8]) -> Result<usize, Stop> {
        loop {
            let found = self.buffer.windows(bytes.len()).position(|w| w == bytes);
            if let Some(at) = found {
                return Ok(at + bytes.len());
            }
            self.more().await?;
        }
    }

    async fn more(&mut self) -> Result<(), Stop> {
        if self.until.is_some_and(|until| self.taken >= until) {
            return Err(Stop::Left);
        }
        let most = if self.slow { 4 * 1024 } else { 32 * 1024 };
        if self.slow {
            sleep(Duration::from_millis(3)).await;
        }
        let mut piece = vec![
            0;
            self.until
                .map_or(most, |until| most.min(until - self.taken))
        ];
        match self.stream.read(&mut piece).await {
            Ok(length @ 1..) => {
                self.taken += length;
                self.buffer.extend_from_slice(&piece[..length]);
                Ok(())
            }
            Ok(_) | Err(_) => Err(Stop::Ended),
        }
    }

    async fn body(&mut self, length: u64) -> Result<(), Stop> {
        let mut left = usize::try_from(length).map_err(|_| Stop::NoHttp)?;
        loop {
            let piece = left.min(self.buffer.len());
            self.same &= self.pattern.is_next(&self.buffer[..piece]);
            self.bytes += u64::try_from(piece).expect("64 bits");
            self.buffer.drain(..piece);
            left -= piece;
            if left == 0 {
                return Ok(());
            }
            self.more().await?;
        }
    }

    async fn chunks(&mut self) -> Result<(), Stop> {
        loop {
            let end = self.until(b"\r\n").await?;
            let line = String::from_utf8_lossy(&self.buffer[..end - 2]);
            let size = u64::from_str_radix(line.trim(), 16).map_err(|_| Stop::NoHttp)?;
            self.buffer.drain(..end);
            self.body(size).await?;
            if self.until(b"\r\n").await? != 2 {
                return Err(Stop::NoHttp);
            }
            self.buffer.drain(..2);
            if size == 0 {
                return Ok(());
            }
        }
    }
}

impl Head {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let mut lines = text.split("\r\n");
        let line = lines.next()?.strip_prefix("HTTP/1.1 ")?;
        let mut head = Self {
            status: line.get(..3)?.parse().ok()?,
            ..Self::default()
        };
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            let value = value.trim();
            match &*name.to_ascii_lowercase() {
                "content-length" => head.length = Some(value.parse().ok()?),
                "transfer-encoding" => head.chunked = value.eq_ignore_ascii_case("chunked"),
                "connection" => head.closes = value.eq_ignore_ascii_case("close"),
                "x-node" => head.node = value.chars().last(),
                "x-id" => head.id = Some(u64::from_str_radix(value, 16).ok()?),
                "x-read" => head.body = Some(value.to_owned()),
                _ => {}
            }
        }
        Some(head)
    }
}
