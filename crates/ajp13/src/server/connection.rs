//! One connection from its first packet to its last.

use std::error::Error as StdError;
use std::future::{Future, poll_fn, ready};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{BufMut, Bytes};
use http::{Request, Response};
use http_body::Body;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::clock::Clock;
use crate::wire::{CPONG, ForwardRequest, RequestPacket};

use super::admission::{Admitted, Refusal, admit};
use super::exchange::Exchange;
use super::request_body::{RequestBody, Slot};
use super::transport::Transport;
use super::{Error, ServerOptions};

/// How long, and for how many bytes, we keep reading after we said goodbye: closing on unread
/// bytes would reset the connection and could destroy the goodbye.
const LINGER: Duration = Duration::from_secs(2);
const LINGER_BYTES: usize = 1024 * 1024;

pub(super) struct Connection<'o, IO> {
    transport: Transport<IO>,
    options: &'o ServerOptions,
    idle: Clock,
    stall: Clock,
    /// Whether the server is to stop.
    stop: watch::Receiver<bool>,
    /// The slot of the last request, used again unless its body is still held by someone.
    slot: Arc<Slot>,
}

/// What woke an idle connection.
enum Next {
    Packet(Bytes),
    /// Nothing more is to come, or to be taken.
    End,
}

impl<'o, IO: AsyncRead + AsyncWrite + Unpin> Connection<'o, IO> {
    pub(super) fn new(io: IO, options: &'o ServerOptions, stop: watch::Receiver<bool>) -> Self {
        Self {
            transport: Transport::new(io, options.packet_size),
            options,
            idle: Clock::new(options.idle_timeout),
            stall: Clock::new(options.stall_timeout),
            stop,
            slot: Arc::default(),
        }
    }

    /// Serves requests until the connection ends or, between two requests, the server is to stop.
    pub(super) async fn run<S, F, B>(mut self, service: &S) -> Result<(), Error>
    where
        S: Fn(Request<RequestBody>) -> F,
        F: Future<Output = Response<B>>,
        B: Body<Error: Into<Box<dyn StdError + Send + Sync>>>,
    {
        let mut stop = self.stop.clone();
        let mut stop = pin!(stop.wait_for(|stop| *stop));
        loop {
            let stopped = |cx: &mut Context<'_>| stop.as_mut().poll(cx).is_ready();
            let Next::Packet(packet) = self.next(stopped).await? else {
                return Ok(());
            };
            if !self.answer(packet, service).await? {
                return self.say_goodbye().await;
            }
            self.transport.rest();
        }
    }

