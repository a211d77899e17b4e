//! Both halves of the library against each other.
#![cfg(all(feature = "client", feature = "server"))]
#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use ajp13::Client;
use ajp13::facts::{Activation, Attributes, ConnectionInfo, RemoteUser, Route, Secret, TlsInfo};
use ajp13::server::{RequestBody, Server, ServerOptions};
use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Full};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// A server that stops when the set is dropped, with this service.
async fn serve<S, F, B>(servers: &mut JoinSet<()>, service: S) -> SocketAddr
where
    S: Fn(Request<RequestBody>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<B>> + Send + 'static,
    B: Body<Data: Send, Error: std::error::Error + Send + Sync + 'static> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = Server::new(listener, ServerOptions::default());
    servers.spawn(server.run(service, std::future::pending()));
    address
}

async fn mirror(request: Request<RequestBody>) -> Response<RequestBody> {
    Response::new(request.into_body())
}

/// So many bytes in frames of odd sizes, of a length that is said or not.
struct Pattern {
    left: usize,
    says_length: bool,
}

impl Body for Pattern {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let length = self.left.min(1 + self.left % 20_011);
        let frame = (0..length).map(|i| byte_at(self.left - i)).collect();
        self.left -= length;
        Poll::Ready(Some(Ok(Frame::data(frame))))
    }

    fn size_hint(&self) -> SizeHint {
        if !self.says_length {
            return SizeHint::default();
        }
        SizeHint::with_exact(u64::try_from(self.left).unwrap())
    }
}

fn byte_at(left: usize) -> u8 {
    u8::try_from(left % 251).unwrap()
}

/// Reads a mirrored pattern frame by frame, and its length.
async fn check(mut body: ajp13::Body, length: usize) {
    let mut left = length;
    while let Some(frame) = body.frame().await {
        for byte in frame.unwrap().into_data().unwrap() {
            assert_eq!(byte, byte_at(left), "{left} bytes before the end");
            left -= 1;
        }
    }
    assert_eq!(left, 0);
}

#[tokio::test]
async fn bodies_come_back_whole() {
    let mut servers = JoinSet::new();
    let client = Client::new(serve(&mut servers, mirror).await);
    for left in [0, 1, 8183, 8184, 8185, 8186, 8187, 16_372, 16_373, 100_000] {
        for says_length in [true, false] {
            let request = Request::post("/")
                .body(Pattern { left, says_length })
                .unwrap();
            check(client.send(request).await.unwrap().into_body(), left).await;
        }
    }
}

#[tokio::test]
async fn large_bodies_go_both_ways_at_once() {
    let mut servers = JoinSet::new();
    let client = Client::new(serve(&mut servers, mirror).await);
    let mut requests = JoinSet::new();
    for left in [5_000_000, 7_000_000, 3_000_001] {
        let client = client.clone();
        requests.spawn(async move {
            let body = Pattern {
                left,
                says_length: left % 2 == 0,
            };
            let response = client
                .send(Request::post("/").body(body).unwrap())
                .await
                .unwrap();
            check(response.into_body(), left).await;
        });
    }
    while let Some(done) = requests.join_next().await {
        done.unwrap();
    }
}

/// Answers with all facts, as text.
async fn tell(request: Request<RequestBody>) -> Response<String> {
    let facts = request.extensions();
    Response::new(format!(
        "{:?} {:?} {:?} {:?} {:?} {:?} {}",
        facts.get::<ConnectionInfo>().unwrap(),
        facts.get::<TlsInfo>().unwrap(),
        facts.get::<RemoteUser>().unwrap(),
        facts.get::<Route>().unwrap(),
        facts.get::<Activation>().unwrap(),
        facts.get::<Attributes>().unwrap(),
        facts.get::<Secret>().unwrap().matches(b"hush"),
    ))
}

fn connection() -> ConnectionInfo {
    ConnectionInfo {
        remote_addr: Some("192.0.2.7".into()),
        remote_host: Some("client.example".into()),
        remote_port: Some(4711),
        local_addr: Some("192.0.2.1".into()),
        server_name: Some("shop.example".into()),
        server_port: 8443,
        is_ssl: true,
    }
}

fn tls() -> TlsInfo {
    TlsInfo {
        certificate: Some("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n".into()),
        cipher: Some("TLS_AES_256_GCM_SHA384".into()),
        session: Some("00FF".into()),
        key_size: Some(256),
        protocol: Some("TLSv1.3".into()),
    }
}

#[tokio::test]
async fn facts_arrive_as_they_were_given() {
    let user = RemoteUser {
        name: Some("anna".into()),
        auth_type: Some("Basic".into()),
    };
    let route = Route("tomcat1".into());
    let mut attributes = Attributes::new();
    attributes.push("OWN", "value");
    let expected = format!(
        "{:?} {:?} {user:?} {route:?} {:?} {attributes:?} true",
        connection(),
        tls(),
        Activation::Stopped
    );
    let mut request = Request::get("/").body(Full::<Bytes>::default()).unwrap();
    let facts = request.extensions_mut();
    facts.insert(connection());
    facts.insert(tls());
    facts.insert(user);
    facts.insert(route);
    facts.insert(attributes);
    facts.insert(Activation::Stopped);
    facts.insert(Secret::new("hush"));
    let mut servers = JoinSet::new();
    let client = Client::new(serve(&mut servers, tell).await);
    let body = client
        .send(request)
        .await
        .unwrap()
        .into_body()
        .collect()
        .await
        .unwrap();
    assert_eq!(body.to_bytes(), expected);
}
