//! The only place where a failure becomes an HTTP status and a page.
//!
//! Pages name the status and nothing else: no worker, no address, no file, nothing the client
//! sent. What really happened is in the log.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::Full;

use crate::{
    balancer::{GiveUp, retry::Failure},
    redirect::Elsewhere,
    rewriting::Turn,
    strict::Refusal,
};

/// Everything that can go wrong with a request before its answer has begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stumble {
    /// The request breaks HTTP.
    Refused(Refusal),
    /// The path cannot be mapped: steps above the root, or is not decodable.
    BadPath,
    /// The path holds an encoded `/` or NUL, which httpd does not serve.
    HiddenPath,
    /// Nothing is mounted here.
    Unmapped,
    /// The client has shaken hands with a host that asks less of it, or shows another certificate.
    Misdirected,
    /// A section keeps this client out.
    Forbidden,
    /// A section wants to know who the user is, or wants another one.
    Unauthorized,
    /// Sections keep everybody out, because they lack something.
    Misconfigured,
    /// A file that nobody may see.
    HiddenFile,
    /// A file is neither read nor looked at by this method.
    ReadOnly,
    /// A method that nobody knows.
    UnknownMethod,
    /// A part of a file that is not there.
    NoSuchPart,
    /// `Redirect` with a status that is about no other place.
    Said(StatusCode),
    /// A `Redirect` whose target is neither a URL nor a path.
    NoTarget,
    /// The client is sent elsewhere.
    Elsewhere(Box<Elsewhere>),
    /// The request begins anew with another path: nobody is told, unless that never ends.
    Anew(Box<Turn>),
    /// The head of a backend's answer cannot be sent.
    BadAnswer,
    /// A file cannot be read.
    File,
    /// A request has a body that is not wanted with it.
    Body,
    /// The request's body broke off, or its framing is wrong.
    ClientBody,
    /// The mount names a worker that does not exist.
    NoWorker,
    /// `use_server_errors`: a backend's answer gives way to a page of our own.
    Replaced(Box<Replaced>),
    /// No member could have it, or the last one that was tried failed.
    GaveUp(GiveUp),
    /// `JkdRequestTimeout` is over.
    TooLate,
}

/// What is left of an answer that gave way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Replaced {
    pub(crate) status: StatusCode,
    /// With 401 the challenges, without which nobody could answer.
    pub(crate) challenges: Vec<HeaderValue>,
}

impl Stumble {
    /// The status that mod_jk gives for it.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Refused(refusal) => refusal.status(),
            Self::Body => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BadPath | Self::ClientBody => StatusCode::BAD_REQUEST,
            Self::Unmapped | Self::HiddenPath => StatusCode::NOT_FOUND,
            Self::Forbidden | Self::HiddenFile => StatusCode::FORBIDDEN,
            Self::Misdirected => StatusCode::MISDIRECTED_REQUEST,
            Self::ReadOnly => StatusCode::METHOD_NOT_ALLOWED,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::NoWorker
            | Self::NoTarget
            | Self::File
            | Self::Misconfigured
            | Self::Anew(_)
            | Self::BadAnswer => StatusCode::INTERNAL_SERVER_ERROR,
            Self::TooLate => StatusCode::GATEWAY_TIMEOUT,
            Self::Replaced(replaced) => known(replaced.status),
            Self::UnknownMethod => StatusCode::NOT_IMPLEMENTED,
            Self::NoSuchPart => StatusCode::RANGE_NOT_SATISFIABLE,
            Self::Said(status) => *status,
            Self::Elsewhere(elsewhere) => elsewhere.status,
            Self::GaveUp(why) => {
                StatusCode::from_u16(why.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
            }
        }
    }

    /// The status that httpd goes by where it is about the connection: of an answer that gave way its
    /// own, also one that nobody knows.
    pub(crate) fn status_of_httpd(&self) -> u16 {
        match self {
            Self::Replaced(replaced) if replaced.status.as_u16() < 600 => replaced.status.as_u16(),
            _ => self.status().as_u16(),
        }
    }

    /// Why the request is refused, where it makes no sense.
    pub(crate) const fn refusal(&self) -> Option<Refusal> {
        match self {
            Self::Refused(refusal) => Some(*refusal),
            _ => None,
        }
    }

    /// Whether a file was asked for what it cannot do.
    pub(crate) const fn is_about_file(&self) -> bool {
        matches!(self, Self::ReadOnly | Self::UnknownMethod)
    }

    /// Whether the connection cannot be trusted to be at the start of the next request.
    pub(crate) const fn closes(&self) -> bool {
        match self {
            Self::Refused(refusal) => !matches!(refusal, Refusal::Expectation | Refusal::Method),
            Self::Body
            | Self::BadPath
            | Self::ClientBody
            | Self::GaveUp(GiveUp::Failed(Failure::ClientRead)) => true,
            _ => false,
        }
    }
}

/// Marks an answer that is an error page of our own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IsPage;

/// The answer for a request that stumbled, with a page of our own.
pub(crate) fn respond(stumble: &Stumble) -> Response<Full<Bytes>> {
    respond_with(stumble, page(stumble))
}

/// The answer for a request that stumbled, with this page.
pub(crate) fn respond_with(stumble: &Stumble, page: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(page));
    *response.status_mut() = stumble.status();
    response.extensions_mut().insert(IsPage);
    let headers = response.headers_mut();
    let html = HeaderValue::from_static("text/html; charset=iso-8859-1");
    headers.insert(header::CONTENT_TYPE, html);
    if stumble.closes() {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    if let Stumble::Replaced(replaced) = stumble {
        for challenge in &replaced.challenges {
            headers.append(header::WWW_AUTHENTICATE, challenge.clone());
        }
    }
    response
}

