//! The head of a request.

use bytes::Bytes;
use http::{Method, Version, request};

use super::{Fields, target::Target};

/// The head of a request, as the client wrote it.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub(crate) method: Method,
    pub(crate) version: Version,
    /// The fields: found by name in any case, kept as they were written.
    pub(crate) headers: Fields,
    target: Target,
}

impl Head {
    /// A head without fields. `target` may be any bytes.
    pub(crate) fn new(method: Method, version: Version, target: Bytes) -> Self {
        Self {
            method,
            version,
            headers: Fields::default(),
            target: Target::new(target),
        }
    }

    /// The target as it was written, with its query.
    pub(crate) fn target(&self) -> &[u8] {
        self.target.raw()
    }

    /// The path as it was written, without the query.
    pub(crate) fn path(&self) -> &[u8] {
        self.target.path()
    }

    /// What stands behind the first `?` of the target.
    pub(crate) fn query(&self) -> Option<&[u8]> {
        self.target.query()
    }

    /// The fields as they were written, in order: names and values.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.headers.iter()
    }

    /// The parts of the target.
    pub(crate) const fn parts(&self) -> &Target {
        &self.target
    }
}

impl From<&request::Parts> for Head {
    fn from(parts: &request::Parts) -> Self {
        let target = Bytes::from(parts.uri.to_string());
        let mut head = Self::new(parts.method.clone(), parts.version, target);
        for (name, value) in &parts.headers {
            head.headers.add(name.as_str().as_bytes(), value.as_bytes());
        }
        head
    }
}

#[cfg(test)]
impl Head {
    /// A head of HTTP/1.1 with these fields.
    pub(crate) fn with(method: &str, target: &str, fields: &[(&str, &str)]) -> Self {
        let target = Bytes::copy_from_slice(target.as_bytes());
        let mut head = Self::new(method.parse().unwrap(), Version::HTTP_11, target);
        for (name, value) in fields {
            head.headers.add(name.as_bytes(), value.as_bytes());
        }
        head
    }
}
