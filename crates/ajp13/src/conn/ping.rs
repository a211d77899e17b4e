//! CPing and CPong.

use std::future::poll_fn;
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::{Conn, Io};
use crate::error::{Error, ErrorKind, hint};
use crate::wire::{CPING, ResponsePacket};

impl<IO: Io> Conn<IO> {
    /// Sends a CPing and waits for the CPong at most `limit`; returns how long it took.
    ///
    /// A CPong takes a free worker thread of the container, so that it tells more than an open
    /// port; it tells nothing about the secret.
    ///
    /// # Errors
    /// [`ErrorKind::Ping`], whatever the cause. The connection must not be used again then.
    ///
    /// # Cancel safety
    /// A connection whose ping was given up half-way must not be used again; a pool closes it.
    pub async fn ping(&mut self, limit: Duration) -> Result<Duration, Error> {
        let begun = Instant::now();
        // Stays so when this future is dropped.
        self.facts.failed = true;
        self.output.raw(&CPING);
        match timeout(limit, self.pong()).await {
            Ok(Ok(())) => {
                self.facts.failed = false;
                self.speaks = true;
                self.pings += 1;
                self.gives_sign();
                Ok(begun.elapsed())
            }
            Ok(Err(error)) => Err(self.blame(error.into_ping())),
            Err(_) => {
                let error = Error::timeout(ErrorKind::Ping, limit).with_hint(hint::MUTE);
                Err(self.blame(error))
            }
        }
    }

    async fn pong(&mut self) -> Result<(), Error> {
        poll_fn(|cx| self.output.poll_flush(&mut self.io, cx))
            .await
            .map_err(|cause| self.hung_up(cause))?;
        loop {
            match self.input.peek(self.size) {
                Err(cause) => return Err(self.not_ajp(cause)),
                Ok(Some(frame)) => {
                    let length = frame.packet_len();
                    let pong = ResponsePacket::decode(frame.payload)? == ResponsePacket::CPong;
                    if !pong {
                        return Err(super::turn::unasked());
                    }
                    self.input.skip(length);
                    // What comes with it would be taken for the next request's answer.
                    return if self.input.is_empty() {
                        Ok(())
                    } else {
                        Err(super::turn::unasked())
                    };
                }
                Ok(None) => {}
            }
            let read = poll_fn(|cx| self.input.poll_fill(&mut self.io, cx)).await;
            match read {
                Ok(0) => return Err(self.hung_up(std::io::ErrorKind::UnexpectedEof.into())),
                Ok(_) => {}
                Err(cause) => return Err(self.hung_up(cause)),
            }
        }
    }
}
