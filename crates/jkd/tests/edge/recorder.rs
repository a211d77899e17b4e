//! A backend that behaves like a container and writes down everything it gets, strictly: it has a
//! decoder of its own, so that nothing is judged by the code under test.

use std::{
    collections::BTreeMap,
    io::{self, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::Arc,
    thread,
};

use jkd_tests::{HEADERS, METHODS};
use parking_lot::Mutex;

use crate::plain::latin1;

const ATTRIBUTES: [(u8, &str); 11] = [
    (1, "context"),
    (2, "servlet_path"),
    (3, "remote_user"),
    (4, "auth_type"),
    (5, "query_string"),
    (6, "jvm_route"),
    (7, "ssl_cert"),
    (8, "ssl_cipher"),
    (9, "ssl_session"),
    (12, "secret"),
    (13, "stored_method"),
];

/// A request as it came. Texts are the bytes as code points.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) protocol: String,
    pub(crate) uri: String,
    pub(crate) remote_addr: String,
    pub(crate) server_name: String,
    pub(crate) is_ssl: u8,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) attributes: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// `None`: it is still coming.
    pub(crate) complete: Option<bool>,
}

impl Request {
    /// All values of a header, whatever its case.
    pub(crate) fn values(&self, name: &str) -> Vec<&str> {
        let fields = self.headers.iter();
        let fields = fields.filter(|(known, _)| known.eq_ignore_ascii_case(name));
        fields.map(|(_, value)| &**value).collect()
    }

    /// The first attribute of this name.
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        let mut attributes = self.attributes.iter();
        let (_, value) = attributes.find(|(known, _)| known == name)?;
        Some(value)
    }
}

/// What came, by the address of the client.
#[derive(Debug, Default)]
struct Record {
    requests: BTreeMap<String, Vec<Request>>,
    /// What was no packet where one was due.
    desyncs: Vec<String>,
    /// How many connections there were.
    connections: usize,
}

/// The backend. It lives as long as the test process.
#[derive(Clone, Debug)]
pub(crate) struct Recorder {
    pub(crate) address: SocketAddr,
    record: Arc<Mutex<Record>>,
}

impl Recorder {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let record = Arc::<Mutex<Record>>::default();
        let this = Self {
            address,
            record: record.clone(),
        };
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let record = record.clone();
                record.lock().connections += 1;
                thread::spawn(move || serve(stream, &record));
            }
        });
        this
    }

    /// What this client's requests have become.
    pub(crate) fn of(&self, client: &str) -> Vec<Request> {
        let record = self.record.lock();
        record.requests.get(client).cloned().unwrap_or_default()
    }

    /// Whether the end of each body has been seen.
    pub(crate) fn is_settled(&self) -> bool {
        let record = self.record.lock();
        let mut requests = record.requests.values().flatten();
        requests.all(|request| request.complete.is_some())
    }

    /// The addresses of all clients whose requests came.
    pub(crate) fn clients(&self) -> Vec<String> {
        self.record.lock().requests.keys().cloned().collect()
    }

    /// How many connections there were.
    pub(crate) fn connections(&self) -> usize {
        self.record.lock().connections
    }

    /// What was no packet where one was due.
    pub(crate) fn desyncs(&self) -> Vec<String> {
        self.record.lock().desyncs.clone()
    }
}

fn serve(mut stream: TcpStream, record: &Mutex<Record>) {
    let _ = stream.set_nodelay(true);
    let mut client = "nobody".to_owned();
    while let Some(packet) = packet(&mut stream, &client, record) {
        if packet == [10] {
            if stream.write_all(b"AB\0\x01\x09").is_err() {
                return;
            }
            continue;
        }
        let Some(request) = decode(&packet) else {
            let text = format!("after {client}: {}", packet.escape_ascii());
            record.lock().desyncs.push(text);
            return;
        };
        client.clone_from(&request.remote_addr);
        let place = {
            let mut record = record.lock();
            let of_client = record.requests.entry(client.clone()).or_default();
            of_client.push(request.clone());
            of_client.len() - 1
        };
        let complete = read_body(&mut stream, &request, record, place);
        if let Some(request) = at(&mut record.lock(), &client, place) {
            request.complete = Some(complete);
        }
        // As Tomcat does where a body breaks off.
        if !complete || answer(&mut stream, &request).is_err() {
            return;
        }
    }
}

fn at<'r>(record: &'r mut Record, client: &str, place: usize) -> Option<&'r mut Request> {
    record.requests.get_mut(client)?.get_mut(place)
}

/// The next packet; `None` at the end.
fn packet(stream: &mut TcpStream, client: &str, record: &Mutex<Record>) -> Option<Vec<u8>> {
    let mut head = [0; 4];
    let mut read = 0;
    while read < head.len() {
        match stream.read(&mut head[read..]) {
            Ok(0) | Err(_) if read == 0 => return None,
            Ok(more) if more > 0 => read += more,
            _ => {
                let text = format!("after {client}: the end in the middle of a packet's head");
                record.lock().desyncs.push(text);
                return None;
            }
        }
    }
    if head[..2] != [0x12, 0x34] {
        let text = format!("after {client}: {} for a packet", head.escape_ascii());
        record.lock().desyncs.push(text);
        return None;
    }
    let mut payload = vec![0; u16::from_be_bytes([head[2], head[3]]).into()];
    stream.read_exact(&mut payload).ok()?;
    Some(payload)
}

