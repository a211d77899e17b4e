//! Trouble by chance, under clients of all kinds, for as long as one likes; and at the end all
//! books agree: what clients saw, what members saw, what jkd counted and what it logged.
//!
//! `JKD_SOAK_SECONDS` says for how long (`tests/run soak MINUTES` sets it), `JKD_SOAK_SEED` which
//! chance, `JKD_SOAK_BINARY` which daemon. Nothing depends on how fast anything is.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may fail anywhere"
)]

#[path = "soak/books.rs"]
mod books;
#[path = "soak/conn.rs"]
mod conn;
#[path = "soak/crowd.rs"]
mod crowd;
#[path = "soak/dice.rs"]
mod dice;
#[path = "soak/figures.rs"]
mod figures;
#[path = "soak/front.rs"]
mod front;
#[path = "soak/job.rs"]
mod job;
#[path = "soak/ledger.rs"]
mod ledger;
#[path = "soak/relay.rs"]
mod relay;
#[path = "soak/run.rs"]
mod run;
#[path = "soak/trouble.rs"]
mod trouble;

jkd_tests::nodes!();

/// Everything at once.
#[test]
#[ignore = "takes a minute: run tests/run"]
fn soak() {
    run::Soak::new().run();
}
