//! The server side against a client that is nothing but scripted bytes, over loopback sockets.
#![cfg(feature = "server")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail as tests do"
)]

mod body;
mod connection;
mod hostile;
mod request;
mod response;
mod support;
