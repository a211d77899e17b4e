//! An application behind mod_jk, mod_proxy_ajp or jkd, instead of a Tomcat:
//! `cargo run --features server --example serve -- 127.0.0.1:8009 [SECRET]`.
//!
//! `GET` says who asked for what; everything else gets its own body back while it is sent.
#![allow(clippy::print_stdout, reason = "that is what it is for")]

use ajp13::facts::{ConnectionInfo, Secret};
use ajp13::server::{RequestBody, Server, ServerOptions};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Method, Request, Response};
use http_body_util::{Either, Full};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().ok_or("usage: serve HOST:PORT [SECRET]")?;
    let options = ServerOptions {
        secret: arguments.next().map(Secret::new),
        ..ServerOptions::default()
    };
    let listener = TcpListener::bind(address).await?;
    println!("serving AJP13 on {}", listener.local_addr()?);
    let stop = async { _ = tokio::signal::ctrl_c().await };
    Server::new(listener, options).run(answer, stop).await;
    Ok(())
}

async fn answer(request: Request<RequestBody>) -> Response<Either<RequestBody, Full<Bytes>>> {
    if request.method() == Method::GET {
        let mut response = Response::new(Either::Right(Full::from(describe(&request))));
        let text = http::HeaderValue::from_static("text/plain; charset=utf-8");
        response.headers_mut().insert(CONTENT_TYPE, text);
        return response;
    }
    Response::new(Either::Left(request.into_body()))
}

fn describe(request: &Request<RequestBody>) -> String {
    let connection = request.extensions().get::<ConnectionInfo>();
    let from = connection.and_then(|connection| connection.remote_addr.as_ref());
    format!("{from:?} asks for {}\n", request.uri())
}
