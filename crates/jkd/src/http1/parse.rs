//! From the text of a head to its parts (RFC 9112, sections 3 and 5).

use bytes::Bytes;
use http::{Method, Version};
use httparse::{EMPTY_HEADER, Header, Status};

use super::{
    Fields, Head,
    fields::{Field, Span},
    scan::Bounds,
};
use crate::strict::Refusal;

/// Most heads have no more fields than this. The room for them costs what it takes to clear it.
const FEW: usize = 16;

/// So many fields are read without an allocation for what lies between.
const MANY: usize = 48;

/// Reads a whole head of so many `lines`, the request line included. All of them end with CR LF, as
/// does `text` itself. What is wrong with it [its framing](Head::framing) says.
pub(super) fn head(text: Bytes, lines: usize) -> Head {
    // Up to the CR LF: a CR before it is a part of the line, and makes it none.
    let length = memchr::memchr(b'\n', &text).map_or(text.len(), |end| end.saturating_sub(1));
    let line = match request_line(&text, length) {
        Ok(line) => line,
        Err(refusal) => return unreadable(&text, refusal),
    };
    let list = fields(&text, length + 2, lines.saturating_sub(1));
    let whole = Span::new(0, length).unwrap_or_default();
    let (list, refusal) = match list {
        Ok(list) => (list, line.refusal),
        Err(refusal) => (
            before_fault(&text, length + 2),
            line.refusal.or(Some(refusal)),
        ),
    };
    let fields = Fields::new(text, list);
    let head = Head::of(line.method, line.version, fields, whole, line.target);
    let head = head.speaking(line.protocol);
    match refusal {
        None => head,
        Some(refusal) => head.refused(refusal),
    }
}

/// A head of which the request line makes sense, and whose fields come no further, for this reason.
/// It has those that httpd has then: as many as there may be; else all but the last one, which might
/// have gone on in the line that could not be read.
pub(super) fn begun(text: &[u8], bounds: &Bounds, refusal: Refusal) -> Option<Head> {
    let length = memchr::memchr(b'\n', text)?.checked_sub(1)?;
    let line = request_line(text, length).ok()?;
    let mut end = length + 2;
    let lines = text.get(end..)?.split_inclusive(|b| *b == b'\n');
    for line in lines.take(bounds.fields) {
        let is_whole = line
            .strip_suffix(b"\r\n")
            .is_some_and(|text| text.len() <= bounds.field);
        if !is_whole {
            break;
        }
        end += line.len();
    }
    let text = Bytes::copy_from_slice(text.get(..end)?);
    let mut list = before_fault(&text, length + 2);
    if refusal != Refusal::FieldCount {
        list.pop();
    }
    let fields = Fields::new(text, list);
    let whole = Span::new(0, length).unwrap_or_default();
    let head = Head::of(line.method, line.version, fields, whole, line.target);
    Some(head.speaking(line.protocol).refused(refusal))
}

/// What stands for a head that makes no sense. `text` is what came of it.
pub(super) fn unreadable(text: &[u8], refusal: Refusal) -> Head {
    let line = line_of(text, refusal);
    if refusal == Refusal::Syntax {
        return unreadable_line(&in_words(line), refusal);
    }
    unreadable_line(line, refusal)
}

/// A line as httpd puts it together again: with one blank between its words, and no more words than
/// a request line has.
fn in_words(line: &[u8]) -> Vec<u8> {
    let words = line.split(|b| *b == b' ').filter(|word| !word.is_empty());
    words.take(3).collect::<Vec<_>>().join(&b' ')
}

fn unreadable_line(line: &[u8], refusal: Refusal) -> Head {
    let (method, rest) = word(line).unwrap_or((line, b""));
    // As httpd takes such a line, blanks between its words count for nothing.
    let rest = rest.trim_ascii_start();
    let (target, version) = word(rest).unwrap_or((rest, b""));
    let start = line.len() - rest.len();
    let head = Head::of(
        Method::from_bytes(method).unwrap_or_default(),
        Version::HTTP_11,
        Fields::new(Bytes::copy_from_slice(line), Vec::new()),
        Span::new(0, line.len()).unwrap_or_default(),
        Span::new(start, target.len()).unwrap_or_default(),
    );
    head.refused(refusal).speaking(protocol_of(version))
}

