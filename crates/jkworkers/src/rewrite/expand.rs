//! Makes texts for one request.

use std::borrow::Cow;

use super::{
    Request,
    engine::Run,
    rule::Escape,
    text::{Fact, Piece, Text},
};
use crate::pattern::Groups;

/// What an expression found, kept.
#[derive(Clone, Debug, Default)]
pub(super) struct Found(Vec<Option<Vec<u8>>>);

impl Found {
    pub(super) fn new(groups: &Groups<'_>) -> Self {
        let all = (0..10).map(|number| groups.get(number).map(<[u8]>::to_vec));
        Self(all.collect())
    }

    fn get(&self, number: usize) -> &[u8] {
        let group = self.0.get(number).and_then(Option::as_deref);
        group.unwrap_or_default()
    }
}

/// A text that was made.
pub(super) struct Expanded {
    pub(super) text: Vec<u8>,
    /// Its first `?` comes from the client's path, not from the rule.
    pub(super) mark_is_found: bool,
}

impl<R: Request> Run<'_, R> {
    /// Fills a text in. `escape` is `B` of the rule that it belongs to.
    pub(super) fn expand(&mut self, text: &Text, escape: Option<&Escape>) -> Expanded {
        let mut made = Vec::new();
        let mut mark = None;
        for piece in &text.0 {
            let is_found = matches!(piece, Piece::Rule(_) | Piece::Condition(_));
            let value = self.value(piece);
            let value = match escape.filter(|_| is_found) {
                Some(escape) => Cow::Owned(escaped(&value, escape)),
                None => value,
            };
            if value.contains(&b'?') {
                mark.get_or_insert(is_found);
            }
            made.extend_from_slice(&value);
            let seen = match piece {
                // Caches know that the host makes a difference.
                Piece::Header(name) if !name.eq_ignore_ascii_case("Host") => {
                    self.request.header(name).map(|_| name.to_string())
                }
                _ => None,
            };
            self.seen_headers.extend(seen);
        }
        Expanded {
            text: made,
            mark_is_found: mark == Some(true),
        }
    }

    fn value<'p>(&'p self, piece: &'p Piece) -> Cow<'p, [u8]> {
        match piece {
            Piece::Plain(text) => Cow::Borrowed(text.as_bytes()),
            Piece::Rule(number) => Cow::Borrowed(self.by_rule.get(*number)),
            Piece::Condition(number) => Cow::Borrowed(self.by_condition.get(*number)),
            Piece::Header(name) => self.request.header(name).unwrap_or_default(),
            Piece::Variable(name) => self.variable(name),
            Piece::Time(part) => Cow::Owned(self.request.time(*part).into_bytes()),
            Piece::Fact(Fact::Filename) => Cow::Borrowed(&self.filename),
            Piece::Fact(Fact::Uri) => Cow::Borrowed(self.uri),
            Piece::Fact(Fact::Query) => Cow::Borrowed(self.query.as_deref().unwrap_or_default()),
            Piece::Fact(fact) => self.request.fact(*fact),
        }
    }

    /// What a rule before this one has set counts.
    fn variable(&self, name: &str) -> Cow<'_, [u8]> {
        let mut set = self.result.variables.iter().rev();
        match set.find(|(known, _)| known.eq_ignore_ascii_case(name)) {
            Some((_, value)) => Cow::Borrowed(value.as_deref().unwrap_or_default()),
            None => self.request.variable(name).unwrap_or_default(),
        }
    }
}

fn escaped(value: &[u8], escape: &Escape) -> Vec<u8> {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let digit = |value: u8| {
        HEX.get(usize::from(value & 15))
            .copied()
            .unwrap_or_default()
    };
    let mut text = Vec::with_capacity(value.len());
    for &byte in value {
        let stays = match &escape.only {
            Some(only) => !only.as_bytes().contains(&byte),
            None => byte.is_ascii_alphanumeric() || byte == b'_',
        };
        match byte {
            _ if stays => text.push(byte),
            b' ' if !escape.no_plus => text.push(b'+'),
            _ => text.extend([b'%', digit(byte >> 4), digit(byte)]),
        }
    }
    text
}
