//! A blocking HTTP/1.1 client. It shares no code with what it tests, and shows what a browser sees.

use std::{
    collections::BTreeMap,
    fmt,
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

/// A client of one server, with a cookie jar.
#[derive(Debug)]
pub struct Http {
    address: SocketAddr,
    timeout: Duration,
    persistent: bool,
    connection: Option<BufReader<TcpStream>>,
    /// The cookies that it sends: name and value.
    pub cookies: BTreeMap<String, String>,
}

/// A request.
pub struct Request<'a> {
    method: &'a str,
    path: &'a str,
    headers: Vec<(String, String)>,
    body: Option<(&'a mut dyn Read, Option<u64>)>,
}

/// An answer whose body was read to its end.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers in the order in which they came.
    pub headers: Vec<(String, String)>,
    /// The body; empty where it went to a sink.
    pub body: Vec<u8>,
    /// Whether the body came to its end.
    pub complete: bool,
}

impl Http {
    /// A client that opens a connection for each request.
    pub fn new(address: SocketAddr) -> Self {
        Self {
            address,
            timeout: Duration::from_secs(120),
            persistent: false,
            connection: None,
            cookies: BTreeMap::new(),
        }
    }

    /// A client that keeps its connection.
    pub fn persistent(address: SocketAddr) -> Self {
        Self {
            persistent: true,
            ..Self::new(address)
        }
    }

    /// GETs a path. Panics where no answer comes.
    #[track_caller]
    pub fn get(&mut self, path: &str) -> Answer {
        self.send(Request::new("GET", path))
    }

    /// Sends a request. Panics where no answer comes.
    #[track_caller]
    pub fn send(&mut self, request: Request<'_>) -> Answer {
        let what = format!("{} {}", request.method, request.path);
        self.try_send(request)
            .unwrap_or_else(|error| panic!("{what}: {error}"))
    }

    /// Sends a request.
    pub fn try_send(&mut self, request: Request<'_>) -> io::Result<Answer> {
        let mut body = Vec::new();
        let mut answer = self.exchange(request, &mut |part| body.extend_from_slice(part))?;
        answer.body = body;
        Ok(answer)
    }

    /// Sends a request; an answer whose body breaks off is an answer, too.
    pub fn send_anyhow(&mut self, request: Request<'_>) -> io::Result<Answer> {
        let mut body = Vec::new();
        let (mut answer, end) = self.begin(request, &mut |part| body.extend_from_slice(part))?;
        answer.complete = end.is_ok();
        answer.body = body;
        Ok(answer)
    }

    /// Sends a request and hands the body of the answer to `sink` as it comes.
    pub fn exchange(
        &mut self,
        request: Request<'_>,
        sink: &mut dyn FnMut(&[u8]),
    ) -> io::Result<Answer> {
        let (answer, end) = self.begin(request, sink)?;
        end.map(|()| answer)
    }

    fn begin(
        &mut self,
        mut request: Request<'_>,
        sink: &mut dyn FnMut(&[u8]),
    ) -> io::Result<(Answer, io::Result<()>)> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.connect()?,
        };
        self.write_request(connection.get_mut(), &mut request)?;
        let answer = loop {
            let answer = read_head(&mut connection)?;
            if answer.status >= 200 {
                break answer;
            }
        };
        self.keep_cookies(&answer);
        if request.method != "HEAD" && !matches!(answer.status, 204 | 304) {
            let end = read_body(&mut connection, &answer, sink);
            if end.is_err() {
                return Ok((answer, end));
            }
        }
        let closes = answer
            .header("connection")
            .is_some_and(|v| v.eq_ignore_ascii_case("close"));
        if self.persistent && !closes {
            self.connection = Some(connection);
        }
        Ok((answer, Ok(())))
    }

    fn connect(&self) -> io::Result<BufReader<TcpStream>> {
        let stream = TcpStream::connect_timeout(&self.address, self.timeout)?;
        stream.set_read_timeout(Some(self.timeout))?;
        stream.set_write_timeout(Some(self.timeout))?;
        stream.set_nodelay(true)?;
        Ok(BufReader::with_capacity(64 * 1024, stream))
    }

    fn write_request(&self, stream: &mut TcpStream, request: &mut Request<'_>) -> io::Result<()> {
        let mut head = format!("{} {} HTTP/1.1\r\n", request.method, request.path);
        let mut header = |name: &str, value: &dyn fmt::Display| {
            head.push_str(&format!("{name}: {value}\r\n"));
        };
        if !request
            .headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case("host"))
        {
            header("Host", &self.address);
        }
        if !self.cookies.is_empty() {
            let cookies = self.cookies.iter().map(|(n, v)| format!("{n}={v}"));
            header("Cookie", &cookies.collect::<Vec<_>>().join("; "));
        }
        if !self.persistent {
            header("Connection", &"close");
        }
        match &request.body {
            Some((_, Some(length))) => header("Content-Length", length),
            Some((_, None)) => header("Transfer-Encoding", &"chunked"),
            None => {}
        }
        for (name, value) in &request.headers {
            header(name, value);
        }
        stream.write_all(format!("{head}\r\n").as_bytes())?;
        match &mut request.body {
            Some((body, Some(_))) => io::copy(body, stream).map(drop),
            Some((body, None)) => write_chunked(body, stream),
            None => Ok(()),
        }
    }

    fn keep_cookies(&mut self, answer: &Answer) {
        for (name, value) in &answer.headers {
            let Some(pair) = value.split(';').next().filter(|_| name == "set-cookie") else {
                continue;
            };
            if let Some((name, value)) = pair.split_once('=') {
                self.cookies.insert(name.trim().into(), value.trim().into());
            }
        }
    }
}

