//! What nobody wants of a connection: bodies behind early answers, and bytes behind the last one.

use tokio::time::Instant;

use super::{times::endured, *};

const EARLY: &str = "POST /early HTTP/1.1\r\n";

/// So much is read that nobody wants.
const UNWANTED: usize = 1024 * 1024;

/// Reads an answer that is known.
async fn expect(client: &mut DuplexStream, expected: &str) {
    let mut answer = vec![0; expected.len() + DATE];
    client.read_exact(&mut answer).await.unwrap();
    assert_eq!(without_dates(&answer), expected);
}

/// How long the line of a date is.
const DATE: usize = "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n".len();

#[tokio::test]
async fn a_body_that_nobody_wants_is_read_whenever_it_comes() {
    for (head, pieces) in [
        ("Content-Length: 10", ["GET /a HTT", "", ""]),
        ("Content-Length: 10", ["GET", " /a H", "TT"]),
        (
            "Transfer-Encoding: chunked",
            ["5\r\nGET /", "\r\n", "0\r\nA: b\r\n\r\n"],
        ),
    ] {
        let mut client = open(ClientRules::default());
        let head = format!("{EARLY}{head}\r\n\r\n");
        client.write_all(head.as_bytes()).await.unwrap();
        expect(&mut client, &ok("early")).await;
        for piece in pieces {
            client.write_all(piece.as_bytes()).await.unwrap();
            tokio::task::yield_now().await;
        }
        client.write_all(b"GET /b HTTP/1.1\r\n\r\n").await.unwrap();
        expect(&mut client, &ok("GET /b ")).await;
    }
}

#[tokio::test]
async fn a_body_that_is_too_long_to_be_thrown_away_ends_the_connection() {
    let said = |length: usize| async move {
        let answer = talk(&format!("{EARLY}Content-Length: {length}\r\n\r\n")).await;
        answer.contains("Connection: close\r\n")
    };
    assert!(!said(UNWANTED).await);
    assert!(said(UNWANTED + 1).await);
}

#[tokio::test(start_paused = true)]
async fn chunks_that_nobody_wants_are_read_within_bounds() {
    let mut client = open(ClientRules::default());
    let head = format!("{EARLY}Transfer-Encoding: chunked\r\n\r\n");
    client.write_all(head.as_bytes()).await.unwrap();
    expect(&mut client, &ok("early")).await;
    let chunk = [&b"3e8\r\n"[..], &[b'x'; 1000], b"\r\n"].concat();
    for _ in 0..=2 * UNWANTED / 1000 {
        client.write_all(&chunk).await.unwrap();
    }
    client
        .write_all(b"0\r\n\r\nGET /b HTTP/1.1\r\n\r\n")
        .await
        .unwrap();
    assert_eq!(all(&mut client).await, "");
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_long_for_what_nobody_wants() {
    let begun = Instant::now();
    let (after, answer) = endured(&format!("{EARLY}Content-Length: 9\r\n\r\n")).await;
    assert_eq!((after, &*answer), (20, &*ok("early")), "the pace of bodies");
    let mut client = open(ClientRules::default());
    let head = format!("{EARLY}Content-Length: 999999\r\n\r\n");
    client.write_all(head.as_bytes()).await.unwrap();
    expect(&mut client, &ok("early")).await;
    let second = Duration::from_secs(1);
    while timeout(second, client.read_u8()).await.is_err() {
        client.write_all(&[b'x'; 1000]).await.unwrap();
    }
    assert_eq!(begun.elapsed().as_secs() - after, 30);
}

#[tokio::test(start_paused = true)]
async fn what_comes_behind_the_last_answer_is_taken() {
    for leaves in [false, true] {
        let (mut client, ours) = duplex(1000);
        let rules = Arc::new(ClientRules::default());
        let begun = Instant::now();
        let served = tokio::spawn(serve(ours, Echo(rules), CancellationToken::new()));
        let last = b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n";
        client.write_all(last).await.unwrap();
        let answer = all(&mut client).await;
        assert!(answer.contains("Connection: close\r\n"), "{answer}");
        for _ in 0..3 {
            sleep(Duration::from_secs(1)).await;
            client
                .write_all(b"GET /more HTTP/1.1\r\n\r\n")
                .await
                .unwrap();
        }
        if leaves {
            client.shutdown().await.unwrap();
        }
        served.await.unwrap();
        let expected = if leaves { 3 } else { 5 };
        assert_eq!(begun.elapsed().as_secs(), expected);
    }
}
