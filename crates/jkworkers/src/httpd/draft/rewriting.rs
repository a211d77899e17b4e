//! What mod_rewrite is told in one server, and what it inherits.

use std::sync::Arc;

use crate::rewrite::{Condition, Inherit, Maps, Options, RewriteRule, Rewriting};

/// What mod_rewrite is told in one server.
#[derive(Clone, Debug, Default)]
pub(crate) struct RewriteDraft {
    /// `RewriteEngine`, outside of sections.
    pub(crate) engine: Option<bool>,
    /// `RewriteOptions`
    pub(crate) options: Option<Options>,
    pub(crate) rules: Vec<Arc<RewriteRule>>,
    /// `RewriteCond` lines that wait for their rule.
    pub(crate) conditions: Vec<Condition>,
    /// `RewriteMap`
    pub(crate) maps: Maps,
    /// Anything is said, in a section or outside: only then a virtual host has rules at all.
    pub(crate) is_told: bool,
}

impl RewriteDraft {
    /// The rules of a server; `main` is the one around a virtual host.
    pub(crate) fn merged(&self, main: Option<&Self>) -> Rewriting {
        if main.is_some() && !self.is_told {
            return Rewriting::default();
        }
        let base = main.map(|main| main.rules.as_slice()).unwrap_or_default();
        let (own, around) = self.options(main);
        Rewriting {
            rules: own.inherits(around).join(&self.rules, base).into(),
            is_on: self.is_on(main),
            is_read: false,
        }
    }

    /// The maps of a server.
    pub(crate) fn maps(&self, main: Option<&Self>) -> Maps {
        let Some(main) = main else {
            return self.maps.clone();
        };
        if !self.is_told {
            return main.maps.clone();
        }
        let (own, around) = self.options(Some(main));
        match own.inherits(around) {
            Inherit::No => self.maps.clone(),
            Inherit::After => self.maps.over(&main.maps),
            Inherit::Before => main.maps.over(&self.maps),
        }
    }

    /// What holds here, and what is said around.
    pub(crate) fn options(&self, main: Option<&Self>) -> (Options, Options) {
        let around = main.and_then(|main| main.options);
        let own = self.options.or(around).unwrap_or_default();
        (own, around.unwrap_or_default())
    }

    /// Whether `RewriteEngine` is on, here or in the server around.
    fn is_on(&self, main: Option<&Self>) -> bool {
        let around = main.and_then(|main| main.engine);
        self.engine.or(around).unwrap_or(false)
    }
}
