//! What mod_rewrite is told in one server, and what it inherits.

use crate::{
    diag::Origin,
    rewrite::{Condition, RewriteRule, Rewriting},
};

/// What mod_rewrite is told in one server.
#[derive(Clone, Debug, Default)]
pub(crate) struct RewriteDraft {
    /// `RewriteEngine`, outside of sections.
    pub(crate) engine: Option<bool>,
    /// Whether it is switched on in any section.
    pub(crate) on_in_section: bool,
    /// `RewriteOptions`
    pub(crate) inherits: Option<Inherit>,
    pub(crate) rules: Vec<RewriteRule>,
    /// `RewriteCond` lines that wait for their rule.
    pub(crate) conditions: Vec<Condition>,
    /// Rules in sections, and their arguments.
    pub(crate) in_sections: Vec<(Origin, String)>,
    /// Anything is said: only then a virtual host has rules at all.
    pub(crate) is_told: bool,
}

/// Where the main server's rules come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Inherit {
    No,
    After,
    Before,
}

impl RewriteDraft {
    /// The rules of a server; `main` is the one around a virtual host.
    pub(crate) fn merged(&self, main: Option<&Self>) -> Rewriting {
        if !self.is_on(main) || main.is_some() && !self.is_told {
            return Rewriting::default();
        }
        let base = main.map(|main| main.rules.as_slice()).unwrap_or_default();
        let inherits = self
            .inherits
            .or_else(|| main.and_then(|main| main.inherits));
        let rules = match inherits.unwrap_or(Inherit::No) {
            Inherit::No => self.rules.clone(),
            Inherit::After => [&*self.rules, base].concat(),
            Inherit::Before => [base, &*self.rules].concat(),
        };
        Rewriting(rules.into())
    }

    /// Whether `RewriteEngine` is on, here or in the server around.
    pub(crate) fn is_on(&self, main: Option<&Self>) -> bool {
        let around = main.and_then(|main| main.engine);
        self.engine.or(around).unwrap_or(false)
    }
}
