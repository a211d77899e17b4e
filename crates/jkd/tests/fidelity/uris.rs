//! The URI map: which worker gets which URI, and how the URI reaches it.

use std::{collections::BTreeSet, fmt::Write as _};

use jkd_tests::{Cast, Http, Httpd, Request};
use parking_lot::Mutex;

use crate::{chance::Chance, in_parallel, server::Jkd, stage::Server};

/// Mounts, in httpd's syntax, and URIs that try their edges.
struct Map {
    name: &'static str,
    httpd: &'static str,
    /// A uriworkermap file.
    file: &'static str,
    uris: &'static [&'static str],
}

#[rustfmt::skip]
const MAPS: [Map; 12] = [
    Map {
        name: "exact, wildcards, exclusions",
        httpd: "JkMount /app w0\nJkMount /app/* w1\nJkMount /app/*.jsp w2\nJkMount /app/admin/* w3\n\
                JkMount /*.do w4\nJkUnMount /app/static/* w1\nJkUnMount /*.gif *\n\
                JkUnMount /app/admin/x w1\n",
        file: "",
        uris: &[
            "/app", "/app/", "/app/x.jsp", "/app/x/y.jsp", "/app/x.jsp/z", "/app.jsp", "/appx",
            "/APP/x", "/app/admin/x", "/app/admin/x.jsp", "/app/admin", "/app/static/a",
            "/app/static/a.jsp", "/app/static", "/app/foo.gif", "/foo.gif", "/x.do", "/a/b/c.do",
            "/app/x.do", "/x.do?y=1", "/app;jsessionid=1.n1", "/app;jsessionid=1.n1/x",
            "/app/x.jsp;jsessionid=A.n1", "/app/;x/foo", "//app/x", "/app//x", "/app/./x",
            "/other/../app/x", "/app/..;/admin/y", "/app/%2e%2e/x.do", "/%61pp/x",
            "/app/%2E%2E/%2E%2E/etc", "/app/..;/..;/etc", "/app%3bjsessionid=1/x", "/app/%3Bfoo/x",
            "/app%2Fx", "/app/admin%2fy", "/app/%252e%252e/x", "/app/x%00", "/app/..", "/app/.",
            "/app/x/..", "/..", "/.", "/", "/app/x?a=/../b", "/app/x.gif;y", "/app/x.gif/",
        ],
    },
    Map {
        name: "two rules in one",
        httpd: "JkMount /ctx|/* w1\nJkUnMount /ctx/static|/* w1\nJkMount /p|/a|/b w2\n",
        file: "",
        uris: &[
            "/ctx", "/ctx/", "/ctx/a", "/ctxa", "/ctx/static", "/ctx/static/", "/ctx/static/a",
            "/ctx/staticx", "/p", "/p/a", "/p/a%7C/b", "/p/a|/b",
        ],
    },
    Map {
        name: "question marks and stars in the middle",
        httpd: "JkMount /a?c w1\nJkMount /x/??.html w2\nJkMount /y/*/z w3\nJkMount /q*r w4\n",
        file: "",
        uris: &[
            "/abc", "/a/c", "/ac", "/abbc", "/x/ab.html", "/x/a/.html", "/x/abc.html", "/y/z",
            "/y//z", "/y/1/z", "/y/1/2/z", "/qr", "/q/a/b/r", "/a%3Fc", "/q%2a%2ar", "/a%c3%a9c",
        ],
    },
    Map {
        name: "the root and all",
        httpd: "JkMount / w1\nJkMount /* w2\n",
        file: "",
        uris: &["/", "/x", "//", "/;x", "/./", "/x/.."],
    },
    Map {
        name: "all but the root",
        httpd: "JkMount /* w1\nJkUnMount / w1\n",
        file: "",
        uris: &["/x", "/x/"],
    },
    Map {
        name: "a uriworkermap file beside JkMount",
        httpd: "JkMount /m/same wjk\nJkMount /m/dis/* wjk\nJkMount /m/pipe/no/jk wjk\n\
                JkMountFile uriworkermap.properties\n",
        file: "/m/ws = w1   # trailing\n/m/pipe|/*=w2\n!/m/pipe/no|/*=w2\n/m/star/*=w4\n\
               !/*.gif=*\n-/m/dis/*=w5\n-!/m/star/keep/*=w4\n/m/dup=w1\n/m/dup=w2\n/m/same=wmap\n\
               /m/?/q=w5\n",
        uris: &[
            "/m/ws", "/m/pipe", "/m/pipe/x", "/m/pipe/no", "/m/pipe/no/x", "/m/pipe/no/jk",
            "/m/star/x.gif", "/m/star/keep/x", "/m/dis/x", "/m/dup", "/m/same", "/m/x/q", "/m/xx/q",
            "/m///q",
        ],
    },
    Map {
        name: "order",
        httpd: "JkMount /s/a* w1\nJkMount /s/ab w2\nJkMount /s/*bcd w3\nJkMount /s/*/t/* w4\n\
                JkMount /s/x/* w5\n",
        file: "",
        uris: &["/s/ab", "/s/abcd", "/s/abc", "/s/x/t/1", "/s/x/bcd", "/s/y/bcd", "/s/"],
    },
    Map {
        name: "unsafe URIs are refused",
        httpd: "JkOptions +RejectUnsafeURI\nJkMount /* w1\n",
        file: "",
        uris: &["/ok", "/a%25b", "/a%5cb", "/a%5Cb", "/a\\b", "/a%20b"],
    },
    Map {
        name: "no-jk",
        httpd: "SetEnvIf Request_URI ^/nojk no-jk\nJkMount /* w1\n",
        file: "",
        uris: &["/nojk/a", "/yes", "/nojk", "/x/nojk", "/%6eojk"],
    },
    Map {
        name: "mounts of a location",
        httpd: "<Location /loc>\nJkMount w1\n</Location>\n<Location /wild/*>\nJkMount w2\n</Location>\n",
        file: "",
        uris: &["/loc", "/loc/", "/loc/x", "/wild/x", "/wild"],
    },
    Map {
        name: "case, and exclusions below",
        httpd: "JkMount /A w1\nJkMount /a w2\nJkMount /w/* w3\nJkUnMount /w/*/deny/* w3\n\
                JkMount /w/ok/deny/x w4\n",
        file: "",
        uris: &["/A", "/a", "/w/x", "/w/ok/deny/y", "/w/deny/y", "/w/ok/deny/x", "/w//deny/y"],
    },
    Map {
        name: "virtual hosts",
        httpd: "JkMount /glob/* w0\n<VirtualHost *>\nServerName h\n</VirtualHost>\n\
                <VirtualHost *>\nServerName i\nJkMountCopy On\n</VirtualHost>\n\
                <VirtualHost *>\nServerName j\nJkMountCopy On\nJkMount /own w6\nJkMount /glob/* w5\n\
                </VirtualHost>\n",
        file: "",
        uris: &[
            "http://h/glob/x", "http://h/defm", "http://i/glob/x", "http://i/defm",
            "http://i/defm2/a", "http://i/defm2/no/a", "http://i/pipe|/x", "http://i/pipe",
            "http://i/pipe/x", "http://j/glob/x", "http://j/own", "http://j/defm",
            "http://nobody/glob/x", "/glob/x",
        ],
    },
];

