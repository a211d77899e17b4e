//! What pages are made of.

use askama::Template;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode, Uri};
use http_body_util::{Either, Full};

use super::application::Answer;

/// The list of all pages.
#[derive(Template)]
#[template(path = "demo/index.html")]
pub(super) struct Index<'a> {
    pub(super) node: &'a str,
}

/// A page made from a template.
pub(super) fn html(template: &impl Template) -> Answer {
    match template.render() {
        Ok(page) => with_type("text/html; charset=utf-8", page),
        Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
    }
}

/// A page of plain text.
pub(super) fn text(status: StatusCode, text: impl Into<String>) -> Answer {
    let mut page = with_type("text/plain; charset=utf-8", text.into());
    *page.status_mut() = status;
    page
}

/// A number in the query, such as 5 for `n` in `a=1&n=5`.
pub(super) fn number(uri: &Uri, name: &str) -> Option<u64> {
    let mut pairs = uri
        .query()?
        .split('&')
        .filter_map(|pair| pair.split_once('='));
    pairs.find(|(key, _)| *key == name)?.1.parse().ok()
}

fn with_type(content_type: &'static str, body: String) -> Answer {
    let mut page = Response::new(Either::Left(Full::new(Bytes::from(body))));
    let headers = page.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_a_query() {
        let uri = Uri::from_static("/slow?a=1&ms=250&ms=3&bad=x");
        assert_eq!(number(&uri, "ms"), Some(250));
        assert_eq!(number(&uri, "bad"), None);
        assert_eq!(number(&uri, "none"), None);
        assert_eq!(number(&Uri::from_static("/slow"), "ms"), None);
    }
}
