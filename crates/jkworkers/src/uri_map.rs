//! The URI map: which worker serves a URI. Pure; no sockets, no clock.

use std::sync::Arc;

use serde::Serialize;

use crate::model::Mount;

/// The rules of one host in matching order.
#[derive(Clone, Debug, Default, Serialize)]
pub struct UriMap {
    rules: Vec<Arc<Mount>>,
}
