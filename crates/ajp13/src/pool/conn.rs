//! A connection on loan from a pool.

use std::fmt;
use std::future::{Ready, poll_fn};
use std::mem;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::Poll;
use std::time::Duration;

use bytes::BytesMut;
use http::Response;
use http::response::Parts;

use super::signs::Signs;
use super::slot::Slot;
use super::stats::CloseReason;
use crate::body::{Body, Tally};
use crate::conn::upload::{AnySource, BodySource, Source, Upload};
use crate::conn::{Conn, EndOfBody, Event, Io, Limits};
use crate::error::{BoxError, Error, ErrorKind};
use crate::exchange::{Announced, Exchange};
use crate::stream::Stream;
use crate::wire::{PacketSize, TooLarge};

/// A connection for one exchange.
///
/// Dropped unused it goes back to its pool; dropped in the middle of an exchange it is closed.
/// Either way its slot is free again, also when the task that held it was cancelled or panicked.
pub struct PooledConn<IO: Io = Stream> {
    /// Present until dropped. In front of the slot: a connection is put back or closed before
    /// somebody else may have its slot.
    conn: Option<Box<Conn<IO>>>,
    slot: Option<Slot<IO>>,
}

/// How one request is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendOptions {
    /// The length of the body, as the `content-length` header in the packet says it.
    pub announced: Announced,
    /// Whether the method is HEAD, whose answer has no body whatever its headers say.
    pub head_only: bool,
    /// The longest silence of the container while an answer is expected; `None` waits for ever.
    /// Containers exist that fall silent in the middle of an answer. Default: 300 s.
    pub reply_timeout: Option<Duration>,
    /// The longest time in which no byte is read or written although one is due: within a packet,
    /// and while the next is waited for where `reply_timeout` is `None`. Default: `None`, for ever.
    pub socket_timeout: Option<Duration>,
    /// When the head of the answer has come without all of its body, lets the other tasks of
    /// this thread run once and looks again before the head is handed out. Tomcat sends head,
    /// body and end in separate segments; this joins them at the cost of no time. Default: yes.
    pub settle: bool,
    /// Reads the end of the answer along with its head, if it is at hand, so that the connection is
    /// free before the answer has been passed on. Off where the head decides whether the answer is
    /// wanted at all, and [`Body::close`] may be called. Default: yes.
    pub take_end: bool,
    /// The form of the end of the request's body. Default: as mod_jk.
    pub end_of_body: EndOfBody,
    /// Whether the connection may serve another request afterwards. Default: yes.
    pub reuse: bool,
    /// Leaves the fields of the head as they came: the response has none, and
    /// [`Body::take_head`] gives the packet, of which nothing was checked but the announced length.
    /// Flushes of a body are told, too: as frames of no bytes. Default: no.
    pub verbatim: bool,
    /// Waits until there is enough of the request's body to fill a packet, or it ends, as mod_jk does.
    /// Otherwise what is there is sent. Default: no.
    pub fill: bool,
}

impl Default for SendOptions {
    fn default() -> Self {
        Self {
            announced: Announced::None,
            head_only: false,
            reply_timeout: Some(Duration::from_secs(300)),
            socket_timeout: None,
            settle: true,
            take_end: true,
            end_of_body: EndOfBody::default(),
            reuse: true,
            verbatim: false,
            fill: false,
        }
    }
}

/// Somebody who may give up a request on behalf of its sender.
#[derive(Clone, Debug)]
pub struct Doubt<F> {
    /// The silence after which he begins. Until then he costs nothing: the connection has one timer
    /// for all its requests.
    pub after: Duration,
    /// Ready when there is no point in waiting any longer.
    pub justified: F,
}

/// A request that was not answered, with its body if that was not read to the end.
pub struct SendError<B> {
    /// What happened.
    pub error: Error,
    /// The body given back. What was already taken from it is gone: see `consumed`.
    pub body: Option<B>,
    /// How many bytes of the body were put into packets.
    pub consumed: u64,
    /// What was carried in spite of the failure.
    pub tally: Tally,
}

/// What went to the container and came from it for requests that were given up before their answer
/// began: whoever gives up a request cannot be told anything any more.
#[derive(Debug, Default)]
pub struct GivenUp {
    written: AtomicU64,
    read: AtomicU64,
}

impl GivenUp {
    /// Bytes written and read, AJP framing included, since this was asked the last time.
    pub fn take(&mut self) -> (u64, u64) {
        (
            mem::take(self.written.get_mut()),
            mem::take(self.read.get_mut()),
        )
    }

