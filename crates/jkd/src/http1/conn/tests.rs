use std::collections::VecDeque;

use http::Response;
use http_body_util::{BodyExt as _, Empty, Full, StreamBody, combinators::UnsyncBoxBody};
use proptest::prelude::*;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex},
    time::{Instant, timeout},
};

use super::*;

mod times;
mod unwanted;

type Boxed = UnsyncBoxBody<Bytes, std::io::Error>;

/// Answers with what was asked: method, target and body.
struct Echo(Arc<ClientRules>);

fn boxed(text: impl Into<Bytes>) -> Boxed {
    Full::new(text.into())
        .map_err(|never| match never {})
        .boxed_unsync()
}

impl Service for Echo {
    type Answer = Boxed;

    fn rules(&self) -> Arc<ClientRules> {
        self.0.clone()
    }

    async fn answer(&self, head: Head, body: Body) -> Reply<Boxed> {
        let path = String::from_utf8_lossy(head.path()).into_owned();
        let response = match &*path {
            "/early" => Response::new(boxed("early")),
            "/panic" => panic!("as asked"),
            "/never" => std::future::pending().await,
            "/glance" => glance(body).await,
            "/nothing" => Response::builder()
                .status(204)
                .body(Empty::new().map_err(|never| match never {}).boxed_unsync())
                .unwrap(),
            "/streamed" => Response::new(streamed(&["one", "", "two"])),
            "/short" => {
                let announced = Response::builder().header("content-length", "9");
                announced.body(streamed(&["short"])).unwrap()
            }
            "/busy" => Response::builder().status(503).body(boxed("busy")).unwrap(),
            _ => echo(&head, body).await,
        };
        Reply {
            response: response.into(),
            rules: None,
        }
    }

    async fn refuse(&self, head: Head, refusal: Refusal) -> Reply<Boxed> {
        let line = String::from_utf8_lossy(head.line()).into_owned();
        let text = format!("{refusal:?} {line}");
        let response = Response::builder().status(refusal.status());
        Reply {
            response: response.body(boxed(text)).unwrap().into(),
            rules: None,
        }
    }

    fn panicked(&self) -> Reply<Boxed> {
        let response = Response::builder().status(500);
        Reply {
            response: response.body(boxed("panicked")).unwrap().into(),
            rules: None,
        }
    }
}

async fn echo(head: &Head, body: Body) -> Response<Boxed> {
    match body.collect().await {
        Ok(body) => {
            let body = body.to_bytes();
            let target = head.target().escape_ascii();
            let text = format!("{} {target} {}", head.method, body.escape_ascii());
            Response::new(boxed(text))
        }
        Err(error) => Response::builder()
            .status(400)
            .body(boxed(error.to_string()))
            .unwrap(),
    }
}

/// Asks for a body, and does not wait for it.
async fn glance(body: Body) -> Response<Boxed> {
    let mut body = pin!(body);
    poll_fn(|cx| {
        let asked = http_body::Body::poll_frame(body.as_mut(), cx);
        assert!(asked.is_pending());
        Poll::Ready(())
    })
    .await;
    Response::new(boxed("glance"))
}

