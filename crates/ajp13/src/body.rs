//! The body of an answer, read from the connection as it is asked for.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::StatusCode;
use http_body::{Frame, SizeHint};

use crate::conn::upload::{AnySource, Upload};
use crate::conn::{Event, Io};
use crate::convert::outbound::HeadPacket;
use crate::error::{Error, ErrorKind, hint};
use crate::pool::PooledConn;
use crate::stream::Stream;

/// The body of a response, and what is left of the request's.
///
/// Reading it drives both directions: while it is polled, the container's demands for more of
/// the request's body are answered. Body bytes are slices of the read buffer, not copies.
///
/// It ends with the container's END_RESPONSE. Anything else is an error, so that a torn
/// response is never taken for a whole one; whoever passes the body on must then break off, too.
/// Two exceptions, by a `Content-Length`: when all of it has come the connection may end instead; and
/// a body that goes on behind it ends there, the connection is closed, and
/// [`excess`](Self::excess) tells.
/// As soon as the end has been read, the connection goes back to its pool; it does not wait until
/// this value is dropped.
///
/// # Dropping it early
///
/// Dropped before its end, the connection is closed, by which the container learns that nobody
/// wants the rest. The exception is a response of which all content has been read (its
/// `Content-Length` is reached, or it cannot have a body) and only END_RESPONSE is missing: the
/// connection then waits for that in the pool.
pub struct Body<IO: Io = Stream> {
    conn: Option<PooledConn<IO>>,
    upload: Upload<AnySource>,
    /// Came while looking for the end; told at the next poll.
    ahead: Option<Result<Frame<Bytes>, Error>>,
    tally: Tally,
    left: Option<u64>,
    status: StatusCode,
    refused: bool,
    bodiless: bool,
    head: Option<HeadPacket>,
    excess: Option<Error>,
}

/// What was carried so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tally {
    /// Bytes of the request's body sent to the container.
    pub sent: u64,
    /// Bytes of the response's body received from it.
    pub received: u64,
    /// Whether the container asked for more of the request's body than it was sent unasked.
    pub asked: bool,
    /// All bytes of the request sent to the container, with its head, the framing, and CPings before
    /// it.
    pub written: u64,
    /// All bytes of the response received from it, with its head, the framing, and CPongs before
    /// it. A packet that breaks off counts with its first four bytes.
    pub read: u64,
}

impl<IO: Io> Body<IO> {
    pub(crate) fn new(
        mut conn: PooledConn<IO>,
        upload: Upload<AnySource>,
        status: StatusCode,
        left: Option<u64>,
        take_end: bool,
    ) -> Self {
        let head = conn.conn_mut().take_head();
        let bodiless = conn.conn().is_bodiless();
        let mut body = Self {
            head,
            conn: Some(conn),
            upload,
            ahead: None,
            tally: Tally::default(),
            left,
            status,
            refused: false,
            bodiless,
            excess: None,
        };
        if take_end {
            body.take_end();
        }
        body
    }

    /// The packet of the head, once, where it was asked for:
    /// [`SendOptions::verbatim`](crate::SendOptions::verbatim).
    pub fn take_head(&mut self) -> Option<HeadPacket> {
        self.head.take()
    }

    /// Whether it can have no bytes, whatever the head announces: in answer to HEAD, and with the
    /// statuses 204 and 304.
    pub fn is_bodiless(&self) -> bool {
        self.bodiless
    }

    /// Bytes carried so far, in both directions.
    pub fn tally(&self) -> Tally {
        (self.conn.as_ref()).map_or(self.tally, |conn| conn.conn().tally())
    }

    /// Closes the connection, also where only the end of the response is missing, by which the
    /// container learns that nobody wanted it. Where the end has been read already, the connection
    /// stays in its pool: see [`SendOptions::take_end`](crate::SendOptions::take_end).
    pub fn close(&mut self) {
        if let Some(conn) = self.conn.take() {
            self.tally = conn.conn().tally();
            conn.close();
        }
    }

