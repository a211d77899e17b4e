//! The client side against a scripted container, over real sockets.
#![cfg(feature = "client")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests stop at the first surprise"
)]

mod doubt;
mod exchange;
mod friendly;
mod lacks;
mod names;
mod order;
mod pool;
mod step;
mod storm;
mod stream;
mod support;
