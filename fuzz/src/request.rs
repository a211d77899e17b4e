//! What comes from clients: heads and chunked bodies are the same in however many pieces they come,
//! and are taken only where a strict and slow reader takes them, too.

use jkd::fuzzing::{
    Chunked, ChunkedEnd, Framed, Judged, ReadHead, chunks as read_chunks, head as read_head,
};

/// The bounds that the parts are tried with.
const LINE: usize = 200;
const FIELDS: usize = 8;
const FIELD: usize = 100;

/// The head of a request.
pub(crate) fn head(input: &[u8]) {
    let input = &input[..input.len().min(4000)];
    let at_once = read_head(input, &[]);
    for cut in cuts(input.len()) {
        assert_eq!(read_head(input, &[cut]), at_once, "cut at {cut}");
    }
    let all: Vec<_> = (0..input.len()).collect();
    assert_eq!(read_head(input, &all), at_once, "byte by byte");
    let expected = slow_head(input);
    match (&at_once, &expected) {
        (Judged::Head(head), Slow::Head(expected)) => assert_eq!(head, expected),
        (Judged::Refused(status, _), Slow::Bad) => assert!((400..=505).contains(status)),
        (Judged::Refused(..) | Judged::More, Slow::Unended) => {}
        _ => panic!("{at_once:?}, but {expected:?}"),
    }
}

/// Where inputs are cut in two: everywhere, or where they are long at a few places.
fn cuts(length: usize) -> impl Iterator<Item = usize> {
    (0..length).step_by(1 + length / 200)
}

#[derive(Debug)]
enum Slow {
    Head(Box<ReadHead>),
    Bad,
    /// There is no end of a head in it, whatever else.
    Unended,
}

/// A strict reader that sees the whole.
fn slow_head(input: &[u8]) -> Slow {
    let mut begin = 0;
    while input[begin..].starts_with(b"\r\n") {
        begin += 2;
    }
    let end = input[begin..]
        .windows(4)
        .position(|four| four == b"\r\n\r\n");
    let Some(end) = end.map(|end| begin + end + 4) else {
        return Slow::Unended;
    };
    let read = lines_of(&input[begin..end - 4]).filter(|_| begin <= 2 * FIELDS);
    let head = read.and_then(|lines| strict_head(&lines));
    head.map_or(Slow::Bad, |head| {
        Slow::Head(Box::new(ReadHead { begin, end, ..head }))
    })
}

/// The lines of a head; `None` where a line break is not CR LF, or there is a NUL.
fn lines_of(text: &[u8]) -> Option<Vec<&[u8]>> {
    let mut lines = Vec::new();
    let mut rest = text;
    while let Some(end) = rest.windows(2).position(|two| two == b"\r\n") {
        lines.push(&rest[..end]);
        rest = &rest[end + 2..];
    }
    lines.push(rest);
    let is_broken = |line: &&[u8]| line.iter().any(|b| matches!(b, b'\r' | b'\n' | 0));
    (!lines.iter().any(is_broken)).then_some(lines)
}

fn strict_head(lines: &[&[u8]]) -> Option<ReadHead> {
    let (line, fields) = lines.split_first()?;
    let words: Vec<_> = line.split(|b| *b == b' ').collect();
    let [
        method,
        target,
        b"HTTP/1.0" | b"HTTP/1.1" | b"HTTP/1.2" | b"HTTP/1.3" | b"HTTP/1.4" | b"HTTP/1.5"
        | b"HTTP/1.6" | b"HTTP/1.7" | b"HTTP/1.8" | b"HTTP/1.9",
    ] = words[..]
    else {
        return None;
    };
    let minor = line.last()? - b'0';
    let is_visible = |b: &u8| *b > b' ' && *b != 0x7F;
    let fits = line.len() <= LINE && fields.len() <= FIELDS;
    if !fits || !is_token(method) || target.is_empty() || !target.iter().all(is_visible) {
        return None;
    }
    let fields: Vec<_> = fields
        .iter()
        .map(|line| field(line))
        .collect::<Option<_>>()?;
    let (body, persists) = framing(&fields, minor)?;
    let (path, query) = parts(target, method);
    Some(ReadHead {
        begin: 0,
        end: 0,
        method: String::from_utf8(method.to_vec()).ok()?,
        target: target.to_vec(),
        path,
        query,
        minor,
        fields,
        body,
        persists,
    })
}

fn is_token(text: &[u8]) -> bool {
    let is_part = |b: &u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(b);
    !text.is_empty() && text.iter().all(is_part)
}

fn field(line: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let colon = line.iter().position(|b| *b == b':')?;
    let (name, value) = (&line[..colon], &line[colon + 1..]);
    let is_text = |b: &u8| *b == b'\t' || *b >= b' ' && *b != 0x7F;
    let fits = line.len() <= FIELD && is_token(name) && value.iter().all(is_text);
    let is_blank = |b: &u8| matches!(b, b' ' | b'\t');
    let start = value
        .iter()
        .position(|b| !is_blank(b))
        .unwrap_or(value.len());
    let end = value
        .iter()
        .rposition(|b| !is_blank(b))
        .map_or(start, |last| last + 1);
    fits.then(|| (name.to_vec(), value[start..end].to_vec()))
}

