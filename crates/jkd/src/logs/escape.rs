//! Foreign bytes as httpd writes them into logs.

/// Adds `text` so that it cannot leave its field: `"` and `\` behind a backslash, control
/// characters and what is not ASCII as `\xhh` or, as in C, `\n`, `\t` and their like.
pub(super) fn escaped(line: &mut Vec<u8>, mut text: &[u8]) {
    // Most have nothing special: looked at without a branch for each byte.
    let any = text.iter().fold(false, |any, b| any | is_special(*b));
    if !any {
        return line.extend_from_slice(text);
    }
    while let Some(at) = text.iter().position(|b| is_special(*b)) {
        let (plain, rest) = text.split_at(at);
        line.extend_from_slice(plain);
        let Some((special, rest)) = rest.split_first() else {
            return;
        };
        escape(line, *special);
        text = rest;
    }
    line.extend_from_slice(text);
}

const fn is_special(b: u8) -> bool {
    !matches!(b, b' '..=b'~') || matches!(b, b'"' | b'\\')
}

fn escape(line: &mut Vec<u8>, b: u8) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let letter = match b {
        b'"' | b'\\' => b,
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        0x08 => b'b',
        0x0b => b'v',
        _ => {
            let digit = |value: u8| DIGITS.get(usize::from(value)).copied().unwrap_or(b'?');
            return line.extend_from_slice(&[b'\\', b'x', digit(b >> 4), digit(b & 15)]);
        }
    };
    line.extend_from_slice(&[b'\\', letter]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_httpd_does() {
        let mut line = b">".to_vec();
        escaped(&mut line, b"a \"b\"\\\n\r\t\x08\x0b\x0c\0\x1b\x7f\xc3\xa9~");
        let expected = r#">a \"b\"\\\n\r\t\b\v\x0c\x00\x1b\x7f\xc3\xa9~"#;
        assert_eq!(line, expected.as_bytes());
    }
}
