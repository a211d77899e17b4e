//! The real binary with the system's own resolver, while names change under it: in a mount
//! namespace with an `/etc/hosts` of its own.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may fail anywhere"
)]

use std::{
    collections::BTreeSet,
    io::Write as _,
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc,
    },
    thread::{self, JoinHandle},
};

use jkd_tests::{Backend, CPONG, Http, Jkd, Request, Tomcat, free_port, next_code, wait_until};
use parking_lot::Mutex;

const BINARY: &str = env!("CARGO_BIN_EXE_jkd");

/// Backends at 127.0.0.2, 127.0.0.3 … on one port, that say the last number of their address. Each
/// answer ends its connection unless the backends `keep` it.
fn backends(count: u8, keep: bool) -> (u16, Vec<Backend>) {
    let first = || Backend::at(at(2, 0), move |exchange| say(exchange, 2, keep));
    let is_free = |number, port| TcpListener::bind(at(number, port)).is_ok();
    loop {
        let mut backends = vec![first()];
        let port = backends[0].address.port();
        if (3..2 + count).all(|number| is_free(number, port)) {
            let more = |number| Backend::at(at(number, port), move |e| say(e, number, keep));
            backends.extend((3..2 + count).map(more));
            return (port, backends);
        }
    }
}

fn at(number: u8, port: u16) -> SocketAddr {
    ([127, 0, 0, number], port).into()
}

fn say(exchange: &mut jkd_tests::Exchange<'_>, number: u8, keep: bool) -> std::io::Result<()> {
    exchange.headers(200, &[("Content-Type", "text/plain")])?;
    exchange.chunk(number.to_string().as_bytes())?;
    exchange.end(keep)
}

/// Lines of `/etc/hosts` that give a name these addresses.
fn hosts(name: &str, numbers: &[u8]) -> String {
    let line = |number| format!("127.0.0.{number} {name}\n");
    numbers.iter().map(line).collect()
}

fn start(workers: &str, hosts: &str, mounts: &[&str]) -> Jkd {
    let builder = Jkd::builder(BINARY)
        .file("workers.properties", workers)
        .names(hosts);
    let mut arguments = vec![
        "run",
        "-l",
        "127.0.0.1:0",
        "--workers",
        "workers.properties",
    ];
    arguments.extend(mounts.iter().flat_map(|mount| ["--mount", mount]));
    builder.start(&arguments)
}

/// One worker `w` on the host `tomcat`.
fn one_worker(port: u16, hosts: &str) -> Jkd {
    let workers = format!(
        "worker.list=w\nworker.w.host=tomcat\nworker.w.port={port}\nworker.resolve_interval=1\n"
    );
    start(&workers, hosts, &["/*=w"])
}

/// A balancer of the Tomcats behind the name `tomcats`.
fn all_of_a_name(port: u16, hosts: &str) -> Jkd {
    let workers = format!(
        "worker.list=lb\nworker.resolve_interval=1\n\
         worker.lb.type=lb\nworker.lb.balance_workers=x\n\
         worker.x.host=tomcats\nworker.x.port={port}\nworker.x.resolve=all\n"
    );
    start(&workers, hosts, &["/*=lb"])
}

fn get(jkd: &Jkd) -> String {
    let answer = jkd.http().get("/");
    assert_eq!(answer.status, 200, "{}", jkd.log());
    answer.text()
}

/// Who serves the session of the Tomcat at this address.
fn get_in_session(jkd: &Jkd, of: u8) -> String {
    let cookie = format!("JSESSIONID=abc.127.0.0.{of}");
    let request = Request::new("GET", "/").header("Cookie", &cookie);
    let answer = jkd.http().send(request);
    assert_eq!(answer.status, 200, "{}", jkd.log());
    answer.text()
}

/// Who has served, over as many requests as give everybody a turn.
fn who_serves(jkd: &Jkd) -> BTreeSet<String> {
    (0..12).map(|_| get(jkd)).collect()
}

fn set(numbers: &[u8]) -> BTreeSet<String> {
    numbers.iter().map(ToString::to_string).collect()
}

/// Clients that ask without a pause until they are stopped.
struct Load {
    stop: Arc<AtomicBool>,
    count: Arc<AtomicUsize>,
    clients: Vec<JoinHandle<()>>,
}