    /// What an operator should look at when Tomcat itself, not the application, refused the
    /// request: 403 on a connection that Tomcat wants closed. Known once the end was read.
    pub fn refusal_hint(&self) -> Option<&'static str> {
        self.refused.then_some(hint::SECRET)
    }

    /// What is to be told of a body that went on behind its `Content-Length`, once. Nothing of that
    /// was handed out.
    pub fn excess(&mut self) -> Option<Error> {
        self.excess.take()
    }

    /// Reads the end along with the last bytes when it has come with them, so that the
    /// connection is free before those bytes have been passed on.
    fn take_end(&mut self) {
        if self
            .conn
            .as_mut()
            .is_some_and(|conn| conn.conn_mut().take_end())
        {
            self.ahead = self.end().err().map(Err);
        }
    }

    /// The same where all that was announced has come, looking at the socket, too: whoever has the
    /// whole answer and asks again finds the connection free.
    fn look_for_end(&mut self, cx: &mut Context<'_>) {
        if self.conn.is_some() && self.left == Some(0) {
            self.ahead = match self.poll_conn(cx) {
                Poll::Ready(next) => next,
                Poll::Pending => None,
            };
        }
    }

    fn poll_conn(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let Some(conn) = &mut self.conn else {
            return Poll::Ready(None);
        };
        match ready!(conn.conn_mut().poll_event(cx, &mut self.upload)) {
            Ok(Event::Data(bytes)) => self.data(bytes),
            Ok(Event::Flush) => Poll::Ready(Some(Ok(Frame::data(Bytes::new())))),
            Ok(Event::End) => Poll::Ready(self.end().err().map(Err)),
            // The exchange refuses a second head before it gets here.
            Ok(Event::Head(_)) => self.broken(Error::new(ErrorKind::Order)),
            // All that was announced is here: only the end is missing, and nobody needs that.
            Err(error) if error.kind() == ErrorKind::Closed && self.has_announced() => {
                self.close();
                Poll::Ready(None)
            }
            Err(error) => self.broken(error),
        }
    }

    /// The response is complete: checks its length and gives the connection back.
    fn end(&mut self) -> Result<(), Error> {
        let Some(mut conn) = self.conn.take() else {
            return Ok(());
        };
        self.upload = Upload::none();
        let conn_ref = conn.conn();
        self.tally = conn_ref.tally();
        if let Some(exchange) = conn_ref.exchange() {
            self.refused = self.status == StatusCode::FORBIDDEN && exchange.reuse().is_err();
        }
        match conn_ref.content() {
            // Containers announce the body of a 205 that they leave out.
            Some(_) if self.status == StatusCode::RESET_CONTENT && self.tally.received == 0 => {
                Ok(())
            }
            Some(length) if length != self.tally.received => {
                Err(conn.conn_mut().fail(wrong_length()))
            }
            _ => Ok(()),
        }
    }

    fn broken(&mut self, error: Error) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if let Some(conn) = self.conn.take() {
            self.tally = conn.conn().tally();
        }
        self.upload = Upload::none();
        Poll::Ready(Some(Err(error)))
    }

    fn data(&mut self, mut bytes: Bytes) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if let Some(left) = self.left {
            let Some(rest) = left.checked_sub(bytes.len() as u64) else {
                bytes.truncate(usize::try_from(left).unwrap_or(usize::MAX));
                self.left = Some(0);
                return self.ends_before(bytes);
            };
            self.left = Some(rest);
        }
        self.take_end();
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }

    /// Whether all of an announced body has come.
    fn has_announced(&self) -> bool {
        let announced = self.conn.as_ref().and_then(|conn| conn.conn().content());
        announced.is_some() && self.left == Some(0)
    }

    /// What follows these last bytes is not announced, and nobody's.
    fn ends_before(&mut self, last: Bytes) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        self.upload = Upload::none();
        if let Some(mut conn) = self.conn.take() {
            self.excess = Some(conn.conn_mut().fail(wrong_length()));
            self.tally = conn.conn().tally();
        }
        Poll::Ready(
            Some(last)
                .filter(|last| !last.is_empty())
                .map(|last| Ok(Frame::data(last))),
        )
    }
}

impl<IO: Io> http_body::Body for Body<IO> {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let body = &mut *self;
        if let Some(ahead) = body.ahead.take() {
            return Poll::Ready(Some(ahead));
        }
        let next = ready!(body.poll_conn(cx));
        body.look_for_end(cx);
        Poll::Ready(next)
    }

    fn is_end_stream(&self) -> bool {
        self.conn.is_none() && self.ahead.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        // Before an error is told, what was announced is still due: nothing may contradict it.
        let known = if self.is_end_stream() {
            Some(0)
        } else {
            self.left
        };
        known.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

impl<IO: Io> fmt::Debug for Body<IO> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body")
            .field("conn", &self.conn)
            .field("ahead", &self.ahead.is_some())
            .field("left", &self.left)
            .field("tally", &self.tally())
            .finish_non_exhaustive()
    }
}

fn wrong_length() -> Error {
    Error::new(ErrorKind::Length)
}
