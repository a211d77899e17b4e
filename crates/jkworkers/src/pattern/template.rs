//! Values that are made of what an expression found.

use std::{borrow::Cow, fmt};

use serde::{Serialize, Serializer};

use super::{Groups, Pattern};

/// The longest value that a template makes, bytes: no packet holds more.
const MAX_VALUE: usize = 65_535;

/// A value with `$0` to `$9` in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Group(usize),
}

impl Template {
    /// Reads a value that goes with `pattern`. A backslash takes the meaning of what follows it.
    pub fn new(text: &str, pattern: &Pattern) -> Self {
        if pattern.is_plain() {
            return Self::literal(text);
        }
        Self::with_groups(text)
    }

    /// Reads a value that goes with any expression, whether it has operators or not.
    pub fn with_groups(text: &str) -> Self {
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut rest = text.chars().peekable();
        while let Some(c) = rest.next() {
            match (c, rest.peek().copied()) {
                ('$', Some(digit @ '0'..='9')) => {
                    rest.next();
                    pieces.push(Piece::Text(std::mem::take(&mut plain)));
                    let number = digit.to_digit(10).and_then(|n| usize::try_from(n).ok());
                    pieces.extend(number.map(Piece::Group));
                }
                ('\\', Some(next)) => {
                    rest.next();
                    plain.push(next);
                }
                _ => plain.push(c),
            }
        }
        pieces.push(Piece::Text(plain));
        pieces.retain(|piece| *piece != Piece::Text(String::new()));
        Self(pieces)
    }

    /// The same text, whatever is found.
    pub fn literal(text: &str) -> Self {
        Self(vec![Piece::Text(text.to_owned())])
    }

    /// Reads what replaces something that is found, whatever the expression is. A backslash takes
    /// the meaning of what follows it.
    pub fn substitution(text: &str) -> Self {
        Self::with_groups(text)
    }

    /// The value for what was found; groups that found nothing are empty. `None` when it is longer
    /// than any packet.
    pub fn fill<'a>(&'a self, groups: &Groups<'a>) -> Option<Cow<'a, [u8]>> {
        let found = |number: usize| groups.0.get(number).copied().flatten();
        let pieces = || {
            self.0.iter().map(|piece| match piece {
                Piece::Text(text) => text.as_bytes(),
                Piece::Group(number) => found(*number).unwrap_or_default(),
            })
        };
        let length = pieces().fold(0, |sum: usize, piece| sum.saturating_add(piece.len()));
        if length > MAX_VALUE {
            return None;
        }
        Some(match self.0.as_slice() {
            [] | [_] => Cow::Borrowed(pieces().next().unwrap_or_default()),
            _ => Cow::Owned(pieces().collect::<Vec<_>>().concat()),
        })
    }

    /// The value, where it is the same for all requests.
    pub fn constant(&self) -> Option<&str> {
        match self.0.as_slice() {
            [] => Some(""),
            [Piece::Text(text)] => Some(text),
            _ => None,
        }
    }
}

impl Serialize for Template {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// As text, with `$1` for the first group.
impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|piece| match piece {
            Piece::Text(text) => f.write_str(text),
            Piece::Group(number) => write!(f, "${number}"),
        })
    }
}
