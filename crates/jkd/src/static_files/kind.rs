//! What a file is, for the head of the answer.

use std::borrow::Cow;

use http::{HeaderMap, HeaderValue, header};
use jkworkers::model::{FileSettings, MimeTypes};

use super::place::segments;
use crate::rescue::Stumble;

/// Says what the file of this name is.
///
/// # Errors
///
/// [`Stumble::Unmapped`] where a handler would have to do something with it that nobody does here:
/// it may be the source of a program.
pub(super) fn describe(
    name: &[u8],
    settings: &FileSettings,
    types: &MimeTypes,
    headers: &mut HeaderMap,
) -> Result<(), Stumble> {
    let name = segments(name).last().unwrap_or_default();
    let name = String::from_utf8_lossy(name);
    let mut kind = settings.extensions.kind_of(&name, types);
    if kind.media_type.is_none() && types.is_empty() {
        let guessed = mime_guess::from_path(&*name).first_raw();
        kind.media_type = guessed.map(Cow::Borrowed);
    }
    let forced = settings.force_type.as_deref();
    let forced = forced.filter(|forced| !forced.is_empty());
    let mut said = kind.media_type.as_deref().into_iter().chain(forced);
    if kind.handler.is_some_and(is_foreign) || said.any(is_program) {
        return Err(Stumble::Unmapped);
    }
    if let Some(forced) = forced {
        kind.media_type = Some(Cow::Borrowed(forced));
    }
    if let Some(media_type) = kind.media_type {
        let text = with_charset(
            &media_type,
            kind.charset,
            settings.default_charset.as_deref(),
        );
        set(headers, header::CONTENT_TYPE, &text);
    }
    if !kind.languages.is_empty() {
        set(headers, header::CONTENT_LANGUAGE, &kind.languages.join(","));
    }
    if !kind.encodings.is_empty() {
        set(
            headers,
            header::CONTENT_ENCODING,
            &kind.encodings.join(", "),
        );
    }
    Ok(())
}

/// Says that a file is of this media type, whatever its name says.
///
/// # Errors
///
/// [`Stumble::Unmapped`] where that names a program.
pub(super) fn force(
    kind: &str,
    settings: &FileSettings,
    headers: &mut HeaderMap,
) -> Result<(), Stumble> {
    if is_program(kind) {
        return Err(Stumble::Unmapped);
    }
    let text = with_charset(kind, None, settings.default_charset.as_deref());
    set(headers, header::CONTENT_TYPE, &text);
    Ok(())
}

/// `AddDefaultCharset` is about plain text and HTML only.
pub(crate) fn with_charset<'t>(
    media_type: &'t str,
    charset: Option<&str>,
    default: Option<&str>,
) -> Cow<'t, str> {
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    let has_own = media_type.to_ascii_lowercase().contains("charset=");
    let is_text = ["text/html", "text/plain"]
        .iter()
        .any(|t| essence.eq_ignore_ascii_case(t));
    let default = default.filter(|name| is_text && !name.is_empty());
    // httpd keeps what AddCharset says in lower case.
    let charset = charset.map(str::to_ascii_lowercase);
    match charset.as_deref().or(default).filter(|_| !has_own) {
        Some(charset) => Cow::Owned(format!("{media_type}; charset={charset}")),
        None => Cow::Borrowed(media_type),
    }
}

/// Whether an extension gives the file of this name to mod_jk.
pub(super) fn is_for_jk(name: &[u8], settings: &FileSettings) -> bool {
    let name = segments(name).last().unwrap_or_default();
    let name = String::from_utf8_lossy(name);
    let handler = settings.extensions.handler_of(&name);
    handler == Some("jakarta-servlet")
}

fn is_foreign(handler: &str) -> bool {
    let own = ["default-handler", "none"];
    !own.iter().any(|own| handler.eq_ignore_ascii_case(own))
}

/// Media types that name a handler: `application/x-httpd-php`.
fn is_program(media_type: &str) -> bool {
    let start = media_type.get(..20).unwrap_or_default();
    start.eq_ignore_ascii_case("application/x-httpd-")
}

fn set(headers: &mut HeaderMap, name: header::HeaderName, text: &str) {
    if let Ok(value) = HeaderValue::from_str(text) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_charset_is_added_to_texts() {
        for (media_type, charset, default, expected) in [
            ("text/html", None, None, "text/html"),
            ("text/html", None, Some("UTF-8"), "text/html; charset=UTF-8"),
            (
                "text/html",
                Some("x"),
                Some("UTF-8"),
                "text/html; charset=x",
            ),
            ("text/html", None, Some(""), "text/html"),
            ("text/css", None, Some("UTF-8"), "text/css"),
            ("text/css", Some("x"), None, "text/css; charset=x"),
            (
                "Text/Plain; Charset=y",
                None,
                Some("UTF-8"),
                "Text/Plain; Charset=y",
            ),
        ] {
            assert_eq!(
                with_charset(media_type, charset, default),
                expected,
                "{media_type}"
            );
        }
    }

    #[test]
    fn what_is_to_be_run_is_not_sent() {
        let types = MimeTypes::parse("application/x-httpd-php php\ntext/html html\n");
        let described = |name: &[u8]| {
            let mut headers = HeaderMap::new();
            describe(name, &FileSettings::default(), &types, &mut headers)?;
            Ok::<_, Stumble>(headers)
        };
        assert_eq!(described(b"/srv/x.php"), Err(Stumble::Unmapped));
        let forced = FileSettings {
            force_type: Some("application/x-httpd-php".into()),
            ..FileSettings::default()
        };
        let described_so = describe(b"/srv/x.inc", &forced, &types, &mut HeaderMap::new());
        assert_eq!(described_so, Err(Stumble::Unmapped));
        let headers = described(b"/srv.php/x.html").unwrap();
        assert_eq!(headers[header::CONTENT_TYPE], "text/html");
        assert!(described(b"/srv/x").unwrap().is_empty());
    }
}
