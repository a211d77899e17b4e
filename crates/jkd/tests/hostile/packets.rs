//! Packets of a backend, right and wrong.

use jkd_tests::unescaped;

/// A payload in its frame.
pub(crate) fn packet(payload: &[u8]) -> Vec<u8> {
    [b"AB".as_slice(), &length(payload.len()), payload].concat()
}

/// `chunk TEXT`: SEND_BODY_CHUNK.
pub(crate) fn chunk(data: &[u8]) -> Vec<u8> {
    chunk_of(data.len(), data)
}

/// One that claims another length than it has.
pub(crate) fn chunk_of(claimed: usize, data: &[u8]) -> Vec<u8> {
    packet(&[&[3], length(claimed).as_slice(), data, &[0]].concat())
}

/// GET_BODY_CHUNK.
pub(crate) fn ask(most: u16) -> Vec<u8> {
    let [high, low] = most.to_be_bytes();
    packet(&[6, high, low])
}

/// `200 OK | Name: value | …`, with `count` in place of the number of fields. `~` is the null
/// string, a name `@N` stands for the code 0xA00N.
pub(crate) fn head(text: &str, count: Option<usize>) -> Vec<u8> {
    let mut parts = text.split(" | ");
    let line = parts.next().expect("a first part");
    let (status, reason) = line.split_once(' ').unwrap_or((line, ""));
    let status: u16 = status.parse().expect("a status");
    let fields: Vec<_> = parts.flat_map(expanded).collect();
    let mut payload = vec![4];
    payload.extend(status.to_be_bytes());
    payload.extend(string(reason));
    payload.extend(length(count.unwrap_or(fields.len())));
    for field in &fields {
        let (name, value) = field.split_once(':').expect("a field");
        payload.extend(match name.strip_prefix('@') {
            Some(code) => vec![0xa0, code.parse().expect("a code")],
            None => string(name),
        });
        payload.extend(string(value.strip_prefix(' ').unwrap_or(value)));
    }
    packet(&payload)
}

/// `N x FIELD`, in which `{n}` is the number, and `\x3a` in a name a colon.
fn expanded(field: &str) -> Vec<String> {
    match field.split_once(" x ") {
        Some((count, field)) if count.bytes().all(|b| b.is_ascii_digit()) => {
            let count: usize = count.parse().expect("a count");
            let number = |n: usize| field.replace("{n}", &n.to_string());
            (0..count).map(number).collect()
        }
        _ => vec![field.to_owned()],
    }
}

fn string(text: &str) -> Vec<u8> {
    if text == "~" {
        return vec![0xff, 0xff];
    }
    let text = repeated(text);
    [length(text.len()).as_slice(), &text, &[0]].concat()
}

/// Bytes of a text; `7000*R` is so many of one letter.
pub(crate) fn repeated(text: &str) -> Vec<u8> {
    match text.split_once('*') {
        Some((count, letter)) if letter.len() == 1 => {
            letter.repeat(count.parse().expect("a count")).into_bytes()
        }
        _ => unescaped(text),
    }
}

fn length(length: usize) -> [u8; 2] {
    u16::try_from(length)
        .expect("a length of AJP")
        .to_be_bytes()
}
