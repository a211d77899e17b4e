use std::fmt;

use super::Error;
use super::primitive::{PacketWriter, Parsed, fail, int, string, string_of};

/// Request header names by code: the name of code `0xA001` first.
pub static REQUEST_HEADERS: [&str; 14] = [
    "accept",
    "accept-charset",
    "accept-encoding",
    "accept-language",
    "authorization",
    "connection",
    "content-type",
    "content-length",
    "cookie",
    "cookie2",
    "host",
    "pragma",
    "referer",
    "user-agent",
];

/// The same as clients write them.
static REQUEST_HEADERS_SPELLED: [&str; 14] = [
    "Accept",
    "Accept-Charset",
    "Accept-Encoding",
    "Accept-Language",
    "Authorization",
    "Connection",
    "Content-Type",
    "Content-Length",
    "Cookie",
    "Cookie2",
    "Host",
    "Pragma",
    "Referer",
    "User-Agent",
];

/// Response header names by code: the name of code `0xA001` first. The same code means another
/// name than in a request.
pub static RESPONSE_HEADERS: [&str; 11] = [
    "Content-Type",
    "Content-Language",
    "Content-Length",
    "Date",
    "Last-Modified",
    "Location",
    "Set-Cookie",
    "Set-Cookie2",
    "Servlet-Engine",
    "Status",
    "WWW-Authenticate",
];

/// High byte of every coded name. A string length never reaches it within a packet's limits.
const CODED: u8 = 0xA0;

/// One header of a packet.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct Header<'a> {
    /// The name; that of the table when it is coded, else as sent.
    pub name: &'a [u8],
    /// The value, bytes of no particular charset. May hold control characters, even CR and LF:
    /// check before writing it anywhere.
    pub value: &'a [u8],
    code: Option<u8>,
}

impl<'a> Header<'a> {
    /// A header whose name travels as text.
    pub const fn text(name: &'a [u8], value: &'a [u8]) -> Self {
        Self {
            name,
            value,
            code: None,
        }
    }

    /// The place of the name in [`REQUEST_HEADERS`] or [`RESPONSE_HEADERS`] counted from 1, when
    /// it travels as a code: 8 for code `0xA008`.
    pub const fn code(&self) -> Option<u8> {
        self.code
    }

    /// Whether the value should not be shown: credentials of a client.
    pub(crate) fn is_secret(&self) -> bool {
        self.name.eq_ignore_ascii_case(b"authorization")
            || self.name.eq_ignore_ascii_case(b"proxy-authorization")
    }
}

impl fmt::Debug for Header<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = if self.is_secret() {
            b"[redacted]"
        } else {
            self.value
        };
        write!(f, "{}: {}", self.name.escape_ascii(), value.escape_ascii())
    }
}

/// The headers of a decoded packet: checked when it was decoded, walked as often as you like,
/// nothing allocated.
#[derive(Clone, Copy)]
pub struct Headers<'a> {
    bytes: &'a [u8],
    count: u16,
    names: &'static [&'static str],
}

impl<'a> Headers<'a> {
    /// How many headers there are.
    pub const fn len(&self) -> usize {
        self.count as usize
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The headers in the order of the packet.
    pub fn iter(&self) -> impl Iterator<Item = Header<'a>> + use<'a> {
        let Self {
            mut bytes,
            count,
            names,
        } = *self;
        (0..count).map_while(move |_| {
            let (rest, header) = header(names, bytes).ok()?;
            bytes = rest;
            Some(header)
        })
    }

    /// The value of the first header of this name in any case.
    pub fn get(&self, name: &[u8]) -> Option<&'a [u8]> {
        self.iter()
            .find(|header| header.name.eq_ignore_ascii_case(name))
            .map(|header| header.value)
    }

    /// Parses the count and so many headers.
    pub(super) fn parse<'i: 'a>(
        names: &'static [&'static str],
        input: &'i [u8],
    ) -> Parsed<'i, Self> {
        let (bytes, count) = int(input)?;
        let mut rest = bytes;
        for _ in 0..count {
            (rest, _) = header(names, rest)?;
        }
        Ok((
            rest,
            Self {
                bytes,
                count,
                names,
            },
        ))
    }
}

impl PartialEq for Headers<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Headers<'_> {}

impl fmt::Debug for Headers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// Writes the count of headers once they are all written.
pub(super) struct HeaderCount {
    position: usize,
    count: u16,
}

impl HeaderCount {
    pub(super) fn begin(writer: &mut PacketWriter<'_>) -> Self {
        let position = writer.position();
        writer.int(0);
        Self { position, count: 0 }
    }

    pub(super) fn put(&mut self, writer: &mut PacketWriter<'_>, header: &Header<'_>) {
        match header.code {
            Some(code) => writer.int(u16::from_be_bytes([CODED, code])),
            None if name_reads_as_code(header.name) => writer.spoil(),
            None => writer.string(Some(header.name)),
        }
        writer.string(Some(header.value));
        match self.count.checked_add(1) {
            Some(count) => self.count = count,
            None => writer.spoil(),
        }
    }

    pub(super) fn finish(&self, writer: &mut PacketWriter<'_>) {
        writer.patch(self.position, self.count);
    }
}

/// A header as mod_jk sends it in a request. Its matcher never finds the three `Accept-*` names,
/// so that they travel as text although codes exist; every container reads both.
pub(super) fn for_request<'a>(name: &'a [u8], value: &'a [u8]) -> Header<'a> {
    let candidates: &[u8] = match name.len() {
        4 => &[11],
        6 => &[1, 9, 12],
        7 => &[10, 13],
        10 => &[6, 14],
        12 => &[7],
        13 => &[5],
        14 => &[8],
        _ => &[],
    };
    Header {
        name,
        value,
        code: find(&REQUEST_HEADERS_SPELLED, candidates, name),
    }
}

