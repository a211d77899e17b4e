//! Sends what came of an answer at once, in one write.

use std::{
    cell::RefCell,
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll},
};

use tokio::{io::AsyncWrite, net::TcpStream};

use super::answer::{Answer, Event, MOST_PIECES, Output};

/// Up to so many bytes it is cheaper to copy them together than to write them as they lie.
const COPIED: usize = 4096;

thread_local! {
    static OUTPUT: RefCell<(Output, Vec<u8>)> = RefCell::default();
}

/// Turns what was read into HTTP and sends it; what the client does not take yet goes to `unsent`.
/// Returns how many bytes are used up, and what is to be done next.
pub(super) fn relay(
    cx: &mut Context<'_>,
    answer: &mut Answer,
    read: &[u8],
    client: &mut TcpStream,
    unsent: &mut Vec<u8>,
) -> io::Result<(usize, Option<Event>)> {
    OUTPUT.with_borrow_mut(|(out, flat)| {
        let mut used = 0;
        loop {
            out.own.clear();
            out.pieces.clear();
            let rest = &read[used..];
            let (step, event) = answer.feed(rest, out)?;
            if !out.pieces.is_empty() {
                send(cx, out, rest, flat, client, unsent)?;
            }
            used += step;
            match event {
                Event::More if step > 0 => {}
                Event::More if unsent.is_empty() => return Ok((used, None)),
                event => return Ok((used, Some(event))),
            }
        }
    })
}

fn send(
    cx: &mut Context<'_>,
    out: &Output,
    read: &[u8],
    flat: &mut Vec<u8>,
    client: &mut TcpStream,
    unsent: &mut Vec<u8>,
) -> io::Result<()> {
    let mut slices = [IoSlice::new(&[]); MOST_PIECES];
    let mut total = 0;
    for (slice, piece) in slices.iter_mut().zip(&out.pieces) {
        let bytes = out.slice(piece, read);
        total += bytes.len();
        *slice = IoSlice::new(bytes);
    }
    let slices = &slices[..out.pieces.len()];
    let client = Pin::new(client);
    let sent = if !unsent.is_empty() {
        Poll::Ready(Ok(0))
    } else if total <= COPIED {
        flat.clear();
        slices
            .iter()
            .for_each(|slice| flat.extend_from_slice(slice));
        client.poll_write(cx, flat)
    } else {
        client.poll_write_vectored(cx, slices)
    };
    let mut sent = match sent {
        Poll::Ready(sent) => sent?,
        Poll::Pending => 0,
    };
    for slice in slices {
        let step = sent.min(slice.len());
        unsent.extend_from_slice(&slice[step..]);
        sent -= step;
    }
    Ok(())
}
