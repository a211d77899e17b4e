//! Start, reload, stop.

use std::{thread, time::Duration};

use jkd::serve::Layout;
use jkd_tests::{Backend, Nobody, wait_until};

use crate::harness::{Daemon, balancer, model};

#[test]
fn both_layouts_serve() {
    let backend = Backend::saying("fine");
    for layout in [Layout::Lanes, Layout::Shared] {
        let workers = balancer(&[backend.address], "");
        let daemon = Daemon::with(model(&workers, &["/*=lb"]), layout);
        for _ in 0..20 {
            assert_eq!(daemon.http().get("/").text(), "fine");
        }
        daemon.running.shutdown();
    }
}

#[test]
fn requests_in_flight_finish_before_the_end() {
    let (go, wait) = std::sync::mpsc::sync_channel::<()>(0);
    let wait = parking_lot::Mutex::new(wait);
    let backend = Backend::start(move |exchange| {
        exchange.headers(200, &[])?;
        exchange.chunk(b"begun ")?;
        let _ = wait.lock().recv();
        exchange.chunk(b"and finished")?;
        exchange.end(true)
    });
    let daemon = Daemon::before(&backend);
    let (mut raw, mut idle) = (daemon.raw(), daemon.raw());
    raw.write("GET / HTTP/1.0\r\n\r\n");
    assert_eq!(raw.head()[0], "HTTP/1.0 200 OK");
    let address = daemon.address;
    let end = thread::spawn(|| daemon.running.shutdown());
    // Connections without a request end at once, and new ones are refused.
    assert_eq!(idle.rest(), "");
    wait_until("the listener is closed", || {
        std::net::TcpStream::connect(address).is_err()
    });
    go.send(()).unwrap();
    assert_eq!(raw.rest(), "begun and finished");
    end.join().unwrap();
}

#[test]
fn an_end_does_not_wait_for_ever() {
    let backend = Backend::silent();
    let workers = balancer(&[backend.address], "");
    let daemon = Daemon::impatient(model(&workers, &["/*=lb"]), Duration::from_millis(200));
    let mut raw = daemon.raw();
    raw.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    wait_until("the backend has the request", || backend.requests() == 1);
    daemon.running.shutdown();
    assert_eq!(raw.rest(), "");
}

#[test]
fn a_reload_keeps_what_goes_on_living() {
    let (a, b) = (Backend::saying("a"), Backend::saying("b"));
    let dead = Nobody::new();
    let before = balancer(&[dead.address, a.address], "");
    let daemon = Daemon::start(&before, &["/*=lb"]);
    assert_eq!(daemon.http().get("/;jsessionid=1.a").text(), "a");
    assert_eq!(daemon.state("lb", 0), "ERR");
    let opened = daemon.pool_stats("lb", 1).opened;

    let after = balancer(&[dead.address, a.address, b.address], "");
    daemon.running.reload(model(&after, &["/app/*=lb"]));
    assert_eq!(daemon.http().get("/old").status, 404);
    assert_eq!(daemon.http().get("/app/;jsessionid=1.c").text(), "b");
    assert_eq!(daemon.state("lb", 0), "ERR", "errors are not forgotten");
    assert_eq!(
        daemon.pool_stats("lb", 1).opened,
        opened,
        "connections are kept"
    );
    assert_eq!(daemon.elected("lb", 1), 1, "counters go on");
}
