//! What `census`, `phase` and `shelf` are built of. Tests put the types of a model checker in its
//! place.

pub(super) use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};

pub(super) use parking_lot::{Mutex, MutexGuard};
