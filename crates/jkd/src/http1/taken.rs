//! How much of a head is taken before it is refused: logs count that, as httpd does.

use super::{parse, scan::Bounds};

/// How many bytes of `head`, which begins with the request line, httpd has read when it finds out
/// what is wrong: up to the end of the line that is too long or badly ended, or that can be no
/// request line; of a field that makes no sense the next line, too, since it might have gone on
/// there. All of it where nothing is wrong with its lines.
pub(super) fn taken(head: &[u8], bounds: &Bounds) -> usize {
    let mut taken = 0;
    let mut is_wrong = false;
    for (number, line) in head.split_inclusive(|b| *b == b'\n').enumerate() {
        taken += line.len();
        let text = line.strip_suffix(b"\r\n");
        if is_wrong || text.is_some_and(<[u8]>::is_empty) {
            return taken;
        }
        match text {
            Some(text) if number == 0 => {
                if text.len() > bounds.line || parse::check_request_line(line).is_err() {
                    return taken;
                }
            }
            Some(text) if text.len() <= bounds.field => {
                is_wrong =
                    number > bounds.fields || !parse::are_fields(&[line, b"\r\n"].concat(), 1);
            }
            _ => return taken,
        }
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::{super::scan::BOUNDS, *};

    #[test]
    fn lines_are_taken_until_one_is_wrong() {
        for (taken_of, rest) in [
            ("GET / HTTP/1.1\r\nA: b\r\n\r\n", "body"),
            ("GET / HTTP/1.1\r\nA: b\r\nC: ", ""),
            ("GET /unfinished", ""),
            ("nonsense\r\n", "A: b\r\n\r\n"),
            ("GET / HTTP/1.1\n", "A: b\r\n\r\n"),
            ("GET / HTTP/2.0\r\n", "A: b\r\n\r\n"),
            (
                "GET /12345678901234567890123456789012345 HTTP/1.1\r\n",
                "A: b\r\n\r\n",
            ),
            ("GET / HTTP/1.1\r\nA: b\n", "C: d\r\n\r\n"),
            (
                "GET / HTTP/1.1\r\nA: 123456789012345678901234567890\r\n",
                "C: d\r\n\r\n",
            ),
            ("GET / HTTP/1.1\r\nA b\r\nC: d\r\n", "E: f\r\n\r\n"),
            ("GET / HTTP/1.1\r\nA b\r\n\r\n", "body"),
            (
                "GET / HTTP/1.1\r\nA: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\nE: 5\r\n",
                "F: 6\r\n\r\n",
            ),
        ] {
            let head = [taken_of, rest].concat();
            assert_eq!(taken(head.as_bytes(), &BOUNDS), taken_of.len(), "{head}");
        }
    }
}