/// A header as a container sends it in a response, coded in whatever case it is written.
pub(super) fn for_response<'a>(name: &'a [u8], value: &'a [u8]) -> Header<'a> {
    let candidates: &[u8] = match name.len() {
        4 => &[4],
        6 => &[10],
        8 => &[6],
        10 => &[7],
        11 => &[8],
        12 => &[1],
        13 => &[5],
        14 => &[3, 9],
        16 => &[2, 11],
        _ => &[],
    };
    Header {
        name,
        value,
        code: find(&RESPONSE_HEADERS, candidates, name),
    }
}

/// The first of the candidate codes whose name this is.
fn find(names: &[&str], candidates: &[u8], name: &[u8]) -> Option<u8> {
    // Nearly all names come in the case of the table: one comparison of memory.
    let is_it =
        |known: &str| known.as_bytes() == name || known.as_bytes().eq_ignore_ascii_case(name);
    candidates
        .iter()
        .copied()
        .find(|&code| name_of(names, code).is_some_and(is_it))
}

fn name_of<'n>(names: &[&'n str], code: u8) -> Option<&'n str> {
    names.get(usize::from(code).checked_sub(1)?).copied()
}

/// A name of 40960 to 41215 bytes would be read as a code.
fn name_reads_as_code(name: &[u8]) -> bool {
    name.len() >> 8 == usize::from(CODED)
}

fn header<'a>(names: &'static [&'static str], input: &'a [u8]) -> Parsed<'a, Header<'a>> {
    let (rest, (name, code)) = header_name(names, input)?;
    match string(rest)? {
        (rest, Some(value)) => Ok((rest, Header { name, value, code })),
        (_, None) => fail(Error::NullHeaderValue),
    }
}

fn header_name<'a>(
    names: &'static [&'static str],
    input: &'a [u8],
) -> Parsed<'a, (&'a [u8], Option<u8>)> {
    let (rest, first) = int(input)?;
    if let [CODED, code] = first.to_be_bytes() {
        return match name_of(names, code) {
            Some(name) => Ok((rest, (name.as_bytes(), Some(code)))),
            None => fail(Error::UnknownHeader(first)),
        };
    }
    match string_of(first, rest)? {
        (rest, Some(name)) => Ok((rest, (name, None))),
        (_, None) => fail(Error::NullHeaderName),
    }
}

#[cfg(test)]
mod tests {
    use super::super::primitive::run;
    use super::*;

    fn parse(bytes: &[u8]) -> Result<Headers<'_>, Error> {
        run(Headers::parse(&REQUEST_HEADERS, bytes)).map(|(_, headers)| headers)
    }

    #[test]
    fn both_forms_of_a_name() {
        let headers = parse(b"\x00\x02\xa0\x08\x00\x011\x00\x00\x01X\x00\x00\x00\x00").unwrap();
        let list: Vec<_> = headers
            .iter()
            .map(|h| (h.name, h.value, h.code()))
            .collect();
        assert_eq!(
            list,
            [
                (&b"content-length"[..], &b"1"[..], Some(8)),
                (b"X", b"", None)
            ]
        );
        assert_eq!(headers.get(b"Content-LENGTH"), Some(&b"1"[..]));
        assert_eq!(headers.get(b"y"), None);
    }

    #[test]
    fn codes_outside_the_table() {
        assert_eq!(
            parse(b"\x00\x01\xa0\x00\x00\x00\x00"),
            Err(Error::UnknownHeader(0xA000))
        );
        assert_eq!(
            parse(b"\x00\x01\xa0\x0f\x00\x00\x00"),
            Err(Error::UnknownHeader(0xA00F))
        );
        // Another high byte is a length, and these bytes are fewer.
        assert_eq!(
            parse(b"\x00\x01\xa1\x00\x00\x00\x00"),
            Err(Error::Truncated)
        );
    }

    #[test]
    fn nulls_and_a_wrong_count() {
        assert_eq!(
            parse(b"\x00\x01\xff\xff\x00\x00\x00"),
            Err(Error::NullHeaderName)
        );
        assert_eq!(
            parse(b"\x00\x01\xa0\x08\xff\xff"),
            Err(Error::NullHeaderValue)
        );
        assert_eq!(
            parse(b"\x00\x02\xa0\x08\x00\x00\x00"),
            Err(Error::Truncated)
        );
    }

    #[test]
    fn request_names_are_coded_as_mod_jk_does() {
        let text = ["accept-charset", "accept-encoding", "accept-language"];
        for (code, name) in (1..).zip(REQUEST_HEADERS) {
            let expected = (!text.contains(&name)).then_some(code);
            assert_eq!(for_request(name.as_bytes(), b"").code(), expected, "{name}");
            let upper = name.to_ascii_uppercase();
            assert_eq!(
                for_request(upper.as_bytes(), b"").code(),
                expected,
                "{upper}"
            );
        }
        assert_eq!(for_request(b"x-host", b"").code(), None);
    }

    #[test]
    fn response_names_are_coded_in_any_case() {
        for (code, name) in (1..).zip(RESPONSE_HEADERS) {
            let lower = name.to_ascii_lowercase();
            assert_eq!(
                for_response(lower.as_bytes(), b"").code(),
                Some(code),
                "{name}"
            );
        }
        assert_eq!(for_response(b"server", b"").code(), None);
    }

    #[test]
    fn credentials_are_not_shown() {
        let shown = format!("{:?}", Header::text(b"Authorization", b"Basic abc"));
        assert!(!shown.contains("abc"), "{shown}");
    }
}
