//! The body of a request: a packet whenever the node asks for one.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::Poll,
};

use ajp13::wire::Data;
use tokio::{
    io::{AsyncWrite, AsyncWriteExt},
    net::TcpStream,
};

use crate::input::{Input, cut_off};

/// Reads so many bytes from the client and sends them to the node as one packet.
pub(super) async fn send_packet(
    input: &mut Input,
    client: &mut TcpStream,
    node: &mut TcpStream,
    bytes: usize,
) -> io::Result<()> {
    let Some(prefix) = Data::prefix(bytes).filter(|_| bytes > 0) else {
        return node.write_all(&Data::END).await;
    };
    let unsent = input.take(client, |cx, read| {
        let Some(data) = read.get(..bytes) else {
            return Ok((0, None));
        };
        let both = [IoSlice::new(&prefix), IoSlice::new(data)];
        let mut sent = match Pin::new(&mut *node).poll_write_vectored(cx, &both) {
            Poll::Ready(sent) => sent?,
            Poll::Pending => 0,
        };
        let mut unsent = Vec::new();
        for slice in &both {
            let step = sent.min(slice.len());
            unsent.extend_from_slice(&slice[step..]);
            sent -= step;
        }
        Ok((bytes, Some(unsent)))
    });
    let unsent = unsent.await?.ok_or_else(cut_off)?;
    node.write_all(&unsent).await
}
