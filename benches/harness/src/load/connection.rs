//! A client's connection.

use std::{io, net::SocketAddr};

use tokio::{io::AsyncWriteExt, net::TcpStream};

use super::answer::Answer;
use crate::input::{Input, cut_off};

/// Why a request has no good answer.
#[derive(Debug)]
pub(super) enum Fault {
    /// Nobody accepts.
    Connect(io::Error),
    /// The connection broke, or what came is not HTTP.
    Broken(io::Error),
    /// Another status than 200.
    Status(u16),
    /// Another length of the body.
    Length(u64),
}

/// An open connection, and what has come on it.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    input: Input,
}

impl Connection {
    pub(super) async fn open(address: SocketAddr) -> Result<Self, Fault> {
        let stream = TcpStream::connect(address).await.map_err(Fault::Connect)?;
        stream.set_nodelay(true).map_err(Fault::Connect)?;
        Ok(Self {
            stream,
            input: Input::default(),
        })
    }

    /// Sends a request and reads its answer to the end.
    pub(super) async fn ask(&mut self, request: &[u8]) -> Result<Answer, Fault> {
        self.exchange(request).await.map_err(Fault::Broken)
    }

    async fn exchange(&mut self, request: &[u8]) -> io::Result<Answer> {
        self.stream.write_all(request).await?;
        let mut answer = Answer::default();
        let complete = self.input.take(&mut self.stream, |_, bytes| {
            let used = answer.feed(bytes)?;
            Ok((used, answer.is_complete().then_some(answer)))
        });
        complete.await?.ok_or_else(cut_off)
    }

    /// Whether the peer has closed it meanwhile, or sent what nobody asked for.
    pub(super) fn is_lost(&self) -> bool {
        let nothing = self.stream.try_read(&mut [0]);
        !nothing.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }
}
