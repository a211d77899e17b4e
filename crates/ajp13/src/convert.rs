//! Between HTTP messages and AJP13 packets.

#[cfg(feature = "server")]
pub(crate) mod inbound;
#[cfg(feature = "client")]
pub(crate) mod outbound;
