//! What expressions see of an answer.

use std::borrow::Cow;

use http::StatusCode;

use crate::http1::Fields;

/// An answer that is about to leave.
#[derive(Clone, Copy)]
pub(crate) struct Answered<'a> {
    pub(crate) status: StatusCode,
    pub(crate) content_type: Option<&'a [u8]>,
    /// What leaves with every answer.
    pub(crate) always: &'a Fields,
    /// What leaves with this one.
    pub(crate) fields: &'a Fields,
}

impl<'a> Answered<'a> {
    /// A field; those of this answer first.
    pub(super) fn field(&self, name: &[u8]) -> Option<Cow<'a, [u8]>> {
        let own = self.fields.get(name).or_else(|| self.always.get(name));
        own.map(Cow::Borrowed)
    }
}
