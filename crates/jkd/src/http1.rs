//! HTTP/1 as it comes from clients and goes back to them.
//!
//! What is read and written is decided by parts that know no socket ([`scan`], [`parse`],
//! [`framing`], [`chunked`], [`write`]). [`wire`] reads, [`conn`] puts it all together: one task for
//! a connection, one request after the other.

mod alarm;
mod body;
mod chunked;
mod conn;
mod fields;
mod framing;
pub(crate) mod fuzzing;
mod head;
mod linger;
mod on_call;
mod outgoing;
mod output;
mod parse;
mod scan;
mod slow;
mod taken;
mod target;
mod wire;
mod write;

pub(crate) use self::{
    body::{Body, BodyError},
    conn::{Announced, Reply, Service, drops_connection, serve},
    fields::Fields,
    framing::{BodyLength, Framing},
    head::Head,
    outgoing::{Heading, Outgoing, number},
    scan::MAX_HEAD,
    write::{Length, is_bodiless},
};
