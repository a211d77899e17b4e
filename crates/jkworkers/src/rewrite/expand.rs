//! Makes texts for one request.

use std::borrow::Cow;

use super::{
    Request, Unknown,
    engine::Run,
    map::{self, Map},
    rule::Escape,
    text::{Fact, Look, Piece, Text},
};
use crate::{pattern::Groups, rewrite::Ahead};

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
#[derive(Default)]
pub(super) struct Expanded {
    pub(super) text: Vec<u8>,
    /// The `?` that begins a query comes from the client, not from the rule.
    pub(super) mark_is_found: bool,
}

/// How a text is filled in.
#[derive(Clone, Copy, Default)]
pub(super) struct How<'e> {
    /// `B` of the rule that it belongs to.
    pub(super) escape: Option<&'e Escape>,
    /// `QSL`: the last `?` counts.
    pub(super) last_mark: bool,
}

impl<R: Request> Run<'_, R> {
    /// Fills a text in. `escape` is `B` of the rule that it belongs to.
    pub(super) fn expand(
        &mut self,
        text: &Text,
        escape: Option<&Escape>,
    ) -> Result<Expanded, Unknown> {
        let last_mark = false;
        self.fill(text, How { escape, last_mark })
    }

    pub(super) fn fill(&mut self, text: &Text, how: How<'_>) -> Result<Expanded, Unknown> {
        let mut made = Vec::new();
        let mut mark = None;
        for piece in &text.0 {
            let value = self.value(piece, how.escape)?;
            let is_found = !matches!(piece, Piece::Plain(_));
            if value.contains(&b'?') && (how.last_mark || mark.is_none()) {
                mark = Some(is_found);
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
        Ok(Expanded {
            text: made,
            mark_is_found: mark == Some(true),
        })
    }

    fn value<'p>(
        &'p mut self,
        piece: &'p Piece,
        escape: Option<&Escape>,
    ) -> Result<Cow<'p, [u8]>, Unknown> {
        let found = match piece {
            Piece::Map(look) => return self.looked_up(look, escape).map(Cow::Owned),
            Piece::Ahead { is_file, of } => return self.ahead(*is_file, of),
            Piece::Rule(number) => self.by_rule.get(*number),
            Piece::Condition(number) => self.by_condition.get(*number),
            piece => return Ok(self.known(piece)),
        };
        Ok(match escape {
            Some(escape) => Cow::Owned(escaped(found, escape)),
            None => Cow::Borrowed(found),
        })
    }

    fn known<'p>(&'p self, piece: &'p Piece) -> Cow<'p, [u8]> {
        match piece {
            Piece::Plain(text) => Cow::Borrowed(text.as_bytes()),
            Piece::Header(name) => self.request.header(name).unwrap_or_default(),
            Piece::Variable(name) => self.variable(name),
            Piece::Tls(name) => self.request.tls(name).unwrap_or_default(),
            Piece::Time(part) => Cow::Owned(self.request.time(*part).into_bytes()),
            Piece::Fact(fact) => self.fact(*fact),
            _ => Cow::Borrowed(b""),
        }
    }

    fn fact(&self, fact: Fact) -> Cow<'_, [u8]> {
        match fact {
            Fact::Filename => Cow::Borrowed(&self.filename),
            Fact::PathInfo => Cow::Borrowed(self.path_info()),
            Fact::Uri => Cow::Borrowed(self.uri),
            Fact::Query => Cow::Borrowed(self.query.as_deref().unwrap_or_default()),
            Fact::IsSubrequest if self.request.is_subrequest() => Cow::Borrowed(b"true"),
            Fact::IsSubrequest => Cow::Borrowed(b"false"),
            fact => self.request.fact(fact),
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

    /// `${map:key|default}`
    fn looked_up(&mut self, look: &Look, escape: Option<&Escape>) -> Result<Vec<u8>, Unknown> {
        let key = self.expand(&look.key, escape)?.text;
        let value = match self.maps.get(&look.map) {
            None => None,
            Some(map) => self.in_map(map, &key)?,
        };
        match (value, &look.otherwise) {
            (Some(value), _) => Ok(value),
            (None, Some(otherwise)) => Ok(self.expand(otherwise, escape)?.text),
            (None, None) => Ok(Vec::new()),
        }
    }

    fn in_map(&self, map: &Map, key: &[u8]) -> Result<Option<Vec<u8>>, Unknown> {
        Ok(match map {
            Map::Text(file) => self.request.mapped(file, key)?.map(Cow::into_owned),
            Map::Random(file) => {
                let value = self.request.mapped(file, key)?;
                let drawn = value.map(|v| map::draw(&v, |count| self.request.pick(count)).to_vec());
                drawn.filter(|value| !value.is_empty())
            }
            Map::ToUpper => Some(key.to_ascii_uppercase()),
            Map::ToLower => Some(key.to_ascii_lowercase()),
            Map::Escape => Some(self.request.escape(key)),
            Map::Unescape => Some(map::unescaped(key)),
        })
    }

    /// `%{LA-U:…}`, `%{LA-F:…}`
    fn ahead<'p>(&'p self, is_file: bool, of: &'p Piece) -> Result<Cow<'p, [u8]>, Unknown> {
        let (target, is_file) = self.target_ahead(is_file);
        let seen = self.request.ahead(&self.ahead_of(target, is_file))?;
        let value = match of {
            _ if !seen.is_made => b"",
            Piece::Fact(Fact::Filename) => &*seen.filename,
            Piece::Fact(Fact::PathInfo) => &*seen.path_info,
            Piece::Fact(Fact::Uri) => &*seen.uri,
            Piece::Fact(Fact::Query) => seen.query.as_deref().unwrap_or_default(),
            Piece::Fact(Fact::RemoteUser) => seen.user.as_deref().unwrap_or_default(),
            Piece::Fact(Fact::AuthType) => seen.auth_type.as_deref().unwrap_or_default(),
            Piece::Fact(Fact::IsSubrequest) => b"true",
            Piece::Fact(Fact::Method) => b"GET",
            Piece::Fact(Fact::Protocol) => b"INCLUDED",
            Piece::Variable(name) => {
                let mut set = seen.variables.iter();
                let set = set.find(|(known, _)| known.eq_ignore_ascii_case(name));
                set.map(|(_, value)| &**value).unwrap_or_default()
            }
            Piece::Header(name) => {
                let own = seen.header(name).map(Cow::Owned);
                return Ok(own.unwrap_or_else(|| self.known(of)));
            }
            piece => return Ok(self.known(piece)),
        };
        Ok(Cow::Borrowed(value))
    }

    /// A request that might be made, on behalf of this one as it is now.
    pub(super) fn ahead_of(&self, target: Vec<u8>, is_file: bool) -> Ahead {
        let beside = is_file.then(|| self.filename.clone());
        Ahead {
            target,
            is_file,
            beside: beside.unwrap_or_default(),
            variables: self.result.variables.clone(),
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
        match byte {
            _ if !escape.is_about(byte) || byte.is_ascii_alphanumeric() || byte == b'_' => {
                text.push(byte);
            }
            b' ' if !escape.no_plus => text.push(b'+'),
            _ => text.extend([b'%', digit(byte >> 4), digit(byte)]),
        }
    }
    text
}
