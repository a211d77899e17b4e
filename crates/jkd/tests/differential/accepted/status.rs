//! Differences of the status pages, as properties.

#![allow(clippy::ptr_arg, reason = "some take lines away")]

/// A difference that shows there.
pub(crate) struct StatusDifference {
    pub(crate) name: &'static str,
    /// Whether it occurs wherever it can, so that no case names it.
    pub(crate) everywhere: bool,
    /// As [`super::Difference::explains`], with the lines of the pages.
    pub(crate) explains: fn(mod_jk: &mut Vec<String>, jkd: &mut Vec<String>) -> bool,
}

/// All of them.
pub(crate) const STATUS: &[StatusDifference] = &[];