/// The protocol that httpd takes out of a broken line.
fn protocol_of(version: &[u8]) -> &'static str {
    match version.trim_ascii_start() {
        [
            b'H',
            b'T',
            b'T',
            b'P',
            b'/',
            b'1',
            b'.',
            minor @ b'0'..=b'9',
            ..,
        ] => minor_of(*minor),
        _ => "HTTP/1.0",
    }
}

/// The request line of what came. As httpd has it: none where its end did not come in time, and with
/// its end where that is a bare LF.
fn line_of(text: &[u8], refusal: Refusal) -> &[u8] {
    let end = memchr::memchr2(b'\r', b'\n', text);
    let length = match (refusal, end) {
        (Refusal::Late, None) => 0,
        (Refusal::LineEnd, Some(end)) if text.get(end) == Some(&b'\n') => end + 1,
        (_, end) => end.unwrap_or(text.len()),
    };
    text.get(..length).unwrap_or_default()
}

struct Line {
    method: Method,
    target: Span,
    version: Version,
    protocol: &'static str,
    /// What is wrong with a line that can be read.
    refusal: Option<Refusal>,
}

/// Looks at a request line, its end included, while the rest of the head is still to come.
pub(super) fn check_request_line(line: &[u8]) -> Result<(), Refusal> {
    let length = line.len().saturating_sub(2);
    let line = request_line(line, length)?;
    line.refusal.map_or(Ok(()), Err)
}

/// `method SP target SP version`, with nothing more than that.
fn request_line(text: &[u8], length: usize) -> Result<Line, Refusal> {
    let line = text.get(..length).unwrap_or_default();
    let (method, rest) = word(line).ok_or(Refusal::Syntax)?;
    let (target, version) = word(rest).ok_or(Refusal::Syntax)?;
    let start = method.len() + 1;
    let method = Method::from_bytes(method).map_err(|_| Refusal::Syntax)?;
    if target.is_empty() || !target.iter().fold(true, |ok, b| ok & is_printable(*b)) {
        return Err(Refusal::Syntax);
    }
    let (protocol, refusal) = match version {
        [
            b'H',
            b'T',
            b'T',
            b'P',
            b'/',
            b'1',
            b'.',
            minor @ b'0'..=b'9',
        ] => (minor_of(*minor), None),
        [b'H', b'T', b'T', b'P', b'/', b'1'..=b'9', b'.', b'0'..=b'9'] => {
            ("HTTP/1.1", Some(Refusal::Version))
        }
        _ => return Err(Refusal::Syntax),
    };
    Ok(Line {
        method,
        target: Span::new(start, target.len()).unwrap_or_default(),
        version: match protocol {
            "HTTP/1.0" => Version::HTTP_10,
            // Whatever came after 1.1 is to be understood by those who know 1.1 (RFC 9110,
            // section 2.5).
            _ => Version::HTTP_11,
        },
        protocol,
        refusal,
    })
}

/// The protocol with this last digit.
const fn minor_of(digit: u8) -> &'static str {
    match digit {
        b'0' => "HTTP/1.0",
        b'2' => "HTTP/1.2",
        b'3' => "HTTP/1.3",
        b'4' => "HTTP/1.4",
        b'5' => "HTTP/1.5",
        b'6' => "HTTP/1.6",
        b'7' => "HTTP/1.7",
        b'8' => "HTTP/1.8",
        b'9' => "HTTP/1.9",
        _ => "HTTP/1.1",
    }
}

fn word(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = memchr::memchr(b' ', text)?;
    Some((text.get(..end)?, text.get(end + 1..)?))
}

/// Any byte but blanks and control characters.
const fn is_printable(b: u8) -> bool {
    b > b' ' && b != 0x7F
}

/// Reads `count` fields that begin at `start`.
fn fields(text: &[u8], start: usize, count: usize) -> Result<Vec<Field>, Refusal> {
    if count <= FEW {
        fields_into(text, start, count, &mut [EMPTY_HEADER; FEW])
    } else if count <= MANY {
        fields_into(text, start, count, &mut [EMPTY_HEADER; MANY])
    } else {
        fields_into(text, start, count, &mut vec![EMPTY_HEADER; count])
    }
}

