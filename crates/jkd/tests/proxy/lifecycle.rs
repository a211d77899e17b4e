//! Start, reload, stop.

use std::{
    net::{SocketAddr, TcpStream},
    sync::Arc,
    thread,
    time::Duration,
};

use ajp13::Pool;
use jkd::{serve::Layout, snapshot::Running};
use jkd_tests::{Backend, Http, Nobody, free_port, wait_until};
use jkworkers::model::Model;
use tokio::time::Instant;

use crate::harness::{Daemon, balancer, model};

/// `model`, listening on these ports.
fn listening(mut model: Model, ports: &[u16]) -> Model {
    let template = model.listen.remove(0);
    model.listen = ports.iter().map(|_| template.clone()).collect();
    for (listen, port) in model.listen.iter_mut().zip(ports) {
        listen.port = *port;
    }
    model
}

fn pool(daemon: &Daemon, member: usize) -> Pool {
    match daemon.running.snapshot().worker("lb") {
        Some(Running::Group(group)) => group.endpoints[member].pool.clone(),
        _ => panic!("lb is no balancer"),
    }
}

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
        exchange.flush()?;
        let _ = wait.lock().recv();
        exchange.chunk(b"and finished")?;
        exchange.end(true)
    });
    let daemon = Daemon::before(&backend);
    let (mut raw, mut idle) = (daemon.raw(), daemon.raw());
    raw.write("GET / HTTP/1.0\r\n\r\n");
    assert_eq!(raw.head()[0], "HTTP/1.1 200 200");
    let address = daemon.address;
    let end = thread::spawn(|| daemon.running.shutdown());
    // Connections without a request end at once, and new ones are refused.
    assert_eq!(idle.rest(), "");
    wait_until("the listener is closed", || {
        TcpStream::connect(address).is_err()
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
    let after = model(&after, &["/app/*=lb"]);
    daemon.running.reload(after).unwrap();
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

#[test]
fn a_removed_member_is_drained() {
    let (go, wait) = std::sync::mpsc::sync_channel::<()>(0);
    let wait = parking_lot::Mutex::new(wait);
    let (stays, goes) = (
        Backend::saying("stays"),
        Backend::start(move |exchange| {
            if !exchange.mentions("/slow") {
                return exchange.answer(200, &[("Content-Length", "4")], b"goes");
            }
            exchange.headers(200, &[])?;
            exchange.chunk(b"begun ")?;
            exchange.flush()?;
            let _ = wait.lock().recv();
            exchange.chunk(b"and finished")?;
            exchange.end(true)
        }),
    );
    let both = balancer(&[stays.address, goes.address], "");
    let daemon = Daemon::start(&both, &["/*=lb"]);
    let old = daemon.running.snapshot();
    let idle = |pool: &Pool| pool.stats().idle;
    let pool = pool(&daemon, 1);
    assert_eq!(daemon.http().get("/;jsessionid=1.b").text(), "goes");
    wait_until("a connection is idle", || idle(&pool) == 1);
    let mut slow = daemon.raw();
    slow.write("GET /slow;jsessionid=1.b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assert_eq!(slow.head()[0], "HTTP/1.1 200 200");
    assert_eq!(daemon.http().get("/;jsessionid=1.b").text(), "goes");
    // On another lane the first one is left alone.
    wait_until("another one is idle", || idle(&pool) >= 1);

    let one = model(&balancer(&[stays.address], ""), &["/*=lb"]);
    daemon.running.reload(one).unwrap();
    assert_eq!(idle(&pool), 0, "idle connections are closed at once");
    assert_eq!(pool.stats().busy, 1, "requests in flight are not");
    for _ in 0..5 {
        assert_eq!(daemon.http().get("/;jsessionid=1.b").text(), "stays");
    }
    let old = {
        let weak = Arc::downgrade(&old);
        drop(old);
        weak
    };
    assert!(old.upgrade().is_some(), "a request still needs it");
    go.send(()).unwrap();
    assert!(slow.rest().ends_with("and finished\r\n0\r\n\r\n"));
    wait_until("nothing of it is left", || {
        old.upgrade().is_none() && pool.stats().busy == 0
    });
    assert_eq!(idle(&pool), 0);
}

#[test]
fn another_address_moves_the_connections() {
    let (old, new) = (Backend::saying("old"), Backend::saying("new"));
    let at = |backend: &Backend| model(&balancer(&[backend.address], ""), &["/*=lb"]);
    let daemon = Daemon::with(at(&old), Layout::Lanes);
    let pool = pool(&daemon, 0);
    assert_eq!(daemon.http().get("/").text(), "old");
    daemon.running.reload(at(&new)).unwrap();
    assert_eq!(daemon.http().get("/").text(), "new");
    assert_eq!(daemon.pool_stats("lb", 0).opened, 1);
    let stats = pool.stats();
    assert_eq!((stats.opened, stats.idle), (1, 0), "nobody is kept waiting");
}

#[test]
fn a_reload_opens_and_closes_addresses() {
    let (go, wait) = std::sync::mpsc::sync_channel::<()>(0);
    let wait = parking_lot::Mutex::new(wait);
    let backend = Backend::start(move |exchange| {
        if !exchange.mentions("/slow") {
            return exchange.answer(200, &[("Content-Length", "4")], b"fine");
        }
        exchange.headers(200, &[])?;
        exchange.chunk(b"begun ")?;
        exchange.flush()?;
        let _ = wait.lock().recv();
        exchange.chunk(b"and finished")?;
        exchange.end(true)
    });
    let of = |ports: &[u16]| {
        let workers = balancer(&[backend.address], "");
        listening(model(&workers, &["/*=lb"]), ports)
    };
    for layout in [Layout::Lanes, Layout::Shared] {
        let (old, new) = (free_port(), free_port());
        let at = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let daemon = Daemon::with(of(&[old]), layout);
        daemon.running.reload(of(&[old, new])).unwrap();
        assert_eq!(daemon.running.addresses(), [at(old), at(new)]);
        for port in [old, new] {
            assert_eq!(Http::new(at(port)).get("/").text(), "fine");
        }

        let mut slow = daemon.raw();
        slow.write("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(slow.head()[0], "HTTP/1.1 200 200");
        let mut idle = daemon.raw();
        idle.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(idle.head()[0], "HTTP/1.1 200 200");
        daemon.running.reload(of(&[new])).unwrap();
        assert_eq!(daemon.running.addresses(), [at(new)]);
        wait_until("the old address is closed", || {
            TcpStream::connect(at(old)).is_err()
        });
        assert_eq!(Http::new(at(new)).get("/").text(), "fine");
        // Keep-alive ends there, but not in the middle of an answer.
        assert_eq!(idle.rest(), "fine");
        go.send(()).unwrap();
        assert!(slow.rest().ends_with("and finished\r\n0\r\n\r\n"));
    }
}

#[test]
fn a_new_address_serves_what_is_new_from_its_first_client_on() {
    let (old, new) = (Backend::saying("old"), Backend::saying("new"));
    let of = |addresses: &[SocketAddr], ports: &[u16]| {
        listening(model(&balancer(addresses, ""), &["/*=lb"]), ports)
    };
    let daemon = Daemon::with(of(&[old.address], &[0]), Layout::Lanes);
    let added = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let first = thread::spawn(move || {
        // Without a pause, so that it is the first.
        let until = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect(added).is_err() && Instant::now() < until {}
        Http::new(added).get("/").text()
    });
    // Large, so that it is not made in an instant.
    let many = of(&vec![new.address; 5000], &[0, added.port()]);
    daemon.running.reload(many).unwrap();
    assert_eq!(first.join().unwrap(), "new");
}

#[test]
fn an_address_that_cannot_be_opened_leaves_everything_as_it_was() {
    let (old, new) = (Backend::saying("old"), Backend::saying("new"));
    let of = |backend: &Backend, ports: &[u16]| {
        let workers = balancer(&[backend.address], "");
        listening(model(&workers, &["/*=lb"]), ports)
    };
    let daemon = Daemon::with(of(&old, &[0]), Layout::Lanes);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let free = free_port();
    let refused = daemon.running.reload(of(&new, &[free, address.port()]));
    assert!(
        refused
            .unwrap_err()
            .to_string()
            .contains(&address.to_string())
    );
    assert_eq!(daemon.running.addresses(), [daemon.address]);
    assert_eq!(daemon.http().get("/").text(), "old");
    assert!(TcpStream::connect(("127.0.0.1", free)).is_err());
}
