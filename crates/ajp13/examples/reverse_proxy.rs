//! Stands between a web server and a Tomcat and passes everything on, facts included:
//! `cargo run --features client,server --example reverse_proxy -- 127.0.0.1:8010 127.0.0.1:8009 [SECRET]`.
//!
//! Nothing is held back: both bodies stream through, and a web server that goes away takes the
//! request to the Tomcat with it.
#![allow(clippy::print_stdout, reason = "that is what it is for")]

use ajp13::facts::Secret;
use ajp13::server::{RequestBody, Server, ServerOptions};
use ajp13::{Body, Client};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{Either, Full};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(listen), Some(tomcat)) = (arguments.next(), arguments.next()) else {
        return Err("usage: reverse_proxy LISTEN TOMCAT [SECRET]".into());
    };
    let secret = arguments.next();
    let mut client = Client::builder(tomcat.parse()?);
    if let Some(secret) = &secret {
        client = client.secret(secret);
    }
    let client = client.build();
    let options = ServerOptions {
        secret: secret.map(Secret::new),
        ..ServerOptions::default()
    };
    let listener = TcpListener::bind(listen).await?;
    println!("passing {} on to {tomcat}", listener.local_addr()?);
    let service = move |request| pass_on(client.clone(), request);
    let stop = async { _ = tokio::signal::ctrl_c().await };
    Server::new(listener, options).run(service, stop).await;
    Ok(())
}

async fn pass_on(
    client: Client,
    request: Request<RequestBody>,
) -> Response<Either<Body, Full<Bytes>>> {
    match client.send(request).await {
        Ok(response) => response.map(Either::Left),
        Err(error) => {
            let mut response = Response::new(Either::Right(Full::from(format!("{error}\n"))));
            *response.status_mut() = StatusCode::BAD_GATEWAY;
            response
        }
    }
}
