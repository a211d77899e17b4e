//! Whatever clients do, it is they who have done it: no member pays for it.

use std::{io, net::SocketAddr, thread};

use jkd_tests::{Backend, Connection, Exchange, Forwarded, Jkd, wait_until};
use proptest::{prelude::*, sample::Index};

use crate::BINARY;

/// Reads the whole body, and says which URI it was for.
fn container(exchange: &mut Exchange<'_>) -> io::Result<()> {
    let asked = Forwarded::read(exchange.request);
    if exchange.mentions("chunked") || exchange.mentions("length") && asked.method == "POST" {
        while !exchange.ask_for_body(8186)?.is_empty() {}
    }
    exchange.answer(200, &[], asked.uri.as_bytes())
}

fn serving(more: &str) -> (Jkd, [Backend; 2]) {
    let backends = [(); 2].map(|()| Backend::start(container));
    let [a, b] = backends.each_ref().map(|backend| backend.address.port());
    let workers = format!(
        "worker.list=lb,status\nworker.lb.type=lb\nworker.lb.balance_workers=a,b\n\
         worker.status.type=status\nworker.a.host=127.0.0.1\nworker.a.port={a}\n\
         worker.b.host=127.0.0.1\nworker.b.port={b}\n"
    );
    let jkd = Jkd::builder(BINARY)
        .file("workers.properties", &workers)
        .file(
            "jk.conf",
            &format!(
                "JkWorkersFile workers.properties\nJkMount /t/* lb\nJkMount /status status\n{more}"
            ),
        )
        .start(&["run", "-f", "jk.conf", "--listen", "127.0.0.1:0"]);
    (jkd, backends)
}

/// Who does nothing is given up soon.
const HURRY: &str = "\
RequestReadTimeout header=3 body=3
KeepAliveTimeout 2
LimitRequestBody 100000
";

/// Requests, whole and right or not.
fn texts() -> Vec<Vec<u8>> {
    let get = |more: &str| format!("GET /t/a HTTP/1.1\r\nHost: h\r\n{more}\r\n").into_bytes();
    let post = |more: &str, body: &str| {
        let text = format!("POST /t/a HTTP/1.1\r\nHost: h\r\n{more}\r\n\r\n{body}");
        text.into_bytes()
    };
    vec![
        get(""),
        get("Host: a b\r\n"),
        get(&format!("X: {}\r\n", "v".repeat(9000))),
        get(&"Cookie: 0123456789012345678901234567890\r\n".repeat(90)),
        get(&format!("X: {}\r\n", "v".repeat(7990))),
        get("Transfer-Encoding: gzip, chunked\r\n"),
        get("Expect: nothing\r\n"),
        post("Content-Length: 20", "01234567890123456789"),
        post("Content-Length: 20000", &"x".repeat(20000)),
        post("Content-Length: 99999999", "x"),
        post(
            "Content-Length: 5\r\nTransfer-Encoding: chunked",
            "0\r\n\r\n",
        ),
        post("Transfer-Encoding: chunked", "5\r\nhello\r\n0\r\n\r\n"),
        post(
            "Transfer-Encoding: chunked",
            "5\r\nhello\r\nnonsense\r\n\r\n",
        ),
        post("Content-Length: 4", "\x12\x34\0\x01\n"),
        b"BREW /t/a HTTP/1.1\r\nHost: h\r\n\r\n".to_vec(),
        b"GET /t/%zz HTTP/1.1\r\nHost: h\r\n\r\n".to_vec(),
        b"\x12\x34\0\x01\n".to_vec(),
    ]
}

#[derive(Clone, Copy, Debug)]
enum End {
    Reads,
    HalfCloses,
    Leaves,
}

fn play(server: SocketAddr, text: &[u8], end: End) {
    let mut connection = Connection::open(server).unwrap();
    connection.send(text);
    match end {
        End::Leaves => return,
        End::HalfCloses => connection.half_close(),
        End::Reads => {}
    }
    connection.read_to_end();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn invariant_7_no_member_pays_for_what_clients_do(
        doings in proptest::collection::vec(
            (any::<Index>(), prop_oneof![Just(1000_usize), 0_usize..1000],
             proptest::sample::select(vec![End::Reads, End::HalfCloses, End::Leaves])), 80),
    ) {
        let (jkd, backends) = serving(HURRY);
        let texts = texts();
        thread::scope(|scope| {
            for (which, part, end) in &doings {
                let text = which.get(&texts);
                let sent = &text[..text.len() * part / 1000];
                let server = jkd.address;
                scope.spawn(move || play(server, sent, *end));
            }
        });
        let mut http = jkd.http();
        let page = |http: &mut jkd_tests::Http| http.get("/status?mime=prop&cmd=show&w=lb").text();
        wait_until("the end of all", || page(&mut http).contains("worker.lb.busy=0"));
        let page = page(&mut http);
        for name in ["a", "b"] {
            let is = |what: &str| page.contains(&format!("worker.{name}.{what}"));
            prop_assert!(is("state=OK") && is("errors=0\n"), "{}\n{}", page, jkd.log());
        }
        prop_assert!(backends.iter().map(Backend::requests).sum::<usize>() > 0);
        prop_assert_eq!(http.get("/t/x").text(), "/t/x");
    }
}

#[test]
fn paths_of_many_at_once_do_not_mix() {
    let (jkd, _backends) = serving("KeepAliveTimeout 60\n");
    thread::scope(|scope| {
        for client in 0..64 {
            let jkd = &jkd;
            scope.spawn(move || {
                let mut http = jkd_tests::Http::persistent(jkd.address);
                for number in 0..8 {
                    let path = format!("/t/%C3%A9{client}/%20{number}%25x");
                    assert_eq!(http.get(&path).text(), path);
                }
            });
        }
    });
}
