//! `worker;extension=…`: what is different for the requests of one rule.

use jkd_tests::{Answer, Backend, Request};

use crate::{
    echo,
    harness::{Daemon, balancer},
};

/// A balancer `lb` of a and b, and its member a mounted by itself.
fn daemon(lines: &str, conf: &str) -> Daemon {
    let backends: [Backend; 2] = ["a", "b"].map(echo::backend);
    let lines = format!("worker.list=a\n{lines}");
    let workers = balancer(&backends.map(|b| b.address), &lines);
    Daemon::configured(&workers, conf)
}

/// Who answers a few requests in a row.
fn who(daemon: &Daemon, path: &str, cookie: &str) -> String {
    let ask = |_| {
        let request = Request::new("GET", path).header("Cookie", cookie);
        daemon.http().send(request).fact("backend")
    };
    (0..4).map(ask).collect()
}

fn cookies(answer: &Answer) -> Vec<&str> {
    let cookies = answer.headers.iter().filter(|(n, _)| n == "set-cookie");
    cookies.map(|(_, value)| value.as_str()).collect()
}

#[test]
fn sessions_are_read_as_the_rule_says() {
    let daemon = daemon(
        "",
        "JkMount /plain/* lb\n\
         JkMount /ignore/* lb;sticky_ignore=1\n\
         JkMount /names/* lb;session_cookie=FOO;session_path=;bar\n\
         JkMount /empty/* lb;session_cookie=;session_path=\n",
    );
    assert_eq!(who(&daemon, "/plain/", "JSESSIONID=1.b"), "bbbb");
    assert_eq!(who(&daemon, "/empty/;jsessionid=1.b", ""), "bbbb");
    assert_eq!(who(&daemon, "/empty/", "JSESSIONID=1.b"), "bbbb");
    let ignored = who(&daemon, "/ignore/;jsessionid=1.b", "JSESSIONID=1.b");
    assert_ne!(ignored, "bbbb");
    assert_eq!(who(&daemon, "/names/", "FOO=1.b"), "bbbb");
    assert_eq!(who(&daemon, "/names/x;bar=1.a", ""), "aaaa");
    // The semicolon is not a part of what is looked for.
    assert_eq!(who(&daemon, "/names/xbar=1.a", ""), "aaaa");
    let others = who(&daemon, "/names/;jsessionid=1.b", "JSESSIONID=1.b");
    assert_ne!(others, "bbbb");
}

#[test]
fn the_session_cookie_is_set_under_the_workers_name() {
    let daemon = daemon(
        "worker.lb.session_cookie=OWN",
        "JkMount /off/* lb;set_session_cookie=0\n\
         JkMount /on/* lb;set_session_cookie=1;session_cookie=FOO;session_cookie_path=/p\n",
    );
    let answer = daemon.http().get("/on/");
    let route = answer.fact("@route");
    let expected = format!("OWN=.{route};PATH=/;HttpOnly");
    assert_eq!(cookies(&answer), ["of=backend", &expected]);
    assert_eq!(cookies(&daemon.http().get("/off/")), ["of=backend"]);
    let request = Request::new("GET", "/on/").header("Cookie", "FOO=1.b");
    assert_eq!(cookies(&daemon.http().send(request)), ["of=backend"]);
}

#[test]
fn a_rule_cannot_switch_the_session_cookie_off() {
    let daemon = daemon(
        "worker.lb.set_session_cookie=1",
        "JkMount /* lb;set_session_cookie=0\n",
    );
    assert_eq!(cookies(&daemon.http().get("/")).len(), 2);
}

#[test]
fn activations_count_for_the_rule_alone() {
    let daemon = daemon(
        "",
        "JkMount /plain/* lb\nJkMount /stopped/* lb;stopped=b\nJkMount /disabled/* lb;disabled=a\n",
    );
    assert_eq!(who(&daemon, "/stopped/", ""), "aaaa");
    assert_eq!(who(&daemon, "/stopped/", "JSESSIONID=1.b"), "aaaa");
    assert_eq!(who(&daemon, "/disabled/", ""), "bbbb");
    assert_eq!(who(&daemon, "/disabled/", "JSESSIONID=1.a"), "aaaa");
    let request = Request::new("GET", "/disabled/").header("Cookie", "JSESSIONID=1.a");
    let answer = daemon.http().send(request);
    assert_eq!(answer.fact("@JK_LB_ACTIVATION"), "DIS");
    assert_eq!(who(&daemon, "/plain/", "JSESSIONID=1.b"), "bbbb");
}