    /// Waits for the next packet.
    async fn next(
        &mut self,
        mut stopped: impl FnMut(&mut Context<'_>) -> bool,
    ) -> Result<Next, Error> {
        self.idle.restart();
        self.stall.restart();
        poll_fn(|cx| {
            loop {
                if let Some(packet) = self.transport.take_packet()? {
                    return Poll::Ready(Ok(Next::Packet(packet)));
                }
                match self.transport.poll_fill(cx)? {
                    Poll::Ready(0) if self.transport.has_input() => {
                        return Poll::Ready(Err(Error::Disconnected));
                    }
                    Poll::Ready(0) => return Poll::Ready(Ok(Next::End)),
                    Poll::Ready(_) => self.stall.restart(),
                    Poll::Pending => break,
                }
            }
            if self.transport.has_input() {
                return self.stall.poll_expired(cx).map(|()| Err(Error::Stalled));
            }
            if stopped(cx) {
                return Poll::Ready(Ok(Next::End));
            }
            self.idle.poll_expired(cx).map(|()| Ok(Next::End))
        })
        .await
    }

    /// Does what a packet asks for; whether the connection goes on.
    async fn answer<S, F, B>(&mut self, packet: Bytes, service: &S) -> Result<bool, Error>
    where
        S: Fn(Request<RequestBody>) -> F,
        F: Future<Output = Response<B>>,
        B: Body<Error: Into<Box<dyn StdError + Send + Sync>>>,
    {
        let refusal = match RequestPacket::decode(&packet) {
            Ok(RequestPacket::CPing) => return self.pong().await,
            Ok(RequestPacket::ForwardRequest(forward)) => {
                match admit(self.options, &packet, &forward) {
                    Ok(admitted) => return self.serve(admitted, service).await,
                    Err(refusal) => Refused::new(refusal, &forward),
                }
            }
            Err(error) if packet.first() == Some(&FORWARD_REQUEST) => Refused::malformed(error),
            Ok(_) => {
                return Err(Error::UnexpectedPacket(
                    packet.first().copied().unwrap_or(0),
                ));
            }
            Err(error) => return Err(error.into()),
        };
        self.refuse(&refusal).await
    }

    async fn pong(&mut self) -> Result<bool, Error> {
        self.transport.output.put_slice(&CPONG);
        self.flush().await?;
        Ok(true)
    }

    async fn serve<S, F, B>(&mut self, admitted: Admitted, service: &S) -> Result<bool, Error>
    where
        S: Fn(Request<RequestBody>) -> F,
        F: Future<Output = Response<B>>,
        B: Body<Error: Into<Box<dyn StdError + Send + Sync>>>,
    {
        let Admitted {
            request,
            content_length,
        } = admitted;
        let head_only = request.method() == http::Method::HEAD;
        let slot = (content_length != Some(0)).then(|| self.fresh_slot());
        let body = match &slot {
            Some(slot) => RequestBody::new(slot.clone(), content_length),
            None => RequestBody::empty(),
        };
        let mut exchange = Exchange::new(
            &mut self.transport,
            &mut self.stall,
            content_length,
            head_only,
        );
        exchange.slot = slot;
        exchange.stop = Some(&self.stop);
        exchange.run(service(request.map(|()| body))).await
    }

    fn fresh_slot(&mut self) -> Arc<Slot> {
        match Arc::get_mut(&mut self.slot) {
            Some(slot) => *slot = Slot::default(),
            None => self.slot = Arc::default(),
        }
        self.slot.clone()
    }

    async fn refuse(&mut self, refused: &Refused) -> Result<bool, Error> {
        tracing::warn!(reason = %refused.refusal, "refused a request");
        let mut exchange = Exchange::new(
            &mut self.transport,
            &mut self.stall,
            refused.content_length,
            refused.head_only,
        );
        exchange.reuse = refused.refusal.keeps_connection();
        exchange.run(ready(refused.refusal.response())).await
    }

    async fn flush(&mut self) -> Result<(), Error> {
        let Self {
            transport, stall, ..
        } = self;
        poll_fn(|cx| {
            let mut moved = false;
            let flushed = transport.poll_flush(cx, &mut moved)?;
            if moved {
                stall.restart();
            }
            if flushed.is_ready() {
                return Poll::Ready(Ok(()));
            }
            stall.poll_expired(cx).map(|()| Err(Error::Stalled))
        })
        .await
    }

    /// Ends the connection so that the last packet arrives.
    async fn say_goodbye(mut self) -> Result<(), Error> {
        let mut left = LINGER_BYTES;
        let goodbye = poll_fn(|cx| {
            if self.transport.poll_shutdown(cx)?.is_pending() {
                return Poll::Pending;
            }
            while left > 0 {
                self.transport.discard_input();
                match self.transport.poll_fill(cx)? {
                    Poll::Ready(0) => break,
                    Poll::Ready(read) => left = left.saturating_sub(read),
                    Poll::Pending => return Poll::Pending,
                }
            }
            Poll::Ready(Ok::<_, Error>(()))
        });
        // Whatever goes wrong now, the web server has its answer.
        let _ = timeout(LINGER, goodbye).await;
        Ok(())
    }
}

/// The type byte of the packet that deserves an answer even when it is malformed.
const FORWARD_REQUEST: u8 = 2;

/// A refusal and what must be known of the request to stay in step.
struct Refused {
    refusal: Refusal,
    content_length: Option<u64>,
    head_only: bool,
}

impl Refused {
    fn new(refusal: Refusal, forward: &ForwardRequest<'_>) -> Self {
        let content_length = forward.content_length().ok().flatten();
        Self {
            refusal,
            content_length,
            head_only: forward.method.name() == b"HEAD",
        }
    }

    fn malformed(error: crate::wire::Error) -> Self {
        Self {
            refusal: error.into(),
            content_length: None,
            head_only: false,
        }
    }
}
