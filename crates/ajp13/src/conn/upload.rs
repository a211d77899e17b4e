//! The request's body on its way to the container.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use http_body::Body;

use super::output::{DataPacket, Output};
use crate::error::{BoxError, Error, ErrorKind};
use crate::exchange::Announced;

/// Where the bytes of a request's body come from.
pub(crate) trait Source {
    /// The next bytes; `None` at the end.
    fn poll_bytes(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BoxError>>>;
}

/// Any [`http_body::Body`] as a source.
pub(crate) struct BodySource<B>(pub(crate) B);

/// A source whose type has been forgotten.
pub(crate) type AnySource = Box<dyn Source + Send>;

impl<B> Source for BodySource<B>
where
    B: Body + Unpin,
    B::Error: Into<BoxError>,
{
    fn poll_bytes(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BoxError>>> {
        loop {
            match ready!(Pin::new(&mut self.0).poll_frame(cx)) {
                None => return Poll::Ready(None),
                Some(Err(cause)) => return Poll::Ready(Some(Err(cause.into()))),
                Some(Ok(frame)) => {
                    // Trailers have no place in AJP13.
                    if let Ok(mut data) = frame.into_data() {
                        return Poll::Ready(Some(Ok(data.copy_to_bytes(data.remaining()))));
                    }
                }
            }
        }
    }
}

impl Source for AnySource {
    fn poll_bytes(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BoxError>>> {
        (**self).poll_bytes(cx)
    }
}

/// The body of one request: its source, and what was taken from it but did not fit a packet.
pub(crate) struct Upload<S> {
    source: Option<S>,
    rest: Bytes,
    /// What has come for a packet that is not full; `rest` is empty then.
    gathered: BytesMut,
    /// How many bytes may be missing in a packet that counts as full; `None` where anything does.
    spare: Option<usize>,
}

/// As in mod_jk: so many bytes a packet of a body of unknown length may lack.
const SPARE: usize = 12;

impl<S> Upload<S> {
    pub(crate) fn new(source: S) -> Self {
        Self {
            source: Some(source),
            ..Self::none()
        }
    }

    /// A body without bytes.
    pub(crate) fn none() -> Self {
        Self {
            source: None,
            rest: Bytes::new(),
            gathered: BytesMut::new(),
            spare: None,
        }
    }

    /// Changes the type of the source.
    pub(crate) fn map<T>(self, wrap: impl FnOnce(S) -> T) -> Upload<T> {
        Upload {
            source: self.source.map(wrap),
            rest: self.rest,
            gathered: self.gathered,
            spare: self.spare,
        }
    }

    /// Waits from now on for enough to fill a packet.
    pub(crate) fn fill(&mut self, announced: Announced) {
        self.spare = Some(match announced {
            Announced::Unknown => SPARE,
            Announced::None | Announced::Length(_) => 0,
        });
    }

    /// Gives the source back, unless it was read to its end.
    pub(crate) fn into_source(self) -> Option<S> {
        self.source
    }
}

impl<S: Source> Upload<S> {
    /// Puts together one packet of at most `room` bytes, as soon as there is at least one byte, or
    /// enough where packets are to be filled, or the body has ended; an empty packet is the end.
    ///
    /// # Errors
    /// [`ErrorKind::RequestBody`] when the body fails. There is no packet that says so: the
    /// connection has to be closed, for an end of body would make a torn upload look whole.
    pub(super) fn poll_packet<'o>(
        &mut self,
        cx: &mut Context<'_>,
        room: usize,
        output: &'o mut Output,
    ) -> Poll<Result<DataPacket<'o>, Error>> {
        if let Some(spare) = self.spare {
            let enough = if spare < room { room - spare } else { room };
            return (self.poll_gather(cx, enough)).map(|gathered| match gathered {
                Ok(()) => {
                    let mut packet = output.data();
                    packet.push(self.rest.split_to(room.min(self.rest.len())));
                    Ok(packet)
                }
                Err(cause) => Err(Error::new(ErrorKind::RequestBody).because(cause)),
            });
        }
        let mut packet = output.data();
        while packet.len() < room {
            match self.poll_piece(cx, room - packet.len()) {
                Poll::Ready(Some(Ok(piece))) => packet.push(piece),
                Poll::Ready(Some(Err(cause))) => {
                    return Poll::Ready(Err(Error::new(ErrorKind::RequestBody).because(cause)));
                }
                Poll::Pending if packet.len() == 0 => return Poll::Pending,
                Poll::Pending | Poll::Ready(None) => break,
            }
        }
        Poll::Ready(Ok(packet))
    }

    /// Ready when `enough` bytes are in `rest`, or all there are.
    fn poll_gather(&mut self, cx: &mut Context<'_>, enough: usize) -> Poll<Result<(), BoxError>> {
        while self.rest.len() + self.gathered.len() < enough {
            let Some(source) = &mut self.source else {
                break;
            };
            match ready!(source.poll_bytes(cx)) {
                Some(bytes) => self.join(bytes?, enough),
                None => self.source = None,
            }
        }
        if !self.gathered.is_empty() {
            self.rest = self.gathered.split().freeze();
        }
        Poll::Ready(Ok(()))
    }

    /// Keeps a piece that came alone as it is.
    fn join(&mut self, bytes: Bytes, enough: usize) {
        if self.rest.is_empty() && self.gathered.is_empty() {
            self.rest = bytes;
            return;
        }
        if self.gathered.is_empty() {
            let rest = std::mem::take(&mut self.rest);
            self.gathered.reserve(enough.max(rest.len() + bytes.len()));
            self.gathered.extend_from_slice(&rest);
        }
        self.gathered.extend_from_slice(&bytes);
    }

    /// Between 1 and `most` bytes; `None` at the end.
    fn poll_piece(
        &mut self,
        cx: &mut Context<'_>,
        most: usize,
    ) -> Poll<Option<Result<Bytes, BoxError>>> {
        while self.rest.is_empty() {
            let Some(source) = &mut self.source else {
                return Poll::Ready(None);
            };
            match ready!(source.poll_bytes(cx)) {
                Some(Ok(bytes)) => self.rest = bytes,
                Some(Err(cause)) => return Poll::Ready(Some(Err(cause))),
                None => self.source = None,
            }
        }
        Poll::Ready(Some(Ok(self.rest.split_to(most.min(self.rest.len())))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conn::output::EndOfBody;
    use std::collections::VecDeque;
    use std::task::Waker;

    /// Each entry is one poll: bytes, or not yet.
    struct Script(VecDeque<Option<&'static [u8]>>);

    impl Source for Script {
        fn poll_bytes(&mut self, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, BoxError>>> {
            match self.0.pop_front() {
                None => Poll::Ready(None),
                Some(None) => Poll::Pending,
                Some(Some(b"!")) => Poll::Ready(Some(Err("torn".into()))),
                Some(Some(bytes)) => Poll::Ready(Some(Ok(Bytes::from_static(bytes)))),
            }
        }
    }

    fn next(upload: &mut Upload<Script>, room: usize) -> Poll<Result<usize, Error>> {
        let mut output = Output::default();
        let mut cx = Context::from_waker(Waker::noop());
        upload
            .poll_packet(&mut cx, room, &mut output)
            .map_ok(|packet| {
                let length = packet.len();
                packet.finish(EndOfBody::Short);
                length
            })
    }

    fn upload(script: &[Option<&'static [u8]>]) -> Upload<Script> {
        Upload::new(Script(script.iter().copied().collect()))
    }

    #[test]
    fn joins_what_is_there_and_does_not_wait_for_a_full_packet() {
        let mut upload = upload(&[None, Some(b"ab"), Some(b""), Some(b"cde"), None, Some(b"f")]);
        assert!(next(&mut upload, 100).is_pending());
        assert!(matches!(next(&mut upload, 100), Poll::Ready(Ok(5))));
        assert!(matches!(next(&mut upload, 100), Poll::Ready(Ok(1))));
        assert!(matches!(next(&mut upload, 100), Poll::Ready(Ok(0))));
        assert!(matches!(next(&mut upload, 100), Poll::Ready(Ok(0))));
    }

    #[test]
    fn never_exceeds_what_was_asked_for() {
        let mut upload = upload(&[Some(b"abcdefg"), Some(b"h")]);
        for expected in [3, 3, 2, 0] {
            assert!(matches!(next(&mut upload, 3), Poll::Ready(Ok(n)) if n == expected));
        }
    }

    #[test]
    fn waits_for_a_full_packet_where_it_is_asked_to() {
        let script = [
            Some(&b"ab"[..]),
            None,
            Some(b"cde"),
            None,
            Some(b"fghi"),
            None,
        ];
        let mut known = upload(&script);
        known.fill(Announced::Length(9));
        assert!(next(&mut known, 4).is_pending());
        assert!(matches!(next(&mut known, 4), Poll::Ready(Ok(4))));
        assert!(next(&mut known, 4).is_pending());
        assert!(matches!(next(&mut known, 4), Poll::Ready(Ok(4))));
        assert!(next(&mut known, 4).is_pending());
        assert!(matches!(next(&mut known, 4), Poll::Ready(Ok(1))));
        assert!(matches!(next(&mut known, 4), Poll::Ready(Ok(0))));
    }

    #[test]
    fn a_packet_of_unknown_length_may_lack_some_bytes() {
        let mut unknown = upload(&[Some(b"0123456"), None, Some(b"7"), None, Some(b"8")]);
        unknown.fill(Announced::Unknown);
        assert!(next(&mut unknown, 20).is_pending());
        assert!(matches!(next(&mut unknown, 20), Poll::Ready(Ok(8))));
        assert!(next(&mut unknown, 20).is_pending());
        assert!(matches!(next(&mut unknown, 20), Poll::Ready(Ok(1))));
    }

    #[test]
    fn a_failed_body_is_an_error_and_no_packet() {
        let mut upload = upload(&[Some(b"ab"), Some(b"!")]);
        let mut output = Output::default();
        let mut cx = Context::from_waker(Waker::noop());
        let packet = upload.poll_packet(&mut cx, 100, &mut output);
        let Poll::Ready(Err(error)) = packet.map_ok(|_| ()) else {
            panic!("an error is expected");
        };
        assert_eq!(error.kind(), ErrorKind::RequestBody);
        assert!(output.is_empty());
    }
}