impl<'a> Request<'a> {
    /// A request without a body.
    pub fn new(method: &'a str, path: &'a str) -> Self {
        Self {
            method,
            path,
            headers: Vec::new(),
            body: None,
        }
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// With a body of a known length, or in chunks where it is unknown.
    #[must_use]
    pub fn body(mut self, body: &'a mut dyn Read, length: Option<u64>) -> Self {
        self.body = Some((body, length));
        self
    }
}

impl Answer {
    /// The first header of this name (in lower case).
    pub fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self.headers.iter().find(|(n, _)| n == name)?;
        Some(value)
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The value of `name=value` among the words of the body.
    #[track_caller]
    pub fn fact(&self, name: &str) -> String {
        let text = self.text();
        text.split_whitespace()
            .find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
            .unwrap_or_else(|| panic!("no {name}= in the answer {}: {text}", self.status))
            .to_owned()
    }
}

fn write_chunked(body: &mut dyn Read, stream: &mut TcpStream) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let length = body.read(&mut buffer)?;
        write!(stream, "{length:x}\r\n")?;
        stream.write_all(&buffer[..length])?;
        stream.write_all(b"\r\n")?;
        if length == 0 {
            return Ok(());
        }
    }
}

fn read_line(reader: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Err(io::Error::new(
            io::ErrorKind::UnexpectedEof,
            "the connection was closed in the middle of an answer",
        ));
    }
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

fn read_head(reader: &mut impl BufRead) -> io::Result<Answer> {
    let line = read_line(reader)?;
    let status = line
        .strip_prefix("HTTP/1.1 ")
        .and_then(|rest| rest.get(..3)?.parse().ok());
    let status = status.ok_or_else(|| io::Error::other(format!("not a status line: {line:?}")))?;
    let mut headers = Vec::new();
    loop {
        let line = read_line(reader)?;
        let Some((name, value)) = line.split_once(':') else {
            break;
        };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    Ok(Answer {
        status,
        headers,
        body: Vec::new(),
        complete: true,
    })
}

fn read_body(
    reader: &mut BufReader<TcpStream>,
    answer: &Answer,
    sink: &mut dyn FnMut(&[u8]),
) -> io::Result<()> {
    if answer
        .header("transfer-encoding")
        .is_some_and(|v| v.eq_ignore_ascii_case("chunked"))
    {
        loop {
            let line = read_line(reader)?;
            let length = u64::from_str_radix(&line, 16).map_err(io::Error::other)?;
            drain(reader, Some(length), sink)?;
            read_line(reader)?;
            if length == 0 {
                return Ok(());
            }
        }
    }
    let length = answer.header("content-length").and_then(|v| v.parse().ok());
    drain(reader, length, sink)
}

/// Hands on `length` bytes, or all until the end of the connection.
fn drain(
    reader: &mut impl BufRead,
    length: Option<u64>,
    sink: &mut dyn FnMut(&[u8]),
) -> io::Result<()> {
    let mut left = length;
    while left != Some(0) {
        let part = reader.fill_buf()?;
        if part.is_empty() {
            return match left {
                None => Ok(()),
                Some(left) => Err(io::Error::new(
                    io::ErrorKind::UnexpectedEof,
                    format!("{left} bytes of the body are missing"),
                )),
            };
        }
        let wanted = left.map_or(usize::MAX, |left| left.try_into().unwrap_or(usize::MAX));
        let taken = part.len().min(wanted);
        sink(&part[..taken]);
        reader.consume(taken);
        left = left.map(|left| left - taken as u64);
    }
    Ok(())
}
