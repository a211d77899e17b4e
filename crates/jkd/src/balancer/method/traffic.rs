//! `method=Traffic`: members take turns by bytes.

/// Bytes in both directions count, once they are known.
pub(super) fn after(value: u64, mult: u64, bytes: u64) -> u64 {
    value.saturating_add(bytes.saturating_mul(mult))
}

pub(super) fn decay(value: u64, periods: u32) -> u64 {
    super::halve(value, periods)
}

/// What one more request of average size adds.
pub(super) fn unit(mult: u64, mean_bytes: u64) -> u64 {
    mult.saturating_mul(mean_bytes)
}
