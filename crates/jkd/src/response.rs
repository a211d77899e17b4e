//! A backend's answer as HTTP allows it to leave: hop-by-hop fields stay here, and what httpd says
//! about itself is ours to say.

use std::time::SystemTime;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

/// Takes out what must not leave. The values of `Content-Length`, one or more, are valid and equal.
pub(crate) fn clean(headers: &mut HeaderMap, status: StatusCode) {
    // To look at each name costs less than to look each forbidden name up.
    while let Some(name) = headers.keys().find(|name| stays_here(name)).cloned() {
        if name == header::CONNECTION {
            drop_named_by_connection(headers);
        }
        headers.remove(name);
    }
    if matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
        // Tomcat announces 0 bytes for a 304, which says something else about the resource.
        headers.remove(header::CONTENT_LENGTH);
    }
    if headers.len() > headers.keys_len() {
        keep_last(headers, &header::CONTENT_TYPE);
        keep_last(headers, &header::LOCATION);
        merge_lengths(headers);
    }
    lower_type(headers);
    if headers.keys().any(|name| *name == header::LAST_MODIFIED) {
        correct_date(headers, SystemTime::now);
    }
}

/// Fields that belong to one connection (RFC 9110, section 7.6.1), and `Date` and `Server`, which
/// httpd overwrites as well.
fn stays_here(name: &HeaderName) -> bool {
    matches!(
        *name,
        header::CONNECTION
            | header::DATE
            | header::PROXY_AUTHENTICATE
            | header::SERVER
            | header::TE
            | header::TRAILER
            | header::TRANSFER_ENCODING
            | header::UPGRADE
    ) || matches!(name.as_str(), "keep-alive" | "proxy-connection")
}

/// Fields of which httpd keeps the last one.
fn keep_last(headers: &mut HeaderMap, name: &HeaderName) {
    let mut values = headers.get_all(name).iter();
    if let (Some(_), Some(last)) = (values.next(), values.next_back()) {
        let last = last.clone();
        headers.insert(name, last);
    }
}

/// httpd writes types in lower case; parameters stay as they are.
fn lower_type(headers: &mut HeaderMap) {
    let Some(value) = headers.get_mut(header::CONTENT_TYPE) else {
        return;
    };
    let bytes = value.as_bytes();
    let end = bytes.iter().position(|b| *b == b';');
    let end = end.unwrap_or(bytes.len());
    let upper = |bytes: &[u8]| bytes.iter().any(u8::is_ascii_uppercase);
    if bytes.get(..end).is_some_and(upper) {
        let mut lower = bytes.to_vec();
        if let Some(kind) = lower.get_mut(..end) {
            kind.make_ascii_lowercase();
        }
        if let Ok(lower) = HeaderValue::from_bytes(&lower) {
            *value = lower;
        }
    }
}

/// Nothing was changed in the future (RFC 9110, section 8.8.2.1), and dates have one form. What is
/// no date stays.
fn correct_date(headers: &mut HeaderMap, now: impl FnOnce() -> SystemTime) {
    let Some(value) = headers.get_mut(header::LAST_MODIFIED) else {
        return;
    };
    let date = value
        .to_str()
        .ok()
        .and_then(|text| httpdate::parse_http_date(text).ok());
    if let Some(date) = date {
        let text = httpdate::fmt_http_date(date.min(now()));
        if let Ok(text) = HeaderValue::try_from(text) {
            *value = text;
        }
    }
}

fn drop_named_by_connection(headers: &mut HeaderMap) {
    let values: Vec<_> = headers
        .get_all(header::CONNECTION)
        .iter()
        .cloned()
        .collect();
    for value in values {
        for name in value.as_bytes().split(|b| *b == b',') {
            if let Ok(name) = HeaderName::from_bytes(name.trim_ascii()) {
                headers.remove(name);
            }
        }
    }
}

/// Adds to what `Vary` says, in front of it.
pub(crate) fn vary_first(headers: &mut HeaderMap, first: &str) {
    let more: Vec<_> = headers.get_all(header::VARY).iter().cloned().collect();
    if let Ok(first) = HeaderValue::from_str(first) {
        headers.insert(header::VARY, first);
        for value in more {
            headers.append(header::VARY, value);
        }
    }
}

/// One `Vary` with each name once, as httpd sends it.
pub(crate) fn join_vary(headers: &mut HeaderMap) {
    let mut names: Vec<&[u8]> = Vec::new();
    for value in headers.get_all(header::VARY) {
        let parts = value
            .as_bytes()
            .split(|b| *b == b',' || b.is_ascii_whitespace());
        for name in parts.filter(|name| !name.is_empty()) {
            if !names.iter().any(|known| known.eq_ignore_ascii_case(name)) {
                names.push(name);
            }
        }
    }
    if names.is_empty() {
        return;
    }
    if let Ok(joined) = HeaderValue::from_bytes(&names.join(&b',')) {
        headers.insert(header::VARY, joined);
    }
}

