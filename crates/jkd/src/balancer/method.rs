//! The five methods: how a member's load value grows and fades.
//!
//! Each method is one file with the same three questions: what an attempt adds before the call,
//! what it adds or takes back after it, and what maintenance leaves of the value. The member with
//! the smallest value is the next one; everything else about choosing is common to all of them.

mod busyness;
mod next;
mod request;
mod session;
mod traffic;

use jkworkers::model::{Member, Method};

/// What an attempt adds before the call. `mult` is the member's multiplier; a request is a new
/// session when it carries no session id.
pub(super) fn before(method: Method, mult: u64, new_session: bool) -> u64 {
    match method {
        Method::Request => request::before(mult),
        Method::Session => session::before(mult, new_session),
        Method::Next => next::before(mult, new_session),
        Method::Traffic => 0,
        Method::Busyness => busyness::before(mult),
    }
}

/// What the end of the call does to the value.
pub(super) fn after(method: Method, value: u64, mult: u64, bytes: u64) -> u64 {
    match method {
        Method::Request | Method::Session | Method::Next => value,
        Method::Traffic => traffic::after(value, mult, bytes),
        Method::Busyness => busyness::after(value, mult),
    }
}

/// What one more request weighs, for a member that warms up. `mean_bytes` is asked where bytes
/// count.
pub(super) fn unit(method: Method, value: u64, mult: u64, mean_bytes: impl FnOnce() -> u64) -> u64 {
    match method {
        Method::Request | Method::Session | Method::Next => mult,
        Method::Traffic => traffic::unit(mult, mean_bytes()),
        Method::Busyness => busyness::unit(value, mult),
    }
}

/// Whether what a member that warms up has on top of its load becomes a part of the load when it
/// is chosen.
pub(super) fn keeps_handicap(method: Method, new_session: bool) -> bool {
    match method {
        Method::Request | Method::Traffic => true,
        Method::Session | Method::Next => new_session,
        Method::Busyness => false,
    }
}

/// Whether the end of the call changes the value at all.
pub(super) fn counts_after(method: Method) -> bool {
    matches!(method, Method::Traffic | Method::Busyness)
}

/// What is left of a value at maintenance, `periods` maintenance intervals after the previous one.
/// `least` is the smallest value among the members that serve new sessions.
pub(super) fn decay(method: Method, value: u64, periods: u32, least: u64) -> u64 {
    match method {
        Method::Request => request::decay(value, periods),
        Method::Session => session::decay(value, periods),
        Method::Traffic => traffic::decay(value, periods),
        Method::Next => next::decay(value, least),
        Method::Busyness => value,
    }
}

/// Whether values may be set from outside: at recovery, at a reset. Not those that count requests
/// in flight.
pub(super) fn is_settable(method: Method) -> bool {
    method != Method::Busyness
}

/// The members' multipliers: the least common multiple of all factors, divided by their own.
///
/// Where that multiple leaves 2^53 (dozens of factors without common divisors), a fixed 2^40 takes
/// its place: the proportions are then right to within one in a few hundred at the very worst.
pub(super) fn multipliers(members: &[Member]) -> Vec<u64> {
    let common = members
        .iter()
        .try_fold(1, |acc, member| lcm(acc, factor(member)))
        .filter(|multiple| *multiple <= 1 << 53)
        .unwrap_or(1 << 40);
    (members.iter())
        .map(|member| (common / factor(member)).max(1))
        .collect()
}

fn factor(member: &Member) -> u64 {
    u64::from(member.lbfactor.max(1))
}

fn lcm(a: u64, b: u64) -> Option<u64> {
    (a / gcd(a, b)).checked_mul(b)
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Halves a value `periods` times.
fn halve(value: u64, periods: u32) -> u64 {
    value.checked_shr(periods).unwrap_or(0)
}

#[cfg(test)]
mod tests;
