//! A container that does everything in small steps, and notices what must not come.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use parking_lot::Mutex;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::{JoinSet, yield_now},
};

/// What a container has seen.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Connections that are open.
    pub(super) open: AtomicUsize,
    /// What must not have come.
    pub(super) wrong: Mutex<Vec<String>>,
}

/// Serves all connections until it is dropped.
pub(super) async fn run(listener: TcpListener, seen: Arc<Seen>) {
    let mut conns = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        seen.open.fetch_add(1, SeqCst);
        let seen = seen.clone();
        conns.spawn(async move {
            // The other side may be gone at any moment.
            let _ = serve(stream, &seen).await;
            seen.open.fetch_sub(1, SeqCst);
        });
    }
}

async fn serve(mut stream: TcpStream, seen: &Seen) -> io::Result<()> {
    stream.set_nodelay(true)?;
    loop {
        let packet = packet(&mut stream).await?;
        match packet.first() {
            Some(10) => stream.write_all(b"AB\x00\x01\x09").await?,
            Some(2) => answer(&mut stream, &packet).await?,
            _ => {
                seen.wrong
                    .lock()
                    .push(format!("{packet:?} between requests"));
                return Ok(());
            }
        }
    }
}

/// `/ID/LENGTH` gets its own path and the sum of its body, which is of that length, or `chunked`,
/// or 0; then as many bytes as a third part says.
async fn answer(stream: &mut TcpStream, request: &[u8]) -> io::Result<()> {
    let path = string_after(request, 2, 1);
    let parts: Vec<&str> = path.split('/').collect();
    let mut body = Vec::new();
    match parts[2] {
        "chunked" => while ask(stream, &mut body).await? {},
        length => {
            let length: usize = length.parse().unwrap();
            if length > 0 {
                data(stream, &mut body).await?;
            }
            while body.len() < length && ask(stream, &mut body).await? {}
        }
    }
    let more = parts.get(3).map_or(0, |more| more.parse().unwrap());
    let text = said(&path, &body, more);
    let mut head = vec![4, 0, 200, 0, 2, b'O', b'K', 0, 0, 1, 0xa0, 3];
    string(&mut head, &text.len().to_string());
    step(stream, &framed(&head)).await?;
    for part in text.as_bytes().chunks(4000) {
        let mut chunk = vec![3];
        chunk.extend(u16::try_from(part.len()).unwrap().to_be_bytes());
        chunk.extend(part);
        chunk.push(0);
        step(stream, &framed(&chunk)).await?;
    }
    step(stream, b"AB\x00\x02\x05\x01").await
}

/// What the answer to this request has to be.
pub(super) fn said(path: &str, body: &[u8], more: usize) -> String {
    let sum: u64 = body.iter().map(|byte| u64::from(*byte)).sum();
    let filling = path.repeat(more / path.len());
    format!("{path} {} {sum} {filling}", body.len())
}

/// In two pieces, between which others have their turn.
async fn step(stream: &mut TcpStream, bytes: &[u8]) -> io::Result<()> {
    let (first, second) = bytes.split_at(bytes.len() / 2);
    stream.write_all(first).await?;
    yield_now().await;
    stream.write_all(second).await?;
    yield_now().await;
    Ok(())
}

/// Asks for more of the body. False at its end.
async fn ask(stream: &mut TcpStream, body: &mut Vec<u8>) -> io::Result<bool> {
    step(stream, b"AB\x00\x03\x06\x1f\xfa").await?;
    data(stream, body).await
}

async fn data(stream: &mut TcpStream, body: &mut Vec<u8>) -> io::Result<bool> {
    let packet = packet(stream).await?;
    let bytes = packet.get(2..).unwrap_or_default();
    body.extend(bytes);
    Ok(!bytes.is_empty())
}

async fn packet(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut head = [0; 4];
    stream.read_exact(&mut head).await?;
    let mut payload = vec![0; usize::from(u16::from_be_bytes([head[2], head[3]]))];
    stream.read_exact(&mut payload).await?;
    Ok(payload)
}

/// The string behind as many others.
fn string_after(bytes: &[u8], start: usize, others: usize) -> String {
    let mut rest = &bytes[start..];
    for _ in 0..others {
        let length = usize::from(u16::from_be_bytes([rest[0], rest[1]]));
        rest = &rest[length + 3..];
    }
    let length = usize::from(u16::from_be_bytes([rest[0], rest[1]]));
    String::from_utf8(rest[2..2 + length].to_vec()).unwrap()
}

fn string(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend(u16::try_from(text.len()).unwrap().to_be_bytes());
    bytes.extend(text.as_bytes());
    bytes.push(0);
}

fn framed(payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).unwrap().to_be_bytes();
    [b"AB".as_slice(), &length, payload].concat()
}
