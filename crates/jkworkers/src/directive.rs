//! THE TABLE of workers.properties: one entry per directive.
//!
//! An entry says what mod_jk and jkd make of a directive: where it belongs, its type, unit, range
//! and defaults, what happens when it is written twice, and one paragraph of documentation. The
//! readers take ranges and defaults from here, and [`reference()`] renders
//! `docs/reference/workers-properties.md` from it, so neither can drift from the other.

mod address;
mod balancer;
mod connections;
mod global;
mod member;
mod probe;
mod recovery;
mod reference;
mod retired;
mod status;
mod timeouts;

use std::fmt;

pub use self::reference::reference;
pub(crate) use self::{
    address::*, balancer::*, connections::*, global::*, member::*, probe::*, recovery::*,
    retired::*, status::*, timeouts::*,
};

/// The longest names, hosts and routes that mod_jk 1.2.51 takes, in bytes (60 up to 1.2.48).
pub(crate) const MAX_NAME: usize = 63;

/// One directive: the last word of a key such as `worker.NAME.port`.
#[derive(Clone, Copy, Debug)]
pub struct Directive {
    /// Its name.
    pub name: &'static str,
    /// Where it may be written.
    pub scope: Scope,
    /// What its value is.
    pub kind: Kind,
    /// What applies in mod_jk where it is not written.
    pub mod_jk: Preset,
    /// What applies in jkd, where that differs from mod_jk.
    pub jkd: Option<Preset>,
    /// Whether it counts.
    pub standing: Standing,
    /// What it does, in one paragraph.
    pub doc: &'static str,
}

/// Where a directive may be written: a set of the constants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope(u8);

impl Scope {
    /// `worker.NAME` without a worker.
    pub const GLOBAL: Self = Self(1);
    /// A worker of type ajp13, alone or as a member.
    pub const AJP: Self = Self(2);
    /// A worker of type ajp13 as a member of a balancer.
    pub const MEMBER: Self = Self(4);
    /// A worker of type lb.
    pub const LB: Self = Self(8);
    /// A worker of type status.
    pub const STATUS: Self = Self(16);
    /// A worker of any type.
    pub const WORKER: Self = Self(2 | 8 | 16);

    /// This scope and another.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether the two have a part in common.
    pub const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// The type of a value.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// A whole number; one outside of the range is replaced by the range's end.
    Int {
        /// What it counts.
        unit: Unit,
        /// The smallest value.
        min: i32,
        /// The largest value.
        max: i32,
    },
    /// True or false.
    Flag,
    /// Text of at most so many bytes.
    Text {
        /// The limit, if there is one.
        max_bytes: Option<usize>,
    },
    /// Text that is never shown.
    Secret,
    /// Items between blanks and commas.
    List,
    /// Whole numbers between blanks and commas.
    Codes,
    /// One of some names, by its first character.
    Choice(&'static [Choice]),
    /// Any of some letters.
    Letters(&'static str),
}

/// One name that a value may be.
#[derive(Clone, Copy, Debug)]
pub struct Choice {
    /// The name in full, in lower case.
    pub name: &'static str,
    /// The first characters by which it is known, in lower case.
    pub initials: &'static str,
}

/// What a number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Things.
    None,
    /// Bytes.
    Bytes,
    /// Seconds.
    Seconds,
    /// Milliseconds.
    Milliseconds,
}

/// What applies where a directive is not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// Nothing, for the directive is unknown there.
    Unknown,
    /// Nothing.
    Unset,
    /// A number.
    Int(i32),
    /// True or false.
    Flag(bool),
    /// A text.
    Text(&'static str),
    /// Something that depends on other settings.
    Rule(&'static str),
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("unknown"),
            Self::Unset => f.write_str("nothing"),
            Self::Int(number) => write!(f, "{number}"),
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::Text(text) => write!(f, "`{text}`"),
            Self::Rule(rule) => f.write_str(rule),
        }
    }
}

/// What happens when a key is written twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duplicates {
    /// The last one counts.
    LastWins,
    /// The texts are joined with this character.
    Joined(char),
}

/// Whether a directive counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It does.
    Current,
    /// It is an old name of another directive, and read where that is missing.
    Alias(&'static str),
    /// It still counts, but another directive replaces it.
    Superseded(&'static str),
    /// It is accepted and has no effect.
    Ignored,
}

/// All directives in the order of the reference.
pub fn all() -> impl Iterator<Item = &'static Directive> {
    SECTIONS.iter().flat_map(|section| section.directives)
}

/// The directive of this name.
pub fn find(name: &str) -> Option<&'static Directive> {
    all().find(|directive| directive.name == name)
}

/// A chapter of the table.
pub(crate) struct Section {
    title: &'static str,
    intro: &'static str,
    directives: &'static [Directive],
}

