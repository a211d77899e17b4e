//! `TRACE`: the request as it was understood, for who asks where `TraceEnable` allows it.

use std::error::Error;

use bytes::Bytes;
use http::{HeaderValue, Response, header};
use http_body::Body;
use http_body_util::{BodyExt, Full, Limited};
use jkworkers::model::Trace;

use crate::{
    http1::{BodyLength, Head},
    rescue::Stumble,
    strict::Refusal,
};

/// The longest body that is answered, bytes, as in httpd.
const MAX_BODY: usize = 65_536;

/// Answers with the request.
///
/// # Errors
///
/// Where it is not allowed, or there is a body that is not, or one that is too long.
pub(crate) async fn respond(
    allowed: Trace,
    head: &Head,
    length: BodyLength,
    body: impl Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>>,
) -> Result<Response<Full<Bytes>>, Stumble> {
    let has_body = length != BodyLength::None;
    let body = match allowed {
        Trace::Off => return Err(Stumble::Refused(Refusal::Method)),
        Trace::On if has_body => return Err(Stumble::Body),
        Trace::On => Bytes::new(),
        Trace::Extended => {
            let body = Limited::new(body, MAX_BODY).collect().await;
            body.map_err(|_| Stumble::Body)?.to_bytes()
        }
    };
    let mut response = Response::new(Full::new(written(head, &body).into()));
    let kind = HeaderValue::from_static("message/http");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    Ok(response)
}

fn written(head: &Head, body: &[u8]) -> Vec<u8> {
    let version = head.protocol().as_bytes();
    let method = head.method.as_str().as_bytes();
    let mut text = [method, b" ", head.target(), b" ", version, b"\r\n"].concat();
    let mut head = head.clone();
    head.headers.join_repeated();
    for (name, value) in head.fields() {
        text.extend_from_slice(&[name, b": ", value, b"\r\n"].concat());
    }
    text.extend_from_slice(b"\r\n");
    text.extend_from_slice(body);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    static LONG: [u8; MAX_BODY + 1] = [b'a'; MAX_BODY + 1];

    async fn traced(allowed: Trace, body: &'static str) -> Result<String, Stumble> {
        let fields = [("Host", "a"), ("X-A", "1"), ("x-a", "2")];
        let head = Head::with("TRACE", "/x?q", &fields);
        let length = match body {
            "" => BodyLength::None,
            _ => BodyLength::Chunked,
        };
        let answer = respond(allowed, &head, length, Full::new(Bytes::from(body))).await?;
        assert_eq!(answer.headers()[header::CONTENT_TYPE], "message/http");
        let text = answer.into_body().collect().await.unwrap().to_bytes();
        Ok(String::from_utf8(text.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn a_request_comes_back_where_that_is_allowed() {
        const HEAD: &str = "TRACE /x?q HTTP/1.1\r\nHost: a\r\nX-A: 1, 2\r\n\r\n";
        let refused = Err(Stumble::Refused(Refusal::Method));
        assert_eq!(traced(Trace::Off, "").await, refused);
        assert_eq!(traced(Trace::On, "").await.unwrap(), HEAD);
        assert_eq!(traced(Trace::On, "abc").await, Err(Stumble::Body));
        let whole = traced(Trace::Extended, "abc").await.unwrap();
        assert_eq!(whole, format!("{HEAD}abc"));
        let long = std::str::from_utf8(&LONG).unwrap();
        assert_eq!(traced(Trace::Extended, long).await, Err(Stumble::Body));
    }
}
