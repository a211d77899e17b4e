//! What is tried with arbitrary input from outside of this crate. No part of its interface.
//!
//! Not behind a `cfg` or a feature, so that the same code is tried by `cargo test` and by a fuzzer,
//! and not within the crate, so that invariants stand in one place for all crates.

pub use crate::{
    forward::fuzzing::{Told, told},
    http1::fuzzing::{Chunked, ChunkedEnd, Framed, Judged, ReadHead, answer, chunks, head},
    logs::{
        fuzzing::{NAME as FOREIGN, error as error_line, line as log_line},
        strftime,
    },
    status::fuzzing::{Asked, asked},
};
