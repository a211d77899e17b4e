//! What status workers show, in the forms that programs read: the same names, in the same order, with
//! the same values.

use std::fmt::Write as _;

use jkd_tests::{Cast, Http, Httpd};

use crate::{
    case::{self, Case},
    in_parallel,
    server::Jkd,
    stage::{Server, Stage},
};

/// What jkd does by itself where nothing is said, and what depends on the test's own ports.
const WORKERS: &str = "worker.list=solo,lb,jk-status,x,many\nworker.maintain=30\n\
    worker.jk-status.type=status\n\
    worker.x.type=status\nworker.x.ns=-\nworker.x.xmlns=-\nworker.x.prefix=w\n\
    worker.x.doctype=<!DOCTYPE status>\nworker.x.good=a\nworker.x.bad=d.o,d.i\nworker.x.read_only=1\n\
    worker.lb.type=lb\nworker.lb.balance_workers=a,b\n\
    worker.many.type=lb\nworker.many.balance_workers=c\nworker.many.method=B\nworker.many.lock=P\n\
    worker.many.sticky_session_force=1\nworker.many.retries=3\nworker.many.recover_time=5\n\
    worker.any.connect_timeout=0\nworker.any.prepost_timeout=0\nworker.any.reply_timeout=0\n\
    worker.any.connection_pool_timeout=0\n\
    worker.a.reference=worker.any\nworker.a.host=127.0.0.1\nworker.a.port=9\nworker.a.ping_mode=A\n\
    worker.a.connect_timeout=500\nworker.a.prepost_timeout=700\n\
    worker.b.reference=worker.any\nworker.b.host=localhost\nworker.b.port=10\nworker.b.activation=d\n\
    worker.b.route=x.y\nworker.b.lbfactor=3\nworker.b.redirect=a\nworker.b.recovery_options=7\n\
    worker.b.busy_limit=9\nworker.b.max_packet_size=9000\nworker.b.reply_timeout=3000\n\
    worker.b.connection_ping_interval=33\nworker.b.source=127.0.0.1\nworker.b.prepost_timeout=60\n\
    worker.c.reference=worker.any\nworker.c.host=::1\nworker.c.port=11\n\
    worker.c.connection_pool_timeout=44\nworker.c.retries=5\n\
    worker.solo.reference=worker.any\nworker.solo.host=127.0.0.1\nworker.solo.port=12\n\
    worker.solo.mount=/def/* /def2\n";

const MAP: &str = "/m/*=lb;reply_timeout=7;use_server_errors=500;fail_on_status=-404,503;active=a;\
    disabled=b;sticky_ignore=1;stateless=1\n!/m/no/*=lb\n-/m/dis/*=lb\n!/gone/*=*\n/y=solo\n";

const HTTPD: &str = "ServerName main.example\nJkMount /jk-status jk-status\nJkMount /x x\nJkMount /app/* lb\n\
    JkMount /many/* many\nJkMountFile map\n\
    <VirtualHost *:*>\nServerName one.example:88\nJkMountCopy On\nJkMount /v1 lb\n\
    JkUnMount /app/x lb\n</VirtualHost>\n\
    <VirtualHost *>\nServerName two.example\nJkMount /v2/* lb\n</VirtualHost>\n\
    <VirtualHost *:*>\nServerName three.example\nJkMountCopy On\n</VirtualHost>\n";

#[rustfmt::skip]
const QUERIES: [&str; 36] = [
    "", "&opt=1", "&opt=2", "&opt=3", "&opt=8", "&opt=16", "&opt=24", "&opt=26x", "&opt=4&re=3&from=show",
    "&cmd=list&w=nobody", "&cmd=version", "&cmd=show&w=lb", "&cmd=show&w=lb&sw=b", "&cmd=show&w=lb&opt=8",
    "&cmd=show&w=lb&opt=3", "&cmd=show&w=many", "&cmd=show&w=solo", "&cmd=show&w=solo&opt=26",
    "&cmd=show&w=x", "&cmd=show", "&cmd=show&w=", "&cmd=show&w=lb&sw=", "&cmd=show&w=nobody",
    "&cmd=show&w=nobody&sw=*", "&cmd=show&w=a", "&cmd=show&w=lb&sw=c", "&cmd=show&w=lb&sw=*",
    "&cmd=show&w=lb&sw=%3F", "&cmd=show&w=solo&sw=a", "&cmd=show&w=x&sw=a", "&cmd=LIST", "&cmd=",
    "&cmd=%zz", "&cmd=version&w=%", "&cmd=edit&w=lb&opt=32", "&cmd=reset&opt=32",
];

