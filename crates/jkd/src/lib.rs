//! The daemon, as a library: everything behind the thin `jkd` binary.

pub mod balancer;
pub mod cli;
pub mod demo;
pub mod stats;