impl Load {
    fn on(jkd: &Jkd) -> Self {
        let (stop, count) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
        let client = |_| {
            let (stop, count, address) = (stop.clone(), count.clone(), jkd.address);
            thread::spawn(move || {
                let mut http = Http::persistent(address);
                while !stop.load(Ordering::Relaxed) {
                    assert_eq!(http.get("/").status, 200);
                    count.fetch_add(1, Ordering::Relaxed);
                }
            })
        };
        let clients = (0..4).map(client).collect();
        Self {
            stop,
            count,
            clients,
        }
    }

    /// Lets them ask some more.
    fn go_on(&self) {
        let enough = self.count.load(Ordering::Relaxed) + 200;
        wait_until("more requests to be answered", || {
            self.count.load(Ordering::Relaxed) >= enough
                || self.clients.iter().any(JoinHandle::is_finished)
        });
    }

    /// Ends them; panics when one of their requests has failed.
    fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        for client in self.clients {
            client.join().unwrap();
        }
    }
}

#[test]
#[ignore = "needs a mount namespace: run tests/run"]
fn requests_follow_a_name_and_none_fails() {
    for keep in [true, false] {
        let (port, backends) = backends(2, keep);
        let jkd = one_worker(port, &hosts("tomcat", &[2]));
        let load = Load::on(&jkd);
        load.go_on();
        jkd.write("hosts", &hosts("tomcat", &[3]));
        jkd.wait_for_log("other addresses");
        load.go_on();
        let before = backends[0].requests();
        load.go_on();
        assert_eq!(
            backends[0].requests(),
            before,
            "the old address is done with"
        );
        jkd.write("hosts", &hosts("tomcat", &[2]));
        wait_until("the way back", || backends[0].requests() > before);
        load.stop();
        let log = jkd.log();
        assert!(log.contains("old=127.0.0.2 new=127.0.0.3"), "{log}");
    }
}

#[test]
#[ignore = "needs a mount namespace: run tests/run"]
fn all_addresses_are_tried() {
    let (port, backends) = backends(2, false);
    // Nobody listens at 127.0.0.99.
    let jkd = one_worker(port, &hosts("tomcat", &[99, 3]));
    assert_eq!(who_serves(&jkd), set(&[3]));
    jkd.write("hosts", &hosts("tomcat", &[99, 2]));
    wait_until("the other address", || get(&jkd) == "2");
    assert_eq!(who_serves(&jkd), set(&[2]));
    assert!(backends[1].requests() >= 12);
    assert!(!jkd.log().contains("cannot connect"), "{}", jkd.log());
}

#[test]
#[ignore = "needs a mount namespace: run tests/run"]
fn a_failed_connect_looks_the_name_up_at_once() {
    let (port, _backends) = backends(1, false);
    let workers = format!(
        "worker.list=w\nworker.w.host=tomcat\nworker.w.port={port}\nworker.resolve_interval=3600\n"
    );
    let jkd = start(&workers, &hosts("tomcat", &[99]), &["/*=w"]);
    assert_eq!(jkd.http().get("/").status, 503);
    jkd.write("hosts", &hosts("tomcat", &[2]));
    wait_until("the new address", || jkd.http().get("/").status == 200);
}

#[test]
#[ignore = "needs a mount namespace: run tests/run"]
fn what_cannot_be_looked_up_any_more_keeps_its_addresses() {
    let (port, _backends) = backends(1, false);
    let jkd = one_worker(port, &hosts("tomcat", &[2]));
    assert_eq!(get(&jkd), "2");
    jkd.write("hosts", "");
    jkd.wait_for_log("its addresses stay as they are");
    assert_eq!(who_serves(&jkd), set(&[2]));
    jkd.write("hosts", &hosts("tomcat", &[2]));
    jkd.wait_for_log("can be looked up again");
    assert_eq!(get(&jkd), "2");
    assert_eq!(jkd.log().matches("cannot be looked up").count(), 1);
}

