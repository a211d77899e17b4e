//! What jkd takes for a request is one for a reader that knows nothing but the rules, byte by byte:
//! the same method, path, query and body, and none behind it that the reader does not see.

use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream},
    sync::{
        LazyLock,
        atomic::{AtomicU16, Ordering},
    },
    thread,
};

use jkd_tests::{Jkd, LONG, wait_until};
use proptest::{prelude::*, sample::Index};
use socket2::{Domain, Socket, Type};

use crate::{
    case,
    recorder::{Recorder, latin1},
    start,
};

/// What is changed about a request.
#[derive(Clone, Debug)]
enum Change {
    Delete(Index),
    Insert(Index, &'static [u8]),
    Replace(Index, &'static [u8]),
    RepeatLine(Index),
}

/// What parsers read in different ways.
const PIECES: [&[u8]; 38] = [
    b"\r",
    b"\n",
    b"\r\n",
    b"\r\n\r\n",
    b" ",
    b"\t",
    b"\0",
    b"\x0b",
    b"\x0c",
    b"\x7f",
    b"\x85",
    b"\xa0",
    b"\xff",
    b",",
    b";",
    b":",
    b"0",
    b"1",
    b"5",
    b"a",
    b"+",
    b"-",
    b"0x",
    b"%00",
    b"%2e",
    b"%2f",
    b"%5c",
    b"\\",
    b"//",
    b"/../",
    b"/;x/",
    b"?",
    b"#",
    b"\"",
    b"Content-Length: 5\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Host: b\r\n",
    b"Transfer-Encoding : x\r\n",
];

fn change() -> impl Strategy<Value = Change> {
    let piece = || proptest::sample::select(PIECES.to_vec());
    prop_oneof![
        any::<Index>().prop_map(Change::Delete),
        (any::<Index>(), piece()).prop_map(|(at, piece)| Change::Insert(at, piece)),
        (any::<Index>(), piece()).prop_map(|(at, piece)| Change::Replace(at, piece)),
        any::<Index>().prop_map(Change::RepeatLine),
    ]
}

fn carry_out(text: &mut Vec<u8>, change: &Change) {
    if text.is_empty() {
        return;
    }
    match change {
        Change::Delete(at) => {
            text.remove(at.index(text.len()));
        }
        Change::Insert(at, piece) => {
            let at = at.index(text.len());
            text.splice(at..at, piece.iter().copied());
        }
        Change::Replace(at, piece) => {
            let at = at.index(text.len());
            text.splice(at..=at, piece.iter().copied());
        }
        Change::RepeatLine(at) => {
            let lines: Vec<_> = text.split_inclusive(|b| *b == b'\n').collect();
            let at = at.index(lines.len());
            let (before, after) = lines.split_at(at);
            *text = [before, &after[..1], after].concat().concat();
        }
    }
}

/// A request as the reader understands it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Plain {
    method: String,
    path: String,
    query: Option<String>,
    body: Vec<u8>,
}

/// All requests up to the first thing that is none.
fn read(mut text: &[u8]) -> Vec<Plain> {
    let mut requests = Vec::new();
    while let Some((request, rest, stays)) = read_one(text) {
        requests.push(request);
        text = rest;
        if !stays {
            break;
        }
    }
    requests
}

fn line(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = text.windows(2).position(|two| two == b"\r\n")?;
    let line = &text[..at];
    (!line.contains(&b'\r') && !line.contains(&b'\n')).then_some((line, &text[at + 2..]))
}

fn is_token(text: &[u8]) -> bool {
    let odd = b"!#$%&'*+-.^_`|~";
    !text.is_empty()
        && text
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || odd.contains(b))
}

/// Names in lower case, and values.
type Fields = Vec<(String, String)>;

fn all<'f>(fields: &'f Fields, name: &str) -> Vec<&'f str> {
    let fields = fields.iter().filter(|(known, _)| known == name);
    fields.map(|(_, value)| value.as_str()).collect()
}

