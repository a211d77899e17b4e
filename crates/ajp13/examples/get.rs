//! Fetches a page over AJP13: `cargo run --example get -- 127.0.0.1:8009 /path [secret]`.
#![allow(clippy::print_stdout, reason = "that is what it is for")]

use ajp13::Client;
use ajp13::facts::ConnectionInfo;
use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use tokio::io::{AsyncWriteExt, stdout};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments
        .next()
        .ok_or("usage: get HOST:PORT [PATH] [SECRET]")?;
    let path = arguments.next().unwrap_or_else(|| "/".into());
    let mut client = Client::builder(address.parse()?);
    if let Some(secret) = arguments.next() {
        client = client.secret(secret);
    }

    let mut request = http::Request::get(path)
        .header("Host", "localhost")
        .body(Empty::<Bytes>::new())?;
    request.extensions_mut().insert(ConnectionInfo {
        remote_addr: Some("192.0.2.7".into()),
        ..ConnectionInfo::default()
    });
    let response = client.build().send(request).await?;

    println!("{}", response.status());
    for (name, value) in response.headers() {
        println!("{name}: {}", value.as_bytes().escape_ascii());
    }
    println!();
    let mut body = response.into_body();
    // One handle for all: writes through several overtake each other.
    let mut out = stdout();
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame?.into_data() {
            out.write_all(&data).await?;
        }
    }
    out.flush().await?;
    if let Some(hint) = body.refusal_hint() {
        return Err(hint.into());
    }
    Ok(())
}
