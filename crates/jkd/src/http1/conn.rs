//! One client connection: request after request, from its first byte to its last.

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use ajp13::facts::Status;
use bytes::Bytes;
use http::{Method, Version};
use jkworkers::model::ClientRules;
use parking_lot::Mutex;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    Body, Framing, Head, Outgoing,
    alarm::Alarm,
    linger::linger,
    on_call::OnCall,
    output::Output,
    wire::{self, Rest, Shared, Wire},
    write::{self, After, Asked, End, Manner},
};
use crate::strict::Refusal;

/// Who answers the requests of a connection.
pub(crate) trait Service: Send + Sync {
    /// What answers are made of.
    type Answer: http_body::Body<Data = Bytes> + Unpin + Send;

    /// What clients may take. Asked before each request.
    fn rules(&self) -> Arc<ClientRules>;

    /// An answer begins. Whether the connection stays after it, and how many bytes of what comes
    /// after the request are here already.
    fn sends(&self, _stays: bool, _unread: usize) {}

    /// Answers a request. Dropped when the client goes away.
    fn answer(&self, head: Head, body: Body) -> impl Future<Output = Reply<Self::Answer>> + Send;

    /// Answers what is no request. The connection ends after it.
    fn refuse(
        &self,
        head: Head,
        refusal: Refusal,
    ) -> impl Future<Output = Reply<Self::Answer>> + Send;
}

/// An answer, and the rules of the host that gives it.
pub(crate) struct Reply<B> {
    pub(crate) response: Outgoing<B>,
    pub(crate) rules: Option<Arc<ClientRules>>,
}

/// How long a connection without a request is kept when the end has been asked for: its first
/// request may be there, unread.
const GRACE: Duration = Duration::from_millis(100);

/// Serves a connection until its end. With `closing` it ends after the present request.
pub(crate) async fn serve<S, V>(stream: S, service: V, closing: CancellationToken)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    V: Service,
{
    let wire = Arc::new(Mutex::new(Wire::new(stream, service.rules())));
    let mut work = pin!(work(&wire, &service));
    let mut alarm = Alarm::new();
    let asked_to_end = pin!(asked_to_end(&closing, &wire));
    let mut asked_to_end = Some(OnCall::new(asked_to_end));
    poll_fn(|cx| {
        while work.as_mut().poll(cx).is_pending() {
            let mut wire = wire.lock();
            if alarm.poll(cx, wire.due).is_ready() {
                wire.expires();
                continue;
            }
            drop(wire);
            let Some(waiting) = &mut asked_to_end else {
                return Poll::Pending;
            };
            ready!(Pin::new(waiting).poll(cx));
            asked_to_end = None;
        }
        Poll::Ready(())
    })
    .await;
}

/// Tells the connection that it shall take no further request. Ready once.
async fn asked_to_end<S>(closing: &CancellationToken, wire: &Shared<S>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    closing.cancelled().await;
    if wire.lock().is_new() {
        sleep(GRACE).await;
    }
    wire.lock().ending = true;
}

async fn work<S, V>(wire: &Shared<S>, service: &V)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    V: Service,
{
    let mut served = 0;
    let answered = loop {
        let Some(head) = poll_fn(|cx| wire.lock().poll_head(cx)).await else {
            break false;
        };
        served += 1;
        let stays = match head.framing() {
            Ok(framing) => exchange(wire, service, head, framing, served).await,
            Err(refusal) => refuse(wire, service, head, refusal).await,
        };
        match stays {
            Ok(true) => {}
            Ok(false) => break true,
            Err(Gone) => return,
        }
    };
    linger(wire, answered).await;
}

/// The client is gone, or has not been given the whole answer: nothing more is to be said.
struct Gone;

/// Answers one request. Whether the connection stays.
async fn exchange<S, V>(
    wire: &Shared<S>,
    service: &V,
    head: Head,
    framing: Framing,
    served: u32,
) -> Result<bool, Gone>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    V: Service,
{
    let request = Request::of(&head, &framing, served);
    let body = wire::body(wire, &framing);
    let reply = {
        // Boxed: by far the largest part of a connection's task, and only there while there is a
        // request. The box is made first, so that nothing of this size is moved into it.
        let answering = Box::write(Box::new_uninit(), service.answer(head, body));
        let mut answering = Box::into_pin(answering);
        let or_gone = poll_fn(|cx| match answering.as_mut().poll(cx) {
            Poll::Ready(reply) => Poll::Ready(Ok(reply)),
            Poll::Pending => wire.lock().poll_gone(cx).map(|()| Err(Gone)),
        });
        or_gone.await?
    };
    if !send(wire, service, reply, request).await? {
        return Ok(false);
    }
    let mut rest = Rest::default();
    Ok(poll_fn(|cx| wire.lock().poll_end(cx, &mut rest)).await)
}

