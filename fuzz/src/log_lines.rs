//! Lines of logs about requests that say anything: each stays one line, and what is foreign stays in
//! its field.

use std::sync::LazyLock;

use jkd::fuzzing::{FOREIGN, error_line, log_line};
use jkworkers::log_format::LogFormat;

use crate::{first_line, forward::host};

/// All that shows something that comes from outside, in quotes.
const FIELDS: [&str; 16] = [
    "%r",
    "%m",
    "%U",
    "%q",
    "%H",
    "%V",
    "%u",
    "%f",
    "%{Referer}i",
    "%{Cookie}i",
    "%{Host}i",
    "%{a}C",
    "%{x-foreign}o",
    "%{Set-Cookie}o",
    "%{x-foreign}e",
    "%{x-foreign}n",
];

static FORMAT: LazyLock<LogFormat> = LazyLock::new(|| {
    assert!(FIELDS.iter().any(|field| field.contains(FOREIGN)));
    let fields: Vec<_> = FIELDS.iter().map(|f| format!("\"{f}\"")).collect();
    LogFormat::httpd(&fields.join(" ")).unwrap()
});

/// What backends and rules say, up to a line feed; then the head of a request, or something else. A
/// line feed in what they say is `0xFF`; nothing at all is not tried, since an empty name of a user has
/// quotes of its own.
pub(crate) fn run(input: &[u8]) {
    let (foreign, request) = match first_line(input) {
        (b"", request) => (&b"-"[..], request),
        both => both,
    };
    let foreign: Vec<_> = foreign
        .iter()
        .map(|b| if *b == 0xFF { b'\n' } else { *b })
        .collect();
    let line = log_line(host(), &FORMAT, request, &foreign);
    is_one_line(&line);
    let fields = quoted(&line);
    assert_eq!(fields.len(), FIELDS.len(), "{}", line.escape_ascii());
    // The user's name; nothing is shown in another way.
    assert_eq!(unescaped(&fields[6]), foreign, "{}", line.escape_ascii());
    is_one_line(&error_line(host(), request, &foreign));
}

/// Printable characters, and no others: no terminal takes them for commands.
fn is_one_line(line: &[u8]) {
    let is_printable = |b: &u8| matches!(b, b' '..=b'~');
    assert!(line.iter().all(is_printable), "{}", line.escape_ascii());
}

/// What stands between quotes: a backslash takes the next character along.
fn quoted(line: &[u8]) -> Vec<Vec<u8>> {
    let (mut fields, mut field, mut is_in) = (Vec::new(), Vec::new(), false);
    let mut bytes = line.iter().copied();
    while let Some(b) = bytes.next() {
        match b {
            b'"' if is_in => fields.push(std::mem::take(&mut field)),
            b'\\' if is_in => field.extend([b, bytes.next().expect("something behind it")]),
            _ if is_in => field.push(b),
            b'"' | b' ' => {}
            _ => panic!("{} stands outside of its field", line.escape_ascii()),
        }
        is_in ^= b == b'"';
    }
    assert!(!is_in, "{}", line.escape_ascii());
    fields
}

/// What a field shows.
fn unescaped(field: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    let mut rest = field;
    while let [first, after @ ..] = rest {
        rest = after;
        let ([b'\\'], [letter, after @ ..]) = ([*first], after) else {
            text.push(*first);
            continue;
        };
        rest = after;
        text.push(match letter {
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'b' => 0x08,
            b'v' => 0x0b,
            b'x' => {
                let (digits, after) = rest.split_at(2);
                rest = after;
                u8::from_str_radix(str::from_utf8(digits).unwrap(), 16).unwrap()
            }
            other => *other,
        });
    }
    text
}
