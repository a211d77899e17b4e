//! The daemon, as a library: everything behind the thin `jkd` binary.

pub mod balancer;
pub mod cli;
pub mod demo;
pub mod logging;
pub mod serve;
pub mod snapshot;
pub mod stats;

mod access;
mod answer;
mod attempt;
mod auth;
mod client_names;
mod dispatch;
mod error_document;
mod forward;
mod handler;
mod headers;
mod http1;
mod listener;
mod logs;
mod maintain;
mod mapping;
mod names;
mod number;
mod peer;
mod probe;
mod redirect;
mod rescue;
mod response;
mod scrape;
mod static_files;
mod status;
mod steering;
mod strict;
mod upload;
mod variables;
