//! Configurations in text files, each with what is to come of it: `broken/` has what is wrong, with
//! the exact findings; `corpus/` has what people publish, with the model that is made of it;
//! `data/contexts.txt` says where each directive may stand.
//!
//! A case is one file; [`case`] says how it is written. `JKD_REWRITE=1` writes the expected parts
//! anew: look at each of them before you believe it.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may fail anywhere"
)]

#[path = "configurations/broken.rs"]
mod broken;
#[path = "configurations/case.rs"]
mod case;
#[path = "configurations/contexts.rs"]
mod contexts;
#[path = "configurations/corpus.rs"]
mod corpus;
#[path = "configurations/memory.rs"]
mod memory;
#[path = "configurations/render.rs"]
mod render;