#[test]
#[ignore = "needs a mount namespace: run tests/run"]
fn a_name_that_is_not_there_yet_holds_up_nobody() {
    let (port, _backends) = backends(2, false);
    let workers = format!(
        "worker.list=here,gone,lb\nworker.here.host=127.0.0.2\nworker.here.port={port}\n\
         worker.gone.host=gone\nworker.gone.port={port}\nworker.resolve_interval=3600\n\
         worker.lb.type=lb\nworker.lb.balance_workers=x\n\
         worker.x.host=gone\nworker.x.port={port}\nworker.x.resolve=all\n"
    );
    let jkd = start(&workers, "", &["/*=here", "/gone/*=gone", "/lb/*=lb"]);
    assert_eq!(get(&jkd), "2");
    for path in ["/gone/", "/lb/"] {
        assert_eq!(jkd.http().get(path).status, 503, "{path}");
    }
    let log = jkd.log();
    assert!(
        log.contains("gone:") && log.contains("cannot resolve the host name"),
        "{log}"
    );
    jkd.write("hosts", &hosts("gone", &[3]));
    for path in ["/gone/", "/lb/"] {
        wait_until("the name to be found", || {
            jkd.http().get(path).status == 200
        });
        assert_eq!(jkd.http().get(path).text(), "3");
    }
    jkd.wait_for_log("member=x-127.0.0.3");
}

#[test]
#[ignore = "needs a mount namespace: run tests/run"]
fn a_balancer_grows_and_shrinks_with_a_name_and_sessions_stay() {
    let (port, backends) = backends(3, true);
    let jkd = all_of_a_name(port, &hosts("tomcats", &[2]));
    // From the first request on.
    assert_eq!(get_in_session(&jkd, 2), "2");
    let load = Load::on(&jkd);
    load.go_on();
    assert_eq!(backends[1].requests() + backends[2].requests(), 0);

    jkd.write("hosts", &hosts("tomcats", &[4, 2, 3]));
    jkd.wait_for_log("member=x-127.0.0.4");
    // Other clients take turns in between.
    wait_until("everybody to serve", || who_serves(&jkd) == set(&[2, 3, 4]));
    for _ in 0..5 {
        for number in [2, 3, 4] {
            assert_eq!(get_in_session(&jkd, number), number.to_string());
        }
    }

    jkd.write("hosts", &hosts("tomcats", &[4, 2]));
    jkd.wait_for_log("member removed: its requests may finish worker=lb member=x-127.0.0.3");
    assert!(who_serves(&jkd).is_subset(&set(&[2, 4])));
    for _ in 0..5 {
        assert_eq!(get_in_session(&jkd, 2), "2");
        assert_eq!(get_in_session(&jkd, 4), "4");
        assert_ne!(get_in_session(&jkd, 3), "3");
    }
    load.go_on();
    load.stop();
}

#[test]
#[ignore = "needs a mount namespace: run tests/run"]
fn a_member_that_goes_finishes_what_it_has() {
    let (arrived, arrivals) = mpsc::channel();
    let (release, releases) = mpsc::channel::<()>();
    let releases = Mutex::new(releases);
    let arrived = Mutex::new(arrived);
    let slow = Backend::at(at(3, 0), move |exchange| {
        exchange.headers(200, &[("Content-Type", "text/plain")])?;
        exchange.chunk(b"the beginning, ")?;
        arrived.lock().send(()).unwrap();
        releases.lock().recv().unwrap();
        exchange.chunk(b"the end")?;
        exchange.end(true)
    });
    let port = slow.address.port();
    let jkd = all_of_a_name(port, &hosts("tomcats", &[3]));
    let address = jkd.address;
    let client = thread::spawn(move || Http::new(address).get("/slow"));
    arrivals.recv().unwrap();
    // To where nobody listens.
    jkd.write("hosts", &hosts("tomcats", &[99]));
    jkd.wait_for_log("member removed");
    assert_eq!(jkd.http().get("/").status, 503);
    release.send(()).unwrap();
    assert_eq!(client.join().unwrap().text(), "the beginning, the end");
}

#[test]
#[ignore = "needs a mount namespace: run tests/run"]
fn a_reload_looks_names_up_anew() {
    let (port, _backends) = backends(2, false);
    let workers = format!(
        "worker.list=w\nworker.w.host=tomcat\nworker.w.port={port}\nworker.resolve_interval=0\n"
    );
    let jkd = start(&workers, &hosts("tomcat", &[2]), &["/*=w"]);
    assert_eq!(get(&jkd), "2");
    jkd.write("hosts", &hosts("tomcat", &[3]));
    assert_eq!(who_serves(&jkd), set(&[2]));
    jkd.process().signal("HUP");
    jkd.wait_for_log("new=127.0.0.3");
    assert_eq!(who_serves(&jkd), set(&[3]));
}