/// A body whose pieces come one after the other.
fn streamed(pieces: &[&'static str]) -> Boxed {
    let mut pieces: VecDeque<_> = pieces.iter().copied().collect();
    let mut waits = false;
    let stream = futures_util::stream::poll_fn(move |cx| {
        waits = !waits;
        if waits {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let frame = |piece: &'static str| Ok(http_body::Frame::data(Bytes::from(piece)));
        Poll::Ready(pieces.pop_front().map(frame))
    });
    StreamBody::new(stream).boxed_unsync()
}

fn open(rules: ClientRules) -> DuplexStream {
    let (client, ours) = duplex(1 << 20);
    tokio::spawn(serve(ours, Echo(Arc::new(rules)), CancellationToken::new()));
    client
}

/// Everything that comes back for these pieces, without dates; the client then ends its side.
async fn talk_in(pieces: &[&[u8]]) -> String {
    let mut client = open(ClientRules::default());
    for piece in pieces {
        // Who was refused may be gone already.
        if client.write_all(piece).await.is_err() {
            break;
        }
        tokio::task::yield_now().await;
    }
    let _ = client.shutdown().await;
    all(&mut client).await
}

async fn talk(text: &str) -> String {
    talk_in(&[text.as_bytes()]).await
}

async fn all(client: &mut DuplexStream) -> String {
    let mut answer = Vec::new();
    let _ = client.read_to_end(&mut answer).await;
    without_dates(&answer)
}

fn without_dates(answer: &[u8]) -> String {
    let text = String::from_utf8_lossy(answer);
    let lines = text.split_inclusive('\n');
    lines.filter(|line| !line.starts_with("Date: ")).collect()
}

fn ok(body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[tokio::test]
async fn requests_are_answered_in_order() {
    let two = "GET /a?b HTTP/1.1\r\nHost: a\r\n\r\nPOST /c HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nxyz\
               PUT /d HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n2;e\r\nyz\r\n0\r\n\r\n";
    let expected = [ok("GET /a?b "), ok("POST /c xyz"), ok("PUT /d xyz")].concat();
    assert_eq!(talk(two).await, expected);
}

/// FLT-PANIC: on one thread, with the task that panics beside one that has begun and one that comes
/// later.
#[tokio::test]
async fn a_panic_ends_one_connection() {
    let mut begun = open(ClientRules::default());
    begun.write_all(b"GET /begun HTTP/1.1\r\n").await.unwrap();
    let two = "GET /panic HTTP/1.1\r\nHost: a\r\n\r\n".repeat(2);
    let answer = talk(&two).await;
    assert!(
        answer.starts_with("HTTP/1.1 500 ") && answer.ends_with("\r\n\r\npanicked"),
        "{answer}"
    );
    assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{answer}");
    begun.write_all(b"Host: a\r\n\r\n").await.unwrap();
    begun.shutdown().await.unwrap();
    assert_eq!(all(&mut begun).await, ok("GET /begun "));
    let later = "GET /later HTTP/1.1\r\nHost: a\r\n\r\n";
    assert_eq!(talk(later).await, ok("GET /later "));
}

#[tokio::test]
async fn connections_end_and_stay_as_the_version_has_it() {
    let stays = "Keep-Alive: timeout=5, max=100\r\nConnection: Keep-Alive\r\n";
    for (request, expected) in [
        ("GET / HTTP/1.0\r\n\r\n", "Connection: close\r\n"),
        ("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", stays),
        ("GET / HTTP/1.1\r\nConnection: keep-alive\r\n\r\n", stays),
        (
            "GET / HTTP/1.1\r\nConnection: close\r\n\r\n",
            "Connection: close\r\n",
        ),
        ("GET / HTTP/1.1\r\n\r\n", ""),
    ] {
        let answer = talk(&format!("{request}{request}")).await;
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n{expected}\r\n");
        assert!(answer.starts_with(&head), "{request} {answer}");
        let answers = if expected == "Connection: close\r\n" {
            1
        } else {
            2
        };
        assert_eq!(answer.matches("GET / ").count(), answers, "{request}");
    }
}

#[tokio::test]
async fn a_connection_serves_so_many_requests() {
    let mut client = open(ClientRules {
        max_keep_alive_requests: 2,
        ..ClientRules::default()
    });
    let request = b"GET / HTTP/1.1\r\nConnection: keep-alive\r\n\r\n".repeat(4);
    client.write_all(&request).await.unwrap();
    let answer = all(&mut client).await;
    assert_eq!(answer.matches("HTTP/1.1 200").count(), 3);
    assert!(answer.contains("max=1\r\n") && answer.contains("Connection: close\r\n"));
}

#[tokio::test]
async fn bodies_end_as_the_client_can_tell() {
    let streamed = talk("GET /streamed HTTP/1.1\r\n\r\n").await;
    assert_eq!(
        streamed,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"
    );
    let old = talk("GET /streamed HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").await;
    assert_eq!(old, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nonetwo");
    let nothing = talk("GET /nothing HTTP/1.1\r\n\r\n").await;
    assert_eq!(nothing, "HTTP/1.1 204 No Content\r\n\r\n");
    let short = talk("GET /short HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n").await;
    assert_eq!(short, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort");
    let head = talk("HEAD /x HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n").await;
    let expected = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n{}",
        ok("GET / ")
    );
    assert_eq!(head, expected);
    let busy = talk("GET /busy HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n").await;
    assert!(busy.ends_with("Connection: close\r\n\r\nbusy"), "{busy}");
}

#[tokio::test]
async fn what_is_no_request_is_refused_with_a_page() {
    for (request, status, page) in [
        ("GARBAGE\r\n\r\n", 400, "Syntax GARBAGE"),
        (
            "GET / HTTP/1.1\nHost: a\n\n",
            400,
            "LineEnd GET / HTTP/1.1\n",
        ),
        ("GET / HTTP/2.0\r\n\r\n", 505, "Version GET / HTTP/2.0"),
        (
            "GET / HTTP/1.1\r\nA b: c\r\n\r\n",
            400,
            "Field GET / HTTP/1.1",
        ),
        (
            "GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
            400,
            "Length GET / HTTP/1.1",
        ),
        (
            "GET / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
            501,
            "TransferCoding GET / HTTP/1.1",
        ),
    ] {
        let answer = talk(&format!("{request}GET / HTTP/1.1\r\n\r\n")).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{request} {answer}"
        );
        assert!(
            answer.ends_with(&format!("Connection: close\r\n\r\n{page}")),
            "{request} {answer}"
        );
    }
    let long = format!("GET /{} HTTP/1.1\r\n", "x".repeat(8190));
    assert!(talk(&long).await.starts_with("HTTP/1.1 414 "));
}

#[tokio::test]
async fn leave_to_send_is_given_when_the_body_is_wanted() {
    let mut client = open(ClientRules::default());
    let head = "POST /x HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n";
    client.write_all(head.as_bytes()).await.unwrap();
    let mut interim = [0; 25];
    client.read_exact(&mut interim).await.unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    client.write_all(b"hi").await.unwrap();
    client.shutdown().await.unwrap();
    assert_eq!(all(&mut client).await, ok("POST /x hi"));
    // Who is answered without it is not told to send it, and what follows is no request.
    let early = head.replace("/x", "/early");
    let answer = talk(&early).await;
    assert_eq!(
        answer,
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nearly"
    );
    // As in httpd, also where the body is here already.
    let interim = "HTTP/1.1 100 Continue\r\n\r\n";
    let expected = format!("{interim}{}", ok("POST /x hi"));
    assert_eq!(talk(&format!("{head}hi")).await, expected);
}

#[tokio::test]
async fn a_body_that_nobody_read_is_no_request() {
    let smuggled = "GET /smuggled HTTP/1.1\r\n\r\n";
    let head = |length| format!("POST /early HTTP/1.1\r\nContent-Length: {length}\r\n\r\n");
    let whole = format!(
        "{}{smuggled}{}",
        head(smuggled.len()),
        "GET / HTTP/1.1\r\n\r\n"
    );
    assert_eq!(talk(&whole).await, [ok("early"), ok("GET / ")].concat());
    let part = format!("{}{smuggled}", head(1000));
    assert_eq!(talk(&part).await, ok("early"));
}

#[tokio::test]
async fn a_body_that_breaks_off_is_an_error() {
    for (rest, error) in [
        (
            "Content-Length: 5\r\n\r\nabc",
            "the client ended the connection in the middle of it",
        ),
        (
            "Transfer-Encoding: chunked\r\n\r\n5\r\nabc",
            "the client ended the connection in the middle of it",
        ),
        (
            "Transfer-Encoding: chunked\r\n\r\nx\r\n",
            "its framing is wrong",
        ),
    ] {
        let answer = talk(&format!("POST / HTTP/1.1\r\n{rest}")).await;
        assert!(
            answer.starts_with("HTTP/1.1 400 ") && answer.ends_with(error),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn a_client_that_only_ends_its_side_is_answered() {
    let (mut client, ours) = duplex(1000);
    let rules = Arc::new(ClientRules::default());
    let served = tokio::spawn(serve(ours, Echo(rules), CancellationToken::new()));
    client.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    client.shutdown().await.unwrap();
    assert_eq!(all(&mut client).await, ok("GET / "));
    served.await.unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn pieces_make_no_difference(
        parts in proptest::collection::vec(proptest::sample::select(vec![
            "GET /a HTTP/1.1\r\n", "POST /b HTTP/1.1\r\n", "Content-Length: 3\r\n", "\r\n", "abc",
            "Transfer-Encoding: chunked\r\n", "2\r\nxy\r\n", "0\r\n", "Connection: keep-alive\r\n", "\n", "?",
        ]), 0..14),
        cuts in proptest::collection::vec(0_usize..200, 0..6),
    ) {
        let text = parts.concat();
        let mut cuts: Vec<_> = cuts.into_iter().filter(|cut| *cut < text.len()).collect();
        cuts.sort_unstable();
        let mut pieces = Vec::new();
        let mut start = 0;
        for cut in cuts {
            pieces.push(&text.as_bytes()[start..cut]);
            start = cut;
        }
        pieces.push(&text.as_bytes()[start..]);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let (whole, cut) = runtime.block_on(async { (talk(&text).await, talk_in(&pieces).await) });
        // A page shows as much of the line as there was.
        let without_page = |text: &str| match text.split_once("Connection: close\r\n\r\n") {
            Some((before, page)) if page.contains(' ') && !page.starts_with("GET") => {
                let refusal = page.split(' ').next().unwrap_or_default();
                let (answers, head) = before.rsplit_once("HTTP/1.1").unwrap();
                format!("{answers} {} {refusal}", head.lines().next().unwrap())
            }
            _ => text.to_owned(),
        };
        prop_assert_eq!(without_page(&whole), without_page(&cut));
    }
}

#[tokio::test]
async fn leave_that_was_begun_is_given_whole() {
    let request = "PUT /glance HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n";
    for room in [1, 10, 24, 25, 26] {
        let (mut client, ours) = duplex(room);
        let service = Echo(Arc::new(ClientRules::default()));
        let serving = tokio::spawn(serve(ours, service, CancellationToken::new()));
        let (mut read, mut write) = tokio::io::split(&mut client);
        write.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let _ = read.read_to_end(&mut answer).await;
        let answer = without_dates(&answer);
        let rest = answer.strip_prefix("HTTP/1.1 100 Continue\r\n\r\n");
        let rest = rest.unwrap_or(&answer);
        assert!(rest.starts_with("HTTP/1.1 200 OK\r\n"), "{room}: {answer}");
        assert!(rest.ends_with("\r\n\r\nglance"), "{room}: {answer}");
        drop(client);
        serving.await.unwrap();
    }
}