fn framing(fields: &[(Vec<u8>, Vec<u8>)], minor: u8) -> Option<(Framed, bool)> {
    let all = |wanted: &[u8]| -> Vec<&[u8]> {
        let fields = fields
            .iter()
            .filter(|(name, _)| name.eq_ignore_ascii_case(wanted));
        fields.map(|(_, value)| &value[..]).collect()
    };
    let length = match all(b"content-length")[..] {
        [] => None,
        [text] if !text.is_empty() && text.iter().all(u8::is_ascii_digit) => Some(
            str::from_utf8(text)
                .ok()?
                .parse::<i64>()
                .ok()?
                .unsigned_abs(),
        ),
        _ => return None,
    };
    let chunked = match all(b"transfer-encoding")[..] {
        [] => false,
        [text] if text.eq_ignore_ascii_case(b"chunked") && minor > 0 => true,
        _ => return None,
    };
    let says = |word: &[u8]| {
        let values = all(b"connection");
        let mut words = values.iter().flat_map(|value| value.split(|b| *b == b','));
        words.any(|said| said.trim_ascii().eq_ignore_ascii_case(word))
    };
    let stays = !says(b"close") && (minor > 0 || says(b"keep-alive"));
    Some(match (chunked, length) {
        (true, Some(_)) => return None,
        (true, None) => (Framed::Chunked, stays),
        (false, None | Some(0)) => (Framed::None, stays),
        (false, Some(length)) => (Framed::Known(length), stays),
    })
}

/// The path and the query of a target that begins with `/`; what others come to is tried elsewhere.
fn parts(target: &[u8], method: &[u8]) -> (Vec<u8>, Option<Vec<u8>>) {
    let line = [method, b" ", target, b" HTTP/1.1\r\n\r\n"].concat();
    if !target.starts_with(b"/") {
        let Judged::Head(head) = read_head(&line, &[]) else {
            panic!("{} is a head", line.escape_ascii());
        };
        return (head.path, head.query);
    }
    let whole = target.split(|b| *b == b'#').next().unwrap_or_default();
    match whole.iter().position(|b| *b == b'?') {
        Some(end) => (whole[..end].to_vec(), Some(whole[end + 1..].to_vec())),
        None => (whole.to_vec(), None),
    }
}

/// A chunked body.
pub(crate) fn chunks(input: &[u8]) {
    let input = &input[..input.len().min(4000)];
    let at_once = read_chunks(input, &[]);
    for cut in cuts(input.len()) {
        is_same(&read_chunks(input, &[cut]), &at_once, cut);
    }
    let all: Vec<_> = (0..input.len()).collect();
    is_same(&read_chunks(input, &all), &at_once, 0);
    assert_eq!(at_once, slow_chunks(input));
}

fn is_same(pieces: &Chunked, at_once: &Chunked, cut: usize) {
    assert_eq!(pieces, at_once, "cut at {cut}");
}

/// A reader that sees the whole.
fn slow_chunks(input: &[u8]) -> Chunked {
    let mut body = Vec::new();
    let end = slow_end(input, &mut body);
    Chunked { body, end }
}

fn slow_end(mut rest: &[u8], body: &mut Vec<u8>) -> ChunkedEnd {
    let mut is_last = false;
    while !is_last {
        let size = match line(&mut rest) {
            Ok(line) => slow_size(line),
            Err(end) => return end,
        };
        let Some(size) = size else {
            return ChunkedEnd::Bad;
        };
        is_last = size == 0;
        if is_last {
            break;
        }
        let here = usize::try_from(size).unwrap().min(rest.len());
        body.extend_from_slice(&rest[..here]);
        rest = &rest[here..];
        match rest {
            [b'\r', b'\n', behind @ ..] => rest = behind,
            [] | [b'\r'] => return ChunkedEnd::More,
            _ => return ChunkedEnd::Bad,
        }
    }
    for _ in 0..=FIELDS {
        match line(&mut rest) {
            Ok([]) => return ChunkedEnd::Whole(rest.to_vec()),
            Ok(text) if field(text).is_some() => {}
            Ok(_) => return ChunkedEnd::Bad,
            Err(end) => return end,
        }
    }
    ChunkedEnd::Bad
}

/// The next line, without its end.
fn line<'i>(rest: &mut &'i [u8]) -> Result<&'i [u8], ChunkedEnd> {
    let Some(end) = rest.iter().position(|b| *b == b'\n') else {
        let is_long = rest.len() > FIELD + 1;
        return Err(if is_long {
            ChunkedEnd::Bad
        } else {
            ChunkedEnd::More
        });
    };
    let line = rest[..end].strip_suffix(b"\r");
    *rest = &rest[end + 1..];
    line.filter(|line| line.len() <= FIELD)
        .ok_or(ChunkedEnd::Bad)
}

fn slow_size(line: &[u8]) -> Option<u64> {
    let digits: Vec<_> = line.iter().take_while(|b| b.is_ascii_hexdigit()).collect();
    let mut behind = &line[digits.len()..];
    while let [b' ' | b'\t', more @ ..] = behind {
        behind = more;
    }
    let is_extension = behind.is_empty() || behind[0] == b';';
    let is_text = behind.iter().all(|b| !b.is_ascii_control() || *b == b'\t');
    let mut size = 0_i64;
    for digit in &digits {
        let digit = i64::from(char::from(**digit).to_digit(16)?);
        size = size.checked_mul(16)?.checked_add(digit)?;
    }
    (!digits.is_empty() && is_extension && is_text).then_some(size.unsigned_abs())
}