const WORKERS: [&str; 10] = [
    "w0", "w1", "w2", "w3", "w4", "w5", "w6", "wjk", "wmap", "wdef",
];

const OPTIONS: [&str; 4] = [
    "ForwardURIProxy",
    "ForwardURICompat",
    "ForwardURICompatUnparsed",
    "ForwardURIEscaped",
];

/// Why jkd refuses what mod_jk forwards: the row of `docs/differences.md`, and the URIs that it is
/// about, given the option for the forwarded form and that for encoded slashes.
struct Refusal {
    row: &'static str,
    concerns: fn(path: &str, form: &str, slashes: &str) -> bool,
}

const REFUSALS: [Refusal; 6] = [
    Refusal {
        row: "`%00` in a path",
        concerns: |path, _, _| path.contains("%00"),
    },
    Refusal {
        row: "`\\` or `%5C` outside of path parameters",
        concerns: |path, _, _| path.contains("%5c") || path.contains('\\'),
    },
    Refusal {
        row: "`%2F`, where `AllowEncodedSlashes` lets it in",
        concerns: |path, form, slashes| {
            let forms = match slashes {
                "NoDecode" => &["ForwardURICompatUnparsed", "ForwardURICompat"][..],
                _ => &["ForwardURICompatUnparsed"],
            };
            path.contains("%2f") && forms.contains(&form)
        },
    },
    Refusal {
        row: "`%3B`",
        concerns: |path, form, _| path.contains("%3b") && form == "ForwardURICompatUnparsed",
    },
    Refusal {
        row: "`%25` before two hexadecimal digits",
        concerns: |path, form, _| path.contains("%252e") && form == "ForwardURICompat",
    },
    Refusal {
        row: "A dot segment at the end: `/a/b/..`",
        concerns: |path, form, _| {
            let last = path.replace("%2e", ".");
            let last = last.rsplit('/').next().unwrap_or_default();
            let (segment, parameter) = last
                .split_once(';')
                .map_or((last, false), |(s, _)| (s, true));
            matches!(segment, "." | "..") && (parameter || form == "ForwardURICompatUnparsed")
        },
    },
];

