//! The web server's side: an HTTP request becomes a packet, a response packet an HTTP response.

mod request;
mod response;

pub(crate) use request::RequestHead;
pub use response::HeadPacket;
pub(crate) use response::{bare_head, response_head};
