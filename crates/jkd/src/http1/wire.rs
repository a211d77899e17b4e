//! A client's socket, with what has been read of it: heads and bodies come out of here.

mod body;
mod rest;

use std::{
    io,
    mem::MaybeUninit,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker, ready},
};

use bytes::{Buf as _, BytesMut};
use jkworkers::model::ClientRules;
use parking_lot::Mutex;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Instant,
};
use tokio_util::io::poll_read_buf;

pub(super) use self::{body::body, rest::Rest};
use super::{
    Head,
    chunked::Chunks,
    parse,
    scan::{Bounds, MAX_HEAD, Scan, Whole},
    taken::taken,
};
use crate::{limits::Limit, strict::Refusal};

/// What is read at once where a head is expected. It lies on the stack: a connection that waits has
/// no buffer.
const SIP: usize = 4096;

/// What is read at once of a body.
const GULP: usize = 16 * 1024;

/// A connection as its task and the bodies of its requests share it. The task polls both, so that
/// nobody ever waits for the lock.
pub(super) type Shared<S> = Arc<Mutex<Wire<S>>>;

pub(super) struct Wire<S> {
    pub(super) stream: S,
    pub(super) rules: Arc<ClientRules>,
    bounds: Bounds,
    input: BytesMut,
    scan: Scan,
    coming: Coming,
    /// The number of the present request. Bodies of former ones get nothing.
    request: u64,
    /// What is still to be sent before the client sends its body.
    owed: &'static [u8],
    /// The client sends nothing more.
    ended: bool,
    /// The time at `due` is over.
    pub(super) expired: bool,
    /// Until when the client must have done something.
    pub(super) due: Option<Instant>,
    /// How much of an answer has left since `due` was set for it.
    left: u64,
    /// The limit that the client was given up for.
    pub(super) reached: Option<Limit>,
    /// The next answer shall be the last.
    pub(super) ending: bool,
    /// There shall be no further request.
    pub(super) over: bool,
    /// Why the next request is refused, whatever it is.
    pub(super) refuses: Option<Refusal>,
    /// When the present head or body began, and how much of it there is.
    pace: Option<(Instant, u64)>,
    /// Who waits for more of a body.
    reader: Option<Waker>,
    /// What is left of the body is not wanted.
    is_left: bool,
    /// How much has come behind what made the present request be refused.
    behind: usize,
}

/// What of the present request's body is still to come.
#[derive(Clone, Copy, Debug)]
enum Coming {
    Nothing,
    Bytes(u64),
    Chunks(Chunks),
    /// Nobody knows: the rest of the connection is good for nothing.
    Lost,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    pub(super) fn new(stream: S, rules: Arc<ClientRules>) -> Self {
        let now = Instant::now();
        Self {
            stream,
            bounds: bounds(&rules),
            due: rules.head_pace.allows(0).map(|time| now + time),
            left: 0,
            reached: None,
            rules,
            input: BytesMut::new(),
            scan: Scan::default(),
            coming: Coming::Nothing,
            request: 0,
            owed: b"",
            ended: false,
            expired: false,
            ending: false,
            over: false,
            refuses: None,
            pace: Some((now, 0)),
            reader: None,
            is_left: false,
            behind: 0,
        }
    }

    /// Whether there has been no request yet.
    pub(super) const fn is_new(&self) -> bool {
        self.request == 0
    }

    /// The next head; `None` where none comes any more.
    pub(super) fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<Option<Head>> {
        loop {
            if !self.input.is_empty() {
                if let Some(refusal) = self.refuses {
                    return Poll::Ready(Some(self.refuse(refusal)));
                }
                match self.scan.go_on(&self.input, &self.bounds) {
                    Ok(Some(whole)) => return Poll::Ready(Some(self.take_head(whole))),
                    Ok(None) => {}
                    Err(refusal) => return Poll::Ready(Some(self.refuse(refusal))),
                }
            }
            let begun = self.scan.has_begun();
            // As in httpd: a later request is none before its line is here.
            if self.expired && begun && (self.is_new() || self.scan.has_line()) {
                return Poll::Ready(Some(self.refuse(Refusal::Late)));
            }
            if self.ended || self.expired || (self.over && !begun) {
                return Poll::Ready(None);
            }
            match self.poll_sip(cx) {
                Poll::Pending => {
                    self.set_head_limit(begun);
                    return Poll::Pending;
                }
                Poll::Ready(Ok(read)) if read > 0 => {
                    if let Some((_, bytes)) = &mut self.pace {
                        *bytes = bytes.saturating_add(u64::try_from(read).unwrap_or(0));
                    }
                }
                Poll::Ready(_) => self.ended = true,
            }
        }
    }