/// Reads the body as a container does. Whether it came whole.
fn read_body(
    stream: &mut TcpStream,
    request: &Request,
    record: &Mutex<Record>,
    place: usize,
) -> bool {
    let client = &request.remote_addr;
    let length = request.values("content-length").first().copied();
    let length: Option<usize> = length.map(|text| text.parse().expect("a length"));
    let has_coding = !request.values("transfer-encoding").is_empty();
    if length.is_none() && !has_coding && !matches!(&*request.method, "POST" | "PUT") {
        return true;
    }
    let mut read = 0;
    loop {
        if length.is_some_and(|length| read >= length) {
            return length == Some(read);
        }
        // The first packet of a body of known length comes unasked.
        let asks = length.is_none() || read > 0;
        if asks && stream.write_all(b"AB\0\x03\x06\x1f\xfa").is_err() {
            return false;
        }
        let Some(packet) = packet(stream, client, record) else {
            return false;
        };
        let [high, low, data @ ..] = packet.as_slice() else {
            return length.is_none();
        };
        let size = usize::from(u16::from_be_bytes([*high, *low]));
        if size != data.len() {
            let text = format!("after {client}: {size} bytes of a body in {}", data.len());
            record.lock().desyncs.push(text);
            return false;
        }
        if size == 0 {
            return length.is_none();
        }
        read += size;
        if let Some(request) = at(&mut record.lock(), client, place) {
            request.body.extend_from_slice(data);
        }
    }
}

fn answer(stream: &mut TcpStream, request: &Request) -> io::Result<()> {
    let body = if request.uri == "/t/big" {
        vec![b'x'; 3_000_000]
    } else {
        b"seen\n".to_vec()
    };
    let length = body.len().to_string();
    let head = [
        &[4, 0, 200][..],
        &text("OK"),
        &[0, 1],
        &text("Content-Length"),
        &text(&length),
    ];
    stream.write_all(&framed(&head.concat()))?;
    if request.method != "HEAD" {
        for part in body.chunks(8000) {
            let size = u16::try_from(part.len()).expect("a size").to_be_bytes();
            stream.write_all(&framed(&[&[3][..], &size, part, &[0]].concat()))?;
        }
    }
    stream.write_all(&framed(&[5, 1]))
}

fn framed(payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len())
        .expect("a length")
        .to_be_bytes();
    [b"AB", &length[..], payload].concat()
}

fn text(text: &str) -> Vec<u8> {
    let length = u16::try_from(text.len()).expect("a length").to_be_bytes();
    [&length[..], text.as_bytes(), b"\0"].concat()
}

/// What is left of a packet.
struct Rest<'p>(&'p [u8]);

impl Rest<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*byte)
    }

    fn number(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes([self.byte()?, self.byte()?]))
    }

    /// `Some(None)`: the text that is none.
    #[allow(clippy::option_option, reason = "a text that is none is no error")]
    fn text(&mut self) -> Option<Option<String>> {
        let length = self.number()?;
        if length == 0xFFFF {
            return Some(None);
        }
        let (text, rest) = self.0.split_at_checked(length.into())?;
        self.0 = rest;
        (self.byte()? == 0).then(|| Some(latin1(text)))
    }

    fn name(&mut self) -> Option<String> {
        match self.0 {
            [0xA0, code, rest @ ..] => {
                self.0 = rest;
                let name = HEADERS.get(usize::from(*code).checked_sub(1)?)?;
                Some((*name).to_owned())
            }
            _ => self.text()?,
        }
    }

    fn attribute(&mut self, code: u8) -> Option<(String, String)> {
        if code == 10 {
            let name = format!("req:{}", self.text()??);
            return Some((name, self.text()?.unwrap_or_default()));
        }
        if code == 11 {
            return Some(("ssl_key_size".to_owned(), self.number()?.to_string()));
        }
        let (_, name) = ATTRIBUTES.iter().find(|(known, _)| *known == code)?;
        Some(((*name).to_owned(), self.text()?.unwrap_or_default()))
    }
}

/// A whole FORWARD_REQUEST; `None` where anything about it is wrong.
fn decode(packet: &[u8]) -> Option<Request> {
    let mut rest = Rest(packet);
    if rest.byte()? != 2 {
        return None;
    }
    let method = rest.byte()?;
    let mut request = Request {
        protocol: rest.text()??,
        uri: rest.text()??,
        remote_addr: rest.text()??,
        ..Request::default()
    };
    let _remote_host = rest.text()?;
    request.server_name = rest.text()??;
    let _port = rest.number()?;
    request.is_ssl = rest.byte()?;
    for _ in 0..rest.number()? {
        request.headers.push((rest.name()?, rest.text()??));
    }
    loop {
        match rest.byte()? {
            0xFF => break,
            code => request.attributes.push(rest.attribute(code)?),
        }
    }
    request.method = match method {
        0xFF => request.attribute("stored_method")?.to_owned(),
        code => (*METHODS.get(usize::from(code).checked_sub(1)?)?).to_owned(),
    };
    rest.0.is_empty().then_some(request)
}
