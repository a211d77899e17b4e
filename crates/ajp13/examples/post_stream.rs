//! Uploads standard input of unknown length while printing the answer:
//! `cargo run --example post_stream -- 127.0.0.1:8009 /path < file`.
#![allow(clippy::print_stderr, reason = "that is what it is for")]

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use ajp13::Client;
use bytes::Bytes;
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf, Stdin, stdin, stdout};

/// Anything that can be read, as a body of unknown length.
struct Input(Stdin);

impl Body for Input {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let mut memory = vec![0; 8186];
        let mut buffer = ReadBuf::new(&mut memory);
        ready!(Pin::new(&mut self.0).poll_read(cx, &mut buffer))?;
        let read = buffer.filled().len();
        memory.truncate(read);
        Poll::Ready((read > 0).then(|| Ok(Frame::data(memory.into()))))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments
        .next()
        .ok_or("usage: post_stream HOST:PORT [PATH]")?;
    let path = arguments.next().unwrap_or_else(|| "/".into());
    let client = Client::builder(address.parse()?).build();

    let request = http::Request::post(path)
        .header("Host", "localhost")
        .header("Content-Type", "application/octet-stream")
        .body(Input(stdin()))?;
    let response = client.send(request).await?;
    eprintln!("{}", response.status());
    let mut body = response.into_body();
    // One handle for all: writes through several overtake each other.
    let mut out = stdout();
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame?.into_data() {
            out.write_all(&data).await?;
        }
    }
    out.flush().await?;
    let tally = body.tally();
    eprintln!("{} bytes sent, {} received", tally.sent, tally.received);
    Ok(())
}
