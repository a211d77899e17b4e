//! The type of an answer, as far as the configuration has a say in it: `ForceType` and
//! `T=` where a backend says none, `AddDefaultCharset` for texts; and what `AddLanguage` and
//! `AddEncoding` say of names.

use std::borrow::Cow;

use bytes::Bytes;
use jkworkers::model::{Asked, FileSettings, Host, MimeTypes};

use crate::http1::{Head, Heading};

/// What is known of what a worker was asked for.
pub(crate) struct Named<'a> {
    pub(crate) host: &'a Host,
    pub(crate) asked: Asked<'a>,
    /// The last part of its path, or of the file that it is for.
    pub(crate) name: Cow<'a, [u8]>,
    /// The media type that a rule about rewriting names.
    pub(crate) kind: Option<&'a [u8]>,
}

/// Says of a worker's answer what httpd says: the type that is forced, where the worker says none;
/// languages and encodings that the extensions of its name stand for.
pub(crate) fn describe(head: &mut Heading, named: &Named<'_>) {
    let is_typed = head.content_type.is_some();
    let is_described = named.host.said.describes_names && named.name.contains(&b'.');
    if is_typed && !is_described {
        return;
    }
    let settings = named.host.files_about(named.asked);
    let name = String::from_utf8_lossy(&named.name);
    let types = MimeTypes::default();
    let found = settings.extensions.kind_of(&name, &types);
    if !is_typed {
        let forced = settings.force_type.as_deref().filter(|f| !f.is_empty());
        // Unlike httpd: no client chooses a type with the name that it asks for.
        let kind = named.kind.or_else(|| forced.map(str::as_bytes));
        head.content_type = kind.map(Bytes::copy_from_slice);
    }
    if !found.encodings.is_empty() {
        let text = found.encodings.join(", ");
        head.described.add(b"Content-Encoding", text.as_bytes());
    }
    if !found.languages.is_empty() {
        let text = found.languages.join(",");
        head.described.add(b"Content-Language", text.as_bytes());
    }
}

/// What a name stands for takes the place of what is said among the fields; languages that are said
/// there come behind its own.
pub(crate) fn settle(head: &mut Heading) {
    let described = std::mem::take(&mut head.described);
    for (name, value) in described.iter() {
        let Some(said) = head.fields.get(name) else {
            head.described.add(name, value);
            continue;
        };
        if name.eq_ignore_ascii_case(b"Content-Language") {
            let all = languages(value, said);
            head.fields.set(name, &all);
        } else {
            head.fields.set(name, value);
        }
    }
}

/// Says an encoding as the client does that accepts it, `gzip` or `x-gzip`: what mod_negotiation
/// does.
pub(crate) fn mirror(head: &mut Heading, request: &Head) {
    let Some(own) = head.described.get("Content-Encoding") else {
        return;
    };
    let bare = own.strip_prefix(b"x-").unwrap_or(own);
    let accepted = request.headers.joined("accept-encoding");
    let names = accepted
        .iter()
        .flat_map(|list| list.split(|b| *b == b','))
        .map(|name| name.split(|b| *b == b';').next().unwrap_or_default());
    let mut said = None;
    for name in names.map(|name| name.trim_ascii().to_ascii_lowercase()) {
        let is_bare = name == bare;
        if is_bare || name.strip_prefix(b"x-") == Some(bare) {
            said = Some(name);
        }
        if is_bare {
            break;
        }
    }
    if let Some(name) = said {
        head.described.set(b"Content-Encoding", &name);
    }
}

fn languages(own: &[u8], said: &[u8]) -> Vec<u8> {
    let mut all: Vec<&[u8]> = own.split(|b| *b == b',').collect();
    for language in said.split(|b| *b == b',').map(<[u8]>::trim_ascii) {
        let is_there = all.iter().any(|one| one.eq_ignore_ascii_case(language));
        if !is_there && !language.is_empty() {
            all.push(language);
        }
    }
    all.join(&b","[..])
}

/// Adds what `AddDefaultCharset` says to the type of a text that says nothing of it.
pub(crate) fn add_charset(head: &mut Heading, host: &Host, asked: Asked<'_>) {
    if !host.said.adds_charset {
        return;
    }
    let kind = head.content_type.as_deref();
    let Some(kind) = kind.filter(|kind| lacks_charset(kind)) else {
        return;
    };
    let charset = innermost(host, asked, |files| files.default_charset.as_deref());
    let Some(charset) = charset.filter(|charset| !charset.is_empty()) else {
        return;
    };
    let kind = [kind, b"; charset=", charset.as_bytes()].concat();
    head.content_type = Some(kind.into());
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
    fn what_names_stand_for_comes_first() {
        let mut head = Heading::default();
        head.described.add(b"Content-Encoding", b"x-gzip");
        head.described.add(b"Content-Language", b"fr,de");
        head.fields.add(b"content-language", b"en, FR,");
        settle(&mut head);
        let own = head.described.get("Content-Encoding");
        assert_eq!(own, Some(&b"x-gzip"[..]));
        assert_eq!(head.described.get("Content-Language"), None);
        let said = head.fields.get("Content-Language");
        assert_eq!(said, Some(&b"fr,de,en"[..]));
    }

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
            let named = Named {
                host,
                asked,
                name: b"x".into(),
                kind: None,
            };
            describe(&mut head, &named);
            add_charset(&mut head, host, asked);
            let said = head.content_type.unwrap_or_default();
            assert_eq!(said, expected, "{path} {kind}");
        }
        let mut head = Heading::default();
        head.fields.add(b"Content-Type", b"text/html");
        add_charset(&mut head, host, Asked::at(b"/x"));
        // A rule has added it, and it is no type of the answer's own.
        let said = head.fields.get("content-type");
        assert_eq!(said, Some(&b"text/html"[..]));
    }
}