/// The fields before the first line that is none, as httpd reads them.
fn before_fault(text: &[u8], start: usize) -> Vec<Field> {
    let mut list = Vec::new();
    let mut rest = text.get(start..).unwrap_or_default();
    while let Some(end) = memchr::memchr(b'\n', rest) {
        let (line, behind) = rest.split_at(end + 1);
        rest = behind;
        let whole = [line, b"\r\n"].concat();
        let mut room = [EMPTY_HEADER; 1];
        let Ok(Status::Complete((_, [field]))) = httparse::parse_headers(&whole, &mut room) else {
            if line.contains(&0) {
                // As in httpd, which cannot read such a line, where the one before may go on.
                list.pop();
            }
            break;
        };
        let name = line.get(..field.name.len()).unwrap_or_default();
        let value = line.get(name.len() + 1..).unwrap_or_default().trim_ascii();
        let Some(name) = span(text, name) else { break };
        list.push(Field::new(
            text,
            name,
            span(text, value).unwrap_or_default(),
        ));
    }
    list
}

fn fields_into<'t>(
    text: &'t [u8],
    start: usize,
    count: usize,
    room: &mut [Header<'t>],
) -> Result<Vec<Field>, Refusal> {
    let rest = text.get(start..).unwrap_or_default();
    let parsed = httparse::parse_headers(rest, room).map_err(|_| Refusal::Field)?;
    let Status::Complete((_, headers)) = parsed else {
        return Err(Refusal::Field);
    };
    let mut list = Vec::with_capacity(count);
    for header in headers {
        let name = span(text, header.name.as_bytes()).ok_or(Refusal::Field)?;
        let value = span(text, header.value).unwrap_or_default();
        list.push(Field::new(text, name, value));
    }
    Ok(list)
}

/// Where a piece of `text` is in it.
fn span(text: &[u8], piece: &[u8]) -> Option<Span> {
    let start = piece.as_ptr().addr().checked_sub(text.as_ptr().addr())?;
    Span::new(start, piece.len()).filter(|_| start <= text.len())
}

