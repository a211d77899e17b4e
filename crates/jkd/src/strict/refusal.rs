//! Why a request is refused before it is routed.

use http::StatusCode;

use crate::http1::MAX_HEAD;

/// Why a request is refused before it is routed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("request without TLS where it is needed")]
    WithoutTls,
    #[error("TRACE, which TraceEnable does not allow")]
    Method,
    #[error("CONNECT, and there are no tunnels here")]
    Tunnel,
    #[error("method that is not registered")]
    UnknownMethod,
    #[error("HTTP version other than 1.0 and 1.1")]
    Version,
    #[error("request target is neither a path nor an http URL")]
    Target,
    #[error("HTTP/1.1 needs exactly one Host field")]
    HostCount,
    #[error("Host field is not a host name with an optional port")]
    HostSyntax,
    #[error("Content-Length beyond what any peer can count")]
    Length,
    #[error("both Content-Length and Transfer-Encoding")]
    BothLengths,
    #[error("transfer coding other than chunked")]
    TransferCoding,
    #[error("last transfer coding is not chunked")]
    Coding,
    #[error("expectation other than 100-continue")]
    Expectation,
    #[error("request line that is not method, target and version")]
    Syntax,
    #[error("request line is longer than LimitRequestLine")]
    LineLength,
    #[error("line that does not end with CR LF")]
    LineEnd,
    #[error("header field that is no name and value")]
    Field,
    #[error("header field is longer than LimitRequestFieldSize")]
    FieldLength,
    #[error("more header fields than LimitRequestFields")]
    FieldCount,
    #[error("head is longer than {MAX_HEAD} bytes")]
    HeadLength,
    #[error("head came too slowly")]
    Late,
    #[error("body is longer than LimitRequestBody")]
    BodyLength,
    #[error("more connections of one client than JkdMaxConnectionsPerClient")]
    Connections,
}

impl Refusal {
    /// The status that tells the client.
    pub(crate) const fn status(self) -> StatusCode {
        match self {
            Self::Method | Self::Tunnel => StatusCode::METHOD_NOT_ALLOWED,
            Self::Version => StatusCode::HTTP_VERSION_NOT_SUPPORTED,
            Self::LineLength => StatusCode::URI_TOO_LONG,
            Self::BodyLength => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Connections => StatusCode::SERVICE_UNAVAILABLE,
            Self::Late => StatusCode::REQUEST_TIMEOUT,
            Self::TransferCoding | Self::UnknownMethod => StatusCode::NOT_IMPLEMENTED,
            Self::Expectation => StatusCode::EXPECTATION_FAILED,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// Whether it is refused while it is read: no section and no condition about variables has
    /// been asked then.
    pub(crate) const fn is_of_reading(self) -> bool {
        !matches!(
            self,
            Self::WithoutTls
                | Self::Method
                | Self::Tunnel
                | Self::BodyLength
                // httpd finds out when it wants the body.
                | Self::TransferCoding
        )
    }

    /// Whether it is refused before anybody has looked for the host that it is for.
    pub(crate) const fn is_before_host(self) -> bool {
        self.is_of_reading() && !matches!(self, Self::Expectation)
    }

    /// Where nobody can say how long the body is: what comes of it in httpd, which asks for a page
    /// with the same fields, is an error again, with this status.
    pub(crate) const fn of_page(self) -> Option<StatusCode> {
        match self {
            Self::Length => Some(StatusCode::BAD_REQUEST),
            Self::Coding | Self::TransferCoding => Some(StatusCode::NOT_IMPLEMENTED),
            _ => None,
        }
    }
}
