//! Reads the configuration files of mod_jk and its relatives into one validated model.
//!
//! [`load`] takes a configuration in httpd's syntax (an existing `jk.conf` as it is), the
//! `workers.properties` that it names, uriworkermap files, and what a command line says instead;
//! it gives a [`Model`](model::Model) that is valid by construction, and everything there is to
//! say about the files as [`Diagnostics`](diag::Diagnostics). It opens no socket, looks up no
//! name and reads no clock.
//!
//! ```no_run
//! use jkworkers::{LoadOptions, load, uri_map::{UriRules, normalise}};
//!
//! let loaded = load(&LoadOptions {
//!     config: Some("/etc/apache2/mods-available/jk.conf".into()),
//!     ..LoadOptions::default()
//! });
//! eprint!("{}", loaded.diagnostics);
//! if let Some(model) = loaded.model {
//!     let host = model.host_for("192.0.2.1:80".parse().unwrap(), Some("www.example.com"));
//!     let path = normalise(b"/app;jsessionid=1.tomcat1/x?y=z", host.uri_rules).unwrap();
//!     let mount = host.uri_map.find(&path);
//!     println!("{:?}", mount.map(|mount| &mount.worker));
//! }
//! ```
//!
//! The way of a file: bytes, lines, directives, model. Each reader is a pure function of bytes;
//! only [`load`] touches files, and that through [`Files`](files::Files).
#![deny(missing_docs)]

pub mod access;
pub mod diag;
pub mod diff;
pub mod directive;
pub mod error_format;
pub mod expr;
pub mod files;
pub mod log_format;
pub mod model;
pub mod number;
pub mod pattern;
pub mod rewrite;
pub mod target;
pub mod uri_map;
pub mod workers_properties;

mod blank;
mod built_in;
#[cfg(test)]
mod compatibility;
mod hosts;
mod httpd;
mod load;
mod mounts;
#[cfg(test)]
mod promises;
mod properties;
mod resolve;
mod uriworkermap;
mod values;
mod vocabulary;
mod workers;

pub use self::load::{LoadOptions, Loaded, load, load_with};
