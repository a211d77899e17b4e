//! What happens when a backend does not do what it should.

use std::{
    net::TcpListener,
    sync::Barrier,
    thread,
    time::{Duration, SystemTime},
};

use jkd_tests::{Backend, Nobody, Request, wait_until};

use crate::harness::{Daemon, balancer};

/// A backend that closes each connection on which a request comes.
fn closing() -> Backend {
    Backend::start(|_| Err(std::io::Error::other("gone")))
}

#[test]
fn requests_take_turns() {
    let backends = [Backend::saying("a"), Backend::saying("b")];
    let addresses = backends.each_ref().map(|b| b.address);
    let daemon = Daemon::start(&balancer(&addresses, "worker.a.lbfactor=2"), &["/*=lb"]);
    for _ in 0..30 {
        daemon.http().get("/");
    }
    assert_eq!(backends.map(|b| b.requests()), [20, 10]);
}

#[test]
fn a_refused_connect_goes_elsewhere_whatever_the_method() {
    let b = Backend::saying("b");
    let nobody = Nobody::new();
    let workers = balancer(&[nobody.address, b.address], "");
    let daemon = Daemon::start(&workers, &["/*=lb"]);
    for method in ["GET", "POST", "PATCH"] {
        let mut body = b"abc".as_slice();
        let request = Request::new(method, "/;jsessionid=1.a").body(&mut body, Some(3));
        assert_eq!(daemon.http().send(request).text(), "b", "{method}");
    }
    assert_eq!(daemon.state("lb", 0), "ERR");
    assert_eq!(daemon.state("lb", 1), "OK");
}

#[test]
fn a_get_that_was_cut_off_is_repeated_elsewhere_and_a_post_is_not() {
    let (a, b) = (closing(), Backend::saying("b"));
    let daemon = Daemon::start(
        &balancer(&[a.address, b.address], "worker.lb.recover_time=0"),
        &["/*=lb"],
    );
    assert_eq!(daemon.http().get("/;jsessionid=1.a").text(), "b");
    assert_eq!(a.requests(), 1);

    let (a, b) = (closing(), Backend::saying("b"));
    let daemon = Daemon::start(&balancer(&[a.address, b.address], ""), &["/*=lb"]);
    let post = || Request::new("POST", "/;jsessionid=1.a");
    assert_eq!(daemon.http().send(post()).status, 502);
    assert_eq!((a.requests(), b.requests()), (1, 0));
    assert_eq!(daemon.state("lb", 0), "ERR");
    assert_eq!(
        daemon.http().send(post()).text(),
        "b",
        "the member rests now"
    );
}

#[test]
fn with_recovery_options_a_post_is_repeated_with_its_body() {
    let a = closing();
    let b = Backend::start(|exchange| {
        let body = exchange.data()?;
        exchange.answer(200, &[], &body)
    });
    let lines = "worker.a.recovery_options=0\nworker.b.recovery_options=0";
    let daemon = Daemon::start(&balancer(&[a.address, b.address], lines), &["/*=lb"]);
    let mut body = b"once and again".as_slice();
    let request = Request::new("POST", "/;jsessionid=1.a").body(&mut body, Some(14));
    assert_eq!(daemon.http().send(request).text(), "once and again");
    assert!(a.requests() > 0);
}

#[test]
fn a_body_that_was_asked_for_is_not_sent_twice() {
    let a = Backend::start(|exchange| {
        exchange.data()?;
        exchange.ask_for_body(8186)?;
        Err(std::io::Error::other("gone"))
    });
    let b = Backend::saying("b");
    let daemon = Daemon::start(&balancer(&[a.address, b.address], ""), &["/*=lb"]);
    let body = vec![b'x'; 50_000];
    let mut body = &body[..];
    let request = Request::new("PUT", "/;jsessionid=1.a").body(&mut body, Some(50_000));
    assert_eq!(daemon.http().send(request).status, 502);
    assert_eq!(b.requests(), 0);
}

