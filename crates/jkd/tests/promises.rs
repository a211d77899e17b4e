//! Promises of `docs/threat-model.md` that no other suite is about.
#![allow(
    clippy::expect_used,
    clippy::format_collect,
    clippy::format_push_string,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may fail anywhere"
)]

#[path = "promises/attempts.rs"]
mod attempts;
#[path = "promises/clients.rs"]
mod clients;
#[path = "promises/pages.rs"]
mod pages;
#[path = "promises/process.rs"]
mod process;
#[path = "promises/secrets.rs"]
mod secrets;
#[path = "promises/texts.rs"]
mod texts;

const BINARY: &str = env!("CARGO_BIN_EXE_jkd");