/// One configuration and the URIs for it.
struct Trial {
    name: String,
    form: &'static str,
    slashes: &'static str,
    httpd: String,
    file: &'static str,
    uris: Vec<String>,
}

#[test]
#[ignore = "needs Apache with mod_jk: run tests/run"]
fn each_uri_goes_to_the_same_worker_in_the_same_form() {
    let trials: Vec<_> = maps().chain(forms()).collect();
    let used = Mutex::new(BTreeSet::new());
    let complaints = in_parallel(&trials, |trial| {
        let [jkd, mod_jk] = [seen(trial, true), seen(trial, false)];
        let mut report = String::new();
        for (uri, (jkd, mod_jk)) in trial.uris.iter().zip(jkd.into_iter().zip(mod_jk)) {
            let why = trial.refusal(uri).filter(|_| jkd == "400");
            match why {
                _ if jkd == mod_jk => {}
                Some(refusal) => drop(used.lock().insert(refusal.row)),
                None => {
                    let name = &trial.name;
                    let _ = writeln!(report, "{name}: {uri}\n  jkd    {jkd}\n  mod_jk {mod_jk}");
                }
            }
        }
        report
    });
    let requests: usize = trials.iter().map(|trial| trial.uris.len()).sum();
    println!("{requests} requests compared");
    assert!(complaints.is_empty(), "{complaints}");
    let known: BTreeSet<_> = REFUSALS.iter().map(|refusal| refusal.row).collect();
    assert_eq!(
        used.into_inner(),
        known,
        "refusals that occur, and those that are known"
    );
}

#[test]
fn each_refusal_has_a_row_in_the_documentation() {
    let rows = include_str!("../../../../docs/differences.md");
    for Refusal { row, .. } in REFUSALS {
        assert!(rows.contains(&format!("| {row} |")), "no row {row:?}");
    }
}

impl Trial {
    fn refusal(&self, uri: &str) -> Option<&'static Refusal> {
        let path = uri
            .split('?')
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase();
        let concerns = |refusal: &&Refusal| (refusal.concerns)(&path, self.form, self.slashes);
        REFUSALS.iter().find(concerns)
    }
}

