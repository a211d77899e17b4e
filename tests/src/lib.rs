//! Harness of the end-to-end suites: real Tomcats, the real `jkd`, scripted AJP backends, and a
//! plain HTTP client that owes nothing to the code under test.
//!
//! - [`Tomcat`] and [`Cluster`]: real Tomcat 10s in a directory of their own, on free ports.
//! - [`Jkd`]: the real binary, with configuration files in a directory of its own.
//! - [`Backend`]: an AJP peer that does exactly what a test tells it, byte by byte.
//! - [`Cast`]: several named backends that play what a test case says, and what they [`Heard`].
//! - [`Actors`]: named backends that play scripts with exact bytes, and what was [`Forwarded`] to
//!   them.
//! - [`Httpd`]: a real Apache with mod_jk, in one process.
//! - [`Load`]: requests at a fixed rate, whatever becomes of them, and their [`Report`].
//! - [`Node`]: a backend in a process of its own that can be killed, and notes what it executes.
//! - [`in_own_network`]: for a test that changes how the network works.
//! - [`Nobody`]: an address that refuses connections.
//! - [`Http`]: a blocking HTTP/1.1 client with a cookie jar.
//! - [`Connection`]: a connection on which a test sends any bytes and reads a [`Reply`] exactly.
//! - [`wait_until`]: waits for a condition; tests never sleep for a fixed time and hope.
//!
//! Everything is started by the test that needs it and ends with it, also when the test panics.

mod actors;
mod backend;
mod cast;
mod forwarded;
mod heard;
mod http1;
mod httpd;
mod jkd;
mod load;
mod network;
mod node;
mod packets;
mod process;
mod raw;
mod script;
mod tomcat;
mod wait;

pub use self::{
    actors::{Actors, Idle},
    backend::{Backend, Exchange},
    cast::{Cast, Entry, Play},
    forwarded::{Field, Forwarded, shortened, text as escaped},
    heard::{HEADERS, Heard, METHODS},
    http1::{Answer, Http, Request},
    httpd::{Httpd, modules},
    jkd::{Jkd, JkdBuilder},
    load::{Ask, Load, Outcome, Pattern, Report, Running, Sample},
    network::{in_own_network, is_in_own_network},
    node::{Executed, Node, executed_twice, serve_if_asked},
    packets::{CPONG, next_code},
    process::{Leashed, raise_file_limit, signal},
    raw::{Connection, End, Reply},
    script::{Act, Door, Head, Script, unescaped},
    tomcat::{Cluster, Tomcat, TomcatBuilder, home as tomcat_home},
    wait::{LONG, Nobody, Until, free_port, try_within, wait_until, within},
};
