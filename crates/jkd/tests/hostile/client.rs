//! A client that takes nothing for HTTP that is not, and owes nothing to the code under test.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    thread,
};

use jkd_tests::LONG;

/// What a client has read so far: backends wait for it.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// Bytes of the body, with its framing.
    pub(crate) body: AtomicUsize,
    /// Whether the answer is over.
    pub(crate) over: AtomicBool,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) fields: Vec<(String, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
    /// Whether it is all there; otherwise the connection broke off in it.
    pub(crate) whole: bool,
}

/// Sends a request, for which the connection is closed, and reads until it is.
pub(crate) fn request(
    server: SocketAddr,
    head: &str,
    body: usize,
    progress: &Progress,
) -> Result<Answer, String> {
    let mut stream = TcpStream::connect(server).map_err(|error| error.to_string())?;
    stream.set_read_timeout(Some(LONG)).expect("a socket");
    stream.set_write_timeout(Some(LONG)).expect("a socket");
    let mut sending = stream.try_clone().expect("a socket");
    let head = format!("{head}\r\nHost: jkd.test\r\nConnection: close\r\n\r\n");
    let bytes = [head.into_bytes(), vec![b'z'; body]].concat();
    let sender = thread::spawn(move || sending.write_all(&bytes));
    let raw = read_all(&mut stream, progress);
    progress.over.store(true, SeqCst);
    drop(stream);
    let _ = sender.join();
    parse(&raw).map_err(|error| format!("{error}: {:?}", String::from_utf8_lossy(&raw)))
}

fn read_all(stream: &mut TcpStream, progress: &Progress) -> Vec<u8> {
    let mut raw = Vec::new();
    let mut piece = vec![0; 64 * 1024];
    // A reset is an end as well: what was read before counts.
    while let Ok(count @ 1..) = stream.read(&mut piece) {
        raw.extend_from_slice(&piece[..count]);
        if let Some(end) = raw.windows(4).position(|four| four == b"\r\n\r\n") {
            progress.body.store(raw.len() - end - 4, SeqCst);
        }
    }
    raw
}

/// One answer and nothing else, by the letter of RFC 9112.
fn parse(raw: &[u8]) -> Result<Answer, String> {
    let Some(end) = raw.windows(4).position(|four| four == b"\r\n\r\n") else {
        return if raw.is_empty() {
            Ok(nothing())
        } else {
            Err("no end of the head".into())
        };
    };
    let mut lines = raw[..end].split(|byte| *byte == b'\n').map(|line| {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let control = |byte: &u8| byte.is_ascii_control() && *byte != b'\t';
        if line.iter().any(control) {
            return Err("a control character in a line".to_owned());
        }
        Ok(line)
    });
    if bare_ends(&raw[..end]) {
        return Err("a line end of half its characters".into());
    }
    let status = status(lines.next().ok_or("no line")??)?;
    let fields = lines.map(|line| field(line?)).collect::<Result<_, _>>()?;
    let mut answer = Answer {
        status,
        fields,
        ..nothing()
    };
    answer.take_body(&raw[end + 4..])?;
    Ok(answer)
}

fn nothing() -> Answer {
    Answer {
        status: 0,
        fields: Vec::new(),
        body: Vec::new(),
        whole: false,
    }
}

fn bare_ends(head: &[u8]) -> bool {
    let text = String::from_utf8_lossy(head);
    text.replace("\r\n", "").contains(['\r', '\n'])
}

fn status(line: &[u8]) -> Result<u16, String> {
    let rest = line.strip_prefix(b"HTTP/1.1 ").ok_or("no status line")?;
    let digits = rest.get(..3).ok_or("no status")?;
    let number = std::str::from_utf8(digits).map_err(|error| error.to_string())?;
    if rest.get(3) != Some(&b' ') || !digits.iter().all(u8::is_ascii_digit) {
        return Err("a malformed status line".into());
    }
    number.parse().map_err(|_| "no status".to_owned())
}

fn field(line: &[u8]) -> Result<(String, Vec<u8>), String> {
    let token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    let colon = line.iter().position(|byte| *byte == b':');
    let (name, value) = line.split_at(colon.ok_or("a line without a colon")?);
    if name.is_empty() || !name.iter().all(token) {
        return Err("a malformed name".into());
    }
    let name = String::from_utf8_lossy(name).to_ascii_lowercase();
    Ok((name, value[1..].trim_ascii().to_vec()))
}

impl Answer {
    pub(crate) fn field(&self, name: &str) -> Option<&[u8]> {
        let mut found = self.fields.iter().filter(|(n, _)| n == name);
        Some(&found.next()?.1)
    }

    fn take_body(&mut self, rest: &[u8]) -> Result<(), String> {
        let lengths = self.fields.iter().filter(|(n, _)| n == "content-length");
        let chunked = self.field("transfer-encoding");
        if lengths.count() + usize::from(chunked.is_some()) > 1 {
            return Err("more than one framing".into());
        }
        if matches!(self.status, 204 | 304) {
            return self.ends_with(b"", rest, 0);
        }
        if let Some(coding) = chunked {
            if coding != b"chunked" {
                return Err("an unknown coding".into());
            }
            return self.take_chunks(rest);
        }
        let length = self.field("content-length").ok_or("no length")?;
        let length = std::str::from_utf8(length).ok();
        let length = length.and_then(|length| length.parse().ok());
        let length: usize = length.ok_or("a length that is no number")?;
        self.ends_with(&rest[..length.min(rest.len())], rest, length)
    }

    fn ends_with(&mut self, body: &[u8], rest: &[u8], length: usize) -> Result<(), String> {
        if rest.len() > length {
            return Err("bytes behind the end".into());
        }
        self.body = body.to_vec();
        self.whole = rest.len() == length;
        Ok(())
    }

    fn take_chunks(&mut self, mut rest: &[u8]) -> Result<(), String> {
        loop {
            let Some(end) = rest.windows(2).position(|two| two == b"\r\n") else {
                return Ok(());
            };
            let size = std::str::from_utf8(&rest[..end]).unwrap_or_default();
            let size = usize::from_str_radix(size, 16).map_err(|_| "a malformed chunk")?;
            rest = &rest[end + 2..];
            let data = &rest[..size.min(rest.len())];
            self.body.extend_from_slice(data);
            let Some(behind) = rest.get(size + 2..) else {
                return Ok(());
            };
            if &rest[size..size + 2] != b"\r\n" {
                return Err("a chunk without its end".into());
            }
            rest = behind;
            if size == 0 {
                self.whole = true;
                let empty = rest.is_empty();
                return empty
                    .then_some(())
                    .ok_or_else(|| "bytes behind the end".into());
            }
        }
    }
}
