//! How long clients are waited for, and what becomes of a connection that shall end.

use super::*;

/// How long a client that sends this, and nothing more, is endured, and what it gets.
pub(super) async fn endured(text: &str) -> (u64, String) {
    let mut client = open(ClientRules::default());
    client.write_all(text.as_bytes()).await.unwrap();
    let begun = Instant::now();
    let answer = all(&mut client).await;
    (begun.elapsed().as_secs(), answer)
}

#[tokio::test(start_paused = true)]
async fn clients_are_waited_for_but_not_for_ever() {
    assert_eq!(endured("").await, (20, String::new()));
    assert_eq!(endured("GET / HTTP/1.1\r\n\r\n").await, (5, ok("GET / ")));
    let (after, answer) = endured("GET / HTTP/1.1\r\nHo").await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert_eq!(after, 20);
    let (after, answer) = endured("POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc").await;
    assert!(answer.ends_with("it came too slowly"), "{answer}");
    assert_eq!(after, 20);
}

#[tokio::test(start_paused = true)]
async fn a_head_that_drips_in_is_not_waited_for() {
    let mut client = open(ClientRules::default());
    let begun = Instant::now();
    client.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
    let mut answer = [0; 12];
    let second = Duration::from_secs(1);
    while timeout(second, client.read_exact(&mut answer))
        .await
        .is_err()
    {
        client.write_all(b"X: y\r\n").await.unwrap();
    }
    assert_eq!(&answer, b"HTTP/1.1 408");
    assert_eq!(begun.elapsed().as_secs(), 20);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_is_given_up() {
    let (client, ours) = duplex(16);
    let begun = Instant::now();
    let rules = Arc::new(ClientRules::default());
    let served = tokio::spawn(serve(ours, Echo(rules), CancellationToken::new()));
    let mut client = client;
    client.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    served.await.unwrap();
    assert_eq!(begun.elapsed().as_secs(), 60);
}

#[tokio::test]
async fn when_the_end_is_asked_for_the_present_request_is_answered() {
    let closing = CancellationToken::new();
    let (mut client, ours) = duplex(1000);
    let rules = Arc::new(ClientRules::default());
    let served = tokio::spawn(serve(ours, Echo(rules), closing.clone()));
    client
        .write_all(b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\na")
        .await
        .unwrap();
    tokio::task::yield_now().await;
    closing.cancel();
    sleep(2 * GRACE).await;
    client.write_all(b"b").await.unwrap();
    let answer = all(&mut client).await;
    assert!(
        answer.ends_with("Connection: close\r\n\r\nPOST / ab"),
        "{answer}"
    );
    served.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn who_leaves_is_missed_whatever_came_of_the_next_request() {
    for next in ["", "G", "GET / HTTP/1.1\r\n\r\n"] {
        let (mut client, ours) = duplex(1 << 10);
        let service = Echo(Arc::new(ClientRules::default()));
        let serving = tokio::spawn(serve(ours, service, CancellationToken::new()));
        let request = format!("GET /never HTTP/1.1\r\n\r\n{next}");
        client.write_all(request.as_bytes()).await.unwrap();
        drop(client);
        let ended = timeout(Duration::from_secs(300), serving).await;
        assert!(ended.is_ok(), "after {next:?}");
    }
}

/// How long a client is endured that takes a large answer at this pace, bytes a second.
async fn reads_at(pace: usize, send_rate: u32) -> u64 {
    let (mut client, ours) = duplex(64);
    let rules = ClientRules {
        send_rate,
        ..ClientRules::default()
    };
    let service = Echo(Arc::new(rules));
    let serving = tokio::spawn(serve(ours, service, CancellationToken::new()));
    let path = "x".repeat(8000);
    let ask = format!("GET /{path} HTTP/1.1\r\n\r\n");
    let asking = client.write_all(ask.as_bytes());
    timeout(Duration::from_secs(1), asking)
        .await
        .unwrap()
        .unwrap();
    let begun = Instant::now();
    let mut piece = vec![0; pace];
    while !serving.is_finished() && begun.elapsed().as_secs() < 7000 {
        sleep(Duration::from_secs(1)).await;
        if client.read_exact(&mut piece).await.is_err() {
            break;
        }
    }
    begun.elapsed().as_secs()
}

#[tokio::test(start_paused = true)]
async fn who_takes_an_answer_drop_by_drop_is_given_up() {
    let slow = reads_at(20, 100).await;
    assert!((60..70).contains(&slow), "{slow} s");
    let any = reads_at(20, 0).await;
    assert!((400..500).contains(&any), "{any} s");
    let fast = reads_at(200, 100).await;
    assert!((40..50).contains(&fast), "{fast} s");
}
