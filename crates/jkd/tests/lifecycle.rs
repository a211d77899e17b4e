//! The process under load: replaced by another one, told to end, told to read its files again, killed,
//! short of memory and of disk, at odds with the clock. No request may be lost by any of it.
//!
//! The load is `JKD_FAULTS_RATE` requests a second (200 where it is not set), made by the daemon at
//! `JKD_FAULTS_BINARY` (the one that cargo built for the test).
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may fail anywhere"
)]

#[path = "lifecycle/account.rs"]
mod account;
#[path = "lifecycle/front.rs"]
mod front;
#[path = "lifecycle/stop.rs"]
mod stop;
#[path = "lifecycle/supervised.rs"]
mod supervised;
#[path = "lifecycle/troubles.rs"]
mod troubles;
#[path = "lifecycle/upgrade.rs"]
mod upgrade;

jkd_tests::nodes!();
