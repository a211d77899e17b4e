//! Requests in, responses out.

#[cfg(feature = "tower")]
mod tower;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::header::CONTENT_LENGTH;
use http::request::Parts;
use http::{Method, Request, Response};
use http_body::Body as HttpBody;

use crate::body::Body;
use crate::conn::EndOfBody;
use crate::convert::outbound::RequestHead;
use crate::error::{BoxError, Error, ErrorKind};
use crate::exchange::Announced;
use crate::facts::Secret;
use crate::pool::{Address, Addresses, Pool, PoolOptions, SendOptions};

/// A client of one container: `http::Request` in, `http::Response` out.
///
/// Cloning is cheap and shares the pool of connections. What AJP13 says beside HTTP is taken
/// from the request's extensions: see [`facts`](crate::facts).
///
/// ```no_run
/// use ajp13::Client;
/// use ajp13::facts::ConnectionInfo;
/// use bytes::Bytes;
/// use http_body_util::{BodyExt, Empty};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let client = Client::builder("127.0.0.1:8009".parse()?).secret("s3cret").build();
/// let mut request = http::Request::get("http://shop.example/cart").body(Empty::<Bytes>::new())?;
/// request.extensions_mut().insert(ConnectionInfo {
///     remote_addr: Some("192.0.2.7".into()),
///     ..ConnectionInfo::default()
/// });
/// let response = client.send(request).await?;
/// println!("{}", response.status());
/// let body = response.into_body().collect().await?.to_bytes();
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Client {
    pool: Pool,
    defaults: Arc<Defaults>,
}

/// What a client adds to every request.
struct Defaults {
    secret: Option<Secret>,
    reply_timeout: Option<Duration>,
    end_of_body: EndOfBody,
}

/// Builds a [`Client`].
#[must_use = "a builder does nothing before `build`"]
pub struct ClientBuilder {
    address: Address,
    addresses: Option<Addresses>,
    pool: PoolOptions,
    defaults: Defaults,
}

impl Client {
    /// A client with the default options and without a secret.
    pub fn new(address: impl Into<Address>) -> Self {
        Self::builder(address.into()).build()
    }

    /// Begins to build a client of the container at `address`.
    pub fn builder(address: Address) -> ClientBuilder {
        let SendOptions {
            reply_timeout,
            end_of_body,
            ..
        } = SendOptions::default();
        ClientBuilder {
            address,
            addresses: None,
            pool: PoolOptions::default(),
            defaults: Defaults {
                secret: None,
                reply_timeout,
                end_of_body,
            },
        }
    }

    /// Sends a request and waits for the head of the response. Both bodies are streamed: the
    /// request's goes on being sent while the response's is read.
    ///
    /// The length announced to the container is the body's exact
    /// [`size_hint`](http_body::Body::size_hint), otherwise that of a `Content-Length` header;
    /// without either the body is of unknown length and pulled by the container. A body that is
    /// not [`Unpin`] can be sent as `Box::pin(body)`.
    ///
    /// Nothing is sent a second time: whether that is safe, the caller can tell by
    /// [`Error::stage`] and [`Error::is_stale`].
    ///
    /// # Errors
    /// Any [`Error`].
    ///
    /// # Cancel safety
    /// Dropping the future closes the connection it used, and leaks nothing.
    pub async fn send<B>(&self, request: Request<B>) -> Result<Response<Body>, Error>
    where
        B: HttpBody + Unpin + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let (parts, body) = request.into_parts();
        let head = RequestHead {
            announced: announced(&parts, &body)?,
            parts: &parts,
            secret: self.defaults.secret.as_ref(),
        };
        let options = SendOptions {
            announced: head.announced,
            head_only: head.head_only(),
            reply_timeout: self.defaults.reply_timeout,
            end_of_body: self.defaults.end_of_body,
            ..SendOptions::default()
        };
        let conn = self.pool.checkout().await?;
        let sent = conn
            .send(|buffer, size| head.write(buffer, size), body, options)
            .await;
        sent.map_err(|failure| failure.error)
    }

    /// Sends a CPing and returns how long the CPong took.
    ///
    /// # Errors
    /// As [`Pool::ping`].
    pub async fn ping(&self, limit: Duration) -> Result<Duration, Error> {
        self.pool.ping(limit).await
    }

    /// The connections.
    pub fn pool(&self) -> &Pool {
        &self.pool
    }
}

impl ClientBuilder {
    /// The connector's secret, sent with each request that brings no
    /// [`Secret`] among its extensions.
    pub fn secret(mut self, secret: impl AsRef<[u8]>) -> Self {
        self.defaults.secret = Some(Secret::new(secret.as_ref()));
        self
    }

    /// The longest silence of the container while an answer is expected; `None` waits for ever.
    /// Default: 300 s.
    pub fn reply_timeout(mut self, limit: Option<Duration>) -> Self {
        self.defaults.reply_timeout = limit;
        self
    }

    /// The form in which the end of a body is sent. Default: as mod_jk.
    pub fn end_of_body(mut self, form: EndOfBody) -> Self {
        self.defaults.end_of_body = form;
        self
    }

    /// The options of the pool.
    pub fn pool(mut self, options: PoolOptions) -> Self {
        self.pool = options;
        self
    }

    /// Lets somebody else look up the host name. Default: the system's resolver is asked for
    /// every connection that is opened.
    pub fn addresses(mut self, addresses: Addresses) -> Self {
        self.addresses = Some(addresses);
        self
    }

    /// The client; opens no connection yet.
    pub fn build(self) -> Client {
        Client {
            pool: match self.addresses {
                Some(addresses) => Pool::with_addresses(self.address, addresses, self.pool),
                None => Pool::new(self.address, self.pool),
            },
            defaults: Arc::new(self.defaults),
        }
    }
}

/// The length to announce.
///
/// # Errors
/// [`ErrorKind::Request`] for a `Content-Length` that is no number, for CONNECT, which AJP13
/// cannot serve, and for a URI without a path.
fn announced<B: HttpBody>(parts: &Parts, body: &B) -> Result<Announced, Error> {
    if parts.method == Method::CONNECT {
        return Err(Error::new(ErrorKind::Request).because("AJP13 has no tunnels"));
    }
    if body.is_end_stream() {
        return Ok(Announced::None);
    }
    let length = match (body.size_hint().exact(), parts.headers.get(CONTENT_LENGTH)) {
        (Some(length), _) => length,
        (None, None) => return Ok(Announced::Unknown),
        (None, Some(header)) => {
            let text = header.to_str().ok().and_then(|text| text.parse().ok());
            text.ok_or_else(|| Error::new(ErrorKind::Request).because("invalid Content-Length"))?
        }
    };
    Ok(match length {
        0 => Announced::None,
        length => Announced::Length(length),
    })
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("pool", &self.pool)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("address", &self.address)
            .field("pool", &self.pool)
            .finish_non_exhaustive()
    }
}