    /// Until when a head must have come, or have begun.
    fn set_head_limit(&mut self, begun: bool) {
        if begun || self.is_new() {
            let (start, bytes) = *self.pace.get_or_insert_with(|| (Instant::now(), 0));
            self.due = self.rules.head_pace.allows(bytes).map(|time| start + time);
        } else if self.due.is_none() {
            self.due = Some(Instant::now() + self.rules.keep_alive_timeout);
        }
    }

    fn take_head(&mut self, whole: Whole) -> Head {
        let mut text = if whole.end == self.input.len() {
            std::mem::take(&mut self.input)
        } else {
            self.input.split_to(whole.end)
        };
        text.advance(whole.begin);
        self.begin_request();
        let text = text.freeze();
        let mut head = parse::head(text.clone(), whole.lines);
        let has_line = head.framing() != Err(Refusal::Syntax);
        if has_line && !self.rules.knows(head.method.as_str()) {
            head = parse::unreadable(&text, Refusal::UnknownMethod);
        }
        if head.framing().is_err() {
            let taken = taken(&text, &self.bounds);
            self.behind = text.len().saturating_sub(taken) + self.input.len();
        }
        head
    }

    fn refuse(&mut self, refusal: Refusal) -> Head {
        let text = self.scan.text(&self.input);
        let line = text.get(..self.bounds.line).unwrap_or(text);
        let begun = self
            .scan
            .has_line()
            .then(|| parse::begun(text, &self.bounds, refusal));
        let head = begun
            .flatten()
            .unwrap_or_else(|| parse::unreadable(line, refusal));
        let behind = text.len().saturating_sub(taken(text, &self.bounds));
        self.begin_request();
        self.behind = behind;
        self.input = BytesMut::new();
        head
    }

    /// Where the next request begins nobody knows.
    pub(super) fn lose(&mut self) {
        self.coming = Coming::Lost;
    }

    fn begin_request(&mut self) {
        self.scan = Scan::default();
        self.request += 1;
        (self.is_left, self.behind) = (false, 0);
        (self.due, self.pace, self.expired) = (None, None, false);
    }

    fn poll_gulp(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if self.input.capacity() - self.input.len() < GULP / 2 {
            self.input.reserve(GULP);
        }
        poll_read_buf(Pin::new(&mut self.stream), cx, &mut self.input)
    }

    fn poll_sip(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut sip = [MaybeUninit::uninit(); SIP];
        let mut sip = ReadBuf::uninit(&mut sip);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut sip))?;
        let sip = sip.filled();
        if self.input.is_empty() {
            self.input = BytesMut::from(sip);
        } else {
            // Grows by doubling, but no further than a head can.
            self.input.extend_from_slice(sip);
            debug_assert!(self.input.len() <= MAX_HEAD + 2 * SIP);
        }
        Poll::Ready(Ok(sip.len()))
    }

    /// It is the client's turn to read.
    pub(super) fn waits_for_reader(&mut self) {
        if self.due.is_none() {
            self.due = Some(Instant::now() + self.rules.timeout);
            self.left = 0;
        }
    }

    /// A part of an answer has left while it is the client's turn. Who takes it drop by drop does
    /// not gain time by each of them.
    pub(super) fn has_left(&mut self, written: usize) {
        let enough = u64::from(self.rules.send_rate).saturating_mul(self.rules.timeout.as_secs());
        self.left = (self.left).saturating_add(u64::try_from(written).unwrap_or(u64::MAX));
        if self.left >= enough {
            self.due = None;
        }
    }

    /// The time at `due` is over.
    pub(super) fn expires(&mut self) {
        self.expired = true;
        self.due = None;
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }
}

fn bounds(rules: &ClientRules) -> Bounds {
    Bounds {
        // As in httpd: one byte more than is written.
        line: rules.max_line.saturating_add(1),
        fields: rules.max_fields,
        // Lines of chunks are bounded by nothing else.
        field: rules.max_field.saturating_add(1).min(MAX_HEAD),
    }
}