/// httpd has pages for the statuses that it knows; all others become 500.
fn known(status: StatusCode) -> StatusCode {
    match status {
        StatusCode::IM_A_TEAPOT => StatusCode::INTERNAL_SERVER_ERROR,
        status if status.canonical_reason().is_some() => status,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// A page that needs nothing from elsewhere.
fn page(stumble: &Stumble) -> Bytes {
    let status = stumble.status();
    let reason = status.canonical_reason().unwrap_or("Error");
    let code = status.as_u16();
    let text = match stumble {
        Stumble::Refused(Refusal::WithoutTls) => WITHOUT_TLS,
        _ => explanation(status),
    };
    Bytes::from(format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\
         <title>{code} {reason}</title></head>\n\
         <body>\n<h1>{reason}</h1>\n<p>{text}</p>\n</body>\n</html>\n"
    ))
}

/// As httpd says it.
const WITHOUT_TLS: &str = "You're speaking plain HTTP to an SSL-enabled server port. Instead use the \
                           HTTPS scheme to access this URL, please.";

fn explanation(status: StatusCode) -> &'static str {
    match status {
        StatusCode::UNAUTHORIZED => "This resource is for users who have identified themselves.",
        StatusCode::MISDIRECTED_REQUEST => {
            "The connection is for another host: this request needs a new one."
        }
        StatusCode::NOT_FOUND => "The requested URL was not found on this server.",
        StatusCode::FORBIDDEN => "You don't have permission to access this resource.",
        StatusCode::METHOD_NOT_ALLOWED => "The requested method is not allowed for this URL.",
        StatusCode::PAYLOAD_TOO_LARGE => "The request exceeds the limits of this server.",
        StatusCode::URI_TOO_LONG => "The requested URL's length exceeds this server's limit.",
        StatusCode::BAD_GATEWAY => "The application server gave an invalid answer.",
        StatusCode::SERVICE_UNAVAILABLE => {
            "The application is temporarily unable to serve your request. Please try again later."
        }
        StatusCode::GATEWAY_TIMEOUT => "The application server did not answer in time.",
        status if status.is_server_error() => "The server could not complete your request.",
        StatusCode::GONE => "The requested resource is no longer available on this server.",
        StatusCode::CONFLICT | StatusCode::PRECONDITION_FAILED => {
            "The resource is not in a state in which your request could be fulfilled."
        }
        StatusCode::RANGE_NOT_SATISFIABLE => "The resource has no such part.",
        status if status.is_redirection() => "The resource is to be found elsewhere.",
        status if !status.is_client_error() => "The server has no more to say about this.",
        _ => "Your browser sent a request that this server could not understand.",
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;
    use crate::balancer::NoMember;

    const NOBODY: GiveUp = GiveUp::NoMember(NoMember::NoneUsable);

    fn replaced(status: u16) -> Stumble {
        let status = StatusCode::from_u16(status).unwrap();
        let challenges = Vec::new();
        Stumble::Replaced(Box::new(Replaced { status, challenges }))
    }

    fn failed(failure: Failure) -> Stumble {
        Stumble::GaveUp(GiveUp::Failed(failure))
    }

    #[test]
    fn statuses_are_mod_jks() {
        let table = [
            (Stumble::Unmapped, 404),
            (Stumble::NoWorker, 500),
            (Stumble::GaveUp(NOBODY), 503),
            (failed(Failure::Connect), 503),
            (failed(Failure::ReplyTimeout), 504),
            (failed(Failure::Closed), 502),
            (failed(Failure::Framing), 502),
            (failed(Failure::BadPacket), 500),
            (failed(Failure::TooLarge), 413),
            (Stumble::ClientBody, 400),
            (Stumble::BadPath, 400),
            (Stumble::Forbidden, 403),
            (Stumble::Unauthorized, 401),
            (Stumble::Misconfigured, 500),
            (Stumble::HiddenFile, 403),
            (Stumble::ReadOnly, 405),
            (Stumble::File, 500),
            (Stumble::BadAnswer, 500),
            (replaced(409), 409),
            (replaced(418), 500),
            (replaced(599), 500),
            (Stumble::UnknownMethod, 501),
            (Stumble::NoSuchPart, 416),
            (Stumble::Said(StatusCode::GONE), 410),
            (Stumble::Refused(Refusal::TransferCoding), 501),
        ];
        for (stumble, status) in table {
            assert_eq!(respond(&stumble).status().as_u16(), status, "{stumble:?}");
        }
    }

    #[tokio::test]
    async fn a_page_is_whole_and_says_little() {
        let response = respond(&Stumble::GaveUp(NOBODY));
        assert!(!response.headers().contains_key(header::CONNECTION));
        let page = response.into_body().collect().await.unwrap().to_bytes();
        let page = String::from_utf8(page.to_vec()).unwrap();
        assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>\n"));
        assert!(page.contains("<title>503 Service Unavailable</title>"));
        assert!(!page.to_lowercase().contains("worker"));
    }

    #[test]
    fn a_request_that_breaks_http_ends_its_connection() {
        let response = respond(&Stumble::Refused(Refusal::HostCount));
        assert_eq!(response.headers()[header::CONNECTION], "close");
    }
}