#[test]
#[ignore = "needs Apache with mod_jk: run tests/run"]
fn status_workers_show_the_same() {
    let jkd = Jkd::start(WORKERS, HTTPD, &[("map", MAP)]);
    let files = [("workers.properties", WORKERS), ("map", MAP)];
    let httpd = Httpd::start(&files, HTTPD);
    let mut report = String::new();
    let mut compared = 0;
    for form in ["prop", "xml", "txt", "nonsense"] {
        for (path, query) in QUERIES.iter().flat_map(|q| [("/jk-status", q), ("/x", q)]) {
            let target = format!("{path}?mime={form}{query}");
            let [ours, theirs] = [jkd.address(), httpd.address].map(|address| {
                let answer = Http::new(address).get(&target);
                let kind = answer.header("content-type").map(str::to_owned);
                (answer.status, kind, masked(&answer.text()))
            });
            compared += 1;
            if ours != theirs {
                let _ = writeln!(report, "{target}\n{}", differing(&ours.2, &theirs.2));
            }
        }
    }
    println!("{compared} pages compared");
    assert!(report.is_empty(), "{report}");
}

/// Cases of requests; what the status worker shows after them is compared.
const COUNTERS: &str = "
== answers
a: ok
b: read
> GET / | Cookie: JSESSIONID=1.a
> POST / | Cookie: JSESSIONID=1.b | body 0
> POST / | Cookie: JSESSIONID=1.b | body 10
> POST / | Cookie: JSESSIONID=1.b | body 8186
> POST / | Cookie: JSESSIONID=1.b | body 20000
> POST / | Cookie: JSESSIONID=1.b | chunked 20000
> 7 x GET /
== refused connects
a: refuse
b: ok
> 3 x GET /
> GET / | Cookie: JSESSIONID=1.a
== nobody is there
a: refuse
b: refuse
> 2 x GET /
== closed after the request
a: close
b: ok
*.recovery_options=0
*.retries=1
> 3 x GET /
== status of failure
a: status 503
b: status 404
a.fail_on_status=503
b.fail_on_status=-404
*.retries=1
> 3 x GET / | Cookie: JSESSIONID=1.b
== a broken packet
a: packet 0363
b: ok
*.retries=1
> 3 x GET / | Cookie: JSESSIONID=1.a
== requests that go on
a: hold
b: ok
a.busy_limit=1
> begin GET / | Cookie: JSESSIONID=1.a
> GET / | Cookie: JSESSIONID=1.a
== too large a request
a: ok
> 2 x GET / | headers 9
> GET /
== by sessions
a: ok
b: ok
lb.method=S
b.lbfactor=3
> 5 x GET /
> 3 x GET / | Cookie: JSESSIONID=1.b
== next
a: ok
b: ok
lb.method=N
b.lbfactor=3
> 5 x GET /
== by traffic
a: ok
b: read
lb.method=T
b.lbfactor=2
> 5 x GET /
> 2 x POST / | body 9000
== by requests in flight
a: ok
b: hold
lb.method=B
> 3 x GET / | Cookie: JSESSIONID=1.a
> begin GET / | Cookie: JSESSIONID=1.b
== late replies
a: silent
b: ok
a.reply_timeout=100
b.reply_timeout=0
*.recovery_options=0
lb.max_reply_timeouts=2
*.retries=1
> 2 x GET / | Cookie: JSESSIONID=1.a
== too late replies
a: silent
b: ok
a.reply_timeout=100
b.reply_timeout=0
*.recovery_options=0
*.retries=1
> GET / | Cookie: JSESSIONID=1.a
== alone
a: ok
list a
> 3 x GET /
> POST / | body 9000
== alone and not there
a: refuse
list a
> 3 x GET /
== alone, closing after the request
a: close
list a
a.recovery_options=3
> GET /
== alone, with statuses of failure
a: status 503
list a
a.fail_on_status=-503
a.retries=1
> 2 x GET /
== alone, with fatal statuses of failure
a: status 503
list a
a.fail_on_status=503
a.retries=1
> 2 x GET /
== alone, with a broken packet
a: packet 0363
list a
a.retries=1
> 2 x GET /
== alone and too late
a: silent
list a
a.reply_timeout=100
a.recovery_options=3
> 2 x GET /
== alone and busy
a: hold
list a
a.busy_limit=1
> begin GET /
> GET /
";