    fn add(&self, tally: Tally) {
        self.written.fetch_add(tally.written, Relaxed);
        self.read.fetch_add(tally.read, Relaxed);
    }
}

/// A connection whose answer is waited for.
struct Waiting<'a, IO: Io> {
    conn: PooledConn<IO>,
    given_up: Option<&'a GivenUp>,
}

impl<IO: Io> Drop for Waiting<'_, IO> {
    fn drop(&mut self) {
        if let (Some(given_up), Some(conn)) = (self.given_up, &self.conn.conn) {
            given_up.add(conn.tally());
        }
    }
}

impl<IO: Io> Waiting<'_, IO> {
    /// The request is not given up.
    fn end(mut self) -> PooledConn<IO> {
        self.given_up = None;
        PooledConn {
            conn: self.conn.conn.take(),
            slot: self.conn.slot.take(),
        }
    }
}

impl<IO: Io> PooledConn<IO> {
    pub(super) fn new(conn: Box<Conn<IO>>, slot: Slot<IO>) -> Self {
        Self {
            conn: Some(conn),
            slot: Some(slot),
        }
    }

    /// The address to which the pool has connected it, where a name gave it the choice.
    pub fn remote(&self) -> Option<SocketAddr> {
        self.conn().remote.as_ref().map(|remote| remote.address)
    }

    /// What counts the signs of life of that address, if there is one.
    pub fn signs(&self) -> Option<Signs> {
        self.conn()
            .remote
            .as_ref()
            .map(|remote| remote.signs.clone())
    }

    /// Whether the connection has served a request before, so that it may turn out to be stale.
    pub fn is_reused(&self) -> bool {
        self.conn().is_reused()
    }

    /// The connection itself.
    #[expect(clippy::expect_used, reason = "taken only by drop")]
    pub fn conn(&self) -> &Conn<IO> {
        self.conn.as_deref().expect("present until dropped")
    }

    #[expect(clippy::expect_used, reason = "taken only by drop")]
    pub(crate) fn conn_mut(&mut self) -> &mut Conn<IO> {
        self.conn.as_deref_mut().expect("present until dropped")
    }

    /// Sends a request and waits for the head of its answer.
    ///
    /// `write` appends the whole FORWARD_REQUEST packet, as
    /// [`ForwardRequestWriter`](crate::wire::ForwardRequestWriter) does. Its headers must agree
    /// with [`SendOptions::announced`], and must be free of control characters: containers
    /// believe them as they are. The packet and the first piece of the body go out in one write.
    ///
    /// The body of the request goes on being sent while the body of the answer is read. `body`
    /// is not looked at where `announced` is [`Announced::None`].
    ///
    /// # Errors
    /// Any [`Error`]; its [`stage`](Error::stage) tells how far it got. The body comes back with
    /// it.
    ///
    /// # Cancel safety
    /// Dropping the future closes the connection and frees its slot.
    pub fn send<B, W>(
        self,
        write: W,
        body: B,
        options: SendOptions,
    ) -> impl Future<Output = Result<Response<Body<IO>>, SendError<B>>>
    where
        B: http_body::Body + Unpin + Send + 'static,
        B::Error: Into<BoxError>,
        W: FnOnce(&mut BytesMut, PacketSize) -> Result<(), TooLarge>,
    {
        self.send_unless(write, body, options, None::<Doubt<Ready<()>>>, None)
    }

    /// As [`send`](Self::send), unless `doubt` is found justified before the head of the answer has
    /// come. Where the future is dropped, `given_up` learns what was carried.
    ///
    /// # Errors
    /// As [`send`](Self::send); [`ErrorKind::GivenUp`] where `doubt` is justified.
    ///
    /// # Cancel safety
    /// As [`send`](Self::send).
    pub async fn send_unless<B, W, F>(
        mut self,
        write: W,
        body: B,
        options: SendOptions,
        doubt: Option<Doubt<F>>,
        given_up: Option<&GivenUp>,
    ) -> Result<Response<Body<IO>>, SendError<B>>
    where
        B: http_body::Body + Unpin + Send + 'static,
        B::Error: Into<BoxError>,
        W: FnOnce(&mut BytesMut, PacketSize) -> Result<(), TooLarge>,
        F: Future<Output = ()>,
    {
        if !options.reuse
            && let Some(slot) = &mut self.slot
        {
            slot.use_once();
        }
        let mut upload = Upload::new(BodySource(body));
        if options.fill {
            upload.fill(options.announced);
        }
        let take_end = options.take_end;
        let mut waiting = Waiting {
            conn: self,
            given_up,
        };
        let head = waiting.conn.head(write, &mut upload, &options, doubt).await;
        let this = waiting.end();
        match head {
            Ok((parts, rest)) => {
                let upload = match options.announced {
                    Announced::None => Upload::none(),
                    _ if this.is_all_sent(options.announced) => Upload::none(),
                    _ => upload.map(|source| Box::new(source) as AnySource),
                };
                let left = this.conn().content().or(rest);
                let body = Body::new(this, upload, parts.status, left, take_end);
                Ok(Response::from_parts(parts, body))
            }
            Err(error) => Err(SendError {
                error,
                body: upload.into_source().map(|source| source.0),
                consumed: this.conn().exchange().map_or(0, Exchange::body_sent),
                tally: this.conn().tally(),
            }),
        }
    }