#[test]
fn an_answer_that_has_begun_is_never_continued_by_another() {
    let a = Backend::start(|exchange| {
        exchange.headers(200, &[])?;
        exchange.chunk(b"of a")?;
        exchange.flush()?;
        Err(std::io::Error::other("gone"))
    });
    let b = Backend::saying("of b");
    let lines = "worker.a.recovery_options=0";
    let daemon = Daemon::start(&balancer(&[a.address, b.address], lines), &["/*=lb"]);
    let answer = daemon.say("GET /;jsessionid=1.a HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(!answer.contains("of b"), "{answer}");
    assert_eq!(b.requests(), 0);
    wait_until("the member is in error", || daemon.state("lb", 0) == "ERR");
}

#[test]
fn a_reply_timeout_is_final() {
    let a = Backend::silent();
    let b = Backend::saying("b");
    let daemon = Daemon::start(
        &balancer(&[a.address, b.address], "worker.a.reply_timeout=100"),
        &["/*=lb"],
    );
    assert_eq!(daemon.http().get("/;jsessionid=1.a").status, 504);
    assert_eq!((a.requests(), b.requests()), (1, 0));
    assert_eq!(daemon.http().get("/;jsessionid=1.a").text(), "b");
}

#[test]
fn a_mute_port_is_left_after_a_second() {
    // Accepts through its backlog and says nothing, as a Tomcat without a secret does.
    let mute = TcpListener::bind("127.0.0.1:0").unwrap();
    let b = Backend::saying("b");
    let workers = balancer(&[mute.local_addr().unwrap(), b.address], "");
    let daemon = Daemon::start(&workers, &["/*=lb"]);
    let begin = SystemTime::now();
    assert_eq!(daemon.http().get("/;jsessionid=1.a").text(), "b");
    let took = begin.elapsed().unwrap();
    assert!(took >= Duration::from_millis(900), "{took:?}");
    assert!(took < Duration::from_secs(20), "{took:?}");
    assert_eq!(daemon.state("lb", 0), "ERR");
}

#[test]
fn a_port_that_speaks_http_is_left_at_once() {
    let http = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = http.local_addr().unwrap();
    thread::spawn(move || {
        for stream in http.incoming().flatten() {
            let _ = std::io::Write::write_all(&mut &stream, b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    let b = Backend::saying("b");
    let daemon = Daemon::start(&balancer(&[address, b.address], ""), &["/*=lb"]);
    assert_eq!(daemon.http().get("/;jsessionid=1.a").text(), "b");
    assert_eq!(daemon.state("lb", 0), "ERR");
}

#[test]
fn nobody_left_is_service_unavailable() {
    let nobodies = [Nobody::new(), Nobody::new()];
    let addresses = nobodies.each_ref().map(|nobody| nobody.address);
    let daemon = Daemon::start(&balancer(&addresses, ""), &["/*=lb"]);
    for _ in 0..3 {
        assert_eq!(daemon.http().get("/").status, 503);
    }
    let stopped = "worker.a.activation=S\nworker.b.activation=S";
    let b = Backend::saying("b");
    let daemon = Daemon::start(&balancer(&[b.address, b.address], stopped), &["/*=lb"]);
    assert_eq!(daemon.http().get("/").status, 503);
    assert_eq!(b.requests(), 0);
}

#[test]
fn a_worker_by_itself_comes_back_with_its_backend() {
    let nobody = Nobody::new();
    let (address, port) = (nobody.address, nobody.address.port());
    let workers = format!("worker.list=w\nworker.w.host=127.0.0.1\nworker.w.port={port}");
    let daemon = Daemon::start(&workers, &["/*=w"]);
    assert_eq!(daemon.http().get("/").status, 503);
    drop(nobody);
    let _backend = Backend::at(address, |exchange| exchange.answer(200, &[], b"back"));
    assert_eq!(daemon.http().get("/").text(), "back");
}

#[test]
fn a_member_comes_back_after_its_rest() {
    let nobody = Nobody::new();
    let address = nobody.address;
    let b = Backend::saying("b");
    let workers = balancer(&[address, b.address], "worker.lb.recover_time=1");
    let daemon = Daemon::start(&workers, &["/*=lb"]);
    let ask = || daemon.http().get("/;jsessionid=1.a").text();
    assert_eq!(ask(), "b");
    drop(nobody);
    let _a = Backend::at(address, |exchange| exchange.answer(200, &[], b"a"));
    wait_until("control returns to the member", || ask() == "a");
}

#[test]
fn a_status_can_count_as_a_failure() {
    let a = Backend::start(|exchange| exchange.answer(503, &[], b"starting"));
    let b = Backend::saying("b");
    let lines = "worker.a.fail_on_status=503";
    let daemon = Daemon::start(&balancer(&[a.address, b.address], lines), &["/*=lb"]);
    assert_eq!(daemon.http().get("/;jsessionid=1.a").text(), "b");
    assert_eq!(daemon.state("lb", 0), "ERR");
}

/// `method=Traffic` goes by what was carried, whatever became of it.
#[test]
fn failed_tries_count_their_bytes() {
    let a = Backend::start(|exchange| exchange.answer(503, &[], b"starting"));
    let b = Backend::start(|_| Err(std::io::Error::other("closes without an answer")));
    let lines = "worker.a.fail_on_status=503";
    let daemon = Daemon::start(&balancer(&[a.address, b.address], lines), &["/*=lb"]);
    assert_eq!(daemon.http().get("/").status, 502);
    let [a, b] = &daemon.view("lb").members[..] else {
        panic!("two members")
    };
    assert!(a.counts.transferred > 50 && a.counts.read > 10, "{a:?}");
    // Nothing but the CPong after the connect.
    assert!(b.counts.transferred > 50 && b.counts.read == 5, "{b:?}");
}

#[test]
fn the_retry_budget_ends_repetitions() {
    let a = Backend::start(|_| Err(std::io::Error::other("closes without an answer")));
    let b = Backend::saying("b");
    for (percent, told) in [(0, 502), (100, 200), (20, 200)] {
        let lines = format!("worker.lb.retry_budget={percent}");
        let daemon = Daemon::start(&balancer(&[a.address, b.address], &lines), &["/*=lb"]);
        let response = daemon.http().get("/;jsessionid=1.a");
        assert_eq!(response.status, told, "{percent} %");
        let view = daemon.view("lb");
        let refused = u64::from(told == 502);
        assert_eq!((view.repeated, view.over_budget), (1 - refused, refused));
        assert_eq!(daemon.state("lb", 0), "ERR");
    }
    // A refused connection is no repetition.
    let refusing = Nobody::new();
    let members = [refusing.address, b.address];
    let daemon = Daemon::start(&balancer(&members, "worker.lb.retry_budget=0"), &["/*=lb"]);
    assert_eq!(daemon.http().get("/;jsessionid=1.a").text(), "b");
}

#[test]
fn a_connection_that_was_closed_while_idle_costs_nothing() {
    let a = Backend::start(|exchange| {
        exchange.answer(200, &[], b"fine")?;
        Err(std::io::Error::other(
            "closes after each answer, whatever it said",
        ))
    });
    let daemon = Daemon::start(&balancer(&[a.address], ""), &["/*=lb"]);
    for _ in 0..20 {
        assert_eq!(daemon.http().get("/").text(), "fine");
    }
    assert_eq!(daemon.state("lb", 0), "OK");
}

/// A container that closes each connection when it is used again: one retry must be enough,
/// however many connections have idled beside the first.
#[test]
fn a_stale_connection_is_not_replaced_by_another_stale_one() {
    const AT_ONCE: usize = 16;
    let together = Barrier::new(AT_ONCE);
    let backend = Backend::start(move |exchange| {
        if exchange.earlier > 0 {
            return Err(std::io::Error::other("closes instead"));
        }
        if exchange.mentions("/together") {
            together.wait();
        }
        exchange.answer(200, &[], b"fresh")
    });
    let daemon = Daemon::before(&backend);
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| assert_eq!(daemon.http().get("/together").status, 200));
        }
    });
    assert_eq!(backend.connections(), AT_ONCE);
    let answer = daemon.http().get("/alone");
    assert_eq!((answer.status, &*answer.text()), (200, "fresh"));
    assert_eq!(backend.requests(), AT_ONCE + 2);
}

#[test]
fn sessions_can_be_led_back_by_a_cookie() {
    let backends = [Backend::saying("a"), Backend::saying("b")];
    let addresses = backends.each_ref().map(|b| b.address);
    let lines = "worker.lb.set_session_cookie=1\nworker.lb.session_cookie=NODE";
    let daemon = Daemon::start(&balancer(&addresses, lines), &["/*=lb"]);
    let mut http = daemon.http();
    let first = http.get("/");
    let cookie = first.header("set-cookie").unwrap();
    assert_eq!(cookie, format!("NODE=.{};PATH=/;HttpOnly", first.text()));
    for _ in 0..4 {
        let next = http.get("/");
        assert_eq!(next.text(), first.text());
        assert_eq!(next.header("set-cookie"), None);
    }
}

#[test]
fn a_member_that_asks_for_more_body_is_at_work_on_the_request() {
    for (method, options) in [("PUT", ""), ("POST", "0"), ("PUT", "2")] {
        for status in [None, Some(503)] {
            let asks = Backend::start(move |exchange| {
                exchange.data()?;
                exchange.ask_for_body(100)?;
                match status {
                    Some(status) => exchange.answer(status, &[], b"no"),
                    None => Err(std::io::Error::other("gone")),
                }
            });
            let good = Backend::saying("fine");
            let mut lines = String::from("worker.a.fail_on_status=503\n");
            if !options.is_empty() {
                lines += &format!("worker.a.recovery_options={options}\n");
            }
            let workers = balancer(&[asks.address, good.address], &lines);
            let daemon = Daemon::start(&workers, &["/*=lb"]);
            let mut body = b"small".as_slice();
            let request = Request::new(method, "/;jsessionid=1.a").body(&mut body, Some(5));
            let answer = daemon.http().send(request);
            assert_eq!(answer.status, if status.is_some() { 503 } else { 502 });
            assert_eq!(
                (asks.requests(), good.requests()),
                (1, 0),
                "{method} {options}"
            );
        }
    }
}

#[test]
fn a_packet_of_an_unknown_kind_is_an_internal_error_as_in_mod_jk() {
    let odd = Backend::start(|exchange| exchange.packet(&[99, 1, 2]));
    let daemon = Daemon::start(&balancer(&[odd.address], ""), &["/*=lb"]);
    let request = Request::new("POST", "/");
    assert_eq!(daemon.http().send(request).status, 500);
    assert_eq!(daemon.state("lb", 0), "ERR");
}
