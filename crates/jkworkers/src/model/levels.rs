//! `LogLevel`: what goes into an `ErrorLog`, of all modules and of single ones.

use std::fmt;

use serde::{Serialize, Serializer};

/// How bad something is, in httpd's words: from `emerg`, 0, to `trace8`, 15.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Severity(u8);

const NAMES: [&str; 16] = [
    "emerg", "alert", "crit", "error", "warn", "notice", "info", "debug", "trace1", "trace2",
    "trace3", "trace4", "trace5", "trace6", "trace7", "trace8",
];

impl Severity {
    /// `error`
    pub const ERROR: Self = Self(3);
    /// `warn`: httpd's default.
    pub const WARN: Self = Self(4);
    /// `notice`: in a file whatever the level.
    pub const NOTICE: Self = Self(5);
    /// `info`
    pub const INFO: Self = Self(6);
    /// `debug`
    pub const DEBUG: Self = Self(7);
    /// `trace1`
    pub const TRACE: Self = Self(8);

    /// The level of this name, whatever its case.
    pub fn named(word: &str) -> Option<Self> {
        let found = NAMES
            .iter()
            .position(|name| name.eq_ignore_ascii_case(word));
        found.and_then(|number| u8::try_from(number).ok()).map(Self)
    }

    /// As httpd writes it.
    pub fn name(self) -> &'static str {
        NAMES.get(usize::from(self.0)).copied().unwrap_or("trace8")
    }

    /// Its number: the higher, the less it matters.
    pub const fn number(self) -> u8 {
        self.0
    }
}

/// What one server, or one section, says. Where it says nothing, what is around it counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Levels {
    /// Of all modules.
    pub all: Option<Severity>,
    /// Of single ones, by their short names.
    pub modules: Vec<(String, Severity)>,
}

impl Levels {
    /// This level, whatever the module.
    pub const fn all(level: Severity) -> Self {
        Self {
            all: Some(level),
            modules: Vec::new(),
        }
    }

    /// Whether nothing was said.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// `LogLevel level`: takes back what the same server or section said of modules.
    pub fn set_all(&mut self, level: Severity) {
        *self = Self::all(level);
    }

    /// `LogLevel module:level`
    pub fn set(&mut self, module: &str, level: Severity) {
        self.modules.retain(|(known, _)| known != module);
        self.modules.push((module.to_owned(), level));
    }

    /// What holds where `self` is said inside of `base`.
    #[must_use]
    pub fn over(&self, base: &Self) -> Self {
        let is_own = |module: &str| self.modules.iter().any(|(known, _)| known == module);
        let inherited = base.modules.iter().filter(|(module, _)| !is_own(module));
        Self {
            all: self.all.or(base.all),
            modules: inherited.chain(&self.modules).cloned().collect(),
        }
    }

    /// The level of a module.
    pub fn of(&self, module: &str) -> Severity {
        let own = self.modules.iter().find(|(known, _)| known == module);
        let own = own.map(|(_, level)| *level).or(self.all);
        own.unwrap_or(Severity::WARN)
    }

    /// The highest level of any module: what is above it is nowhere.
    pub fn most(&self) -> Severity {
        let modules = self.modules.iter().map(|(_, level)| *level);
        modules.fold(self.all.unwrap_or(Severity::WARN), Severity::max)
    }
}

/// As it is written: `warn ssl:debug`.
impl fmt::Display for Levels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.all.unwrap_or(Severity::WARN).name())?;
        let mut modules = self.modules.iter();
        modules.try_for_each(|(module, level)| write!(f, " {module}:{}", level.name()))
    }
}

impl Serialize for Levels {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_has_what_is_around_it_but_for_what_it_says() {
        let level = |word| Severity::named(word).unwrap();
        let mut server = Levels::all(level("info"));
        server.set("ssl", level("trace8"));
        server.set("core", level("emerg"));
        let mut section = Levels::default();
        section.set("core", level("DEBUG"));
        let within = section.over(&server);
        assert_eq!(within.to_string(), "info ssl:trace8 core:debug");
        assert_eq!(within.of("ssl").name(), "trace8");
        assert_eq!(within.of("http").name(), "info");
        assert_eq!(within.most().number(), 15);
        // What is about all takes back what was said before, but not what is around.
        section.set_all(level("error"));
        let within = section.over(&server);
        assert_eq!(within.to_string(), "error ssl:trace8 core:emerg");
        assert_eq!(Levels::default().of("any"), Severity::WARN);
        assert!(Severity::named("trace9").is_none() && Severity::named("trace").is_none());
    }
}
