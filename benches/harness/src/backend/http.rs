//! A node's HTTP/1.1 connection.

use std::io;

use tokio::{net::TcpStream, time::sleep};

use super::{
    Protocol,
    node::{Action, Node},
};
use crate::input::{Input, cut_off, invalid};

/// Headers of a request at most.
const MOST_HEADERS: usize = 64;

struct Wanted {
    action: Action,
    body: u64,
    closes: bool,
}

/// Serves until the client closes, or wants it closed.
pub(super) async fn serve(stream: &mut TcpStream, node: &Node) -> io::Result<()> {
    let mut input = Input::default();
    loop {
        let wanted = input.take(stream, |_, bytes| wanted(bytes, node)).await?;
        let Some(wanted) = wanted else {
            return Ok(());
        };
        read_body(&mut input, stream, wanted.body).await?;
        match wanted.action {
            Action::Answer(answer) => answer.send(stream).await?,
            Action::Count => node.count(Protocol::Http, wanted.body).send(stream).await?,
            Action::Delay(later, answer) => {
                sleep(later).await;
                answer.send(stream).await?;
            }
        }
        if wanted.closes {
            return Ok(());
        }
    }
}

fn wanted(bytes: &[u8], node: &Node) -> io::Result<(usize, Option<Wanted>)> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    let used = match request.parse(bytes).map_err(invalid)? {
        httparse::Status::Complete(used) => used,
        httparse::Status::Partial => return Ok((0, None)),
    };
    let (mut body, mut cookie) = (0, None);
    let mut closes = request.version == Some(0);
    for header in &*request.headers {
        if header.name.eq_ignore_ascii_case("content-length") {
            body = length(header.value)?;
        } else if header.name.eq_ignore_ascii_case("cookie") {
            cookie = Some(header.value);
        } else if header.name.eq_ignore_ascii_case("connection") {
            closes |= header.value.eq_ignore_ascii_case(b"close");
        } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
            return Err(invalid("a body in chunks, which no scenario sends"));
        }
    }
    let path = request.path.unwrap_or_default().as_bytes();
    let action = node.asked(Protocol::Http, path, cookie);
    let wanted = Wanted {
        action,
        body,
        closes,
    };
    Ok((used, Some(wanted)))
}

fn length(digits: &[u8]) -> io::Result<u64> {
    let text = std::str::from_utf8(digits).map_err(invalid)?;
    text.parse().map_err(invalid)
}

async fn read_body(input: &mut Input, stream: &mut TcpStream, mut left: u64) -> io::Result<()> {
    if left == 0 {
        return Ok(());
    }
    let whole = input.take(stream, |_, bytes| {
        let used = usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()));
        left -= used as u64;
        Ok((used, (left == 0).then_some(())))
    });
    whole.await?.ok_or_else(cut_off)
}