#[test]
fn stateless_requests_take_turns() {
    let daemon = daemon(
        "worker.b.lbfactor=9",
        "JkMount /plain/* lb\nJkMount /turns/* lb;stateless=1\n",
    );
    let turns = who(&daemon, "/turns/", "");
    assert!(turns == "abab" || turns == "baba", "{turns}");
    // The loads have grown all the same: a has had far more than its share.
    assert_eq!(who(&daemon, "/plain/", ""), "bbbb");
}

#[test]
fn a_reply_timeout_replaces_the_workers() {
    let daemon = daemon(
        "worker.a.reply_timeout=150",
        "JkMount /own/* a\n\
         JkMount /longer/* a;reply_timeout=60000\n\
         JkMount /off/* a;reply_timeout=0\n\
         JkMount /negative/* a;reply_timeout=-1\n",
    );
    for (path, status) in [
        ("/own/?wait=600", 504),
        ("/longer/?wait=600", 200),
        ("/off/?wait=600", 200),
        ("/negative/?wait=600", 504),
    ] {
        assert_eq!(daemon.http().get(path).status, status, "{path}");
    }
}

#[test]
fn a_list_of_statuses_replaces_the_workers() {
    let daemon = daemon(
        "worker.a.fail_on_status=404\nworker.b.fail_on_status=404",
        "JkMount /own/* lb\nJkMount /rule/* lb;fail_on_status=-418\nJkMount /empty/* lb;fail_on_status=\n",
    );
    for (path, status) in [
        ("/rule/?status=404", 404),
        ("/rule/?status=418", 503),
        ("/own/?status=418", 418),
        ("/own/?status=404", 503),
    ] {
        assert_eq!(daemon.http().get(path).status, status, "{path}");
    }
    assert_eq!(
        [0, 1].map(|member| daemon.state("lb", member)),
        ["ERR", "ERR"]
    );
}

#[test]
fn errors_give_way_to_pages_of_our_own() {
    let daemon = daemon(
        "",
        "JkMount /* a;use_server_errors=400;set_session_cookie=1\n",
    );
    let mut http = daemon.http();
    assert_eq!(http.get("/?status=399").header("x-backend"), Some("1"));
    for (status, shown) in [(404, 404), (503, 503), (418, 500), (599, 500)] {
        let answer = http.get(&format!("/?status={status}&body=20000"));
        assert_eq!(answer.status, shown);
        assert!(
            answer.text().starts_with("<!DOCTYPE html>"),
            "{}",
            answer.text()
        );
        for gone in ["x-backend", "set-cookie", "www-authenticate"] {
            assert_eq!(answer.header(gone), None, "{status}");
        }
    }
    let answer = http.get("/?status=401");
    let challenges = answer
        .headers
        .iter()
        .filter(|(n, _)| n == "www-authenticate");
    let challenges: Vec<_> = challenges.map(|(_, value)| value.as_str()).collect();
    assert_eq!(challenges, ["Basic realm=a", "Digest realm=b"]);
    // Each connection was read to its end, and used again: there is one for each of the two lanes
    // at most, and which of them a client comes to is chance.
    let pool = daemon.pool_stats("a", 0);
    assert_eq!((pool.opened + pool.reused, pool.closed.total()), (6, 0));
    assert!(pool.opened <= 2, "{pool:?}");
}

#[test]
fn a_replaced_answer_that_does_not_end_holds_nobody_up() {
    let backend = Backend::start(|exchange| {
        exchange.headers(500, &[])?;
        exchange.chunk(b"begun")?;
        exchange.wait_for_close()
    });
    let port = backend.address.port();
    let daemon = Daemon::configured(
        &format!("worker.list=w\nworker.w.port={port}\n"),
        "JkMount /* w;use_server_errors=500\n",
    );
    let answer = daemon.http().get("/");
    assert_eq!(answer.status, 500);
    assert!(answer.text().starts_with("<!DOCTYPE html>"));
    let totals = daemon.view("w").members[0].totals;
    assert_eq!(totals.client_errors, 0, "it was not the client who left");
}
