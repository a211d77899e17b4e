//! `DEFLATE` of mod_deflate: bodies that are compressed as they leave.
//!
//! In httpd's order: whether any line names the filter for this answer, whether it is one that can be
//! compressed, and whether its client takes it. Then the fields change, and as much of the body is
//! compressed as httpd would have made before its head leaves: where that is all of it, its length
//! is told.

mod accepts;
mod gzip;

use std::borrow::Cow;

use bytes::Bytes;
use http::StatusCode;
use jkworkers::model::{AlterETag, Asked, FilterSettings, Host};

pub(crate) use self::gzip::{Broken, Gzip};
use crate::{
    answer::Answer,
    headers::Context,
    http1::{Head, Heading, Outgoing},
    variables::Variables,
};

/// What would grow rather than shrink is left as it is, bytes: the fields that are added count, too.
const SMALL: u64 = 68;

/// What decides about compressing the answer to one request.
#[derive(Clone, Copy)]
pub(crate) struct Case<'a> {
    pub(crate) host: &'a Host,
    pub(crate) asked: Asked<'a>,
    /// The name of the file; of what a worker answers the last part of the path.
    pub(crate) name: &'a [u8],
    pub(crate) request: &'a Head,
    pub(crate) variables: Option<&'a Variables<'a>>,
}

/// What is known of an answer.
#[derive(Clone, Copy)]
pub(crate) struct Kind<'a> {
    pub(crate) status: StatusCode,
    pub(crate) content_type: Option<&'a [u8]>,
}

impl Case<'_> {
    /// Whether the filter stands in this answer's way, whoever the client is.
    pub(crate) fn is_about(&self, kind: Kind<'_>) -> bool {
        if !self.host.filtering.deflates {
            return false;
        }
        let filters = self.host.filters_about(self.asked);
        let is_one =
            filters.deflate == Some(true) || self.is_by_type(&filters, kind) || self.is_by_name();
        is_one && self.may_be(kind)
    }

    /// `AddOutputFilterByType`, which is not about errors.
    fn is_by_type(&self, filters: &FilterSettings, kind: Kind<'_>) -> bool {
        let counts = kind.status == StatusCode::OK || self.has("filter-errordocs");
        counts && (kind.content_type).is_some_and(|kind| filters.deflates_type(kind))
    }

    /// `AddOutputFilter`.
    fn is_by_name(&self) -> bool {
        if !self.host.filtering.deflates_by_name {
            return false;
        }
        let name = self.name.rsplit(|b| *b == b'/').next().unwrap_or_default();
        let files = self.host.files_about(self.asked);
        files.extensions.deflates(&String::from_utf8_lossy(name))
    }

    fn may_be(&self, kind: Kind<'_>) -> bool {
        let never = [StatusCode::NO_CONTENT, StatusCode::PARTIAL_CONTENT];
        if never.contains(&kind.status) || self.has("no-gzip") {
            return false;
        }
        let is_html = || {
            let kind = kind.content_type.unwrap_or_default();
            kind.starts_with(b"text/html")
        };
        let only_html = || self.value("gzip-only-text/html") == Some(b"1");
        is_html() || !only_html()
    }

    /// Whether the client takes it, or is made to.
    pub(crate) fn is_accepted(&self) -> bool {
        let field = || self.request.headers.joined("accept-encoding");
        self.has("force-gzip") || field().is_some_and(|field| accepts::gzip(&field))
    }

    fn value(&self, name: &str) -> Option<&[u8]> {
        self.variables?.get(name)
    }

    fn has(&self, name: &str) -> bool {
        self.value(name).is_some()
    }
}

/// Whether a list of encodings says that something has been done already.
fn is_encoded(encodings: &[u8]) -> bool {
    let nothing = [&b"identity"[..], b"7bit", b"8bit", b"binary"];
    let mut names = encodings.split(|b| *b == b',').map(<[u8]>::trim_ascii);
    names.any(|name| !name.is_empty() && !nothing.contains(&name))
}

/// Compresses an answer, if it is one to be compressed.
pub(crate) async fn apply(
    mut response: Outgoing<Answer>,
    case: Case<'_>,
    cx: &Context<'_>,
) -> Outgoing<Answer> {
    let head = &mut response.head;
    let kind = Kind {
        status: head.status,
        content_type: head.values("content-type").next(),
    };
    let is_part = head.fields.contains("Content-Range");
    if !case.is_about(kind) || is_part || has_encoding(head) {
        return response;
    }
    if response.body.is_small(SMALL) {
        return response;
    }
    head.fields.append(b"Vary", b"Accept-Encoding");
    if !case.is_accepted() {
        return response;
    }
    let deflate = &case.host.filtering.deflate;
    // Where too many are being compressed, it leaves as it is: clients that read slowly pin memory.
    let Some(gzip) = Gzip::new(deflate.level) else {
        return response;
    };
    change(head, deflate.etag);
    response.body.compress(gzip, case.host, cx.record).await;
    response
}

