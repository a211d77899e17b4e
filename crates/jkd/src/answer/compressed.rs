//! The body of an answer that is compressed while it leaves.

use std::{
    error::Error,
    io, mem,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::Frame;
use http_body_util::Full;
use jkworkers::model::Host;

use super::{Answer, Relay, Source, Visit};
use crate::{
    compress::{self, Fed, Gzip},
    logs::Record,
};

/// With so much made it leaves, bytes: httpd's `DeflateBufferSize`.
const FULL: usize = 8096;

/// zlib makes nothing of so much without being told to, bytes: where a body ends within it, httpd
/// knows its length before the head leaves.
const KEPT: u64 = 32 * 1024;

/// A body, and what has been made of it.
#[derive(Debug)]
pub(super) struct Compressed {
    source: Source,
    gzip: Gzip,
    /// The number of the host, for its notes.
    host: usize,
    /// What is made is to leave.
    due: bool,
    ended: bool,
    /// Why nothing more comes, until it is told.
    failed: Option<Failure>,
}

/// A piece of the body, or why it breaks off.
type Polled = Result<Frame<Bytes>, Box<dyn Error + Send + Sync>>;

/// Why a body breaks off.
#[derive(Debug)]
pub(super) enum Failure {
    Ajp(ajp13::Error),
    Gzip(compress::Broken),
    Io(io::Error),
}

impl From<compress::Broken> for Failure {
    fn from(error: compress::Broken) -> Self {
        Self::Gzip(error)
    }
}

impl Answer {
    /// Whether no more than `most` bytes are all of the body, as far as httpd knows when it comes
    /// to its head: what was flushed may become more.
    pub(crate) fn is_small(&self, most: u64) -> bool {
        match &self.source {
            Source::Relay(relay) => relay.is_small(most),
            source => {
                let length = source.size_hint().exact();
                length.is_some_and(|length| length <= most)
            }
        }
    }

    /// Compresses the body: at once as much of it as httpd would before the head leaves.
    pub(crate) async fn compress(&mut self, gzip: Gzip, host: &Host, record: Option<&Record>) {
        let nothing = Source::Page(Full::default());
        let mut made = Box::new(Compressed {
            source: mem::replace(&mut self.source, nothing),
            gzip,
            host: host.number,
            due: false,
            ended: false,
            failed: None,
        });
        std::future::poll_fn(|cx| made.poll_begin(cx)).await;
        if made.ended {
            if let Some(record) = record {
                made.note(host, record);
            }
            self.is_whole = true;
            self.source = Source::Page(Full::new(made.gzip.take()));
            if let Source::Relay(relay) = made.source {
                self.made_of = Some(relay);
            }
        } else {
            made.due = true;
            self.source = Source::Compressed(made);
        }
    }
}

impl Compressed {
    /// Ready when a part of it should leave, or all is there.
    fn poll_begin(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while !self.due && !self.ended && self.failed.is_none() {
            ready!(self.poll_fed(cx));
            // The first part may be longer.
            self.due &= self.gzip.input() > KEPT || self.gzip.is_flushed();
        }
        Poll::Ready(())
    }

    /// Takes a piece of the body.
    fn poll_fed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let fed = ready!(self.source.poll_fed(cx));
        if let Err(failure) = fed.and_then(|fed| self.feed(fed)) {
            self.failed = Some(failure);
        }
        Poll::Ready(())
    }

    fn feed(&mut self, fed: Fed) -> Result<(), Failure> {
        match fed {
            Fed::Data(data) => {
                self.gzip.push(&data)?;
                self.due = self.gzip.made() >= FULL;
            }
            Fed::Flush => {
                self.gzip.flush()?;
                self.due = true;
            }
            Fed::End => {
                self.gzip.finish()?;
                self.ended = true;
            }
        }
        Ok(())
    }

    pub(super) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
        visit: &Visit,
    ) -> Poll<Option<Polled>> {
        loop {
            let leaves = self.ended || mem::take(&mut self.due);
            if leaves && self.gzip.made() > 0 {
                return Poll::Ready(Some(Ok(Frame::data(self.gzip.take()))));
            }
            if self.ended {
                return Poll::Ready(None);
            }
            if let Some(failure) = self.failed.take() {
                return Poll::Ready(Some(Err(self.source.fails(failure, visit))));
            }
            ready!(self.poll_fed(cx));
            self.source.tell(visit);
            if self.ended
                && let Some(host) = visit.snapshot.model.hosts.get(self.host)
            {
                self.note(host, &visit.record);
            }
        }
    }

    /// The backend's answer that it is made of.
    pub(super) fn relay(&mut self) -> Option<&mut Relay> {
        self.source.relay()
    }

    pub(super) fn is_end_stream(&self) -> bool {
        self.ended && self.gzip.made() == 0
    }

    /// `DeflateFilterNote`
    fn note(&self, host: &Host, record: &Record) {
        let deflate = &host.filtering.deflate;
        let names = [
            &deflate.input_note,
            &deflate.output_note,
            &deflate.ratio_note,
        ];
        if names.iter().all(|name| name.is_none()) {
            return;
        }
        let values = compress::notes(self.gzip.input(), self.gzip.output());
        for (name, value) in names.into_iter().zip(values) {
            if let Some(name) = name {
                record.has_note(name.as_bytes(), value.as_bytes());
            }
        }
    }
}
