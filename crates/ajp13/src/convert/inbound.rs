//! The container's side: a request packet becomes an HTTP request, an HTTP response a packet.
//!
//! Strings and header values of the request are slices of the packet: nothing is copied but the
//! target when it has a query.

mod request;
mod response;

pub(crate) use request::{BadRequest, request};
pub(crate) use response::{ResponseHead, write_head};
