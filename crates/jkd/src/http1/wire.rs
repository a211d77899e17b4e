//! A client's socket, with what has been read of it: heads and bodies come out of here.

use std::{
    io,
    mem::MaybeUninit,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker, ready},
    time::Duration,
};

use bytes::{Buf as _, Bytes, BytesMut};
use jkworkers::model::ClientRules;
use parking_lot::Mutex;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Instant,
};
use tokio_util::io::poll_read_buf;

use super::{
    Body, BodyLength, Framing, Head,
    body::{BodyError, Source},
    chunked::{Chunks, Step},
    parse,
    scan::{Bounds, MAX_HEAD, Scan, Whole},
};
use crate::strict::Refusal;

/// What is read at once where a head is expected. It lies on the stack: a connection that waits has
/// no buffer.
const SIP: usize = 4096;

/// What is read at once of a body.
const GULP: usize = 16 * 1024;

/// So much of a body that nobody wants is read all the same, so that the next request can be found,
/// bytes.
const UNWANTED: u64 = 1024 * 1024;

/// And for so long.
const UNWANTED_TIME: Duration = Duration::from_secs(30);

const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

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
    /// There shall be no further request.
    pub(super) ending: bool,
    /// When the present head or body began, and how much of it there is.
    pace: Option<(Instant, u64)>,
    /// Who waits for more of a body.
    reader: Option<Waker>,
    /// What is left of the body is not wanted.
    is_left: bool,
}