    /// The head, and how many body bytes follow if all of them are at hand.
    async fn head<S: Source>(
        &mut self,
        write: impl FnOnce(&mut BytesMut, PacketSize) -> Result<(), TooLarge>,
        upload: &mut Upload<S>,
        options: &SendOptions,
        doubt: Option<Doubt<impl Future<Output = ()>>>,
    ) -> Result<(Parts, Option<u64>), Error> {
        let conn = self.conn_mut();
        let doubted = doubt.as_ref().map(|doubt| doubt.after);
        begin(conn, write, options, doubted)?;
        let mut justified = pin!(doubt.map(|doubt| doubt.justified));
        let head = poll_fn(|cx| match conn.poll_event(cx, upload) {
            Poll::Pending => {
                let justified = justified.as_mut().as_pin_mut();
                conn.poll_given_up(cx, justified).map(Err)
            }
            head @ Poll::Ready(_) => head,
        });
        let parts = match head.await? {
            Event::Head(parts) => parts,
            Event::Data(_) | Event::Flush | Event::End => {
                return Err(Error::new(ErrorKind::Order));
            }
        };
        let mut rest = conn.rest_of_answer();
        if rest.is_none() && options.settle {
            tokio::task::yield_now().await;
            rest = poll_fn(|cx| Poll::Ready(conn.poll_settled(cx))).await;
        }
        Ok((parts, rest))
    }

    /// Closes the connection, whatever it would still be good for.
    pub(crate) fn close(mut self) {
        if let (Some(conn), Some(slot)) = (self.conn.take(), &self.slot) {
            slot.close(conn, CloseReason::Aborted);
        }
    }

    fn is_all_sent(&self, announced: Announced) -> bool {
        let sent = self.conn().exchange().map(Exchange::body_sent);
        matches!(announced, Announced::Length(length) if sent == Some(length))
    }
}

/// Begins the exchange; `doubt` is the silence after which somebody asks.
fn begin<IO: Io>(
    conn: &mut Conn<IO>,
    write: impl FnOnce(&mut BytesMut, PacketSize) -> Result<(), TooLarge>,
    options: &SendOptions,
    doubt: Option<Duration>,
) -> Result<(), Error> {
    let limits = Limits {
        reply: options.reply_timeout,
        socket: options.socket_timeout,
        doubt,
    };
    let (announced, end) = (options.announced, options.end_of_body);
    conn.begin(announced, options.head_only, limits, end, write)?;
    if options.verbatim {
        conn.tell_verbatim();
    }
    Ok(())
}

impl<IO: Io> From<Conn<IO>> for PooledConn<IO> {
    /// A connection of no pool: it is closed after its exchange.
    fn from(conn: Conn<IO>) -> Self {
        Self {
            conn: Some(Box::new(conn)),
            slot: None,
        }
    }
}

impl<IO: Io> Drop for PooledConn<IO> {
    fn drop(&mut self) {
        if let (Some(conn), Some(slot)) = (self.conn.take(), &self.slot) {
            slot.put_back(conn);
        }
    }
}

impl<IO: Io> fmt::Debug for PooledConn<IO> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PooledConn")
            .field("conn", &self.conn)
            .finish_non_exhaustive()
    }
}

impl<B> fmt::Debug for SendError<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendError")
            .field("error", &self.error)
            .field("consumed", &self.consumed)
            .finish_non_exhaustive()
    }
}

impl<B> fmt::Display for SendError<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl<B> std::error::Error for SendError<B> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.error.source()
    }
}
