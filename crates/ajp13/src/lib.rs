//! AJP13, the protocol that web servers speak to Tomcat.
#![deny(missing_docs)]

pub mod exchange;
pub mod wire;