/// What was done to find the end of a body that nobody wants.
#[derive(Debug, Default)]
pub(super) struct Rest {
    /// What was read of it, bytes.
    read: u64,
    /// Until when it is read.
    end: Option<Instant>,
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
            rules,
            input: BytesMut::new(),
            scan: Scan::default(),
            coming: Coming::Nothing,
            request: 0,
            owed: b"",
            ended: false,
            expired: false,
            ending: false,
            pace: Some((now, 0)),
            reader: None,
            is_left: false,
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
                match self.scan.go_on(&self.input, &self.bounds) {
                    Ok(Some(whole)) => return Poll::Ready(Some(self.take_head(whole))),
                    Ok(None) => {}
                    Err(refusal) => return Poll::Ready(Some(self.refuse(refusal))),
                }
            }
            let begun = self.scan.has_begun();
            if self.expired && begun {
                return Poll::Ready(Some(self.refuse(Refusal::Late)));
            }
            if self.ended || self.expired || (self.ending && !begun) {
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
        parse::head(text.freeze(), whole.lines)
    }

    fn refuse(&mut self, refusal: Refusal) -> Head {
        let text = self.scan.text(&self.input);
        let line = text.get(..self.bounds.line).unwrap_or(text);
        let head = parse::unreadable(line, refusal);
        self.begin_request();
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
        self.is_left = false;
        (self.due, self.pace, self.expired) = (None, None, false);
    }

    /// Begins the body of the request whose head came last.
    pub(super) fn begin_body(&mut self, framing: &Framing) {
        self.coming = match framing.body {
            BodyLength::None => Coming::Nothing,
            BodyLength::Known(length) => Coming::Bytes(length),
            BodyLength::Chunked => Coming::Chunks(Chunks::new()),
        };
        self.owed = if framing.expects_continue {
            CONTINUE
        } else {
            b""
        };
    }

    /// From now on the answer is written: nothing may be said before it but the rest of what was
    /// begun, which this returns. And whether the client still waits for leave to send its body.
    pub(super) fn begin_answer(&mut self) -> (bool, &'static [u8]) {
        let owed = std::mem::take(&mut self.owed);
        let waits = !owed.is_empty();
        (waits, if owed == CONTINUE { b"" } else { owed })
    }

    /// Whether more is announced of a body that nobody wants than is worth reading.
    pub(super) fn is_too_much(&self) -> bool {
        let here = u64::try_from(self.input.len()).unwrap_or(u64::MAX);
        let left = match self.coming {
            Coming::Bytes(left) => left.saturating_sub(here),
            Coming::Nothing | Coming::Chunks(_) | Coming::Lost => 0,
        };
        self.is_left && left > UNWANTED
    }

    /// Reads what is left of the present request's body, and throws it away. Ready with whether the
    /// next request can be found. `rest` is kept between the polls.
    pub(super) fn poll_end(&mut self, cx: &mut Context<'_>, rest: &mut Rest) -> Poll<bool> {
        loop {
            let is_over = self.ended || self.expired || rest.read > UNWANTED;
            match self.decode() {
                Ok(Step::Data(_)) => continue,
                Ok(Step::End) => break,
                Ok(Step::More) if !is_over => {}
                Ok(Step::More) | Err(_) => {
                    self.lose();
                    return Poll::Ready(false);
                }
            }
            match self.poll_gulp(cx) {
                Poll::Ready(Ok(read @ 1..)) => {
                    self.has_come(read);
                    rest.read = rest.read.saturating_add(u64::try_from(read).unwrap_or(0));
                }
                Poll::Ready(_) => self.ended = true,
                Poll::Pending => {
                    self.set_body_limit();
                    let end = *rest
                        .end
                        .get_or_insert_with(|| Instant::now() + UNWANTED_TIME);
                    self.due = self.due.map(|due| due.min(end));
                    return Poll::Pending;
                }
            }
        }
        (self.due, self.pace, self.reader) = (None, None, None);
        if self.input.is_empty() {
            self.input = BytesMut::new();
        }
        Poll::Ready(true)
    }

    /// How much has come of what follows the present request, as far as its end is known.
    pub(super) fn unread(&self) -> usize {
        match self.coming {
            Coming::Nothing => self.input.len(),
            Coming::Bytes(_) | Coming::Chunks(_) | Coming::Lost => 0,
        }
    }

    /// Whether more may come of what nobody wants. `perhaps`: where nothing says so, too.
    pub(super) fn may_come_more(&self, perhaps: bool) -> bool {
        !self.ended
            && (perhaps || !matches!(self.coming, Coming::Nothing) || !self.input.is_empty())
    }

    /// The next piece of the present request's body that is here.
    fn decode(&mut self) -> Result<Step, BodyError> {
        let step = match &mut self.coming {
            Coming::Nothing => return Ok(Step::End),
            Coming::Lost => return Err(BodyError::Gone),
            Coming::Bytes(_) if self.input.is_empty() => return Ok(Step::More),
            Coming::Bytes(left) => {
                let wanted = usize::try_from(*left).unwrap_or(usize::MAX);
                let data = self.input.split_to(wanted.min(self.input.len())).freeze();
                *left = left.saturating_sub(u64::try_from(data.len()).unwrap_or(u64::MAX));
                let whole = *left == 0;
                (Step::Data(data), whole)
            }
            Coming::Chunks(chunks) => {
                let step = chunks.next(&mut self.input, &self.bounds);
                let step = step.map_err(BodyError::Chunk)?;
                let whole = step == Step::End;
                (step, whole)
            }
        };
        if step.1 {
            self.coming = Coming::Nothing;
        }
        Ok(step.0)
    }

    fn poll_body_data(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, BodyError>> {
        if let Err(error) = ready!(self.poll_owed(cx)) {
            return Poll::Ready(Err(BodyError::Read(error)));
        }
        loop {
            match self.decode()? {
                Step::Data(data) => return Poll::Ready(Ok(Some(data))),
                Step::End => return Poll::Ready(Ok(None)),
                Step::More if self.ended => return Poll::Ready(Err(BodyError::Short)),
                Step::More if self.expired => {
                    self.expired = false;
                    self.lose();
                    return Poll::Ready(Err(BodyError::Late));
                }
                Step::More => {}
            }
            match self.poll_gulp(cx) {
                Poll::Ready(Ok(0)) => self.ended = true,
                Poll::Ready(Ok(read)) => self.has_come(read),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(BodyError::Read(error))),
                Poll::Pending => {
                    self.set_body_limit();
                    self.reader = Some(cx.waker().clone());
                    return Poll::Pending;
                }
            }
        }
    }

    fn has_come(&mut self, read: usize) {
        let read = u64::try_from(read).unwrap_or(0);
        let (_, bytes) = self.pace.get_or_insert_with(|| (Instant::now(), 0));
        *bytes = bytes.saturating_add(read);
        self.due = None;
    }

    /// Until when more of a body must have come.
    fn set_body_limit(&mut self) {
        if self.due.is_some() {
            return;
        }
        let now = Instant::now();
        let (start, bytes) = *self.pace.get_or_insert((now, 0));
        let pace = self.rules.body_pace.allows(bytes).map(|time| start + time);
        let stall = now + self.rules.timeout;
        self.due = Some(pace.map_or(stall, |pace| pace.min(stall)));
    }

    fn poll_owed(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.owed.is_empty() {
            let written = ready!(Pin::new(&mut self.stream).poll_write(cx, self.owed))?;
            self.owed = self.owed.get(written.max(1)..).unwrap_or_default();
        }
        Pin::new(&mut self.stream).poll_flush(cx)
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

    /// Ready when the client is gone while its request is being answered.
    ///
    /// One that has ended its own side may still read (RFC 9112, section 9.6), or have closed it
    /// all: that shows only when something is written. So it is given some time.
    pub(super) fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !matches!(self.coming, Coming::Nothing) {
            return Poll::Pending;
        }
        while !self.ended {
            // A little of the next request hides nobody's end; the rest is read when it is due.
            if self.input.len() >= SIP {
                return Poll::Pending;
            }
            match ready!(self.poll_sip(cx)) {
                Ok(0) => self.ended = true,
                Ok(_) => {}
                Err(_) => return Poll::Ready(()),
            }
        }
        if self.expired {
            return Poll::Ready(());
        }
        self.waits_for_reader();
        Poll::Pending
    }

    /// It is the client's turn to read.
    pub(super) fn waits_for_reader(&mut self) {
        if self.due.is_none() {
            self.due = Some(Instant::now() + self.rules.timeout);
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

    /// Reads what still comes and throws it away. Ready when the client has closed, or the time is
    /// over: `silence` after the last bytes, and `end` in any case.
    pub(super) fn poll_scrap(
        &mut self,
        cx: &mut Context<'_>,
        silence: Duration,
        end: Instant,
    ) -> Poll<()> {
        let mut scrap = [MaybeUninit::uninit(); SIP];
        while !self.expired {
            let mut scrap = ReadBuf::uninit(&mut scrap);
            match Pin::new(&mut self.stream).poll_read(cx, &mut scrap) {
                Poll::Ready(Ok(())) if !scrap.filled().is_empty() => self.due = None,
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => {
                    let quiet = || (Instant::now() + silence).min(end);
                    self.due.get_or_insert_with(quiet);
                    return Poll::Pending;
                }
            }
        }
        Poll::Ready(())
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

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Source for Mutex<Wire<S>> {
    fn poll_data(
        &self,
        cx: &mut Context<'_>,
        request: u64,
    ) -> Poll<Result<Option<Bytes>, BodyError>> {
        let mut wire = self.lock();
        if wire.request != request {
            return Poll::Ready(Err(BodyError::Gone));
        }
        wire.poll_body_data(cx)
    }

    fn leave(&self, request: u64) {
        let mut wire = self.lock();
        if wire.request == request {
            (wire.due, wire.reader) = (None, None);
            wire.is_left = true;
        }
    }

    fn is_whole(&self, request: u64) -> bool {
        let wire = self.lock();
        wire.request == request && matches!(wire.coming, Coming::Nothing)
    }
}

/// The body of the present request, as somebody else may read it.
pub(super) fn body<S>(wire: &Shared<S>, framing: &Framing) -> Body
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let request = {
        let mut locked = wire.lock();
        locked.begin_body(framing);
        locked.request
    };
    match framing.body {
        BodyLength::None => Body::none(),
        _ => Body::of(wire.clone(), request),
    }
}