const PAGE: &str = "> GET /jk-status?mime=prop&opt=2";
const QUIET: &str = "*.connect_timeout=0\n*.prepost_timeout=0\n*.connection_pool_timeout=0\n";

#[test]
#[ignore = "needs Apache with mod_jk: run tests/run"]
fn counters_are_the_same() {
    let cases: Vec<_> = COUNTERS.split("\n== ").skip(1).map(whole).collect();
    let report = in_parallel(&cases, |case| {
        let [ours, theirs] = [true, false].map(|ours| masked(&page_after(case, ours)));
        if ours == theirs {
            return String::new();
        }
        format!("== {}\n{}", case.name, differing(&ours, &theirs))
    });
    println!("{} pages compared", cases.len());
    assert!(report.is_empty(), "{report}");
}

fn whole(text: &str) -> Case {
    let (before, steps) = text.split_at(text.find("\n>").expect("a step") + 1);
    let reply = if text.contains("reply_timeout") {
        ""
    } else {
        "*.reply_timeout=0\n"
    };
    let text = format!("== {before}{QUIET}{reply}{steps}\n{PAGE}\n");
    case::read(&text).pop().expect("a case")
}

/// The answer to the last step.
fn page_after(case: &Case, ours: bool) -> String {
    let cast = Cast::new(&case.servers);
    let workers = case.workers(cast.addresses());
    let jk_conf = case.jk_conf();
    let seen = if ours {
        let workers = workers + &case.only_for_jkd();
        Stage::new(&Jkd::start(&workers, &jk_conf, &[]), cast).play(case)
    } else {
        let httpd = Httpd::start(&[("workers.properties", &workers)], &jk_conf);
        Stage::new(&httpd, cast).play(case)
    };
    // The first line is the page; fields of the answer's head follow.
    seen.last()
        .and_then(|page| page.first())
        .expect("a page")
        .clone()
}

/// Without what cannot be the same: times, ports, and who says it.
fn masked(page: &str) -> String {
    let mut page = page.to_owned();
    for name in [
        "address",
        "datetime",
        "error_time_unix_seconds",
        "error_time_unix seconds",
        "error_time_ago",
        "error_time_ago seconds",
        "jk_version",
        "last_reset_ago",
        "last_reset_at",
        "port",
        "time_to_maintenance_max",
        "time_to_maintenance_min",
        "time_to_recover_max",
        "time_to_recover_min",
        "time_unix",
        "unix",
        "web_server",
    ] {
        page = page
            .lines()
            .map(|line| masked_line(line, name) + "\n")
            .collect();
    }
    page
}

fn masked_line(line: &str, name: &str) -> String {
    let key = format!("{name}=");
    let mut pieces = line.split(&*key);
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let is_name = text.is_empty() || text.ends_with(['.', '_', ' ']);
        let quoted = piece
            .strip_prefix('"')
            .map(|rest| rest.find('"').map_or(piece.len(), |end| end + 2));
        let end = quoted.unwrap_or_else(|| {
            let is_text = text.contains(": ");
            if is_text {
                piece.find(' ').unwrap_or(piece.len())
            } else {
                piece.len()
            }
        });
        text += &key;
        // Whether a member recovers at all does not depend on when somebody looks.
        let is_never =
            name.starts_with("time_to_recover") && matches!(&piece[..end], "0" | "\"0\"");
        let is_kept = !is_name || is_never;
        text += if is_kept { &piece[..end] } else { "…" };
        text += &piece[end..];
    }
    text
}

fn differing(ours: &str, theirs: &str) -> String {
    let mut text = String::new();
    let (ours, theirs): (Vec<_>, Vec<_>) = (ours.lines().collect(), theirs.lines().collect());
    for line in 0..ours.len().max(theirs.len()) {
        let (ours, theirs) = (ours.get(line), theirs.get(line));
        if ours != theirs {
            let _ = writeln!(text, "  jkd:    {ours:?}\n  mod_jk: {theirs:?}");
        }
    }
    text
}
