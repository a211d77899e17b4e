//! A connection to a web server on which any bytes are sent, and answers are read exactly as they
//! come.

use std::{
    fmt,
    io::{self, BufRead, BufReader, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
};

use crate::{
    forwarded::{shortened, text},
    wait::LONG,
};

/// A connection.
#[derive(Debug)]
pub struct Connection {
    stream: BufReader<TcpStream>,
}

/// An answer. Texts are escaped, so that any byte can be seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reply {
    /// Status lines and headers of interim answers (100 Continue).
    pub interim: Vec<String>,
    /// `HTTP/1.1` and the like; empty where no answer came.
    pub version: String,
    /// The status.
    pub status: u16,
    /// The reason.
    pub reason: String,
    /// Names and values in order, and trailers behind them.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// What became of the connection.
    pub end: End,
}

/// What became of the connection after an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum End {
    /// It breaks off before the answer is complete, or before it begins.
    #[default]
    CutOff,
    /// It was closed, as the answer said.
    Closed,
    /// The answer said that it would be closed, and it was not.
    NotClosed,
    /// It is kept.
    Kept,
}

impl Connection {
    /// Connects.
    pub fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, LONG)?;
        stream.set_read_timeout(Some(LONG))?;
        stream.set_write_timeout(Some(LONG))?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream: BufReader::with_capacity(64 * 1024, stream),
        })
    }

    /// Sends bytes. That the server has closed already shows when its answer is read.
    pub fn send(&mut self, bytes: &[u8]) {
        let _ = self.stream.get_mut().write_all(bytes);
    }

    /// Says that nothing more will come.
    pub fn half_close(&mut self) {
        let _ = self.stream.get_ref().shutdown(Shutdown::Write);
    }

    /// Reads one answer to a request with this method.
    pub fn read(&mut self, method: &str) -> Reply {
        let mut reply = Reply::default();
        // How far it came is in the reply.
        let _ = self.read_into(method, &mut reply);
        reply
    }

    /// Reads the head of an interim answer, and no further.
    pub fn read_interim(&mut self) -> Reply {
        let mut reply = Reply::default();
        if self.read_head(&mut reply).is_ok() {
            reply.end = End::Kept;
        }
        reply
    }

    /// Reads all that comes until the server closes.
    pub fn read_to_end(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let _ = self.stream.read_to_end(&mut bytes);
        bytes
    }

    fn read_into(&mut self, method: &str, reply: &mut Reply) -> io::Result<()> {
        loop {
            self.read_head(reply)?;
            if reply.status >= 200 || reply.status == 101 {
                break;
            }
            let interim = std::mem::take(reply);
            reply.interim = interim.interim.clone();
            reply.interim.push(interim.head());
        }
        let by_close = self.read_body(method, reply)?;
        reply.end = if by_close {
            End::Closed
        } else if !reply.closes() {
            End::Kept
        } else if matches!(self.stream.read(&mut [0]), Ok(0)) {
            End::Closed
        } else {
            End::NotClosed
        };
        Ok(())
    }

    fn read_head(&mut self, reply: &mut Reply) -> io::Result<()> {
        let line = self.line()?;
        let mut words = line.splitn(3, |&byte| byte == b' ').map(text);
        reply.version = words.next().unwrap_or_default();
        let status = words.next().unwrap_or_default();
        reply.reason = words.next().unwrap_or_default();
        reply.status = status.parse().map_err(io::Error::other)?;
        self.read_fields(reply)
    }

    fn read_fields(&mut self, reply: &mut Reply) -> io::Result<()> {
        loop {
            let line = self.line()?;
            if line.is_empty() {
                return Ok(());
            }
            let colon = line.iter().position(|&byte| byte == b':');
            let (name, value) = line.split_at(colon.unwrap_or(line.len()));
            let value = value.strip_prefix(b":").unwrap_or(value);
            reply.headers.push((text(name), text(value.trim_ascii())));
        }
    }

    /// Whether the end of the body was the end of the connection.
    fn read_body(&mut self, method: &str, reply: &mut Reply) -> io::Result<bool> {
        if method == "HEAD" || matches!(reply.status, 101 | 204 | 304) {
            return Ok(false);
        }
        if reply
            .header("transfer-encoding")
            .is_some_and(|v| v.eq_ignore_ascii_case("chunked"))
        {
            while self.read_chunk(reply)? {}
            self.read_fields(reply)?;
            return Ok(false);
        }
        let length = reply.header("content-length").and_then(|v| v.parse().ok());
        let mut body = (&mut self.stream).take(length.unwrap_or(u64::MAX));
        let read = body.read_to_end(&mut reply.body)?;
        match length {
            Some(length) if u64::try_from(read).is_ok_and(|read| read < length) => Err(cut_off()),
            length => Ok(length.is_none()),
        }
    }

    fn read_chunk(&mut self, reply: &mut Reply) -> io::Result<bool> {
        let line = String::from_utf8(self.line()?).map_err(io::Error::other)?;
        let size = line.split(';').next().unwrap_or_default().trim();
        let size = u64::from_str_radix(size, 16).map_err(io::Error::other)?;
        if size == 0 {
            return Ok(false);
        }
        let read = (&mut self.stream).take(size).read_to_end(&mut reply.body)?;
        let whole = u64::try_from(read).is_ok_and(|read| read == size);
        let end = self.line()?;
        (whole && end.is_empty())
            .then_some(true)
            .ok_or_else(cut_off)
    }

    /// A line without its end.
    fn line(&mut self) -> io::Result<Vec<u8>> {
        let mut line = Vec::new();
        self.stream.read_until(b'\n', &mut line)?;
        if line.pop() != Some(b'\n') {
            return Err(cut_off());
        }
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        Ok(line)
    }
}

impl Reply {
    /// The first header of this name, whatever its case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self
            .headers
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    fn closes(&self) -> bool {
        let connection = self
            .header("connection")
            .unwrap_or_default()
            .to_ascii_lowercase();
        match &*self.version {
            "HTTP/1.1" => connection == "close",
            _ => connection != "keep-alive",
        }
    }

    fn head(&self) -> String {
        let fields = self.headers.iter().map(|(n, v)| format!("; {n}: {v}"));
        let fields: String = fields.collect();
        format!("{} {} {}{fields}", self.version, self.status, self.reason)
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for interim in &self.interim {
            writeln!(f, "interim {interim}")?;
        }
        writeln!(f, "{} {} {}", self.version, self.status, self.reason)?;
        for (name, value) in &self.headers {
            writeln!(f, "  {name}: {value}")?;
        }
        writeln!(f, "  body {}: {}", self.body.len(), shortened(&self.body))?;
        writeln!(f, "  connection {:?}", self.end)
    }
}

fn cut_off() -> io::Error {
    io::ErrorKind::UnexpectedEof.into()
}