#[test]
#[ignore = "needs a mount namespace: run tests/run"]
fn what_a_rule_says_of_a_member_holds_for_all_that_it_turns_into() {
    let (port, _backends) = backends(3, true);
    let workers = format!(
        "worker.list=lb\nworker.resolve_interval=1\n\
         worker.lb.type=lb\nworker.lb.balance_workers=x,y\n\
         worker.x.host=tomcats\nworker.x.port={port}\nworker.x.resolve=all\n\
         worker.y.host=127.0.0.4\nworker.y.port={port}\n"
    );
    let jkd = Jkd::builder(BINARY)
        .file("workers.properties", &workers)
        .file("map", "/*=lb\n/y/*=lb;stopped=x\n/x/*=lb;stopped=y\n")
        .names(&hosts("tomcats", &[2, 3]))
        .start(&[
            "run",
            "-l",
            "127.0.0.1:0",
            "--workers",
            "workers.properties",
            "--mount-file",
            "map",
        ]);
    let served =
        |path| -> BTreeSet<String> { (0..12).map(|_| jkd.http().get(path).text()).collect() };
    assert_eq!(served("/"), set(&[2, 3, 4]));
    assert_eq!(served("/y/"), set(&[4]));
    assert_eq!(served("/x/"), set(&[2, 3]));
}

#[test]
#[ignore = "needs a mount namespace: run tests/run"]
fn names_and_files_may_change_at_once() {
    let (port, _backends) = backends(3, true);
    let jkd = all_of_a_name(port, &hosts("tomcats", &[2, 3]));
    let load = Load::on(&jkd);
    load.go_on();
    let workers = std::fs::read_to_string(jkd.path("workers.properties")).unwrap();
    for round in 1..=12_u8 {
        let more = format!("worker.x.lbfactor={round}\n");
        jkd.write("workers.properties", &(workers.clone() + &more));
        jkd.write("hosts", &hosts("tomcats", &[2, 3 + round % 2]));
        jkd.process().signal("HUP");
        let reloads = || jkd.log().matches("configuration reloaded").count();
        wait_until("the reload", || reloads() == usize::from(round));
    }
    jkd.write("hosts", &hosts("tomcats", &[2, 3]));
    wait_until("the last word", || {
        let log = jkd.log();
        let of = |what: &str| log.rfind(&format!("{what} worker=lb member=x-127.0.0.3"));
        of("member added") > of("member removed: its requests may finish")
    });
    wait_until("both to serve", || who_serves(&jkd) == set(&[2, 3]));
    load.stop();
}

/// Takes one connection, answers its CPings, and gives it to `serve` with each request.
fn one_connection(
    listener: TcpListener,
    closes: bool,
    serve: impl Fn(&mut TcpStream) + Send + 'static,
) {
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        // Others are refused, or are never heard of again.
        let _listener = (!closes).then_some(listener);
        while let Some(code) = next_code(&mut stream) {
            match code {
                2 => serve(&mut stream),
                _ => stream.write_all(CPONG).unwrap(),
            }
        }
    });
}

