//! Hostile and broken backends, in front of the real binary: what the client gets, what becomes of the
//! connection and of the member, who else has the request, and what the log says.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may fail anywhere"
)]

#[path = "hostile/backend.rs"]
mod backend;
#[path = "hostile/behaviour.rs"]
mod behaviour;
#[path = "hostile/client.rs"]
mod client;
#[path = "hostile/connect.rs"]
mod connect;
#[path = "hostile/door.rs"]
mod door;
#[path = "hostile/judge.rs"]
mod judge;
#[path = "hostile/many.rs"]
mod many;
#[path = "hostile/packets.rs"]
mod packets;
#[path = "hostile/script.rs"]
mod script;

use judge::{Mode, judge};

/// Names of behaviours, to play these alone.
const ONLY: &str = "JKD_BEHAVIOURS";

fn all_are_met(mode: Mode) {
    let only = std::env::var(ONLY).unwrap_or_default();
    let mut behaviours = behaviour::all();
    assert_eq!(behaviours.len(), 108);
    behaviours.retain(|behaviour| only.is_empty() || only.split(',').any(|id| id == behaviour.id));
    let found = judge(behaviours, mode);
    assert!(
        found.is_empty(),
        "{mode:?}, {} are not met:\n{}",
        found.len(),
        found.join("\n")
    );
}

#[test]
fn behaviours_of_a_worker_that_stands_alone() {
    all_are_met(Mode::Alone);
}

#[test]
fn behaviours_of_a_member_of_a_balancer() {
    all_are_met(Mode::Balanced);
}
