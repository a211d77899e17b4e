//! Reads the configuration files of mod_jk and its relatives into one validated model.
#![deny(missing_docs)]

#[allow(
    dead_code,
    reason = "its reader of addresses comes with the reader of directives"
)]
mod access;
pub mod diag;
pub mod directive;
pub mod model;
pub mod uri_map;
pub mod workers_properties;

mod properties;
mod resolve;
mod values;
mod vocabulary;
mod workers;
