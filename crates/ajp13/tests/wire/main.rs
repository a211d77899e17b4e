//! The codec and the exchange against recorded traffic and generated packets.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that panics has found something"
)]

mod captures;
mod mod_jk;
mod replay;
mod round_trip;
mod support;
