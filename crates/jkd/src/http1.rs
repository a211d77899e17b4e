//! HTTP/1 as it comes from clients.

mod fields;
mod head;
mod target;

pub(crate) use self::{fields::Fields, head::Head};