/// Every map with its own URIs, and some that chance has made.
fn maps() -> impl Iterator<Item = Trial> {
    MAPS.iter().zip(1..).flat_map(|(map, seed)| {
        ["On", "Off"].map(|merge| {
            let own = map.uris.iter().map(|uri| (*uri).to_owned());
            let mut chance = Chance(seed);
            let words: Vec<_> = map.uris.iter().flat_map(|uri| uri.split('/')).collect();
            Trial {
                name: format!("{}, MergeSlashes {merge}", map.name),
                form: "ForwardURIProxy",
                slashes: "Off",
                httpd: format!("MergeSlashes {merge}\n{}", map.httpd),
                file: map.file,
                uris: own
                    .chain((0..25).map(|_| made_up(&mut chance, &words)))
                    .collect(),
            }
        })
    })
}

/// All at one worker, under each option for the forwarded form.
fn forms() -> impl Iterator<Item = Trial> {
    OPTIONS.into_iter().zip(100..).flat_map(|(option, seed)| {
        ["Off", "On", "NoDecode"].map(|slashes| {
            let mut chance = Chance(seed);
            Trial {
                name: format!("{option}, AllowEncodedSlashes {slashes}"),
                form: option,
                slashes,
                httpd: format!(
                    "JkOptions +{option}\nAllowEncodedSlashes {slashes}\nJkMount /* w1\nJkMount /app/* w2\n"
                ),
                file: "",
                uris: (0..50).map(|_| made_up(&mut chance, &[])).collect(),
            }
        })
    })
}

/// The status, and who got what.
fn seen(trial: &Trial, jkd: bool) -> Vec<String> {
    let servers = WORKERS.map(|name| (name.to_owned(), "ok".to_owned()));
    let cast = Cast::new(&servers);
    let mut workers = format!("worker.list={}\n", WORKERS.join(","));
    for (name, address) in cast.addresses() {
        let _ = writeln!(
            workers,
            "worker.{name}.host=127.0.0.1\nworker.{name}.port={}",
            address.port()
        );
    }
    workers += "worker.wdef.mount=/defm /defm2/* /pipe|/x !/defm2/no/*\n";
    let mut files = vec![("workers.properties", &*workers)];
    if !trial.file.is_empty() {
        files.push(("uriworkermap.properties", trial.file));
    }
    let server: Box<dyn Server> = if jkd {
        Box::new(Jkd::start(&workers, &trial.httpd, &files[1..]))
    } else {
        Box::new(Httpd::start(&files, &trial.httpd))
    };
    let ask = |uri: &String| {
        let answer = Http::new(server.address()).send_anyhow(Request::new("GET", uri));
        let status = answer.map_or(0, |answer| answer.status).to_string();
        let heard = cast.take_record();
        let heard = heard
            .iter()
            .map(|e| format!(" {} {}", e.by, e.request.target()));
        status + &heard.collect::<String>()
    };
    trial.uris.iter().map(ask).collect()
}

/// URIs are made from words that matter.
#[rustfmt::skip]
const WORDS: [&str; 38] = [
    "app", "admin", "static", "x", "y.jsp", "c.do", "d.gif", ".", "..", "", "..;", "..;a=b", ";x",
    "app;jsessionid=1.n", "%2e%2e", "%2E", "%61pp", "a%20b", "%25", "a%5cb", "%3b", "a%2Fb", "a%2fb",
    "caf%C3%A9", "a[b]", "~u", "%7Eu", "a+b", "a,b", "a:b@c", "%3Fq", "%23", "a%252e", "(a)'!*$&=",
    "%2e%2e;", "a%7Cb", "a%22b", "...",
];

fn made_up(chance: &mut Chance, more: &[&str]) -> String {
    let segments = 1 + chance.below(5);
    let mut uri = String::new();
    for _ in 0..segments {
        let at = chance.below(WORDS.len() + 2 * more.len());
        let word = WORDS.get(at).or_else(|| more.get((at - WORDS.len()) / 2));
        let word = word
            .expect("a word")
            .split(['?', ':'])
            .next()
            .unwrap_or_default();
        let _ = write!(uri, "/{word}");
    }
    if chance.below(8) == 0 {
        uri += "?q=/../%2e;x";
    }
    uri
}
