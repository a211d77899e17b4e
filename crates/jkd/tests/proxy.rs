//! The daemon between a client and scripted AJP backends, over real sockets.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::format_push_string,
    clippy::missing_panics_doc,
    reason = "these are tests"
)]

#[path = "proxy/answers.rs"]
mod answers;
#[path = "proxy/bodies.rs"]
mod bodies;
#[path = "proxy/deadline.rs"]
mod deadline;
#[path = "proxy/documents.rs"]
mod documents;
#[path = "proxy/echo.rs"]
mod echo;
#[path = "proxy/failover.rs"]
mod failover;
#[path = "proxy/harness.rs"]
mod harness;
#[path = "proxy/hostile_files.rs"]
mod hostile_files;
#[path = "proxy/lifecycle.rs"]
mod lifecycle;
#[path = "proxy/paths.rs"]
mod paths;
#[path = "proxy/recovery.rs"]
mod recovery;
#[path = "proxy/requests.rs"]
mod requests;
#[path = "proxy/rule_extensions.rs"]
mod rule_extensions;
#[path = "proxy/settings.rs"]
mod settings;
#[path = "proxy/silence.rs"]
mod silence;
#[path = "proxy/spy.rs"]
mod spy;
#[path = "proxy/static_files.rs"]
mod static_files;
#[path = "proxy/strictness.rs"]
mod strictness;
#[path = "proxy/variables.rs"]
mod variables;
