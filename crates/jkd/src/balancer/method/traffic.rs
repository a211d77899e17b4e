//! `method=Traffic`: members take turns by bytes.

/// Bytes in both directions count, once they are known.
pub(super) fn after(value: u64, mult: u64, bytes: u64) -> u64 {
    value.saturating_add(bytes.saturating_mul(mult))
}

pub(super) fn decay(value: u64, periods: u32) -> u64 {
    super::halve(value, periods)
}