async fn refuse<S, V>(
    wire: &Shared<S>,
    service: &V,
    head: Head,
    refusal: Refusal,
) -> Result<bool, Gone>
where
    S: AsyncRead + AsyncWrite + Unpin,
    V: Service,
{
    wire.lock().lose();
    let asked = Asked {
        head_only: head.method == Method::HEAD,
        knows_chunks: false,
    };
    let request = Request {
        asked,
        persists: false,
        asks_to_stay: false,
        served: 0,
    };
    let reply = service.refuse(head, refusal).await;
    send(wire, service, reply, request).await
}

/// What of a request counts for how it is answered.
#[derive(Clone, Copy)]
struct Request {
    asked: Asked,
    persists: bool,
    asks_to_stay: bool,
    /// How many requests there have been, with this one.
    served: u32,
}

impl Request {
    fn of(head: &Head, framing: &Framing, served: u32) -> Self {
        Self {
            asked: Asked {
                head_only: head.method == Method::HEAD,
                knows_chunks: head.version == Version::HTTP_11,
            },
            persists: framing.persists,
            asks_to_stay: framing.asks_to_stay,
            served,
        }
    }

    /// The same, where the connection cannot stay in any case.
    const fn unless(self, cannot: bool) -> Self {
        Self {
            persists: self.persists && !cannot,
            ..self
        }
    }

    /// What becomes of the connection: httpd's rules.
    fn after(self, rules: &ClientRules) -> After {
        let most = rules.max_keep_alive_requests;
        // As in httpd: so many may follow the first one.
        let before = self.served.saturating_sub(1);
        let is_last = most > 0 && before >= most;
        if !self.persists || !rules.keep_alive || rules.keep_alive_timeout.is_zero() || is_last {
            After::Close
        } else if self.asks_to_stay {
            let left = (most > 0).then(|| most.saturating_sub(before));
            After::StayAsAsked(rules.keep_alive_timeout.as_secs(), left)
        } else {
            After::Stay
        }
    }
}

/// Statuses after which httpd trusts no connection any more.
const fn drops_connection(status: u16) -> bool {
    matches!(status, 400 | 408 | 411 | 413 | 414 | 500 | 501 | 503)
}

/// Writes an answer while it comes. Whether the connection may stay.
async fn send<S, V>(
    wire: &Shared<S>,
    service: &V,
    reply: Reply<V::Answer>,
    request: Request,
) -> Result<bool, Gone>
where
    S: AsyncRead + AsyncWrite + Unpin,
    V: Service,
{
    let Reply { response, rules } = reply;
    let Outgoing { head, body } = response;
    let mut sending = Sending::new(body);
    let known = http_body::Body::size_hint(&sending.body).exact();
    let first = poll_fn(|cx| Poll::Ready(sending.look(cx))).await?;
    sending.begin(write::end(&head, known, request.asked));
    let (after, stays) = {
        let mut wire = wire.lock();
        if let Some(rules) = rules {
            wire.rules = rules;
        }
        let (waits, begun) = wire.begin_answer();
        sending.output.text().extend_from_slice(begun);
        let cannot = waits || wire.ending || wire.is_too_much() || sending.end == End::Close;
        // httpd goes by what the application said, whatever it makes of it.
        let own = head.extensions.get().map(|&Status(own)| own);
        let status = own.unwrap_or(head.status.as_u16());
        let cannot = cannot || head.closes || drops_connection(status);
        let after = request.unless(cannot).after(&wire.rules);
        let stays = after != After::Close;
        service.sends(stays, wire.unread());
        (after, stays)
    };
    sending.output.text().reserve(HEAD_ROOM);
    let manner = Manner {
        end: sending.end,
        known,
        after,
    };
    write::head(sending.output.text(), &head, manner);
    drop(head);
    sending.push(first)?;
    poll_fn(|cx| sending.poll(cx, wire)).await?;
    sending.end().await;
    Ok(stays)
}

/// How long whoever makes a body may take for its end, when the client has the whole answer.
const END: Duration = Duration::from_secs(1);

/// Room for an ordinary head and a small body.
const HEAD_ROOM: usize = 1024;

/// An answer on its way.
struct Sending<B> {
    output: Output,
    body: B,
    end: End,
    /// How much of an announced length is still to come.
    left: u64,
    /// All of it is in `output`.
    done: bool,
    /// Nothing more comes from where it is made.
    ended: bool,
    /// The rest will never come.
    broken: bool,
}

impl<B: http_body::Body<Data = Bytes> + Unpin> Sending<B> {
    fn new(body: B) -> Self {
        Self {
            output: Output::default(),
            body,
            end: End::Bodiless,
            left: 0,
            done: false,
            ended: false,
            broken: false,
        }
    }

