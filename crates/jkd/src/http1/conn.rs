//! One client connection: request after request, from its first byte to its last.

mod request;
mod sending;

use std::{
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use jkworkers::model::ClientRules;
use parking_lot::Mutex;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::sleep,
};
use tokio_util::sync::CancellationToken;

use self::{request::Request, sending::Sending};
use super::{
    Body, Framing, Head, Outgoing,
    alarm::Alarm,
    linger::linger,
    on_call::OnCall,
    wire::{self, Rest, Shared, Wire},
    write::{self, After, End, Length, Manner},
};
use crate::{limits::Limit, strict::Refusal};

/// What is known of an answer that begins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Announced {
    /// Whether the connection stays after it.
    pub(crate) stays: bool,
    /// Whether the client has asked for that, and is told.
    pub(crate) is_asked_to: bool,
    /// How many bytes of what comes after the request are here already.
    pub(crate) unread: usize,
    pub(crate) length: Length,
}

/// Who answers the requests of a connection.
pub(crate) trait Service: Send + Sync {
    /// What answers are made of.
    type Answer: http_body::Body<Data = Bytes> + Unpin + Send;

    /// What clients may take. Asked before each request.
    fn rules(&self) -> Arc<ClientRules>;

    /// Why whatever the client asks first is refused, if it is.
    fn refuses(&self) -> Option<Refusal> {
        None
    }

    /// The client is given up because it has reached a limit.
    fn is_reached(&self, _limit: Limit) {}

    /// An answer begins.
    fn sends(&self, _announced: Announced) {}

    /// The client has all of an answer, whoever makes it may not have come to its end yet.
    fn is_delivered(&self, _answer: &mut Self::Answer) {}

    /// Answers a request. Dropped when the client goes away.
    fn answer(&self, head: Head, body: Body) -> impl Future<Output = Reply<Self::Answer>> + Send;

    /// Answers what is no request. The connection ends after it.
    fn refuse(
        &self,
        head: Head,
        refusal: Refusal,
    ) -> impl Future<Output = Reply<Self::Answer>> + Send;

    /// The answer to a request at which [`answer`](Self::answer) has panicked. The connection ends
    /// after it.
    fn panicked(&self) -> Reply<Self::Answer>;
}

/// An answer, and the rules of the host that gives it.
pub(crate) struct Reply<B> {
    pub(crate) response: Outgoing<B>,
    pub(crate) rules: Option<Arc<ClientRules>>,
}

/// How long a connection without a request is kept at most when the end has been asked for. Its
/// client may be sending one, which would be lost, and the client could not tell whether it was
/// executed. So the next one is answered, and the answer says that it is the last. As long as the
/// default of KeepAliveTimeout, for which clients believe that the connection stays.
const GRACE: Duration = Duration::from_secs(5);

/// Serves a connection until its end. With `closing` it ends after the present request.
pub(crate) async fn serve<S, V>(stream: S, service: V, closing: CancellationToken)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    V: Service,
{
    let mut wire = Wire::new(stream, service.rules());
    wire.refuses = service.refuses();
    let wire = Arc::new(Mutex::new(wire));
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

/// Tells the connection that its next answer is its last, and in the end that none is to come. Ready
/// once.
async fn asked_to_end<S>(closing: &CancellationToken, wire: &Shared<S>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    closing.cancelled().await;
    wire.lock().ending = true;
    sleep(GRACE).await;
    wire.lock().over = true;
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
        if !matches!(stays, Ok(true))
            && let Some(limit) = wire.lock().reached.take()
        {
            service.is_reached(limit);
        }
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
        let or_gone = poll_fn(|cx| match polled(answering.as_mut(), cx) {
            Ok(Poll::Ready(reply)) => Poll::Ready(Ok(Some(reply))),
            Ok(Poll::Pending) => wire.lock().poll_gone(cx).map(|()| Err(Gone)),
            Err(Panicked) => Poll::Ready(Ok(None)),
        });
        or_gone.await?
    };
    // Whatever it held has been given back. What is left of the body is anybody's guess.
    let reply = reply.unwrap_or_else(|| {
        wire.lock().lose();
        service.panicked()
    });
    if !send(wire, service, reply, request).await? {
        return Ok(false);
    }
    let mut rest = Rest::default();
    Ok(poll_fn(|cx| wire.lock().poll_end(cx, &mut rest)).await)
}

/// The panic was reported when it happened.
struct Panicked;

/// Polls once. What panics is not polled again, so that nobody sees what it has left half done.
fn polled<F: Future>(
    future: Pin<&mut F>,
    cx: &mut Context<'_>,
) -> Result<Poll<F::Output>, Panicked> {
    catch_unwind(AssertUnwindSafe(|| future.poll(cx))).map_err(|_| Panicked)
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
    let request = Request::unreadable(&head);
    let reply = service.refuse(head, refusal).await;
    send(wire, service, reply, request).await
}

/// Statuses after which httpd trusts no connection any more.
pub(crate) const fn drops_connection(status: u16) -> bool {
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
    let Outgoing { mut head, body } = response;
    let request = request.treated(&mut head);
    let mut sending = Sending::new(body);
    let known = http_body::Body::size_hint(&sending.body).exact();
    let first = poll_fn(|cx| Poll::Ready(sending.look(cx))).await?;
    sending.begin(write::end(&head, known, request.asked));
    let (manner, stays) = {
        let mut wire = wire.lock();
        if let Some(rules) = rules {
            wire.rules = rules;
        }
        let (waits, begun) = wire.begin_answer();
        sending.output.text().extend_from_slice(begun);
        let cannot = waits || wire.ending || wire.is_too_much() || sending.end == End::Close;
        let drops = !head.stands_in && drops_connection(head.status.as_u16());
        let cannot = cannot || head.closes || drops;
        let after = request.unless(cannot).after(&wire.rules);
        let stays = after != After::Close;
        let end = sending.end;
        let manner = Manner { end, known, after };
        service.sends(Announced {
            stays,
            is_asked_to: matches!(after, After::StayAsAsked(..)),
            unread: wire.unread(stays),
            length: write::length(&head, manner),
        });
        (manner, stays)
    };
    sending.output.text().reserve(HEAD_ROOM);
    write::head(sending.output.text(), &head, manner);
    drop(head);
    sending.push(first)?;
    poll_fn(|cx| sending.poll(cx, wire)).await?;
    service.is_delivered(&mut sending.body);
    sending.end().await;
    Ok(stays)
}

/// Room for an ordinary head and a small body.
const HEAD_ROOM: usize = 1024;

#[cfg(test)]
mod tests;
