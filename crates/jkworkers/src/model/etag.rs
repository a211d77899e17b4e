//! `FileETag`: what the entity tag of a file is made of.

use serde::{Serialize, Serializer};

/// What an entity tag is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ETagParts {
    /// The number of the file.
    pub inode: bool,
    /// The time of its last change.
    pub mtime: bool,
    /// Its size.
    pub size: bool,
}

/// What `FileETag` says in one place: parts by themselves, and parts that are added to what is said
/// around and taken from it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ETagRule {
    own: ETagComponents,
    added: ETagComponents,
    removed: ETagComponents,
}

/// Some of the parts, as bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ETagComponents(u8);

impl Default for ETagParts {
    /// httpd's default: `MTime Size`.
    fn default() -> Self {
        Self {
            inode: false,
            mtime: true,
            size: true,
        }
    }
}

impl ETagRule {
    /// Parts without a sign. The first ones of a line (`is_first`) forget all that was said before
    /// in the same place, and any that were added and removed. [`ETagComponents::NONE`] stands by itself.
    pub(crate) fn set(&mut self, parts: ETagComponents, is_first: bool) {
        let base = if is_first {
            ETagComponents::EMPTY
        } else {
            self.own
        };
        let own = match parts {
            ETagComponents::NONE | ETagComponents::ALL => parts,
            parts => base.with(parts).without(ETagComponents::NONE),
        };
        *self = Self {
            own,
            ..Self::default()
        };
    }

    /// `+Part`
    pub(crate) fn add(&mut self, parts: ETagComponents) {
        self.added = self.added.with(parts);
        self.removed = self.removed.without(parts);
    }

    /// `-Part`
    pub(crate) fn remove(&mut self, parts: ETagComponents) {
        self.removed = self.removed.with(parts);
        self.added = self.added.without(parts);
    }

    /// What holds where `self` is said inside of what says `base`.
    #[must_use]
    pub fn over(self, base: Self) -> Self {
        if self.own != ETagComponents::EMPTY {
            return self;
        }
        let added = base.added.without(self.removed).with(self.added);
        let removed = base.removed.without(self.added).with(self.removed);
        let own = base.own.without(removed).with(added);
        Self {
            own: own.without_none_beside_others(),
            added,
            removed,
        }
    }

    /// What tags are made of. As in httpd the default holds where nothing is left, and here also
    /// where a file would have to be read for its tag.
    pub fn parts(self) -> ETagParts {
        let all = self.own.without(self.removed).with(self.added);
        let is_none = all.has(ETagComponents::NONE);
        if all == ETagComponents::EMPTY || all.has(ETagComponents::DIGEST) && !is_none {
            return ETagParts::default();
        }
        let has = |part: ETagComponents| !is_none && all.has(part);
        ETagParts {
            inode: has(ETagComponents::INODE),
            mtime: has(ETagComponents::MTIME),
            size: has(ETagComponents::SIZE),
        }
    }
}

impl Serialize for ETagRule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.parts().serialize(serializer)
    }
}

impl ETagComponents {
    const EMPTY: Self = Self(0);
    /// No tag at all.
    pub(crate) const NONE: Self = Self(1);
    pub(crate) const MTIME: Self = Self(2);
    pub(crate) const INODE: Self = Self(4);
    pub(crate) const SIZE: Self = Self(8);
    pub(crate) const ALL: Self = Self(2 | 4 | 8);
    /// A hash of the file, in place of all else.
    pub(crate) const DIGEST: Self = Self(16);

    const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    fn without_none_beside_others(self) -> Self {
        if self == Self::NONE {
            self
        } else {
            self.without(Self::NONE)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a line; `+` and `-` as in httpd.
    fn rule(line: &str) -> ETagRule {
        let mut rule = ETagRule::default();
        let mut is_first = true;
        for word in line.split_whitespace() {
            let parts = match word.trim_start_matches(['+', '-']) {
                "None" => ETagComponents::NONE,
                "All" => ETagComponents::ALL,
                "MTime" => ETagComponents::MTIME,
                "INode" => ETagComponents::INODE,
                "Digest" => ETagComponents::DIGEST,
                _ => ETagComponents::SIZE,
            };
            match word.as_bytes() {
                [b'+', ..] => rule.add(parts),
                [b'-', ..] => rule.remove(parts),
                _ => {
                    rule.set(parts, is_first);
                    is_first = false;
                }
            }
        }
        rule
    }

    fn text(rule: ETagRule) -> String {
        let ETagParts { inode, mtime, size } = rule.over(ETagRule::default()).parts();
        let parts = [(inode, 'i'), (size, 's'), (mtime, 'm')];
        parts.iter().filter(|(has, _)| *has).map(|p| p.1).collect()
    }

    #[test]
    fn lines_mean_what_they_mean_to_httpd() {
        for (line, expected) in [
            ("", "sm"),
            ("-MTime", "sm"),
            ("+INode", "i"),
            ("Size -Size", "sm"),
            ("None +Size", ""),
            ("All -INode", "sm"),
            ("None Size", "s"),
            ("Size None", ""),
            ("-MTime Size", "s"),
            ("+INode Size", "s"),
            ("Size +MTime", "sm"),
            ("INode MTime Size", "ism"),
            ("All", "ism"),
            ("None", ""),
            ("None -Size", ""),
            ("All -Size", "im"),
            ("INode Digest", "sm"),
            ("INode -Digest", "i"),
        ] {
            assert_eq!(text(rule(line)), expected, "{line}");
        }
    }

    #[test]
    fn inner_lines_change_outer_ones_as_in_httpd() {
        for (outer, inner, expected) in [
            ("None", "+Size", "s"),
            ("None", "-Size", ""),
            ("Size", "+MTime", "sm"),
            ("Size", "-Size", "sm"),
            ("All", "-INode", "sm"),
            ("+Size", "-Size", "sm"),
            ("-Size", "+Size", "s"),
            ("-Size", "MTime", "m"),
            ("All", "None", ""),
            ("-Size", "-MTime", "sm"),
            ("+INode", "+Size", "is"),
            ("All", "-INode -MTime", "s"),
            ("All -Size", "+MTime", "im"),
        ] {
            let merged = rule(inner).over(rule(outer));
            assert_eq!(text(merged), expected, "{outer}, {inner}");
        }
    }
}