/// One field, where the backend sent its length twice.
fn merge_lengths(headers: &mut HeaderMap) {
    if headers
        .get_all(header::CONTENT_LENGTH)
        .iter()
        .nth(1)
        .is_some()
        && let Some(length) = headers.remove(header::CONTENT_LENGTH)
    {
        headers.insert(header::CONTENT_LENGTH, length);
    }
}

/// `set_session_cookie`: a cookie that leads the session's next request back to this member.
pub(crate) fn session_cookie(name: &str, route: &str, path: &str) -> Option<HeaderValue> {
    let path = match path {
        "" => String::new(),
        path => format!(";PATH={path}"),
    };
    HeaderValue::try_from(format!("{name}=.{route}{path};HttpOnly")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vary_is_one_field() {
        let mut headers = HeaderMap::new();
        join_vary(&mut headers);
        assert!(headers.is_empty());
        for value in ["Accept, x-a", "*", "accept"] {
            headers.append(header::VARY, HeaderValue::from_static(value));
        }
        vary_first(&mut headers, "X-A");
        join_vary(&mut headers);
        let values: Vec<_> = headers.get_all(header::VARY).iter().collect();
        assert_eq!(values, ["X-A,Accept,*"]);
    }

    fn cleaned(fields: &[(&'static str, &'static str)], status: u16) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_static(value));
        }
        clean(&mut headers, StatusCode::from_u16(status).unwrap());
        headers
    }

    #[test]
    fn hop_by_hop_fields_stay_here() {
        let headers = cleaned(
            &[
                ("connection", "close, X-Internal"),
                ("x-internal", "1"),
                ("keep-alive", "timeout=5"),
                ("transfer-encoding", "chunked"),
                ("upgrade", "h2c"),
                ("proxy-connection", "x"),
                ("server", "Tomcat"),
                ("date", "yesterday"),
                ("x-kept", "1"),
                ("set-cookie", "a"),
                ("set-cookie", "b"),
            ],
            200,
        );
        assert_eq!(headers.keys_len(), 2);
        assert_eq!(headers["x-kept"], "1");
        assert_eq!(headers.get_all("set-cookie").iter().count(), 2);
    }

    #[test]
    fn a_length_leaves_once_and_only_where_it_means_something() {
        let twice = [("content-length", "5"), ("content-length", "5")];
        let headers = cleaned(&twice, 200);
        assert_eq!(
            headers.get_all("content-length").iter().collect::<Vec<_>>(),
            ["5"]
        );
        for status in [204, 304] {
            assert!(!cleaned(&twice, status).contains_key("content-length"));
        }
    }

    #[test]
    fn types_dates_and_repeated_fields_are_as_httpd_writes_them() {
        for (name, value, expected) in [
            (
                "content-type",
                "Text/HTML; Charset=X",
                "text/html; Charset=X",
            ),
            ("content-type", "TEXT", "text"),
            ("content-type", "text/plain", "text/plain"),
            (
                "last-modified",
                "Sat, 29 Oct 1994 19:43:31 GMT",
                "Sat, 29 Oct 1994 19:43:31 GMT",
            ),
            (
                "last-modified",
                "Saturday, 29-Oct-94 19:43:31 GMT",
                "Sat, 29 Oct 1994 19:43:31 GMT",
            ),
            ("last-modified", "yesterday", "yesterday"),
        ] {
            assert_eq!(cleaned(&[(name, value)], 200)[name], expected);
        }
        let future = cleaned(&[("last-modified", "Fri, 29 Oct 2094 19:43:31 GMT")], 200);
        let future = future["last-modified"].to_str().unwrap();
        assert!(httpdate::parse_http_date(future).unwrap() <= SystemTime::now());
        let twice = [
            ("location", "/a"),
            ("x", "1"),
            ("location", "/b"),
            ("content-type", "a"),
            ("content-type", "b"),
        ];
        let headers = cleaned(&twice, 302);
        let all = |name| headers.get_all(name).iter().collect::<Vec<_>>();
        assert_eq!(all("location"), ["/b"]);
        assert_eq!(all("content-type"), ["b"]);
    }

    #[test]
    fn a_cookie_leads_back_to_the_member() {
        let cookie = session_cookie("JSESSIONID", "a", "/").unwrap();
        assert_eq!(cookie, "JSESSIONID=.a;PATH=/;HttpOnly");
        assert_eq!(session_cookie("S", "a", "").unwrap(), "S=.a;HttpOnly");
    }
}
