//! One keep-alive connection of a load.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    pin::pin,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpSocket, TcpStream,
        tcp::{ReadHalf, WriteHalf},
    },
    select,
};

use super::{Ask, Outcome, pattern::Pattern};

/// A connection, and what has been read of it and not used.
#[derive(Debug)]
pub(super) struct Conn {
    stream: TcpStream,
    buffer: Vec<u8>,
    used: bool,
}

/// How a request ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) outcome: Outcome,
    pub(super) node: Option<char>,
    /// The connection, if it can be used again.
    pub(super) conn: Option<Conn>,
}

/// An answer that is being read.
struct Reading<'a> {
    stream: ReadHalf<'a>,
    buffer: &'a mut Vec<u8>,
    head: Head,
    /// What the body should be.
    pattern: Pattern,
    length: usize,
    same: bool,
}

#[derive(Debug, Default)]
struct Head {
    status: u16,
    length: Option<usize>,
    chunked: bool,
    closes: bool,
    node: Option<char>,
    number: Option<u64>,
}

impl Conn {
    /// `source` is the client's address, where it matters.
    pub(super) async fn open(address: SocketAddr, source: Option<Ipv4Addr>) -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        if let Some(source) = source {
            socket.bind((source, 0).into())?;
        }
        let stream = socket.connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: Vec::new(),
            used: false,
        })
    }

    /// Sends a request and reads its answer, both at once.
    pub(super) async fn ask(mut self, ask: &Ask, number: u64) -> Ended {
        let was_used = std::mem::replace(&mut self.used, true);
        let (stream, write) = self.stream.split();
        let mut reading = Reading {
            stream,
            buffer: &mut self.buffer,
            head: Head::default(),
            pattern: Pattern::new(number),
            length: 0,
            same: true,
        };
        let mut sent = false;
        let ended = {
            let mut sending = pin!(send(write, ask, number));
            let mut read = pin!(reading.read(ask.method));
            loop {
                select! {
                    biased;
                    ended = &mut read => break ended,
                    // Where it fails the answer may have come before.
                    _ = &mut sending, if !sent => sent = true,
                }
            }
        };
        let outcome = match &ended {
            Ok(()) => reading.verdict(ask, number),
            Err(_) if reading.head.status > 0 => Outcome::Cut(reading.head.status),
            Err(_) if was_used => Outcome::Stale,
            Err(_) => Outcome::Lost,
        };
        let (node, kept) = (
            reading.head.node,
            ended.is_ok() && sent && reading.is_kept(),
        );
        Ended {
            outcome,
            node,
            conn: kept.then_some(self),
        }
    }
}

async fn send(mut stream: WriteHalf<'_>, ask: &Ask, number: u64) -> io::Result<()> {
    let mut bytes = ask.head(number);
    let mut pattern = Pattern::new(number);
    let mut left = ask.body;
    loop {
        let piece = left.min(64 * 1024);
        left -= piece;
        bytes.append(&mut pattern.take(piece));
        stream.write_all(&bytes).await?;
        if left == 0 {
            return Ok(());
        }
        bytes.clear();
    }
}

impl Reading<'_> {
    async fn read(&mut self, method: &str) -> io::Result<()> {
        loop {
            let length = self.until(b"\r\n\r\n").await?;
            self.head = Head::parse(&self.buffer[..length]).ok_or_else(broken)?;
            self.buffer.drain(..length);
            if self.head.status >= 200 {
                break;
            }
        }
        if method == "HEAD" || matches!(self.head.status, 204 | 304) {
            return Ok(());
        }
        match self.head.length {
            _ if self.head.chunked => self.chunks().await,
            Some(length) => self.body(length).await,
            None => self.rest().await,
        }
    }

    /// Reads until these bytes have come, and returns where they end.
    async fn until(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            let found = self.buffer.windows(bytes.len()).position(|w| w == bytes);
            if let Some(at) = found {
                return Ok(at + bytes.len());
            }
            self.more().await?;
        }
    }

    async fn more(&mut self) -> io::Result<()> {
        self.buffer.reserve(16 * 1024);
        match self.stream.read_buf(self.buffer).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }

    async fn body(&mut self, mut left: usize) -> io::Result<()> {
        while left > 0 {
            if self.buffer.is_empty() {
                self.more().await?;
            }
            let piece = left.min(self.buffer.len());
            self.compare(piece);
            left -= piece;
        }
        Ok(())
    }

    async fn rest(&mut self) -> io::Result<()> {
        self.head.closes = true;
        loop {
            self.compare(self.buffer.len());
            match self.more().await {
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
                other => other?,
            }
        }
    }

    async fn chunks(&mut self) -> io::Result<()> {
        loop {
            let end = self.until(b"\r\n").await?;
            let line = String::from_utf8_lossy(&self.buffer[..end - 2]);
            let size = usize::from_str_radix(line.trim(), 16).map_err(|_| broken())?;
            self.buffer.drain(..end);
            self.body(size).await?;
            if self.until(b"\r\n").await? != 2 {
                return Err(broken());
            }
            self.buffer.drain(..2);
            if size == 0 {
                return Ok(());
            }
        }
    }

    fn compare(&mut self, piece: usize) {
        self.same &= self.pattern.is_next(&self.buffer[..piece]);
        self.length += piece;
        self.buffer.drain(..piece);
    }

    /// What comes from a node must be what it was asked for; a page of the server itself may have
    /// any body.
    fn verdict(&self, ask: &Ask, number: u64) -> Outcome {
        let status = self.head.status;
        let expected = if ask.method == "HEAD" { 0 } else { ask.size };
        let right = match self.head.number {
            None => status != 200,
            Some(id) => id == number && (status != 200 || self.same && self.length == expected),
        };
        match right {
            true => Outcome::Answered(status),
            false => Outcome::Wrong(status),
        }
    }

    fn is_kept(&self) -> bool {
        !self.head.closes && self.buffer.is_empty()
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
                "x-id" => head.number = u64::from_str_radix(value, 16).ok(),
                _ => {}
            }
        }
        Some(head)
    }
}

fn broken() -> io::Error {
    io::Error::other("no HTTP")
}
