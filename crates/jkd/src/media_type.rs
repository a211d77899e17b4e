//! The type of an answer, as far as the configuration has a say in it: `ForceType` where a backend
//! says none, `AddDefaultCharset` for texts.

use bytes::Bytes;
use jkworkers::model::{Asked, FileSettings, Host};

use crate::http1::Heading;

/// Gives an answer without a type the one that `ForceType` names.
pub(crate) fn force(head: &mut Heading, host: &Host, asked: Asked<'_>) {
    if head.content_type.is_none() {
        let forced = innermost(host, asked, |files| files.force_type.as_deref());
        let forced = forced.filter(|forced| !forced.is_empty());
        head.content_type = forced.map(|forced| Bytes::copy_from_slice(forced.as_bytes()));
    }
}

/// Adds what `AddDefaultCharset` says to the type of a text that says nothing of it.
pub(crate) fn add_charset(head: &mut Heading, host: &Host, asked: Asked<'_>) {
    if !host.adds_charset {
        return;
    }
    let Some(kind) = head
        .values("content-type")
        .next()
        .filter(|kind| lacks_charset(kind))
    else {
        return;
    };
    let charset = innermost(host, asked, |files| files.default_charset.as_deref());
    let Some(charset) = charset.filter(|charset| !charset.is_empty()) else {
        return;
    };
    let kind = [kind, b"; charset=", charset.as_bytes()].concat();
    if head.fields.contains("Content-Type") {
        head.fields.set(b"Content-Type", &kind);
    } else {
        head.content_type = Some(kind.into());
    }
}

/// What the server says, or the last section about the request that says anything.
fn innermost<'h>(
    host: &'h Host,
    asked: Asked<'_>,
    said: impl Fn(&'h FileSettings) -> Option<&'h str>,
) -> Option<&'h str> {
    let mut sections = host.sections_about(asked).rev();
    let by_section = sections.find_map(|section| said(&section.settings.files));
    by_section.or_else(|| said(&host.settings.files))
}

/// As httpd decides it: by what the type has anywhere in it.
fn lacks_charset(kind: &[u8]) -> bool {
    let has = |text: &[u8]| {
        let mut places = kind.windows(text.len());
        places.any(|place| place.eq_ignore_ascii_case(text))
    };
    (has(b"text/html") || has(b"text/plain")) && !has(b"charset=")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::variables::tests::model;

    #[test]
    fn texts_get_the_charset_of_their_section() {
        let model = model(
            "AddDefaultCharset UTF-8\nForceType text/plain\n\
             <Location /off>\nAddDefaultCharset Off\nForceType none\n</Location>\n",
            &[],
        );
        let host = &model.hosts[0];
        for (path, kind, expected) in [
            ("/x", "text/html", "text/html; charset=UTF-8"),
            (
                "/x",
                "x-text/plain+y; a=b",
                "x-text/plain+y; a=b; charset=UTF-8",
            ),
            ("/x", "text/html;Charset=y", "text/html;Charset=y"),
            ("/x", "text/css", "text/css"),
            ("/x", "", "text/plain; charset=UTF-8"),
            ("/off/x", "text/html", "text/html"),
            ("/off/x", "", ""),
        ] {
            let mut head = Heading {
                content_type: (!kind.is_empty()).then(|| Bytes::from(kind)),
                ..Heading::default()
            };
            let asked = Asked::at(path.as_bytes());
            force(&mut head, host, asked);
            add_charset(&mut head, host, asked);
            let said = head.content_type.unwrap_or_default();
            assert_eq!(said, expected, "{path} {kind}");
        }
        let mut head = Heading::default();
        head.fields.add(b"Content-Type", b"text/html");
        add_charset(&mut head, host, Asked::at(b"/x"));
        let said = head.fields.get("content-type");
        assert_eq!(said, Some(&b"text/html; charset=UTF-8"[..]));
    }
}