const SECTIONS: &[Section] = &[
    GLOBAL_SECTION,
    ADDRESS_SECTION,
    CONNECTIONS_SECTION,
    TIMEOUTS_SECTION,
    RECOVERY_SECTION,
    MEMBER_SECTION,
    PROBE_SECTION,
    BALANCER_SECTION,
    STATUS_SECTION,
    RETIRED_SECTION,
];

/// The worker's name, if there is one, and the last word of a key that begins with `worker.`.
pub(crate) fn split_key(key: &str) -> Option<(Option<&str>, &str)> {
    let rest = key.strip_prefix("worker.")?;
    Some(match rest.rsplit_once('.') {
        Some((name, attribute)) => (Some(name), attribute),
        None => (None, rest),
    })
}

/// What happens when this key is written twice. As in mod_jk only the key's last word decides,
/// also for variables that do not begin with `worker.`.
pub(crate) fn duplicates(key: &str) -> Duplicates {
    match key.rsplit_once('.').and_then(|(_, word)| find(word)) {
        Some(directive) => directive.duplicates(),
        None if key.ends_with("_path") => Duplicates::Joined(PATH_SEPARATOR),
        None => Duplicates::Joined('*'),
    }
}

const PATH_SEPARATOR: char = if cfg!(windows) { ';' } else { ':' };

/// Directives that mod_jk forgot among those whose last value wins.
const JOINED_BY_STAR: &[&str] = &[
    "balanced_workers",
    "bridge",
    "distance",
    "jvm_lib",
    "maintain",
    "ms",
    "mx",
    "native_lib",
    "secretkey",
    "stderr",
    "stdout",
    "sysprops",
];

impl Directive {
    /// What happens when it is written twice.
    pub fn duplicates(&self) -> Duplicates {
        match (self.kind, self.name) {
            (_, "cmd_line") => Duplicates::Joined(' '),
            (_, "class_path" | "ld_path") => Duplicates::Joined(PATH_SEPARATOR),
            (_, name) if JOINED_BY_STAR.contains(&name) => Duplicates::Joined('*'),
            (Kind::List | Kind::Codes, _) => Duplicates::Joined(','),
            _ => Duplicates::LastWins,
        }
    }

    /// What applies in jkd where it is not written.
    pub fn preset(&self) -> Preset {
        self.jkd.unwrap_or(self.mod_jk)
    }

    /// Old names under which it is read as well.
    pub fn aliases(&self) -> impl Iterator<Item = &'static str> {
        let name = self.name;
        RETIRED_SECTION
            .directives
            .iter()
            .filter(move |old| old.standing == Standing::Alias(name))
            .map(|old| old.name)
    }

    const fn new(name: &'static str, scope: Scope, kind: Kind) -> Self {
        Self {
            name,
            scope,
            kind,
            mod_jk: Preset::Unset,
            jkd: None,
            standing: Standing::Current,
            doc: "",
        }
    }

    const fn int(name: &'static str, scope: Scope, unit: Unit, min: i32, max: i32) -> Self {
        Self::new(name, scope, Kind::Int { unit, min, max })
    }

    const fn flag(name: &'static str, scope: Scope, mod_jk: bool) -> Self {
        Self::new(name, scope, Kind::Flag).mod_jk(Preset::Flag(mod_jk))
    }

    const fn text(name: &'static str, scope: Scope) -> Self {
        Self::new(name, scope, Kind::Text { max_bytes: None })
    }

    const fn name(name: &'static str, scope: Scope) -> Self {
        let max_bytes = Some(MAX_NAME);
        Self::new(name, scope, Kind::Text { max_bytes })
    }

    const fn list(name: &'static str, scope: Scope) -> Self {
        Self::new(name, scope, Kind::List)
    }

    const fn mod_jk(mut self, preset: Preset) -> Self {
        self.mod_jk = preset;
        self
    }

    /// A directive that mod_jk does not know.
    const fn own(self, preset: Preset) -> Self {
        self.mod_jk(Preset::Unknown).jkd(preset)
    }

    const fn jkd(mut self, preset: Preset) -> Self {
        self.jkd = Some(preset);
        self
    }

    const fn standing(mut self, standing: Standing) -> Self {
        self.standing = standing;
        self
    }

    const fn doc(mut self, doc: &'static str) -> Self {
        self.doc = doc;
        self
    }
}

/// Declares the directives of one section: the doc comment is the directive's documentation, and
/// each directive is a constant by which the readers ask for its value.
macro_rules! directives {
    (
        $section:ident: $title:literal, $intro:literal;
        $($(#[doc = $doc:literal])+ $id:ident = $directive:expr;)+
    ) => {
        $($(#[doc = $doc])+ pub(crate) const $id: Directive = $directive.doc(concat!($($doc),+));)+
        pub(super) const $section: Section = Section {
            title: $title,
            intro: $intro,
            directives: &[$($id),+],
        };
    };
}
use directives;

#[cfg(test)]
mod tests;
