//! The request body as the service sees it, and the slot through which it arrives.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use parking_lot::Mutex;

use super::upload::Delivery;

/// Why a request body ended before it was complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BodyError {
    /// The web server closed the connection or the connection failed: the client went away.
    #[error("the connection ended before the request body")]
    Disconnected,
    /// A packet was no body packet.
    #[error("a packet of the request body was malformed")]
    Malformed,
    /// The response was finished first; what is left of the body is gone.
    #[error("the response was complete before the request body was read")]
    ResponseComplete,
    /// The web server did not send the packet it was asked for in time.
    #[error("the web server stalled inside the request body")]
    Stalled,
    /// The web server sent more than content-length said.
    #[error("the request body is longer than its content-length")]
    TooLong,
    /// The web server ended the body before content-length was reached.
    #[error("the request body is shorter than its content-length")]
    TooShort,
}

/// The body of a request, asked for packet by packet as it is polled.
///
/// At most one packet waits in memory. A service that never polls it costs the web server at
/// most the first packet, which it sends unasked when the request has a content-length.
#[derive(Debug)]
pub struct RequestBody {
    slot: Option<Arc<Slot>>,
    left: Option<u64>,
}

impl RequestBody {
    /// A body without a byte.
    pub const fn empty() -> Self {
        Self {
            slot: None,
            left: Some(0),
        }
    }

    pub(super) fn new(slot: Arc<Slot>, content_length: Option<u64>) -> Self {
        Self {
            slot: Some(slot),
            left: content_length,
        }
    }

    fn finish(&mut self) {
        self.slot = None;
        self.left = Some(0);
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let Some(slot) = &self.slot else {
            return Poll::Ready(None);
        };
        let Poll::Ready(taken) = slot.poll_take(cx) else {
            return Poll::Pending;
        };
        match taken {
            Ok(Some(data)) => {
                let taken = u64::try_from(data.len()).unwrap_or(u64::MAX);
                self.left = self.left.map(|left| left.saturating_sub(taken));
                if self.left == Some(0) {
                    self.finish();
                }
                Poll::Ready(Some(Ok(Frame::data(data))))
            }
            Ok(None) => {
                self.finish();
                Poll::Ready(None)
            }
            Err(error) => {
                self.finish();
                Poll::Ready(Some(Err(error)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.slot.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        self.left
            .map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

/// One packet's worth of request body between a connection and the service it runs.
///
/// Either side may be on any task; each leaves its waker where the other finds it.
#[derive(Debug, Default)]
pub(super) struct Slot(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    data: Option<Bytes>,
    end: Option<Result<(), BodyError>>,
    wanted: bool,
    reader: Option<Waker>,
    connection: Option<Waker>,
}

impl Slot {
    fn poll_take(&self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, BodyError>> {
        let mut inner = self.0.lock();
        if let Some(data) = inner.data.take() {
            return Poll::Ready(Ok(Some(data)));
        }
        if let Some(end) = inner.end {
            return Poll::Ready(end.map(|()| None));
        }
        inner.reader = Some(cx.waker().clone());
        if !inner.wanted {
            inner.wanted = true;
            if let Some(connection) = inner.connection.take() {
                connection.wake();
            }
        }
        Poll::Pending
    }

    /// Whether the service waits for data; otherwise wakes `cx` when it does.
    pub(super) fn is_wanted(&self, cx: &mut Context<'_>) -> bool {
        let mut inner = self.0.lock();
        if !inner.wanted {
            inner.connection = Some(cx.waker().clone());
        }
        inner.wanted
    }

    /// Hands over a packet's worth.
    pub(super) fn deliver(&self, delivery: Delivery) {
        self.update(|inner| {
            inner.data = Some(delivery.data).filter(|data| !data.is_empty());
            inner.end = delivery.last.then_some(Ok(()));
        });
    }

    /// Nothing more will come.
    pub(super) fn fail(&self, error: BodyError) {
        self.update(|inner| inner.end = inner.end.or(Some(Err(error))));
    }

    fn update(&self, change: impl FnOnce(&mut Inner)) {
        let mut inner = self.0.lock();
        change(&mut inner);
        inner.wanted = false;
        if let Some(reader) = inner.reader.take() {
            reader.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    fn packet(data: &'static str, last: bool) -> Delivery {
        Delivery {
            data: Bytes::from_static(data.as_bytes()),
            last,
        }
    }

    #[tokio::test]
    async fn delivers_what_comes_and_ends() {
        let slot = Arc::new(Slot::default());
        let mut body = RequestBody::new(slot.clone(), None);
        slot.deliver(packet("abc", false));
        assert_eq!(
            body.frame().await.unwrap().unwrap().into_data().unwrap(),
            "abc"
        );
        slot.deliver(packet("", true));
        assert!(body.frame().await.is_none());
        assert!(body.is_end_stream());
    }

    #[tokio::test]
    async fn polling_it_wakes_the_connection_and_data_wakes_the_service() {
        let slot = Arc::new(Slot::default());
        let mut body = RequestBody::new(slot.clone(), Some(3));
        let connection = async {
            std::future::poll_fn(|cx| {
                if slot.is_wanted(cx) {
                    Poll::Ready(())
                } else {
                    Poll::Pending
                }
            })
            .await;
            slot.deliver(packet("abc", true));
        };
        let (frame, ()) = tokio::join!(body.frame(), connection);
        assert_eq!(frame.unwrap().unwrap().into_data().unwrap(), "abc");
        assert!(body.is_end_stream(), "the length says that this was all");
    }

    #[tokio::test]
    async fn an_error_comes_after_the_data_before_it() {
        let slot = Arc::new(Slot::default());
        let mut body = RequestBody::new(slot.clone(), Some(10));
        slot.deliver(packet("abc", false));
        slot.fail(BodyError::Disconnected);
        assert!(body.frame().await.unwrap().is_ok());
        assert_eq!(body.size_hint().exact(), Some(7));
        assert_eq!(
            body.frame().await.unwrap().unwrap_err(),
            BodyError::Disconnected
        );
        assert!(body.frame().await.is_none());
    }

    #[test]
    fn an_empty_body_is_at_its_end() {
        assert!(RequestBody::empty().is_end_stream());
        assert_eq!(RequestBody::empty().size_hint().exact(), Some(0));
    }
}
