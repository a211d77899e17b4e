//! `method=Session`: members take turns by new sessions.

/// Only requests that may begin a session count.
pub(super) fn before(mult: u64, new_session: bool) -> u64 {
    if new_session { mult } else { 0 }
}

pub(super) fn decay(value: u64, periods: u32) -> u64 {
    super::halve(value, periods)
}
