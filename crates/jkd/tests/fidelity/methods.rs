//! The lb methods: which member gets which of 200 requests in a row.

use jkd_tests::{Cast, Http, Httpd, Request};

use crate::{
    case::{self, Case},
    in_parallel,
    server::Jkd,
    stage::Server,
};

const REQUESTS: usize = 200;

const SETTINGS: [(&str, Sessions); 6] = [
    ("a.lbfactor=3\nb.lbfactor=2", Sessions::None),
    ("", Sessions::Mixed),
    ("a.lbfactor=5\nc.lbfactor=4", Sessions::Followed),
    ("a.lbfactor=3\nb.lbfactor=2\nc.distance=1", Sessions::Mixed),
    (
        "a.lbfactor=3\nb.lbfactor=2\nc.activation=D",
        Sessions::Followed,
    ),
    (
        "b.lbfactor=7\na.activation=S\na.redirect=c",
        Sessions::Mixed,
    ),
];

/// Which of the requests carry which cookie.
#[derive(Clone, Copy, Debug)]
enum Sessions {
    None,
    /// Every third begins one, and two follow it.
    Followed,
    /// Some name members, some nobody, some have no route.
    Mixed,
}

#[derive(Debug)]
struct Series {
    method: char,
    settings: &'static str,
    sessions: Sessions,
    extensions: &'static str,
}

#[test]
#[ignore = "needs Apache with mod_jk: run tests/run"]
fn each_method_chooses_the_same_members_in_the_same_order() {
    let series: Vec<_> = all().collect();
    let complaints = in_parallel(&series, |series| {
        let [jkd, mod_jk] = [members(series, true), members(series, false)];
        if jkd == mod_jk {
            return String::new();
        }
        let first = jkd
            .chars()
            .zip(mod_jk.chars())
            .take_while(|(a, b)| a == b)
            .count();
        format!("{series:?}, from request {first} on:\njkd    {jkd}\nmod_jk {mod_jk}\n")
    });
    println!("{} requests compared", series.len() * REQUESTS);
    assert!(complaints.is_empty(), "{complaints}");
}

fn all() -> impl Iterator<Item = Series> {
    let plain = ['R', 'S', 'N', 'T', 'B'].into_iter().flat_map(|method| {
        SETTINGS
            .into_iter()
            .map(move |(settings, sessions)| Series {
                method,
                settings,
                sessions,
                extensions: "",
            })
    });
    let ruled = [";stateless=1", ";sticky_ignore=1"]
        .into_iter()
        .flat_map(|extensions| {
            ['R', 'S', 'N'].into_iter().map(move |method| Series {
                method,
                settings: SETTINGS[0].0,
                sessions: Sessions::Mixed,
                extensions,
            })
        });
    plain.chain(ruled)
}

/// The names of the members in the order of the requests that they got.
fn members(series: &Series, jkd: bool) -> String {
    // Written, so that jkd does not ask either: CPings count as traffic.
    let text = format!(
        "== {series:?}\na: ok\nb: ok\nc: ok\n*.connect_timeout=0\nlb.method={}\n{}\nJkMount /* lb{}\n",
        series.method, series.settings, series.extensions
    );
    let case = case::read(&text).pop().expect("a case");
    let cast = Cast::new(&case.servers);
    let server = start(&case, &cast, jkd);
    let mut http = Http::persistent(server.address());
    for number in 0..REQUESTS {
        let mut request = Request::new("GET", "/");
        if let Some(cookie) = series.sessions.of(number) {
            request = request.header("Cookie", cookie);
        }
        let answer = http.send(request);
        assert_eq!(answer.status, 200, "{series:?}, {number}");
    }
    cast.take_record()
        .into_iter()
        .map(|entry| entry.by)
        .collect()
}

fn start(case: &Case, cast: &Cast, jkd: bool) -> Box<dyn Server> {
    let workers = case.workers(cast.addresses());
    if jkd {
        return Box::new(Jkd::start(&workers, &case.jk_conf(), &[]));
    }
    let files = [("workers.properties", &*workers)];
    Box::new(Httpd::start(&files, &case.jk_conf()))
}

impl Sessions {
    fn of(self, number: usize) -> Option<&'static str> {
        let followed = ["JSESSIONID=1.a", "JSESSIONID=2.b", "JSESSIONID=3.c"];
        match (self, number % 3, number % 7) {
            (Self::None, ..) | (Self::Followed, 0, _) | (Self::Mixed, _, 0 | 3) => None,
            (Self::Followed, ..) => Some(followed[number / 3 % 3]),
            (Self::Mixed, third, 1 | 2) => Some(followed[third]),
            (Self::Mixed, _, 4) => Some("JSESSIONID=4"),
            (Self::Mixed, ..) => Some("JSESSIONID=5.nobody"),
        }
    }
}