/// Two machines behind the name of one member: one goes mute with a request, the other goes on
/// answering. Neither speaks for the other.
#[test]
#[ignore = "needs a mount namespace: run tests/run"]
fn one_address_that_is_mute_is_not_the_member_and_is_not_saved_by_the_other() {
    const ANSWER: &[u8] = b"AB\0\x08\x04\0\xc8\0\0\0\0\0AB\0\x05\x03\0\x01m\0AB\0\x02\x05\x01";
    let alive = TcpListener::bind(at(2, 0)).unwrap();
    let port = alive.local_addr().unwrap().port();
    let mute = TcpListener::bind(at(3, port)).unwrap();
    let other = Backend::at(at(4, 0), |exchange| say(exchange, 4, true));
    let (release, releases) = mpsc::channel::<()>();
    let (arrived, arrivals) = mpsc::channel();
    let hold = Mutex::new((arrived.clone(), releases));
    one_connection(alive, true, move |stream| {
        let (arrived, releases) = &*hold.lock();
        arrived.send(()).unwrap();
        let _ = releases.recv();
        stream.write_all(ANSWER).unwrap();
    });
    let held = Mutex::new(arrived);
    one_connection(mute, false, move |_| held.lock().send(()).unwrap());
    let workers = format!(
        "worker.list=lb\nworker.lb.type=lb\nworker.lb.balance_workers=x,y\n\
         worker.x.host=tomcat\nworker.x.port={port}\n\
         worker.y.host=127.0.0.4\nworker.y.port={}\n",
        other.address.port()
    );
    let jkd = Jkd::builder(BINARY)
        .file("workers.properties", &workers)
        .names(&hosts("tomcat", &[2, 3]))
        .start(&[
            "run",
            "-l",
            "127.0.0.1:0",
            "--threads",
            "1",
            "--workers",
            "workers.properties",
            "--mount",
            "/*=lb",
        ]);
    let get = |address| {
        let request = Request::new("GET", "/").header("Cookie", "JSESSIONID=1.x");
        Http::new(address).send(request).text()
    };
    let address = jkd.address;
    // The one that lives has a request, and takes no other connection: the next goes to the mute one.
    let first = thread::spawn(move || get(address));
    arrivals.recv().unwrap();
    let hangs = thread::spawn(move || get(address));
    arrivals.recv().unwrap();
    release.send(()).unwrap();
    assert_eq!(first.join().unwrap(), "m");
    // From now on signs of life come from one all the time.
    let mut answered = 0;
    while !hangs.is_finished() {
        release.send(()).unwrap();
        assert_eq!(get(address), "m", "{}", jkd.log());
        answered += 1;
    }
    assert_eq!(hangs.join().unwrap(), "4", "{}", jkd.log());
    assert!(answered >= 2, "{answered}");
    release.send(()).unwrap();
    assert_eq!(get(address), "m", "{}", jkd.log());
    let log = jkd.log();
    assert!(
        log.contains("nothing comes from one of its addresses"),
        "{log}"
    );
    assert!(!log.contains("member is in error"), "{log}");
}

const COUNTER: &str = r#"<%@page contentType="text/plain" trimDirectiveWhitespaces="true"%><%
  Integer c = (Integer) session.getAttribute("c");
  c = (c == null) ? 1 : c + 1;
  session.setAttribute("c", c);
  out.println("count=" + c + " node=" + System.getProperty("node") + " id=" + session.getId());
%>"#;

#[test]
#[ignore = "needs a real Tomcat: run tests/run"]
fn sessions_of_real_tomcats_stick_by_their_addresses() {
    let port = free_port();
    let tomcat = |number: u8| {
        Tomcat::builder(&format!("127.0.0.{number}"))
            .at(at(number, port))
            .connector(r#"secretRequired="false""#)
            .file("counter.jsp", COUNTER)
            .start()
    };
    let tomcats = [tomcat(2), tomcat(3)];
    let jkd = all_of_a_name(port, &hosts("tomcats", &[2]));
    let mut users: Vec<Http> = (0..4).map(|_| Http::persistent(jkd.address)).collect();
    let click = |user: &mut Http, count: u32| {
        let answer = user.get("/counter.jsp");
        assert_eq!(answer.status, 200, "{}", jkd.log());
        assert_eq!(answer.fact("count"), count.to_string(), "{}", answer.text());
        assert!(
            answer
                .fact("id")
                .ends_with(&format!(".{}", answer.fact("node")))
        );
        answer.fact("node")
    };
    for user in &mut users[..2] {
        assert_eq!(click(user, 1), tomcats[0].route);
    }
    jkd.write("hosts", &hosts("tomcats", &[3, 2]));
    jkd.wait_for_log("member=x-127.0.0.3");
    let new: BTreeSet<_> = users[2..].iter_mut().map(|user| click(user, 1)).collect();
    assert!(new.contains(&tomcats[1].route), "{new:?}");
    for count in 2..5 {
        for user in &mut users[..2] {
            assert_eq!(click(user, count), tomcats[0].route);
        }
        users[2..]
            .iter_mut()
            .for_each(|user| _ = click(user, count));
    }
}
