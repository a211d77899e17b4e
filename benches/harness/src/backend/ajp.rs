//! A node's AJP13 connection.

use std::io;

use ajp13::wire::{
    CPONG, Data, ForwardRequest, GetBodyChunk, RequestPacket,
    frame::{self, Direction},
};
use tokio::{io::AsyncWriteExt, net::TcpStream, time::sleep};

use super::{
    Protocol,
    node::{Action, Node},
};
use crate::input::{Input, cut_off, invalid};

/// What a client wants.
enum Wanted {
    Pong,
    Page { action: Action, body: Body },
}

/// The body that a request announces.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Body {
    None,
    Bytes(u64),
    Unknown,
}

/// Serves until the client closes.
pub(super) async fn serve(stream: &mut TcpStream, node: &Node) -> io::Result<()> {
    let mut input = Input::default();
    loop {
        let wanted = input.take(stream, |_, bytes| {
            packet(bytes, node, |payload| wanted(payload, node))
        });
        match wanted.await? {
            None => return Ok(()),
            Some(Wanted::Pong) => {
                node.counters.ping();
                stream.write_all(&CPONG).await?;
            }
            Some(Wanted::Page { action, body }) => {
                let came = read_body(&mut input, stream, node, body).await?;
                answer(stream, node, action, came).await?;
            }
        }
    }
}

/// Whatever is in the first packet, and how long that is.
fn packet<T>(
    bytes: &[u8],
    node: &Node,
    decode: impl FnOnce(&[u8]) -> io::Result<T>,
) -> io::Result<(usize, Option<T>)> {
    let most = node.packet_size().max_payload();
    match frame::split(Direction::Request, bytes, most).map_err(invalid)? {
        Some(frame) => Ok((frame.packet_len(), Some(decode(frame.payload)?))),
        None => Ok((0, None)),
    }
}

fn wanted(payload: &[u8], node: &Node) -> io::Result<Wanted> {
    match RequestPacket::decode(payload).map_err(invalid)? {
        RequestPacket::CPing => Ok(Wanted::Pong),
        RequestPacket::ForwardRequest(request) => {
            let path = request.uri.unwrap_or_default();
            let action = node.asked(Protocol::Ajp, path, request.headers.get(b"cookie"));
            let body = announced(&request)?;
            Ok(Wanted::Page { action, body })
        }
        other => Err(invalid(format!("{other:?} is nothing that a client sends"))),
    }
}

fn announced(request: &ForwardRequest<'_>) -> io::Result<Body> {
    Ok(match request.content_length().map_err(invalid)? {
        Some(0) => Body::None,
        Some(length) => Body::Bytes(length),
        None if request.headers.get(b"transfer-encoding").is_some() => Body::Unknown,
        None => Body::None,
    })
}

/// Reads a body to its end. The first packet of one whose length is known comes without being
/// asked for, as with Tomcat.
async fn read_body(
    input: &mut Input,
    stream: &mut TcpStream,
    node: &Node,
    body: Body,
) -> io::Result<u64> {
    let length = match body {
        Body::None => return Ok(0),
        Body::Bytes(length) => Some(length),
        Body::Unknown => None,
    };
    let ask = GetBodyChunk::full(node.packet_size()).to_bytes();
    let mut came = 0;
    while length.is_none_or(|length| came < length) {
        if came > 0 || length.is_none() {
            stream.write_all(&ask).await?;
        }
        let data = input.take(stream, |_, bytes| {
            packet(bytes, node, |payload| {
                let data = Data::decode(payload).map_err(invalid)?;
                Ok(data.bytes().len() as u64)
            })
        });
        match (data.await?.ok_or_else(cut_off)?, length) {
            (0, None) => break,
            (0, Some(_)) => return Err(invalid("a body shorter than announced")),
            (more, _) => came += more,
        }
    }
    Ok(came)
}

async fn answer(stream: &mut TcpStream, node: &Node, action: Action, came: u64) -> io::Result<()> {
    match action {
        Action::Answer(answer) => answer.send(stream).await,
        Action::Count => node.count(Protocol::Ajp, came).send(stream).await,
        Action::Delay(later, answer) => {
            sleep(later).await;
            answer.send(stream).await
        }
    }
}