/// Whether these are fields that may stand behind the last chunk, however little they mean.
pub(super) fn are_fields(text: &[u8], count: usize) -> bool {
    fields(text, 0, count).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http1::scan::{Bounds, Scan};

    fn read(text: &[u8]) -> Result<Head, Refusal> {
        let bounds = Bounds {
            line: 8190,
            fields: 100,
            field: 8190,
        };
        let whole = Scan::default().go_on(text, &bounds)?.expect("a whole head");
        let text = Bytes::copy_from_slice(&text[whole.begin..whole.end]);
        let head = head(text, whole.lines);
        head.framing().map(|_| head)
    }

    #[test]
    fn a_bare_cr_ends_no_line() {
        let bare = b"GET / HTTP/1.1\rXY: z\r\nHost: a\r\n\r\n";
        assert_eq!(read(bare).err(), Some(Refusal::Syntax));
        let bare = b"GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n";
        assert_eq!(read(bare).err(), Some(Refusal::Field));
    }

    fn line(line: &str) -> Result<Head, Refusal> {
        read(format!("{line}\r\nHost: a\r\n\r\n").as_bytes())
    }

    #[test]
    fn a_head_is_kept_as_it_was_written() {
        let head = read(
            b"PoST /<\xFF`>?\x80|{} HTTP/1.1\r\nHOST: a\r\nx-Odd:\t b \xE9 c \t\r\nX:\r\n\r\n",
        );
        let head = head.unwrap();
        assert_eq!(head.method, "PoST");
        assert_eq!(head.path(), b"/<\xFF`>");
        assert_eq!(head.query(), Some(&b"\x80|{}"[..]));
        assert_eq!(head.line(), b"PoST /<\xFF`>?\x80|{} HTTP/1.1");
        let fields: Vec<_> = head.fields().collect();
        let expected = [
            (&b"HOST"[..], &b"a"[..]),
            (b"x-Odd", b"b \xE9 c"),
            (b"X", b""),
        ];
        assert_eq!(fields, expected);
    }

    #[test]
    fn request_lines_have_three_words() {
        for good in ["GET / HTTP/1.1", "M-SEARCH * HTTP/1.0", "GET x HTTP/1.9"] {
            assert!(line(good).is_ok(), "{good}");
        }
        for bad in [
            "GARBAGE",
            "GET /",
            "GET  / HTTP/1.1",
            "GET /  HTTP/1.1",
            "GET / HTTP/1.1 ",
            " GET / HTTP/1.1",
            "GET / a HTTP/1.1",
            "GET\t/\tHTTP/1.1",
            "GET /\tx HTTP/1.1",
            "GET /\x01 HTTP/1.1",
            "GET /\x7F HTTP/1.1",
            "G\"T / HTTP/1.1",
            "GET / http/1.1",
            "GET / HTTP/1.11",
            "GET / HTTP/01.1",
            "GET / HTTP/1.1X",
            "GET / HTTP/1,1",
            "GET / HTTP/1.x",
            "GET / HTTP/0.9",
            "GET / ",
        ] {
            assert_eq!(line(bad).unwrap_err(), Refusal::Syntax, "{bad}");
        }
        for minor in 0..=9 {
            let protocol = format!("HTTP/1.{minor}");
            let head = line(&format!("GET / {protocol}")).unwrap();
            assert_eq!(head.protocol(), protocol);
            assert_eq!(head.version == Version::HTTP_10, minor == 0);
        }
        for other in ["PRI * HTTP/2.0", "GET / HTTP/3.0"] {
            assert_eq!(line(other).unwrap_err(), Refusal::Version, "{other}");
        }
    }

    #[test]
    fn what_is_refused_is_known_as_far_as_it_can_be_read() {
        let parts = |text: &'static [u8]| {
            let head = unreadable(text, Refusal::Syntax);
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            (
                head.method.to_string(),
                text(head.target()),
                text(head.line()),
            )
        };
        let all = |a: &str, b: &str, c: &str| (a.to_owned(), b.to_owned(), c.to_owned());
        assert_eq!(parts(b"PUT /x\r\nA: b"), all("PUT", "/x", "PUT /x"));
        assert_eq!(parts(b"\x16\x03\x01"), all("GET", "", "\u{16}\u{3}\u{1}"));
        assert_eq!(parts(b"PUT"), all("PUT", "", "PUT"));
        assert_eq!(parts(b""), all("GET", "", ""));
    }

    #[test]
    fn fields_are_names_and_values() {
        let field = |field: &[u8]| {
            read(&[b"GET / HTTP/1.1\r\nHost: a\r\n", field, b"\r\n\r\n"].concat()).map(|_| ())
        };
        for good in [
            &b"X: a\tb"[..],
            b"X:caf\xE9\xFF",
            b"X: \x85y\x85",
            b"X:",
            b"!#$%&'*+-.^_`|~: z",
        ] {
            assert_eq!(field(good), Ok(()), "{}", good.escape_ascii());
        }
        for bad in [
            &b"X Y: z"[..],
            b"X : z",
            b": z",
            b"X(y): z",
            b"X\xE9: z",
            b"X\0: z",
            b"X",
            b"X: a\rb",
            b"X: a\r",
            b"X: a\0b",
            b"X: a\x01b",
            b"X: a\x7Fb",
            b"X: a\r\n b",
            b" X: y",
        ] {
            assert_eq!(field(bad), Err(Refusal::Field), "{}", bad.escape_ascii());
        }
    }

    #[test]
    fn many_fields_are_read_as_few_are() {
        for count in [0, 1, 47, 48, 49, 99] {
            let fields = (0..count).map(|n| format!("X-{n}: {n}\r\n"));
            let fields = fields.collect::<Vec<_>>().concat();
            let head = read(format!("GET / HTTP/1.1\r\n{fields}\r\n").as_bytes()).unwrap();
            assert_eq!(head.fields().count(), count);
            assert!(
                head.fields()
                    .enumerate()
                    .all(|(n, (_, v))| v == n.to_string().as_bytes())
            );
        }
    }
}
