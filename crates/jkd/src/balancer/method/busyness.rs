//! `method=Busyness`: the member with the fewest requests in flight is next.

pub(super) fn before(mult: u64) -> u64 {
    mult
}

/// What was added is taken back; never below zero.
pub(super) fn after(value: u64, mult: u64) -> u64 {
    value.saturating_sub(mult)
}

/// All requests in flight and one more: a member with half its share has half as many.
pub(super) fn unit(value: u64, mult: u64) -> u64 {
    value.saturating_add(mult)
}
