//! Status pages and metrics under whatever is asked of them.

use std::sync::LazyLock;

use jkd_tests::{Backend, Http, Jkd, Request, wait_until};
use proptest::{prelude::*, sample::select};

use crate::BINARY;

/// What would be markup, a line of its own or another field, were it shown as it came.
const HOSTILE: [&str; 16] = [
    "",
    "<evil>",
    "\"><evil>",
    "'%20onload=evil",
    "%3Cevil%3E",
    "%22%3E%3Cevil%3E",
    "%0d%0aX-Evil:%201",
    "%0aworker.evil=1",
    "]]%3E%3Cevil%3E",
    "--%3E%3Cevil/%3E",
    "%00",
    "%zz",
    "javascript:evil",
    "99999999999",
    "-1",
    "*",
];

const COMMANDS: [&str; 12] = [
    "list", "show", "edit", "update", "reset", "recover", "version", "dump", "config", "css",
    "evil", "",
];

const NAMES: [&str; 18] = [
    "w", "sw", "from", "re", "opt", "att", "vwa", "vwf", "vwn", "vwr", "vwc", "vwd", "vlr",
    "vahst", "vaprt", "val0", "val1", "mime",
];

fn query() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        select(HOSTILE.to_vec()),
        select(vec![
            "lb", "a", "d", "1", "html", "xml", "json", "prop", "txt"
        ]),
    ];
    let pairs = proptest::collection::vec((select(NAMES.to_vec()), value), 0..6);
    let start = (
        select(COMMANDS.to_vec()),
        select(vec!["html", "xml", "json", "prop", "txt"]),
    );
    (start, pairs).prop_map(|((command, form), pairs)| {
        let pairs: String = pairs
            .iter()
            .map(|(name, value)| format!("&{name}={value}"))
            .collect();
        format!("cmd={command}&mime={form}{pairs}")
    })
}

static STAGE: LazyLock<(Jkd, String)> = LazyLock::new(|| {
    let backend = Backend::saying("hello");
    let port = backend.address.port();
    let workers = format!(
        "worker.list=lb,status,looking\nworker.lb.type=lb\nworker.lb.balance_workers=a\n\
         worker.a.host=127.0.0.1\nworker.a.port={port}\nworker.a.secret=kanarie\n\
         worker.status.type=status\nworker.looking.type=status\nworker.looking.read_only=1\n"
    );
    let mounts = ["/status=status", "/looking=looking", "/*=lb"];
    let jkd = Jkd::serving(BINARY, &workers, &mounts);
    let before = jkd.http().get("/looking?cmd=config").text();
    assert!(before.contains("\"a\""), "{before}");
    (jkd, before)
});

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn status_pages_have_no_markup_of_others_and_those_for_looking_change_nothing(query in query()) {
        let (jkd, before) = &*STAGE;
        let mut http = jkd.http();
        // What is said in another's browser changes nothing either.
        for (page, site) in [("looking", "same-origin"), ("status", "cross-site")] {
            let path = format!("/{page}?{query}");
            let answer = http.send(Request::new("GET", &path).header("Sec-Fetch-Site", site));
            let known = [200, 400, 403].contains(&answer.status);
            prop_assert!(known, "{}: {}", path, answer.status);
            let text = answer.text();
            for evil in ["<evil", "\nworker.evil", "kanarie"] {
                prop_assert!(!text.contains(evil), "{}: {}", path, text);
            }
            let evil = answer.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("x-evil"));
            prop_assert!(evil.is_none(), "{}", path);
        }
        prop_assert_eq!(&http.get("/looking?cmd=config").text(), before, "{}", query);
    }
}

#[test]
fn metrics_have_no_words_of_clients_and_no_secrets() {
    let backend = Backend::saying("hello");
    let port = backend.address.port();
    let workers = format!(
        "worker.list=w\nworker.w.host=127.0.0.1\nworker.w.port={port}\nworker.w.secret=kanarie\n"
    );
    let jkd = Jkd::builder(BINARY)
        .file("workers.properties", &workers)
        .file(
            "jk.conf",
            "JkWorkersFile workers.properties\nJkMount /* w\n",
        )
        .start(&[
            "run",
            "-f",
            "jk.conf",
            "--listen",
            "127.0.0.1:0",
            "--metrics",
            "127.0.0.1:0",
        ]);
    jkd.wait_for_log("metrics on http://");
    let log = jkd.log();
    let (_, rest) = log.split_once("metrics on http://").unwrap();
    let (address, _) = rest.split_once('/').unwrap();
    let path = "/marker;jsessionid=1.marker?marker";
    let request = Request::new("GET", path)
        .header("X-Marker", "marker")
        .header("Cookie", "JSESSIONID=1.marker")
        .header("User-Agent", "marker");
    assert_eq!(jkd.http().send(request).text(), "hello");
    let mut scraper = Http::new(address.parse().unwrap());
    wait_until("the request", || {
        let page = scraper.get("/metrics").text();
        for hidden in ["marker", "kanarie"] {
            assert!(!page.contains(hidden), "{page}");
        }
        let mut lines = page
            .lines()
            .filter(|line| line.starts_with("jkd_requests_total{"));
        lines.any(|line| line.ends_with(" 1"))
    });
}
