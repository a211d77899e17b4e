//! How a member in error comes back.

use std::{
    net::{SocketAddr, TcpListener},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    thread,
    time::{Duration, SystemTime},
};

use jkd_tests::{Backend, Exchange, Nobody, Until, wait_until};

use crate::harness::{Daemon, balancer, model};

/// A rest that no test outlasts: whoever comes back does not come back because of it.
const LONG_REST: &str = "worker.lb.recover_time=3600\n";

/// Accepts through its backlog and says nothing.
fn mute() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// A daemon whose member `a` has just been found in error.
fn with_a_in_error(a: SocketAddr, b: &Backend, lines: &str) -> Daemon {
    let lines = format!("{LONG_REST}{lines}");
    let daemon = Daemon::start(&balancer(&[a, b.address], &lines), &["/*=lb"]);
    assert_eq!(daemon.http().get("/;jsessionid=1.a").text(), "b");
    assert_eq!(daemon.state("lb", 0), "ERR");
    daemon
}

fn wait_for_failed_probes(daemon: &Daemon, member: usize, more: u64) {
    let (_, before) = daemon.probes("lb", member);
    wait_until("probes fail", || {
        daemon.probes("lb", member).1 >= before + more
    });
}

#[test]
fn a_member_is_back_as_soon_as_it_listens_without_any_request() {
    let nobody = Nobody::new();
    let (address, b) = (nobody.address, Backend::saying("b"));
    let daemon = with_a_in_error(address, &b, "");
    wait_for_failed_probes(&daemon, 0, 1);
    assert_eq!(daemon.state("lb", 0), "ERR");
    drop(nobody);
    let begin = SystemTime::now();
    let a = Backend::at(address, |exchange| exchange.answer(200, &[], b"a"));
    wait_until("the member is back", || daemon.state("lb", 0) == "OK");
    assert!(begin.elapsed().unwrap() < Duration::from_secs(10));
    assert_eq!((a.requests(), a.connections()), (0, 1), "asked by a CPing");
    assert_eq!(daemon.http().get("/;jsessionid=1.a").text(), "a");
    let (answered, failed) = daemon.probes("lb", 0);
    assert!(answered == 1 && failed >= 1, "{answered} {failed}");
    assert_eq!(daemon.elected("lb", 0), 2, "probes are no requests");
}

#[test]
fn one_that_accepts_and_says_nothing_stays_in_error_and_delays_nobody() {
    let (_mute, address) = mute();
    let b = Backend::saying("b");
    let daemon = with_a_in_error(address, &b, "worker.a.probe_timeout=200");
    wait_for_failed_probes(&daemon, 0, 2);
    assert_eq!(daemon.state("lb", 0), "ERR");
}

#[test]
fn a_slow_probe_holds_up_neither_requests_nor_other_probes_nor_the_end() {
    let (_mute, address) = mute();
    let (b, nobody) = (Backend::saying("b"), Nobody::new());
    let (c, lines) = (nobody.address, "worker.a.probe_timeout=600000");
    let lines = format!("{LONG_REST}{lines}");
    let workers = balancer(&[address, b.address, c], &lines);
    let daemon = Daemon::start(&workers, &["/*=lb"]);
    for route in ["a", "c"] {
        let path = format!("/;jsessionid=1.{route}");
        assert_eq!(daemon.http().get(&path).text(), "b");
    }
    // It can only be asked together with the first, whose probe takes ten minutes.
    wait_for_failed_probes(&daemon, 2, 2);
    let begin = SystemTime::now();
    for _ in 0..200 {
        assert_eq!(daemon.http().get("/").text(), "b");
    }
    assert_eq!(daemon.probes("lb", 0), (0, 0));
    drop(nobody);
    let _c = Backend::at(c, |exchange| exchange.answer(200, &[], b"c"));
    wait_until("the other member is back", || daemon.state("lb", 2) == "OK");
    daemon.running.shutdown();
    assert!(begin.elapsed().unwrap() < Duration::from_secs(55));
}

/// An application that answers everything with 503, or with 200.
fn moody() -> (Backend, Arc<AtomicBool>) {
    let fine = Arc::new(AtomicBool::new(false));
    let mood = fine.clone();
    let backend = Backend::start(move |exchange| match mood.load(SeqCst) {
        true if exchange.mentions("/health") && !is_a_proper_probe(exchange) => {
            exchange.answer(403, &[], b"not as it should be")
        }
        true => exchange.answer(302, &[], b"a"),
        false => exchange.answer(503, &[], b"starting"),
    });
    (backend, fine)
}

fn is_a_proper_probe(exchange: &Exchange<'_>) -> bool {
    let texts = ["/health\0", "deep=1\0", "hush\0", "localhost\0", "jkd\0"];
    texts.iter().all(|text| exchange.mentions(text))
}

