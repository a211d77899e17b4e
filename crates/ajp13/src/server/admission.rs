//! Whether a request may reach the service, and the answer when it may not.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Request, Response, StatusCode};

use crate::convert::inbound::{BadRequest, request};
use crate::facts::{Attributes, Secret, Text};
use crate::wire::{self, ForwardRequest};

use super::ServerOptions;

/// A request for the service, its body still to come.
pub(super) struct Admitted {
    pub(super) request: Request<()>,
    pub(super) content_length: Option<u64>,
}

/// Why a request never reaches the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    #[error("a request attribute is not allowed")]
    Attribute,
    #[error(transparent)]
    BadRequest(#[from] BadRequest),
    #[error("the request packet is malformed: {0}")]
    Malformed(#[from] wire::Error),
    #[error("the secret is missing or wrong")]
    Secret,
    #[error("there are too many headers")]
    TooManyHeaders,
}

impl Refusal {
    /// Whether the peer is trusted with another request on its connection: only if what is wrong
    /// came from the browser rather than from the web server.
    pub(super) fn keeps_connection(self) -> bool {
        matches!(
            self,
            Self::BadRequest(BadRequest::Target | BadRequest::Method)
        )
    }

    pub(super) fn response(self) -> Response<String> {
        let status = match self {
            Self::Attribute | Self::Secret => StatusCode::FORBIDDEN,
            Self::BadRequest(_) | Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::TooManyHeaders => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        };
        plain(status)
    }
}

/// A response of nothing but its status, in words.
pub(super) fn plain(status: StatusCode) -> Response<String> {
    let mut response = Response::new(format!("{status}\n"));
    *response.status_mut() = status;
    let text = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, text);
    response
}

/// Judges a request in the order in which Tomcat does: secret before all else.
pub(super) fn admit(
    options: &ServerOptions,
    packet: &Bytes,
    forward: &ForwardRequest<'_>,
) -> Result<Admitted, Refusal> {
    if !options
        .secret
        .as_ref()
        .is_none_or(|secret| knows(forward, secret))
    {
        return Err(Refusal::Secret);
    }
    let content_length = forward.content_length()?;
    if forward.headers.len() > options.max_headers {
        return Err(Refusal::TooManyHeaders);
    }
    let request = request(packet, forward)?;
    let attributes = request.extensions().get::<Attributes>();
    let allowed = |(name, _): (&Text, &Text)| options.attributes.allows(name);
    if !attributes.is_none_or(|attributes| attributes.iter().all(allowed)) {
        return Err(Refusal::Attribute);
    }
    Ok(Admitted {
        request,
        content_length,
    })
}

/// Every secret on the request must be right, and one must be there.
fn knows(forward: &ForwardRequest<'_>, secret: &Secret) -> bool {
    let mut offers = forward
        .attributes
        .iter()
        .filter_map(|attribute| match attribute {
            wire::Attribute::Secret(offer) => Some(secret.matches(offer)),
            _ => None,
        });
    offers
        .next()
        .is_some_and(|first| offers.fold(first, |all, one| all & one))
}
