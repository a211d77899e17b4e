//! A client's connection: requests and their answers, one after the other.

use std::io;

use tokio::{io::AsyncWriteExt, net::TcpStream};

use super::{
    answer::{Answer, Event},
    pool::Pool,
    relay::relay,
    request, upload,
};
use crate::input::{Input, cut_off};

/// Serves until one of both closes.
pub(super) async fn serve(mut client: TcpStream, pool: &Pool) -> io::Result<()> {
    let mut input = Input::default();
    loop {
        let request = input.take(&mut client, |_, bytes| request::parse(bytes, pool));
        let Some(request) = request.await? else {
            return Ok(());
        };
        let mut node = pool.checkout(request.node).await?;
        node.write_all(&request.packet).await?;
        drop(request.packet);
        let mut body = request.body;
        if body > 0 {
            let first = part(body, pool.size.max_data());
            upload::send_packet(&mut input, &mut client, &mut node, first).await?;
            body -= first as u64;
        }
        let mut answer = Answer::new(request.is_head, request.closes);
        let reuse = exchange(&mut client, &mut input, &mut node, &mut answer, body, pool).await?;
        if reuse {
            pool.give_back(request.node, node);
        }
        if request.closes {
            return Ok(());
        }
    }
}

/// The answer, and what it takes to have it. Returns whether the node's connection may go on.
async fn exchange(
    client: &mut TcpStream,
    input: &mut Input,
    node: &mut TcpStream,
    answer: &mut Answer,
    mut body: u64,
    pool: &Pool,
) -> io::Result<bool> {
    let mut from_node = Input::default();
    let mut unsent = Vec::new();
    loop {
        let event = from_node.take(node, |cx, bytes| {
            relay(cx, answer, bytes, client, &mut unsent)
        });
        let event = event.await?.ok_or_else(cut_off)?;
        if !unsent.is_empty() {
            client.write_all(&unsent).await?;
            unsent.clear();
        }
        match event {
            Event::More => {}
            Event::End { reuse } => return Ok(reuse),
            Event::Wanted(bytes) => {
                let next = part(body, pool.size.max_data().min(bytes.into()));
                upload::send_packet(input, client, node, next).await?;
                body -= next as u64;
            }
        }
    }
}

/// As much of the rest as fits.
fn part(left: u64, most: usize) -> usize {
    usize::try_from(left).map_or(most, |left| left.min(most))
}