#[test]
fn an_application_that_fails_is_back_when_it_answers_its_probe_uri() {
    let ((a, fine), b) = (moody(), Backend::saying("b"));
    let lines = "worker.a.fail_on_status=503\nworker.a.probe_uri=/health?deep=1\n\
                 worker.a.secret=hush";
    let daemon = with_a_in_error(a.address, &b, lines);
    wait_for_failed_probes(&daemon, 0, 2);
    assert_eq!(daemon.state("lb", 0), "ERR");
    fine.store(true, SeqCst);
    wait_until("the member is back", || daemon.state("lb", 0) == "OK");
    assert_eq!(daemon.http().get("/;jsessionid=1.a").text(), "a");
}

#[test]
fn the_statuses_of_a_good_answer_can_be_listed() {
    let ((a, fine), b) = (moody(), Backend::saying("b"));
    let lines = "worker.a.fail_on_status=503\nworker.a.probe_uri=/\nworker.a.probe_status=200,204";
    let daemon = with_a_in_error(a.address, &b, lines);
    fine.store(true, SeqCst);
    wait_for_failed_probes(&daemon, 0, 2);
    assert_eq!(daemon.state("lb", 0), "ERR");
}

#[test]
fn without_a_probe_uri_a_failing_application_rests_and_a_request_finds_out() {
    let ((a, fine), b) = (moody(), Backend::saying("b"));
    let lines = "worker.a.fail_on_status=503\nworker.lb.recover_time=1\nworker.maintain=1";
    let daemon = Daemon::start(&balancer(&[a.address, b.address], lines), &["/*=lb"]);
    let ask = || daemon.http().get("/;jsessionid=1.a").text();
    assert_eq!(ask(), "b");
    fine.store(true, SeqCst);
    wait_until("control returns to the member", || ask() == "a");
    assert_eq!(daemon.probes("lb", 0), (0, 0));
}

#[test]
fn with_interval_0_only_requests_find_out() {
    let nobodies = [Nobody::new(), Nobody::new()];
    let [a, c] = nobodies.each_ref().map(|nobody| nobody.address);
    let b = Backend::saying("b");
    let lines = "worker.a.probe_interval=0\nworker.lb.recover_time=1\nworker.maintain=1";
    let workers = balancer(&[a, b.address, c], lines);
    let daemon = Daemon::start(&workers, &["/*=lb"]);
    for route in ["a", "c"] {
        let path = format!("/;jsessionid=1.{route}");
        assert_eq!(daemon.http().get(&path).text(), "b");
    }
    drop(nobodies);
    let back = Backend::at(a, |exchange| exchange.answer(200, &[], b"a"));
    let _c = Backend::at(c, |exchange| exchange.answer(200, &[], b"c"));
    wait_until("the other one is back", || daemon.state("lb", 2) == "OK");
    assert_eq!(back.connections(), 0);
    let ask = || daemon.http().get("/;jsessionid=1.a").text();
    wait_until("control returns to the member", || ask() == "a");
    assert_eq!(daemon.probes("lb", 0), (0, 0));
}

#[test]
fn probes_go_on_over_reloads() {
    let nobody = Nobody::new();
    let (address, b) = (nobody.address, Backend::saying("b"));
    let daemon = with_a_in_error(address, &b, "");
    let workers = balancer(&[address, b.address], LONG_REST);
    let reload = || daemon.running.reload(model(&workers, &["/*=lb"])).unwrap();
    for _ in 0..3 {
        reload();
        wait_for_failed_probes(&daemon, 0, 1);
        assert_eq!(daemon.state("lb", 0), "ERR");
    }
    drop(nobody);
    let _a = Backend::at(address, |exchange| exchange.answer(200, &[], b"a"));
    wait_until("the member is back", || {
        reload();
        daemon.state("lb", 0) == "OK"
    });
    assert_eq!(daemon.http().get("/;jsessionid=1.a").text(), "a");
}

/// Requests at full speed while a member goes and comes: each of them is answered.
#[test]
fn no_request_suffers_while_members_go_and_come() {
    let nobody = Nobody::new();
    let (address, b) = (nobody.address, Backend::saying("b"));
    let daemon = with_a_in_error(address, &b, "");
    let back = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !back.load(SeqCst) {
                    let answer = daemon.http().get("/;jsessionid=1.a");
                    assert_eq!(answer.status, 200);
                    back.fetch_or(answer.text() == "a", SeqCst);
                }
            });
        }
        let _end = Until(&back);
        wait_for_failed_probes(&daemon, 0, 2);
        drop(nobody);
        let _a = Backend::at(address, |exchange| exchange.answer(200, &[], b"a"));
        wait_until("the member is back", || back.load(SeqCst));
    });
    assert_eq!(daemon.state("lb", 1), "OK");
}

/// It answers CPings, takes requests and breaks them off: with many in flight there is always one
/// that has not failed yet.
#[test]
fn a_member_that_breaks_off_every_request_costs_nobody_an_answer() {
    let broken = Backend::start(|_| {
        thread::sleep(Duration::from_millis(50));
        Err(std::io::Error::other("gone"))
    });
    let b = Backend::saying("b");
    let daemon = Daemon::start(&balancer(&[broken.address, b.address], ""), &["/*=lb"]);
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                for _ in 0..100 {
                    assert_eq!(daemon.http().get("/").status, 200);
                }
            });
        }
    });
    assert!(daemon.view("lb").members[0].totals.errors > 0);
}
