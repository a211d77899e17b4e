//! Reads the configuration files of mod_jk and its relatives into one validated model.
#![deny(missing_docs)]

pub mod diag;
pub mod model;
pub mod uri_map;
