//! The head of a request.

use bytes::Bytes;
use http::{Method, Version};

use super::{
    Fields,
    fields::Span,
    framing::Framing,
    target::{Parts, Target},
};
use crate::strict::Refusal;

/// The head of a request, as the client wrote it.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub(crate) method: Method,
    /// 1.0 or 1.1: whatever came after 1.1 is to be understood by those who know 1.1.
    pub(crate) version: Version,
    /// As the client wrote it.
    protocol: &'static str,
    /// The fields: found by name in any case, kept as they were written.
    pub(crate) headers: Fields,
    /// Where the request line is.
    line: Span,
    target: Target,
    framing: Result<Framing, Refusal>,
    /// A query in place of the target's; rules may have taken it away.
    query: Option<NewQuery>,
}

/// The query that rules have made; they may have taken it away.
#[derive(Clone, Debug)]
struct NewQuery(Option<Vec<u8>>);

impl Head {
    /// A head that came: `headers` holds the text, `line` and `target` lie in it.
    pub(super) fn of(
        method: Method,
        version: Version,
        headers: Fields,
        line: Span,
        target: Span,
    ) -> Self {
        Self {
            target: Target::new(headers.came(), target, method == Method::OPTIONS),
            framing: Framing::of(version, &headers),
            method,
            version,
            protocol: if version == Version::HTTP_10 {
                "HTTP/1.0"
            } else {
                "HTTP/1.1"
            },
            headers,
            line,
            query: None,
        }
    }

    /// The same, in this protocol's name.
    pub(crate) const fn speaking(mut self, protocol: &'static str) -> Self {
        self.protocol = protocol;
        self
    }

    /// The protocol as the client wrote it: `HTTP/1.0` to `HTTP/1.9`.
    pub(crate) const fn protocol(&self) -> &'static str {
        self.protocol
    }

    /// The same, with something about it that makes it no request.
    pub(crate) fn refused(mut self, refusal: Refusal) -> Self {
        self.framing = Err(refusal);
        self
    }

    /// A head as it would come with these fields. `target` may be any bytes.
    pub(crate) fn new<'f>(
        method: Method,
        version: Version,
        target: &[u8],
        fields: impl IntoIterator<Item = (&'f [u8], &'f [u8])>,
    ) -> Self {
        let line = [method.as_str().as_bytes(), b" ", target, b" HTTP/1.1"].concat();
        let place = Span::new(method.as_str().len() + 1, target.len()).unwrap_or_default();
        let whole = Span::new(0, line.len()).unwrap_or_default();
        let mut headers = Fields::new(Bytes::from(line), Vec::new());
        for (name, value) in fields {
            headers.add(name, value);
        }
        Self::of(method, version, headers, whole, place)
    }

    /// The same, as what came of a request with this line; an empty line is none.
    #[must_use]
    pub(crate) fn asked_by(self, line: &[u8]) -> Self {
        let line = line.trim_ascii_end();
        if line.is_empty() {
            return self;
        }
        let text = [line, b" ", self.target()].concat();
        let place = Span::new(line.len() + 1, self.target().len()).unwrap_or_default();
        let whole = Span::new(0, line.len()).unwrap_or_default();
        let mut headers = Fields::new(Bytes::from(text), Vec::new());
        for (name, value) in self.headers.iter() {
            headers.add(name, value);
        }
        let made = Self::of(self.method, self.version, headers, whole, place);
        Self {
            query: self.query,
            ..made.speaking(self.protocol)
        }
    }

    /// The request line as it was written.
    pub(crate) fn line(&self) -> &[u8] {
        self.line.of(self.headers.came())
    }

    /// The target as it was written, with its query.
    pub(crate) fn target(&self) -> &[u8] {
        self.parts().raw()
    }

    /// The path as it was written, without the query.
    pub(crate) fn path(&self) -> &[u8] {
        self.parts().path()
    }

    /// What stands behind the first `?` of the target, unless rules have replaced it.
    pub(crate) fn query(&self) -> Option<&[u8]> {
        match &self.query {
            Some(NewQuery(query)) => query.as_deref(),
            None => self.parts().query(),
        }
    }

    /// The same head with this query; the target stays as it was written.
    #[must_use]
    pub(crate) fn with_query(self, query: Option<Vec<u8>>) -> Self {
        let query = (query.as_deref() != self.query()).then_some(NewQuery(query));
        Self {
            query: query.or(self.query),
            ..self
        }
    }

    /// The fields as they were written, in order: names and values.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.headers.iter()
    }

    /// The parts of the target.
    pub(crate) fn parts(&self) -> Parts<'_> {
        self.target.parts(self.headers.came())
    }

    /// What the fields said, when the head came, about the body and the connection.
    ///
    /// # Errors
    ///
    /// Where they contradict each other, or the head is broken.
    pub(crate) const fn framing(&self) -> Result<Framing, Refusal> {
        self.framing
    }
}

#[cfg(test)]
impl Head {
    /// A head of HTTP/1.1 with these fields.
    pub(crate) fn with(method: &str, target: &str, fields: &[(&str, &str)]) -> Self {
        let fields = fields.iter().map(|(n, v)| (n.as_bytes(), v.as_bytes()));
        let method = method.parse().unwrap();
        Self::new(method, Version::HTTP_11, target.as_bytes(), fields)
    }

    /// The same in another version.
    pub(crate) fn in_version(mut self, version: Version) -> Self {
        self.version = version;
        if version == Version::HTTP_10 {
            self.protocol = "HTTP/1.0";
        }
        self.framing = Framing::of(version, &self.headers);
        self
    }
}
