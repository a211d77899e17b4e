//! Backends that die, hang, vanish and come back, under a load that does not wait for them: what
//! clients notice, what is executed twice, and how long it takes.
//!
//! The load is `JKD_FAULTS_RATE` requests a second (200 where it is not set), made by the daemon at
//! `JKD_FAULTS_BINARY` (the one that cargo built for the test): with a release build and 2,000 a
//! second this is the gate that a release has to pass.
#![allow(
    clippy::cast_possible_truncation,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may fail anywhere"
)]

#[path = "faults/crash.rs"]
mod crash;
#[path = "faults/hang.rs"]
mod hang;
#[path = "faults/network.rs"]
mod network;
#[path = "faults/operating.rs"]
mod operating;
#[path = "faults/overload.rs"]
mod overload;
#[path = "faults/rig.rs"]
mod rig;
#[path = "faults/table.rs"]
mod table;

jkd_tests::nodes!();
