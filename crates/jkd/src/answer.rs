//! What goes back to the client: a page of our own, or a backend's answer while it comes in.

mod compressed;
mod held;
mod relay;
mod visit;

use std::{
    error::Error,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;

use self::compressed::{Compressed, Failure};
pub(crate) use self::{relay::Relay, visit::Visit};
use crate::{
    compress::Fed,
    static_files::{FileBody, Piece},
};

/// The body of an answer.
#[derive(Debug)]
pub(crate) struct Answer {
    source: Source,
    /// Its length is not told, although it is known.
    hides_length: bool,
    /// It is a page that was compressed before its head leaves.
    is_whole: bool,
    /// The backend's answer that it was made of, until that has told what there is to tell.
    made_of: Option<Box<Relay>>,
    /// Ends with the answer, whoever ends it.
    visit: Option<Box<Visit>>,
}

/// Boxed, because answers are moved from hand to hand: each time costs more than the box.
#[derive(Debug)]
enum Source {
    Compressed(Box<Compressed>),
    File(Box<FileBody>),
    Page(Full<Bytes>),
    Relay(Box<Relay>),
}

impl From<Full<Bytes>> for Answer {
    fn from(page: Full<Bytes>) -> Self {
        Source::Page(page).into()
    }
}

impl From<FileBody> for Answer {
    fn from(file: FileBody) -> Self {
        Source::File(Box::new(file)).into()
    }
}

impl From<Box<Relay>> for Answer {
    fn from(relay: Box<Relay>) -> Self {
        Source::Relay(relay).into()
    }
}

impl From<Source> for Answer {
    fn from(source: Source) -> Self {
        Self {
            source,
            hides_length: false,
            is_whole: false,
            made_of: None,
            visit: None,
        }
    }
}

impl Answer {
    /// The length of all of the body, where httpd would have it before the head leaves. `sends`: the
    /// client wants more than the head.
    pub(crate) fn whole(&self, sends: bool) -> Option<u64> {
        match &self.source {
            Source::Relay(relay) if sends => relay.whole(),
            Source::Page(page) if self.is_whole => page.size_hint().exact(),
            // It is there also where only its head is wanted.
            Source::File(file) => file.whole(),
            Source::Compressed(_) | Source::Page(_) | Source::Relay(_) => None,
        }
    }

    /// Puts these pieces of the whole body in its place.
    pub(crate) fn cut(&mut self, pieces: Vec<Piece>) {
        match &mut self.source {
            Source::Relay(relay) => relay.cut(pieces),
            Source::Page(page) if self.is_whole => {
                let whole = page.clone().into_inner().unwrap_or_default();
                let cut: Vec<_> = pieces.into_iter().map(|piece| piece.of(&whole)).collect();
                *page = Full::new(cut.concat().into());
            }
            Source::File(file) => file.cut(pieces),
            Source::Compressed(_) | Source::Page(_) => {}
        }
    }

    /// The same without its length.
    pub(crate) fn without_length(self) -> Self {
        Self {
            hides_length: true,
            ..self
        }
    }

    /// The client has all of it, whatever comes of the rest.
    pub(crate) fn is_delivered(&mut self) {
        if let Some(visit) = &mut self.visit {
            visit.is_delivered();
        }
    }

    /// Leaves nothing of the body.
    pub(crate) async fn discard(&mut self) {
        if let Some(relay) = self.source.relay() {
            relay.discard().await;
        }
        self.source = Source::Page(Full::default());
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let Self { source, visit, .. } = &mut *self;
        let Some(visit) = visit else {
            return Poll::Ready(None); // every answer that leaves belongs to a visit
        };
        let _within = visit.within();
        let polled = match source {
            Source::Compressed(compressed) => compressed.poll_frame(cx, visit),
            Source::Page(page) => Pin::new(page)
                .poll_frame(cx)
                .map_err(|never| match never {}),
            Source::Relay(relay) => relay.poll_frame(cx, visit).map_err(Into::into),
            Source::File(file) => Pin::new(&mut **file)
                .poll_frame(cx)
                .map_err(|error| file_fails(error, visit)),
        };
        visit.passes(&polled);
        polled
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::Compressed(compressed) => compressed.is_end_stream(),
            Source::File(file) => file.is_end_stream(),
            Source::Page(page) => page.is_end_stream(),
            Source::Relay(relay) => relay.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            _ if self.hides_length => SizeHint::default(),
            source => source.size_hint(),
        }
    }
}

impl Source {
    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Compressed(_) => SizeHint::default(),
            Self::File(file) => file.size_hint(),
            Self::Page(page) => page.size_hint(),
            Self::Relay(relay) => relay.size_hint(),
        }
    }

    /// The next piece for whoever makes something else of it. A failure is told by [`Self::fails`].
    fn poll_fed(&mut self, cx: &mut Context<'_>) -> Poll<Result<Fed, Failure>> {
        let polled = match self {
            // Nothing is compressed twice.
            Self::Compressed(_) => return Poll::Ready(Ok(Fed::End)),
            Self::Relay(relay) => return relay.poll_fed(cx).map_err(Failure::Ajp),
            Self::File(file) => ready!(Pin::new(&mut **file).poll_frame(cx)),
            Self::Page(page) => {
                let polled = ready!(Pin::new(page).poll_frame(cx));
                polled.map(|frame| frame.map_err(|never| match never {}))
            }
        };
        Poll::Ready(match polled {
            None => Ok(Fed::End),
            Some(Ok(frame)) => Ok(Fed::Data(frame.into_data().unwrap_or_default())),
            Some(Err(error)) => Err(Failure::Io(error)),
        })
    }

    /// The backend's answer in it.
    fn relay(&mut self) -> Option<&mut Relay> {
        match self {
            Self::Compressed(compressed) => compressed.relay(),
            Self::Relay(relay) => Some(relay),
            Self::File(_) | Self::Page(_) => None,
        }
    }

    /// Tells what there is to tell of a backend's answer besides what goes on of it.
    fn tell(&mut self, visit: &Visit) {
        if let Some(relay) = self.relay() {
            relay.tell(visit);
        }
    }

    /// The body breaks off: says so.
    fn fails(&mut self, failure: Failure, visit: &Visit) -> Box<dyn Error + Send + Sync> {
        match (failure, self) {
            (Failure::Ajp(error), Self::Relay(relay)) => {
                relay.breaks_off(&error, visit);
                error.into()
            }
            (Failure::Ajp(error), _) => error.into(),
            (Failure::Io(error), _) => file_fails(error, visit),
            (Failure::Gzip(error), _) => {
                tracing::error!(request = %visit, %error, "answer broken off, and with it the client's connection");
                error.into()
            }
        }
    }
}

fn file_fails(error: io::Error, visit: &Visit) -> Box<dyn Error + Send + Sync> {
    tracing::warn!(request = %visit, %error, "file broken off, and with it the client's connection");
    error.into()
}
