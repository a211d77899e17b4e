//! An answer as it leaves: names as they are written, in the order in which they are sent.

use bytes::Bytes;
use http::{Extensions, HeaderName, Response, StatusCode, header};

use super::{Fields, framing::has_token};

/// An answer. Its head is in a box, since answers are moved from hand to hand.
#[derive(Debug)]
pub(crate) struct Outgoing<B> {
    pub(crate) head: Box<Heading>,
    pub(crate) body: B,
}

/// The head of an answer.
#[derive(Debug, Default)]
pub(crate) struct Heading {
    pub(crate) status: StatusCode,
    /// `None`: what httpd calls the status.
    pub(crate) reason: Option<Bytes>,
    /// `Server`; empty where nothing is said.
    pub(crate) server: &'static str,
    /// `Content-Type`, which comes behind all others unless `fields` has one. Empty: there shall be
    /// none.
    pub(crate) content_type: Option<Bytes>,
    pub(crate) fields: Fields,
    /// What `Content-Length` among them says: whoever changes it says it here, too.
    pub(crate) length: Option<u64>,
    /// How many of them stand in front of what belongs to a page itself.
    pub(crate) front: usize,
    /// `Content-Encoding` and `Content-Language` of a file, which come last: no rule changes them.
    pub(crate) described: Fields,
    /// Whether the connection ends with it.
    pub(crate) closes: bool,
    /// Whether its status stands for one that httpd does not know: after that it trusts the connection.
    pub(crate) stands_in: bool,
    /// Whether the client is treated as one of HTTP/1.0.
    pub(crate) downgrades: bool,
    /// Whether a client of HTTP/1.0 is answered in its version, which ends the connection.
    pub(crate) forces_version: bool,
    /// For those who hand it on.
    pub(crate) extensions: Extensions,
}

impl Heading {
    /// Reads anew what `Content-Length` says.
    pub(crate) fn measure(&mut self) {
        self.length = self.announced();
    }

    /// What `Content-Length` says.
    pub(super) fn announced(&self) -> Option<u64> {
        self.fields.get("Content-Length").and_then(number)
    }

    /// All values of the fields of this name.
    pub(crate) fn values<'n>(&'n self, name: &'n str) -> impl Iterator<Item = &'n [u8]> {
        let is_type = name.eq_ignore_ascii_case("content-type");
        let kind = self.content_type.as_deref();
        let kind = kind.filter(|kind| is_type && !kind.is_empty());
        let is_server = name.eq_ignore_ascii_case("server");
        let server = is_server.then_some(self.server.as_bytes());
        let fields = self.fields.get_all(name);
        let described = self.described.get_all(name);
        fields.chain(described).chain(kind).chain(server)
    }
}

impl<B> Outgoing<B> {
    pub(crate) const fn status(&self) -> StatusCode {
        self.head.status
    }

    /// The same with another body.
    pub(crate) fn map<C>(self, change: impl FnOnce(B) -> C) -> Outgoing<C> {
        Outgoing {
            head: self.head,
            body: change(self.body),
        }
    }
}

/// An answer of our own: names as they are usually written.
impl<B> From<Response<B>> for Outgoing<B> {
    fn from(response: Response<B>) -> Self {
        let (parts, body) = response.into_parts();
        let mut head = Box::new(Heading {
            status: parts.status,
            extensions: parts.extensions,
            ..Heading::default()
        });
        for (name, value) in &parts.headers {
            match *name {
                header::CONNECTION => head.closes |= has_token(value.as_bytes(), b"close"),
                header::CONTENT_TYPE => {
                    head.content_type = Some(Bytes::copy_from_slice(value.as_bytes()));
                }
                header::CONTENT_ENCODING | header::CONTENT_LANGUAGE => {
                    head.described.add(&spelled(name), value.as_bytes());
                }
                _ => head.fields.add(&spelled(name), value.as_bytes()),
            }
        }
        head.measure();
        Self { head, body }
    }
}

/// Digits and nothing else.
pub(crate) fn number(digits: &[u8]) -> Option<u64> {
    let number = digits.iter().try_fold(0_u64, |number, byte| {
        let digit = byte.checked_sub(b'0').filter(|digit| *digit < 10)?;
        number.checked_mul(10)?.checked_add(u64::from(digit))
    });
    number.filter(|_| !digits.is_empty())
}

/// A name as it is usually written: each word begins with a capital.
fn spelled(name: &HeaderName) -> Vec<u8> {
    match *name {
        header::ETAG => return b"ETag".to_vec(),
        header::WWW_AUTHENTICATE => return b"WWW-Authenticate".to_vec(),
        _ => {}
    }
    let mut begins = true;
    let letter = |byte: &u8| {
        let letter = if begins {
            byte.to_ascii_uppercase()
        } else {
            *byte
        };
        begins = *byte == b'-';
        letter
    };
    name.as_str().as_bytes().iter().map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_answers_have_names_as_they_are_usually_written() {
        let response = Response::builder()
            .status(404)
            .header("etag", "1")
            .header("www-authenticate", "x")
            .header("x-frame-options", "y")
            .header("connection", "close")
            .header("content-type", "a/b");
        let outgoing = Outgoing::from(response.body(()).unwrap());
        let head = outgoing.head;
        let names: Vec<_> = head.fields.iter().map(|(name, _)| name).collect();
        assert_eq!(
            names,
            [&b"ETag"[..], b"WWW-Authenticate", b"X-Frame-Options"]
        );
        assert!(head.closes);
        assert_eq!(head.content_type.as_deref(), Some(&b"a/b"[..]));
        assert_eq!(head.status, 404);
    }
}
