//! What is tried with arbitrary input: one body for each parser and state machine, each with
//! invariants that any input has to keep. A fuzzer feeds them (`fuzz/run`), and so does
//! `cargo test`, with the committed seeds and mutations of them.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "assertions are what this crate is for"
)]

mod ajp;
mod answer;
mod exchange;
mod expression;
mod files;
mod forward;
mod httpd;
mod log_format;
mod log_lines;
mod normalise;
mod pattern;
mod pooled;
mod request;
mod rewriting;
mod sessions;
mod status_query;
mod uriworkermap;
mod workers_properties;

/// Something that takes any input.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, which is that of its directory of seeds, too.
    pub name: &'static str,
    /// Panics where an invariant does not hold.
    pub run: fn(&[u8]),
}

/// All of them, by name.
pub const TARGETS: &[Target] = &[
    target("ajp_request", ajp::request),
    target("ajp_response", ajp::response),
    target("answer_head", answer::run),
    target("exchange", exchange::packets),
    target("exchange_bytes", exchange::bytes),
    target("expression", expression::run),
    target("forward", forward::run),
    target("httpd", httpd::run),
    target("log_format", log_format::run),
    target("log_lines", log_lines::run),
    target("normalise", normalise::run),
    target("pattern", pattern::run),
    target("pooled_bytes", pooled::run),
    target("request_chunks", request::chunks),
    target("request_head", request::head),
    target("request_stream", ajp::request_stream),
    target("response_stream", ajp::response_stream),
    target("rewriting", rewriting::run),
    target("session_ids", sessions::run),
    target("status_query", status_query::run),
    target("uriworkermap", uriworkermap::run),
    target("workers_properties", workers_properties::run),
];

const fn target(name: &'static str, run: fn(&[u8])) -> Target {
    Target { name, run }
}

/// The one of this name.
pub fn find(name: &str) -> Option<Target> {
    TARGETS.iter().find(|target| target.name == name).copied()
}

/// The first line, and what stands behind it.
fn first_line(input: &[u8]) -> (&[u8], &[u8]) {
    match input.iter().position(|b| *b == b'\n') {
        Some(end) => (&input[..end], &input[end + 1..]),
        None => (input, b""),
    }
}