fn has_encoding(head: &Heading) -> bool {
    head.values("content-encoding").any(is_encoded)
}

/// What is said of a body that is compressed.
fn change(head: &mut Heading, etag: AlterETag) {
    let fields = &mut head.fields;
    let said = fields.get("Content-Encoding");
    if said.is_some_and(|said| !said.eq_ignore_ascii_case(b"identity")) {
        fields.append(b"Content-Encoding", b"gzip");
    } else {
        fields.set(b"Content-Encoding", b"gzip");
    }
    head.described.remove(b"Content-Encoding");
    fields.remove(b"Content-Length");
    fields.remove(b"Content-MD5");
    match etag {
        AlterETag::NoChange => {}
        AlterETag::Remove => fields.remove(b"ETag"),
        AlterETag::AddSuffix => {
            if let Some(tag) = fields.get("ETag").and_then(suffixed) {
                fields.set(b"ETag", &tag);
            }
        }
    }
    head.measure();
}

/// A tag with `-gzip` in it.
fn suffixed(tag: &[u8]) -> Option<Vec<u8>> {
    let bare = tag.strip_suffix(b"\"").filter(|bare| bare.len() > 1)?;
    Some([bare, b"-gzip\""].concat())
}

/// What a note says of how much went in, came out, or was left: nothing in percent is `-`.
pub(crate) fn notes(input: u64, output: u64) -> [Cow<'static, str>; 3] {
    if input == 0 {
        return [const { Cow::Borrowed("-") }; 3];
    }
    let ratio = output.saturating_mul(100) / input;
    [input, output, ratio].map(|number| Cow::Owned(number.to_string()))
}

/// A piece of a body, or an end.
#[derive(Debug)]
pub(crate) enum Fed {
    Data(Bytes),
    /// What is there is to be passed on.
    Flush,
    End,
}

#[cfg(test)]
mod tests {
    use std::iter;

    use http::Response;
    use http_body_util::Full;
    use tokio::time::Instant;

    use super::*;
    use crate::{peer::Peer, variables::tests::model};

    /// `Content-Encoding`, `Vary` and `ETag` of a page for one who takes gzip.
    async fn page() -> [Option<String>; 3] {
        let model = model("SetOutputFilter DEFLATE\n", &[]);
        let host = &model.hosts[0];
        let head = Head::with("GET", "/", &[("Accept-Encoding", "gzip")]);
        let local = ([127, 0, 0, 1], 80).into();
        let case = Case {
            host,
            asked: Asked::at(b"/"),
            name: b"",
            request: &head,
            variables: None,
        };
        let cx = Context {
            tls: None,
            head: &head,
            host,
            peer: &Peer::new(local, local, 0),
            seen: None,
            made: None,
            variables: None,
            facts: None,
            record: None,
            began: Instant::now(),
        };
        let text = Full::new(Bytes::from(vec![b'x'; 5000]));
        let response = Response::builder().header("ETag", "\"a\"").body(text);
        let response = Outgoing::from(response.unwrap()).map(Answer::from);
        let left = apply(response, case, &cx).await;
        ["Content-Encoding", "Vary", "ETag"].map(|name| {
            let value = left.head.fields.get(name)?;
            Some(String::from_utf8_lossy(value).into_owned())
        })
    }

    #[tokio::test]
    async fn what_is_too_much_leaves_as_it_is() {
        let said = |fields: [&str; 3]| {
            fields.map(|value| Some(value.to_owned()).filter(|value| !value.is_empty()))
        };
        let packed = said(["gzip", "Accept-Encoding", "\"a-gzip\""]);
        assert_eq!(page().await, packed);
        let begun: Vec<_> = iter::from_fn(|| Gzip::new(1)).collect();
        assert_eq!(page().await, said(["", "Accept-Encoding", "\"a\""]));
        drop(begun);
        assert_eq!(page().await, packed);
    }

    #[test]
    fn tags_get_a_suffix() {
        for (tag, expected) in [
            (&b"\"a\""[..], Some(&b"\"a-gzip\""[..])),
            (b"W/\"a-b\"", Some(b"W/\"a-b-gzip\"")),
            (b"\"\"", None),
            (b"a", None),
        ] {
            assert_eq!(suffixed(tag).as_deref(), expected);
        }
    }

    #[test]
    fn what_is_encoded_stays() {
        for (encodings, expected) in [
            ("", false),
            ("identity", false),
            ("identity, 8bit", false),
            ("Identity", true),
            ("identity, br", true),
            ("gzip", true),
        ] {
            assert_eq!(is_encoded(encodings.as_bytes()), expected, "{encodings}");
        }
    }

    #[test]
    fn notes_are_numbers_or_a_dash() {
        assert_eq!(notes(200, 51), ["200", "51", "25"]);
        assert_eq!(notes(0, 2), ["-", "-", "-"]);
    }
}
