//! `JkdRequestTimeout`: one limit for all attempts of a request.

use std::{
    net::{SocketAddr, TcpListener},
    sync::{Arc, mpsc},
    thread,
    time::{Duration, SystemTime},
};

use jkd::serve::Layout;
use jkd_tests::{Backend, Nobody, wait_until};
use parking_lot::Mutex;

use crate::harness::{Daemon, balancer, model};

/// A limit that is over soon, and others in the way that are not.
const SOON: Duration = Duration::from_secs(1);
const MINUTES: Duration = Duration::from_secs(50);

fn limited(workers: &str, limit: Duration) -> Daemon {
    let mut model = model(workers, &["/*=lb"]);
    model.hosts[0].request_timeout = Some(limit);
    Daemon::with(model, Layout::Lanes)
}

fn limited_lb(backends: &[SocketAddr], lines: &str) -> Daemon {
    limited(&balancer(backends, lines), SOON)
}

/// The status for `path`, which must not take long.
fn status(daemon: &Daemon, path: &str) -> u16 {
    let begin = SystemTime::now();
    let status = daemon.http().get(path).status;
    assert!(begin.elapsed().unwrap() < MINUTES);
    status
}

#[test]
fn who_has_the_request_and_does_not_answer_is_left_and_in_error() {
    let (closed, was_closed) = mpsc::channel();
    let closed = Mutex::new(closed);
    let a = Backend::start(move |exchange| {
        exchange.wait_for_close()?;
        let _ = closed.lock().send(());
        Err(std::io::Error::other("closed"))
    });
    let b = Backend::saying("b");
    let daemon = limited_lb(&[a.address, b.address], "");
    assert_eq!(status(&daemon, "/;jsessionid=1.a"), 504);
    was_closed.recv_timeout(MINUTES).unwrap();
    assert_eq!(daemon.state("lb", 0), "ERR");
    assert_eq!((a.requests(), b.requests()), (1, 0));
    assert_eq!(daemon.in_flight("lb", 0), 0);
    wait_until("no connection is in use", || {
        daemon.pool_stats("lb", 0).busy == 0
    });
    assert_eq!(daemon.http().get("/;jsessionid=1.a").text(), "b");
}

#[test]
fn tolerated_reply_timeouts_are_tolerated_here_as_well() {
    let a = Backend::silent();
    let lines = "worker.lb.max_reply_timeouts=1";
    let daemon = limited_lb(&[a.address], lines);
    assert_eq!(status(&daemon, "/"), 504);
    assert_eq!(daemon.state("lb", 0), "OK");
    assert_eq!(status(&daemon, "/"), 504);
    assert_eq!(daemon.state("lb", 0), "ERR");
}

#[test]
fn who_has_not_been_sent_anything_is_not_to_blame() {
    let mute = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = mute.local_addr().unwrap();
    let daemon = limited_lb(&[address], "worker.a.connect_timeout=60000");
    assert_eq!(status(&daemon, "/"), 504);
    assert_eq!(daemon.state("lb", 0), "OK/IDLE");
}

#[test]
fn who_got_the_request_just_before_is_not_to_blame() {
    let (nobody, b) = (Nobody::new(), Backend::silent());
    let lines = "worker.a.retry_interval=700";
    let daemon = limited_lb(&[nobody.address, b.address], lines);
    assert_eq!(status(&daemon, "/;jsessionid=1.a"), 504);
    assert_eq!(daemon.state("lb", 1), "OK/IDLE");
}

#[test]
fn who_waits_for_the_clients_upload_is_not_to_blame() {
    let a = Backend::start(|exchange| {
        exchange.ask_for_body(8186)?;
        exchange.answer(200, &[], b"a")
    });
    let daemon = limited_lb(&[a.address], "");
    let mut slow = daemon.raw();
    slow.write("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert!(slow.line().contains(" 504 "));
    assert_eq!((a.requests(), daemon.state("lb", 0)), (1, "OK/IDLE"));
    assert_eq!(daemon.view("lb").members[0].totals.reply_timeouts, 0);
}

#[test]
fn pauses_and_further_attempts_count() {
    let nobody = Nobody::new();
    for pause in [
        "worker.a.retry_interval=60000",
        "worker.lb.retry_interval=60000\nworker.a.retries=1",
    ] {
        let daemon = limited_lb(&[nobody.address], pause);
        assert_eq!(status(&daemon, "/"), 504);
    }
    // Each of them answers in time; all together do not.
    let failing = || {
        Backend::start(|exchange| {
            thread::sleep(SOON / 3);
            exchange.answer(503, &[], b"no")
        })
    };
    let backends: Vec<_> = (0..8).map(|_| failing()).collect();
    let addresses: Vec<_> = backends.iter().map(|b| b.address).collect();
    let mut lines = "worker.lb.lb_retries=8\n".to_owned();
    for name in 'a'..='h' {
        lines += &format!("worker.{name}.fail_on_status=503\nworker.{name}.recovery_options=0\n");
    }
    let daemon = limited_lb(&addresses, &lines);
    assert_eq!(status(&daemon, "/"), 504);
    let tried: usize = backends.iter().map(Backend::requests).sum();
    assert!((1..=4).contains(&tried), "{tried}");
}

#[test]
fn waiting_for_a_free_connection_counts() {
    let (go, wait) = mpsc::sync_channel::<()>(0);
    let wait = Mutex::new(wait);
    let a = Backend::start(move |exchange| {
        exchange.headers(200, &[])?;
        exchange.flush()?;
        let _ = wait.lock().recv();
        exchange.chunk(b"whole")?;
        exchange.end(true)
    });
    let lines = "worker.a.connection_pool_size=1\nworker.a.connection_acquire_timeout=60000";
    let daemon = Arc::new(limited_lb(&[a.address], lines));
    let mut slow = daemon.raw();
    slow.write("GET / HTTP/1.0\r\n\r\n");
    assert_eq!(slow.head()[0], "HTTP/1.1 200 200");
    assert_eq!(status(&daemon, "/"), 504);
    assert_eq!(daemon.state("lb", 0), "OK");
    // The head came in time: its body may take as long as it likes.
    go.send(()).unwrap();
    assert_eq!(slow.rest(), "whole");
}

#[test]
fn who_is_quick_notices_nothing() {
    let a = Backend::saying("a");
    let daemon = limited(&balancer(&[a.address], ""), MINUTES);
    let mut http = daemon.http();
    for _ in 0..20 {
        assert_eq!(http.get("/").text(), "a");
    }
    assert_eq!(daemon.state("lb", 0), "OK");
}
