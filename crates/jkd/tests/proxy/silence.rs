//! Members that say nothing for a while: which of them are given up, and what that costs.

use std::{
    io::Write,
    net::{SocketAddr, TcpListener, TcpStream},
    thread,
    time::Duration,
};

use jkd_tests::{Backend, CPONG, next_code, wait_until};

use crate::harness::{Daemon, balancer};

/// Longer than it takes until a member is asked whether it is still there.
const LONG_WORK: Duration = Duration::from_millis(1500);

/// A member that has one connection, over which it answers CPings, and does `with` at the first
/// request: what listens goes along.
fn once(with: impl FnOnce(TcpListener, TcpStream) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        while next_code(&mut stream).unwrap() != 2 {
            stream.write_all(CPONG).unwrap();
        }
        with(listener, stream);
    });
    address
}

#[test]
fn one_that_stops_in_peace_answers_what_it_has() {
    let a = once(|listener, mut stream| {
        drop(listener);
        thread::sleep(LONG_WORK);
        let answer = b"AB\0\x08\x04\0\xc8\0\0\0\0\0AB\0\x05\x03\0\x01a\0AB\0\x02\x05\x01";
        stream.write_all(answer).unwrap();
        let _ = next_code(&mut stream);
    });
    let b = Backend::saying("b");
    let daemon = Daemon::start(&balancer(&[a, b.address], ""), &["/*=lb"]);
    let answer = daemon.http().get("/;jsessionid=1.a");
    assert_eq!((answer.status, answer.text()), (200, "a".into()));
    assert_eq!(b.requests(), 0);
}

#[test]
fn one_that_hangs_is_given_up_and_what_it_was_sent_is_counted() {
    let a = once(|listener, mut stream| {
        while next_code(&mut stream).is_some() {}
        drop(listener);
    });
    let b = Backend::saying("b");
    let lines = "worker.a.ping_timeout=200\nworker.a.probe_interval=0\n\
                 worker.lb.recover_time=3600";
    let daemon = Daemon::start(&balancer(&[a, b.address], lines), &["/*=lb"]);
    assert_eq!(daemon.http().get("/;jsessionid=1.a").text(), "b");
    assert_eq!(daemon.state("lb", 0), "ERR");
    let totals = &daemon.view("lb").members[0].totals;
    let (written, read) = (totals.transferred, totals.read);
    assert!(written > 50 && read == 5, "{written} {read}");
    wait_until("its connection to be closed", || {
        daemon.pool_stats("lb", 0).open() == 0
    });
}

/// Its connections are taken by other requests, which says nothing about the member.
#[test]
fn who_waits_for_a_place_hears_no_silence() {
    let (a, b) = (Backend::saying("a"), Backend::saying("b"));
    let lines = "worker.a.connection_pool_size=1\n\
                 worker.a.connection_acquire_timeout=400";
    let workers = balancer(&[a.address, b.address], lines);
    let daemon = Daemon::start(&workers, &["/*=lb"]);
    let pool = daemon.pool("lb", 0);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let place = runtime.block_on(pool.place(0)).unwrap();
    assert_eq!(daemon.http().get("/;jsessionid=1.a").text(), "b");
    drop(place);
    let answers: Vec<_> = (0..8).map(|_| daemon.http().get("/").text()).collect();
    assert!(answers.contains(&"a".to_owned()), "{answers:?}");
}
