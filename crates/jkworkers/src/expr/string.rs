//! Strings: text with variables in it.

use super::{
    BadExpression, MAX_STRING,
    parse::{Parser, Read, one_or},
    tree::Word,
};

/// What ends a string.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Until {
    Brace,
    End,
    Quote(char),
}

impl Parser<'_> {
    /// A text up to its end, which is taken.
    pub(super) fn string(&mut self, until: Until) -> Read<Word> {
        let (mut parts, mut plain) = (Vec::new(), Vec::new());
        loop {
            let Some(c) = self.scanner.rest.chars().next() else {
                if until == Until::End {
                    break;
                }
                return Err(BadExpression::Unterminated("string or variable"));
            };
            self.scanner.skip(c.len_utf8());
            let ends = match until {
                Until::Brace => c == '}',
                Until::End => false,
                Until::Quote(quote) => c == quote,
            };
            if ends {
                break;
            }
            if let Some(part) = self.part(c, &mut plain)? {
                flush(&mut plain, &mut parts);
                parts.push(part);
            }
            if plain.len() > MAX_STRING {
                return Err(BadExpression::Length);
            }
        }
        flush(&mut plain, &mut parts);
        Ok(match parts.len() {
            0 => Word::Literal(Vec::new()),
            _ => one_or(parts, Word::Joined),
        })
    }

    /// What begins with a character inside of a text: a part of its own, or more of `plain`.
    fn part(&mut self, c: char, plain: &mut Vec<u8>) -> Read<Option<Word>> {
        let digit = || self.scanner.rest.chars().next()?.to_digit(10);
        match c {
            '\n' => return Err(BadExpression::Unterminated("string or variable")),
            '\\' => self.escaped(plain)?,
            '%' if self.scanner.rest.starts_with('{') => {
                self.scanner.skip(1);
                return self.deeper(Self::variable).map(Some);
            }
            '$' => match digit().and_then(|digit| usize::try_from(digit).ok()) {
                Some(number) => {
                    self.scanner.skip(1);
                    return Ok(Some(Word::Found(number)));
                }
                None => plain.push(b'$'),
            },
            other => push(other, plain),
        }
        Ok(None)
    }

    /// Behind a backslash.
    fn escaped(&mut self, plain: &mut Vec<u8>) -> Read<()> {
        let rest = self.scanner.rest;
        let count = rest.bytes().take_while(u8::is_ascii_digit).count();
        if count > 0 {
            let digits = self.scanner.take(count);
            let number = u32::from_str_radix(digits, 8).ok().filter(|_| count <= 3);
            let byte = number.and_then(|number| u8::try_from(number).ok());
            plain.push(byte.ok_or(BadExpression::Escape)?);
            return Ok(());
        }
        let Some(c) = rest.chars().next() else {
            plain.push(b'\\');
            return Ok(());
        };
        self.scanner.skip(c.len_utf8());
        match c {
            'b' => plain.push(8),
            'f' => plain.push(12),
            'n' => plain.push(b'\n'),
            'r' => plain.push(b'\r'),
            't' => plain.push(b'\t'),
            other => push(other, plain),
        }
        Ok(())
    }
}

fn push(c: char, plain: &mut Vec<u8>) {
    plain.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
}

/// A text ends at a byte of value 0, as C has it.
fn flush(plain: &mut Vec<u8>, parts: &mut Vec<Word>) {
    let mut text = std::mem::take(plain);
    if let Some(end) = text.iter().position(|byte| *byte == 0) {
        text.truncate(end);
    }
    if !text.is_empty() {
        parts.push(Word::Literal(text));
    }
}
