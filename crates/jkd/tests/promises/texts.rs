//! Texts of clients that rules, pages and heads are made of: they stay what they are.

use std::sync::{Arc, LazyLock};

use jkd_tests::{Backend, Connection, Forwarded, Jkd, Nobody};
use parking_lot::Mutex;
use proptest::prelude::*;

use crate::BINARY;

/// Rules that put a part of the path wherever rules can put it.
const RULES: &str = "\
JkWorkersFile workers.properties
JkMount /t/* w
RewriteEngine On
RewriteRule ^/path/(.*)$ /t/$1 [PT]
RewriteRule ^/query/(.*)$ /t/x?a=$1 [PT]
RewriteRule ^/escaped/(.*)$ /t/x?a=$1 [PT,B]
RewriteRule ^/away/(.*)$ http://elsewhere.test/$1 [R]
RewriteRule ^/away-raw/(.*)$ http://elsewhere.test/$1 [R,NE]
RewriteRule ^/variable/(.*)$ /t/v [PT,E=CAUGHT:$1]
RewriteRule ^/cookie/(.*)$ /t/c [PT,CO=caught:$1:jkd.test]
RedirectMatch ^/match/(.*)$ http://elsewhere.test/$1
SetEnvIf Request_URI ^/t/caught/(.*)$ CAUGHT=$1
RequestHeader set X-Caught %{CAUGHT}e env=CAUGHT
Header set X-Sent %{CAUGHT}e env=CAUGHT
JkEnvVar CAUGHT none
";

/// What comes of `PIECES` where it is taken at its word.
const PIECES: [&str; 14] = [
    "%0d%0aX-Injected:%201",
    "%0D%0A%0D%0AX-Injected:%201",
    "%0aX-Injected:%201",
    "%0dX-Injected:%201",
    "%20HTTP/1.1%0d%0aX-Injected:%201",
    "%00X-Injected",
    "%09",
    "%7f",
    "%c3%a9",
    "%22",
    "%3f",
    "%23",
    "%25%30%61",
    "a",
];

const PLACES: [&str; 10] = [
    "/t",
    "/path",
    "/query",
    "/escaped",
    "/away",
    "/away-raw",
    "/variable",
    "/cookie",
    "/match",
    "/t/caught",
];

type Heard = Arc<Mutex<Vec<Vec<u8>>>>;

static STAGE: LazyLock<(Jkd, Heard)> = LazyLock::new(|| {
    let heard = Heard::default();
    let all = heard.clone();
    let backend = Backend::start(move |exchange| {
        all.lock().push(exchange.request.to_vec());
        exchange.answer(200, &[], b"hello")
    });
    let port = backend.address.port();
    let workers = format!("worker.list=w\nworker.w.host=127.0.0.1\nworker.w.port={port}\n");
    let jkd = Jkd::builder(BINARY)
        .file("workers.properties", &workers)
        .file("jk.conf", RULES)
        .start(&["run", "-f", "jk.conf", "--listen", "127.0.0.1:0"]);
    (jkd, heard)
});

/// Whether a packet has a line break, or what would end a request line, within a text. What `JkEnvVar`
/// names may have several lines, as certificates do; it comes last.
fn is_broken(packet: &[u8]) -> bool {
    let attribute = b"\x06CAUGHT\0";
    let end = packet
        .windows(attribute.len())
        .position(|part| part == attribute);
    let packet = &packet[..end.unwrap_or(packet.len())];
    let broken: [&[u8]; 3] = [b"\nX-Injected", b"\rX-Injected", b"\0X-Injected"];
    let has = |text: &[u8]| packet.windows(text.len()).any(|part| part == text);
    broken.into_iter().any(has)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn invariant_6_texts_stay_what_they_are_whatever_rules_make_of_them(
        place in proptest::sample::select(PLACES.to_vec()),
        pieces in proptest::collection::vec(proptest::sample::select(PIECES.to_vec()), 1..4),
    ) {
        let (jkd, heard) = &*STAGE;
        let mut connection = Connection::open(jkd.address).unwrap();
        let path = format!("{place}/{}", pieces.concat());
        connection.send(
            format!("GET {path} HTTP/1.1\r\nHost: jkd.test\r\nConnection: close\r\n\r\n").as_bytes(),
        );
        let answer = connection.read_to_end();
        let shown = String::from_utf8_lossy(&answer);
        let (head, _) = shown.split_once("\r\n\r\n").expect("a head");
        prop_assert!(head.starts_with("HTTP/1.1 "), "{}: {}", path, shown);
        for line in head.split("\r\n").skip(1) {
            let (name, value) = line.split_once(':').expect("a field");
            prop_assert!(!name.eq_ignore_ascii_case("x-injected"), "{}: {}", path, shown);
            prop_assert!(!value.contains(|c: char| c.is_ascii_control() && c != '\t'), "{}: {:?}", path, line);
        }
        for packet in heard.lock().drain(..) {
            prop_assert!(!is_broken(&packet), "{}: {}", path, packet.escape_ascii());
            let asked = Forwarded::read(&packet);
            let query = asked.attributes.iter().find(|(name, _)| name.contains("query"));
            for text in [Some(&asked.uri), query.map(|(_, value)| value)].into_iter().flatten() {
                prop_assert!(!text.contains(' '), "{}: {}", path, text);
            }
        }
    }
}

/// The rules do what they are there for.
#[test]
fn rules_put_parts_of_paths_where_they_are_wanted() {
    let (jkd, _) = &*STAGE;
    let ask = |path: &str| {
        let mut connection = Connection::open(jkd.address).unwrap();
        let text = format!("GET {path} HTTP/1.1\r\nHost: jkd.test\r\nConnection: close\r\n\r\n");
        connection.send(text.as_bytes());
        String::from_utf8_lossy(&connection.read_to_end()).into_owned()
    };
    for (path, expected) in [
        ("/away/xyz", "http://elsewhere.test/xyz"),
        ("/away-raw/xyz", "http://elsewhere.test/xyz"),
        ("/match/xyz", "http://elsewhere.test/xyz"),
        ("/variable/xyz", "X-Sent: xyz"),
        ("/t/caught/xyz", "X-Sent: xyz"),
        ("/cookie/xyz", "caught=xyz"),
        ("/path/xyz", "hello"),
        ("/query/xyz", "hello"),
    ] {
        let answer = ask(path);
        assert!(answer.contains(expected), "{path}: {answer}");
    }
}

/// What is nobody's business: names, places and addresses behind jkd, and what the client has sent.
#[test]
fn pages_of_errors_tell_nothing_of_the_inside_and_nothing_of_the_request() {
    let nobody = Nobody::new();
    let backend = Backend::start(|exchange| {
        if exchange.mentions("/silent") {
            return exchange.wait_for_close();
        }
        exchange.packet(b"\x55 odd")
    });
    let workers = format!(
        "worker.list=inward,outward\nworker.inward.host=127.0.0.1\nworker.inward.port={}\n\
         worker.inward.reply_timeout=300\nworker.outward.host=127.0.0.1\nworker.outward.port={}\n",
        backend.address.port(),
        nobody.address.port()
    );
    let jkd = Jkd::builder(BINARY)
        .file("workers.properties", &workers)
        .file(
            "jk.conf",
            "JkWorkersFile workers.properties\nJkMount /in/* inward\nJkMount /out/* outward\n\
             LimitRequestBody 10\n<Location /closed>\nRequire all denied\n</Location>\n",
        )
        .start(&["run", "-f", "jk.conf", "--listen", "127.0.0.1:0"]);
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: marker.test\r\n\r\n");
    let requests = [
        (400, get("/in/marker%zz")),
        (400, get("/in/a\r\nmarker marker: x")),
        (403, get("/closed/marker")),
        (404, get("/marker<script>")),
        (
            405,
            "CONNECT marker:80 HTTP/1.1\r\nHost: marker:80\r\n\r\n".into(),
        ),
        (
            413,
            "POST /in/marker HTTP/1.1\r\nHost: marker\r\nContent-Length: 99\r\n\r\n".into(),
        ),
        (414, get(&format!("/in/{}", "marker".repeat(2000)))),
        (500, get("/in/marker")),
        (503, get("/out/marker")),
        (504, get("/in/silent/marker")),
    ];
    let inside = jkd.path(".").display().to_string();
    for (status, request) in requests {
        let mut connection = Connection::open(jkd.address).unwrap();
        connection.send(request.as_bytes());
        let reply = connection.read("GET");
        assert_eq!(reply.status, status, "{request}");
        let page = String::from_utf8_lossy(&reply.body).to_lowercase();
        for hidden in ["marker", "ward", "127.0.0.1", inside.trim_end_matches("/.")] {
            assert!(!page.contains(hidden), "{status} tells {hidden}: {page}");
        }
        for field in ["x-powered-by", "via"] {
            assert_eq!(reply.header(field), None);
        }
    }
}