    /// What is there of the body already.
    fn look(&mut self, cx: &mut Context<'_>) -> Result<Option<Bytes>, Gone> {
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => Ok(frame.into_data().ok()),
            Poll::Ready(Some(Err(_))) => Err(Gone),
            Poll::Ready(None) | Poll::Pending => Ok(None),
        }
    }

    fn begin(&mut self, end: End) {
        self.end = end;
        self.left = match end {
            End::Length(length) => length,
            _ => 0,
        };
        self.done = matches!(end, End::Bodiless | End::Length(0));
    }

    /// Adds a piece of the body. One that goes beyond what was announced is an end in the middle.
    fn push(&mut self, data: Option<Bytes>) -> Result<(), Gone> {
        let Some(data) = data.filter(|data| !data.is_empty() && !self.done) else {
            self.finish_if_ended();
            return Ok(());
        };
        match self.end {
            End::Bodiless => {}
            End::Close => self.output.push(data),
            End::Length(_) => {
                let length = u64::try_from(data.len()).map_err(|_| Gone)?;
                self.left = self.left.checked_sub(length).ok_or(Gone)?;
                self.output.push(data);
                self.done = self.left == 0;
            }
            End::Chunks => {
                let size = format_hex(data.len());
                self.output.text().extend_from_slice(&size);
                self.output.push(data);
                self.output.text().extend_from_slice(b"\r\n");
            }
        }
        self.finish_if_ended();
        Ok(())
    }

    fn finish_if_ended(&mut self) {
        if !self.done && self.body.is_end_stream() {
            self.finish();
        }
    }

    fn finish(&mut self) {
        if self.end == End::Chunks && !self.done {
            self.output.text().extend_from_slice(b"0\r\n\r\n");
        }
        self.done = true;
    }

    fn poll<S>(&mut self, cx: &mut Context<'_>, wire: &Shared<S>) -> Poll<Result<(), Gone>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        loop {
            self.broken |= self.fill(cx).is_err();
            let mut wire = wire.lock();
            if wire.expired {
                return Poll::Ready(Err(Gone));
            }
            let written = self.output.poll_write(cx, &mut wire.stream);
            if self.broken && !matches!(written, Poll::Ready(Ok(1..))) {
                return Poll::Ready(Err(Gone));
            }
            match written {
                Poll::Ready(Ok(0)) if self.done => return Poll::Ready(Ok(())),
                Poll::Ready(Ok(0)) => return wire.poll_gone(cx).map(|()| Err(Gone)),
                Poll::Ready(Ok(_)) => wire.due = None,
                Poll::Ready(Err(_)) => return Poll::Ready(Err(Gone)),
                Poll::Pending => {
                    wire.waits_for_reader();
                    return Poll::Pending;
                }
            }
        }
    }

    /// What is behind an announced length is nothing for the client, but whoever makes the body may
    /// be done with its work only then.
    fn see_the_end(&mut self, cx: &mut Context<'_>) {
        if self.done && !self.ended {
            let next = Pin::new(&mut self.body).poll_frame(cx);
            self.ended = matches!(next, Poll::Ready(None | Some(Err(_))));
        }
    }

    /// Waits for that end: the next request finds the work for this one done, and counted. It is
    /// not the client's concern any more, who may have left with its answer.
    async fn end(mut self) {
        if !self.ended {
            let _ = timeout(END, poll_fn(|cx| self.poll_end(cx))).await;
        }
    }

    /// A body that is not for the client is thrown away.
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while !self.ended {
            let next = ready!(Pin::new(&mut self.body).poll_frame(cx));
            self.ended = !matches!(next, Some(Ok(_))) || self.end != End::Bodiless;
        }
        Poll::Ready(())
    }

    /// Takes what is there of the body, as far as there is room.
    fn fill(&mut self, cx: &mut Context<'_>) -> Result<(), Gone> {
        while !self.done && !self.broken && !self.output.is_full() {
            match Pin::new(&mut self.body).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => self.push(frame.into_data().ok())?,
                Poll::Ready(Some(Err(_))) => return Err(Gone),
                // Less than was announced: the client must be able to see it.
                Poll::Ready(None) if matches!(self.end, End::Length(_)) => return Err(Gone),
                Poll::Ready(None) => {
                    self.ended = true;
                    self.finish();
                }
                Poll::Pending => break,
            }
        }
        self.see_the_end(cx);
        Ok(())
    }
}

/// The line before a chunk.
fn format_hex(length: usize) -> Vec<u8> {
    format!("{length:x}\r\n").into_bytes()
}

#[cfg(test)]
mod tests;
