//! `method=Next`: members take turns by new sessions, and nobody catches up.

/// Only requests that may begin a session count.
pub(super) fn before(mult: u64, new_session: bool) -> u64 {
    if new_session { mult } else { 0 }
}

/// Keeps the differences: all values fall by the smallest one.
pub(super) fn decay(value: u64, least: u64) -> u64 {
    value.saturating_sub(least)
}
