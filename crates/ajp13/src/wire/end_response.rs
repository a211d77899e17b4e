/// The response is complete.
///
/// Without [`reuse`](Self::reuse) it is the *client* that must close the connection: Tomcat keeps
/// its end open and would even serve further requests on it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct EndResponse {
    /// Whether the connection may carry another request.
    pub reuse: bool,
}

impl EndResponse {
    /// The whole packet.
    pub fn to_bytes(self) -> [u8; 6] {
        [b'A', b'B', 0, 2, 5, u8::from(self.reuse)]
    }

    /// Decodes what follows the type byte. Any value but 0 allows reuse, as in mod_jk; no value
    /// at all forbids it.
    pub(super) fn decode(body: &[u8]) -> Self {
        Self {
            reuse: body.first().is_some_and(|&reuse| reuse != 0),
        }
    }
}
