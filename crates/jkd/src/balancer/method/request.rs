//! `method=Request`: members take turns by requests.

/// Each attempt counts, whatever becomes of it.
pub(super) fn before(mult: u64) -> u64 {
    mult
}

pub(super) fn decay(value: u64, periods: u32) -> u64 {
    super::halve(value, periods)
}
