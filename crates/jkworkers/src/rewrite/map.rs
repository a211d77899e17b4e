//! `RewriteMap`: values by keys, from a file or made of the key itself.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use serde::Serialize;

/// The maps of one server, by their names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Maps(Arc<BTreeMap<String, Map>>);

/// One map.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Map {
    /// `txt:`: lines of a key and a value.
    Text(PathBuf),
    /// `rnd:`: the same; of values with `|` between them one is drawn.
    Random(PathBuf),
    /// `int:toupper`
    ToUpper,
    /// `int:tolower`
    ToLower,
    /// `int:escape`
    Escape,
    /// `int:unescape`
    Unescape,
}

impl Maps {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Map> {
        self.0.get(name)
    }

    pub(crate) fn add(&mut self, name: String, map: Map) {
        Arc::make_mut(&mut self.0).insert(name, map);
    }

    /// These, and those of `base` that have other names.
    pub(crate) fn over(&self, base: &Self) -> Self {
        let mut all = base.0.clone();
        if !self.is_empty() {
            let own = self.0.iter().map(|(name, map)| (name.clone(), map.clone()));
            Arc::make_mut(&mut all).extend(own);
        }
        Self(all)
    }
}

/// The value of `key` in the text of a map: the first line that begins with it counts.
pub fn find<'t>(text: &'t [u8], key: &[u8]) -> Option<&'t [u8]> {
    // httpd reads no more of a line at once; what is left over is the next one.
    const LONGEST: usize = 1024;
    let lines = text.split_inclusive(|&b| b == b'\n');
    let mut lines = lines.flat_map(|line| line.chunks(LONGEST));
    lines.find_map(|line| value(line, key))
}

fn value<'t>(line: &'t [u8], key: &[u8]) -> Option<&'t [u8]> {
    let is_blank = |b: &u8| b.is_ascii_whitespace() || *b == 0x0B;
    if line.first().is_none_or(|b| *b == b'#' || is_blank(b)) {
        return None;
    }
    let rest = line.strip_prefix(key)?;
    let first = rest.first().filter(|b| is_blank(b));
    let start = first.and_then(|_| rest.iter().position(|b| !is_blank(b)))?;
    rest.get(start..)?.split(is_blank).next()
}

/// One of the parts between `|`, the one that `pick` says of so many.
pub(super) fn draw(value: &[u8], pick: impl FnOnce(usize) -> usize) -> &[u8] {
    let count = value.split(|&b| b == b'|').count();
    let number = if count > 1 { pick(count) } else { 0 };
    value.split(|&b| b == b'|').nth(number).unwrap_or_default()
}

/// `%xx` decoded, as far as it is right.
pub(super) fn unescaped(text: &[u8]) -> Vec<u8> {
    let digit = |at: usize| {
        let byte = text.get(at).copied()?;
        let value = char::from(byte).to_digit(16)?;
        u8::try_from(value).ok()
    };
    let mut made = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        let digits = digit(at + 1).zip(digit(at + 2));
        if let Some((high, low)) = digits.filter(|_| byte == b'%') {
            made.push(high * 16 + low);
            at += 3;
        } else {
            made.push(byte);
            at += 1;
        }
    }
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_keys_and_values() {
        let text = b"# no\n a no\nab  value more\nab other\nlonely\nempty \nlast\tx";
        for (key, expected) in [
            ("ab", Some("value")),
            ("a", None),
            ("lonely", None),
            ("empty", None),
            ("last", Some("x")),
            ("AB", None),
            ("", None),
        ] {
            let found = find(text, key.as_bytes());
            assert_eq!(found, expected.map(str::as_bytes), "{key}");
        }
        let long = [b"k ".to_vec(), vec![b'x'; 3000]].concat();
        assert_eq!(find(&long, b"k").map(<[u8]>::len), Some(1022));
    }

    #[test]
    fn one_of_several_is_drawn() {
        assert_eq!(draw(b"a|b|c", |count| count - 1), b"c");
        assert_eq!(draw(b"a", |_| unreachable!()), b"a");
        assert_eq!(draw(b"a|b", |_| 7), b"");
    }

    #[test]
    fn what_is_encoded_is_decoded() {
        assert_eq!(unescaped(b"a%20b%2Fc%zz%4"), b"a b/c%zz%4");
    }

    #[test]
    fn own_maps_come_first() {
        let (mut own, mut base) = (Maps::default(), Maps::default());
        own.add("a".into(), Map::ToUpper);
        base.add("a".into(), Map::ToLower);
        base.add("b".into(), Map::Escape);
        let all = own.over(&base);
        assert_eq!(all.get("a"), Some(&Map::ToUpper));
        assert_eq!(all.get("b"), Some(&Map::Escape));
    }
}