fn read_one(mut text: &[u8]) -> Option<(Plain, &[u8], bool)> {
    while let Some(rest) = text.strip_prefix(b"\r\n") {
        text = rest;
    }
    let (first, rest) = line(text)?;
    let words: Vec<_> = first.split(|b| *b == b' ').collect();
    let [method, target, version] = words[..] else {
        return None;
    };
    let is_one =
        version.len() == 8 && version.starts_with(b"HTTP/1.") && version[7].is_ascii_digit();
    let printable = target.iter().all(|b| *b > b' ' && *b != 0x7f);
    if !is_token(method) || target.is_empty() || !printable || !is_one {
        return None;
    }
    let is_old = version[7] == b'0';
    let (fields, rest) = read_fields(rest)?;
    let (body, rest) = read_body(&fields, rest, is_old)?;
    let options = all(&fields, "connection").join(",").to_ascii_lowercase();
    let has = |option| options.split(',').any(|one| one.trim() == option);
    let stays = !has("close") && (!is_old || has("keep-alive"));
    let (path, query) = path_and_query(&latin1(target));
    let plain = Plain {
        method: latin1(method),
        path,
        query,
        body,
    };
    Some((plain, rest, stays))
}

fn read_fields(mut rest: &[u8]) -> Option<(Fields, &[u8])> {
    let mut fields = Vec::new();
    loop {
        let (field, after) = line(rest)?;
        rest = after;
        if field.is_empty() {
            return Some((fields, rest));
        }
        let colon = field.iter().position(|b| *b == b':')?;
        let value = field[colon + 1..].trim_ascii();
        let clean = value.iter().all(|b| *b == b'\t' || !b.is_ascii_control());
        if !is_token(&field[..colon]) || !clean {
            return None;
        }
        fields.push((latin1(&field[..colon]).to_ascii_lowercase(), latin1(value)));
    }
}

fn read_body<'t>(fields: &Fields, rest: &'t [u8], is_old: bool) -> Option<(Vec<u8>, &'t [u8])> {
    let lengths = all(fields, "content-length");
    let codings = all(fields, "transfer-encoding");
    match (&lengths[..], &codings[..]) {
        ([], []) => Some((Vec::new(), rest)),
        ([length], []) if !length.is_empty() && length.bytes().all(|b| b.is_ascii_digit()) => {
            let (body, rest) = rest.split_at_checked(length.parse().ok()?)?;
            Some((body.to_vec(), rest))
        }
        ([], [coding]) if coding.eq_ignore_ascii_case("chunked") && !is_old => chunks(rest),
        _ => None,
    }
}

fn path_and_query(target: &str) -> (String, Option<String>) {
    let target = match target.split_once("://") {
        Some((_, rest)) if !target.starts_with('/') => {
            let at = rest.find(['/', '?']);
            at.map_or_else(String::new, |at| rest[at..].to_owned())
        }
        _ => target.to_owned(),
    };
    match target.split_once('?') {
        Some((path, query)) => (path.to_owned(), Some(query.to_owned())),
        None => (target, None),
    }
}

fn chunks(mut text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut body = Vec::new();
    loop {
        let (size, rest) = line(text)?;
        let digits: Vec<_> = size
            .iter()
            .copied()
            .take_while(u8::is_ascii_hexdigit)
            .collect();
        let behind = size[digits.len()..].trim_ascii_start();
        if digits.is_empty() || !(behind.is_empty() || behind.starts_with(b";")) {
            return None;
        }
        let size = usize::from_str_radix(&latin1(&digits), 16).ok()?;
        if size == 0 {
            text = rest;
            break;
        }
        let (data, rest) = rest.split_at_checked(size)?;
        body.extend_from_slice(data);
        text = rest.strip_prefix(b"\r\n")?;
    }
    loop {
        let (trailer, rest) = line(text)?;
        text = rest;
        if trailer.is_empty() {
            return Some((body, text));
        }
        let colon = trailer.iter().position(|b| *b == b':')?;
        if !is_token(&trailer[..colon]) {
            return None;
        }
    }
}

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

fn say(server: SocketAddr, own: Ipv4Addr, text: &[u8]) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket
        .bind(&SocketAddr::from((own, 0)).into())
        .expect("an address");
    socket
        .connect_timeout(&server.into(), LONG)
        .expect("a connection");
    let mut stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(LONG)).expect("a socket");
    let _ = stream.write_all(text);
    let _ = stream.shutdown(Shutdown::Write);
    let _ = stream.read_to_end(&mut Vec::new());
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
