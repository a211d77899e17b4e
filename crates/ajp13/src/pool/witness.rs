//! Who is told of containers that say what nobody has asked for.

use std::fmt;
use std::sync::OnceLock;

use crate::error::Error;

type Told = Box<dyn Fn(&Error) + Send + Sync>;

/// Whoever wants to know, if anybody does.
#[derive(Default)]
pub(super) struct Witness(OnceLock<Told>);

impl Witness {
    /// The first who wants to know is told.
    pub(super) fn set(&self, told: Told) {
        let _ = self.0.set(told);
    }

    pub(super) fn tell(&self, error: &Error) {
        if let Some(told) = self.0.get() {
            told(error);
        }
    }
}

impl fmt::Debug for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Witness")
            .field(&self.0.get().is_some())
            .finish()
    }
}
