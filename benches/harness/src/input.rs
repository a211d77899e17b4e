//! Reading without a buffer for each connection: bytes come into one that the whole thread shares,
//! and only what a parser leaves over is kept.

use std::{
    cell::RefCell,
    future::poll_fn,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, ReadBuf},
    net::TcpStream,
};

/// What one read may bring. A whole AJP packet of the largest size and as much again fit.
const SCRATCH: usize = 128 * 1024;

thread_local! {
    static BYTES: RefCell<Vec<u8>> = RefCell::new(vec![0; SCRATCH]);
}

/// What a parser made of the bytes: how many it has used, and its value once there is one.
pub(crate) type Taken<T> = io::Result<(usize, Option<T>)>;

/// The bytes of a connection that have come and are not used yet. Empty, it owns no memory.
#[derive(Debug, Default)]
pub(crate) struct Input {
    rest: Vec<u8>,
    start: usize,
}

impl Input {
    /// Asks `parse` about the bytes that are there, and about more as they come, until it has a
    /// value; `None` when the peer has closed before. It gets what it has not used again, and the
    /// context, to write at once what it has read.
    pub(crate) async fn take<T>(
        &mut self,
        stream: &mut TcpStream,
        mut parse: impl FnMut(&mut Context<'_>, &[u8]) -> Taken<T>,
    ) -> io::Result<Option<T>> {
        let mut first = true;
        poll_fn(|cx| {
            if std::mem::take(&mut first)
                && let Some(value) = self.take_from_rest(cx, &mut parse)?
            {
                return Poll::Ready(Ok(Some(value)));
            }
            BYTES.with_borrow_mut(|bytes| self.poll_take(cx, bytes, stream, &mut parse))
        })
        .await
    }

    fn take_from_rest<T>(
        &mut self,
        cx: &mut Context<'_>,
        parse: &mut impl FnMut(&mut Context<'_>, &[u8]) -> Taken<T>,
    ) -> io::Result<Option<T>> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let (used, value) = parse(cx, &self.rest[self.start..])?;
        self.start += used;
        if self.start == self.rest.len() {
            *self = Self::default();
        }
        Ok(value)
    }

    fn poll_take<T>(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &mut [u8],
        stream: &mut TcpStream,
        parse: &mut impl FnMut(&mut Context<'_>, &[u8]) -> Taken<T>,
    ) -> Poll<io::Result<Option<T>>> {
        loop {
            let kept = self.rest.len() - self.start;
            if kept == bytes.len() {
                return Poll::Ready(Err(invalid("a head or packet without end")));
            }
            bytes[..kept].copy_from_slice(&self.rest[self.start..]);
            let mut free = ReadBuf::new(&mut bytes[kept..]);
            ready!(Pin::new(&mut *stream).poll_read(cx, &mut free))?;
            let come = free.filled().len();
            if come == 0 {
                return Poll::Ready(Ok(None));
            }
            let all = &bytes[..kept + come];
            let (used, value) = parse(cx, all)?;
            self.keep(&all[used..]);
            if value.is_some() {
                return Poll::Ready(Ok(value));
            }
        }
    }

    fn keep(&mut self, rest: &[u8]) {
        self.start = 0;
        if rest.is_empty() && self.rest.is_empty() {
            return;
        }
        self.rest = rest.to_vec();
    }
}

/// Bytes that are not what they should be.
pub(crate) fn invalid(what: impl std::fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_string())
}

/// A connection that ended too early.
pub(crate) fn cut_off() -> io::Error {
    io::ErrorKind::UnexpectedEof.into()
}
