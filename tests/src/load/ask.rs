//! One request of a load, for a [`Node`](crate::Node).

use std::fmt::Write;

/// What is asked for. The query tells the node how to answer.
#[derive(Clone, Debug)]
pub struct Ask {
    pub(super) method: &'static str,
    pub(super) body: usize,
    pub(super) size: usize,
    target: String,
    fields: String,
}

impl Ask {
    /// A request without a body for a path.
    pub fn new(method: &'static str, path: &str) -> Self {
        Self {
            method,
            body: 0,
            size: 64,
            target: path.to_owned(),
            fields: String::new(),
        }
    }

    /// A GET.
    pub fn get(path: &str) -> Self {
        Self::new("GET", path)
    }

    /// A POST with a body of this length.
    pub fn post(path: &str, body: usize) -> Self {
        Self {
            body,
            ..Self::new("POST", path)
        }
    }

    /// The answer's body shall have this length.
    #[must_use]
    pub fn size(self, size: usize) -> Self {
        Self { size, ..self }.told("size", size)
    }

    /// The node shall take this long before it answers.
    #[must_use]
    pub fn after_ms(self, ms: usize) -> Self {
        self.told("ms", ms)
    }

    /// The node shall answer with this status.
    #[must_use]
    pub fn status(self, status: u16) -> Self {
        self.told("status", status.into())
    }

    /// The node shall answer before it has read the body, and never read it.
    #[must_use]
    pub fn early(self) -> Self {
        self.told("early", 1)
    }

    /// The node shall not announce the body's length.
    #[must_use]
    pub fn chunked(self) -> Self {
        self.told("chunked", 1)
    }

    /// The node shall take this long for the answer's body, which comes piece by piece.
    #[must_use]
    pub fn drip_ms(self, ms: usize) -> Self {
        self.told("drip", ms)
    }

    /// A header.
    #[must_use]
    pub fn field(mut self, name: &str, value: &str) -> Self {
        let _ = write!(self.fields, "{name}: {value}\r\n");
        self
    }

    fn told(mut self, name: &str, value: usize) -> Self {
        let mark = if self.target.contains('?') { '&' } else { '?' };
        let _ = write!(self.target, "{mark}{name}={value}");
        self
    }

    /// The head as it is sent, with the request's own number.
    pub(super) fn head(&self, number: u64) -> Vec<u8> {
        let Self {
            method,
            target,
            fields,
            body,
            ..
        } = self;
        let mut head = format!(
            "{method} {target} HTTP/1.1\r\nHost: localhost\r\nX-Id: {number:x}\r\n{fields}"
        );
        if *body > 0 {
            let _ = write!(head, "Content-Length: {body}\r\n");
        }
        head.push_str("\r\n");
        head.into_bytes()
    }
}
