//! Two real Tomcats that replicate their sessions, behind the real binary.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may fail anywhere"
)]

use std::{
    fmt::Write as _,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    thread,
    time::{Duration, SystemTime},
};

use jkd_tests::{Answer, Cluster, Http, Jkd, LONG, Tomcat, Until, wait_until, within};

const BINARY: &str = env!("CARGO_BIN_EXE_jkd");

/// Settings that make the tests quick; all else is as in any operator's file.
const BALANCER: &str = "\
worker.list=lb
worker.maintain=1
worker.lb.type=lb
worker.lb.balance_workers=tomcat1,tomcat2
worker.lb.recover_time=1
";

/// The balancer over both nodes; `more` is added to each of them.
fn workers(cluster: &Cluster, more: &str) -> String {
    let mut text = BALANCER.to_owned();
    for node in &cluster.nodes {
        let (name, address) = (&node.route, node.address());
        let _ = write!(
            text,
            "worker.{name}.type=ajp13\nworker.{name}.host=127.0.0.1\nworker.{name}.port={}\n\
             worker.{name}.secret={}\n",
            address.port(),
            Cluster::SECRET
        );
        for setting in more.lines() {
            let _ = writeln!(text, "worker.{name}.{setting}");
        }
    }
    text
}

/// One user of the web application: a cookie jar, and what the counter must say next.
struct User {
    http: Http,
    count: u32,
}

impl User {
    fn new(jkd: &Jkd) -> Self {
        Self {
            http: jkd.http(),
            count: 0,
        }
    }

    /// A click on the counter that must go on where it was.
    #[track_caller]
    fn click(&mut self) -> Answer {
        let answer = self.http.get("/counter.jsp");
        assert_eq!(answer.status, 200, "{}", answer.text());
        self.count += 1;
        assert_eq!(
            answer.fact("count"),
            self.count.to_string(),
            "{}",
            answer.text()
        );
        answer
    }

    #[track_caller]
    fn click_served_by(&mut self, node: &str) -> Answer {
        let answer = self.click();
        assert_eq!(answer.fact("node"), node, "{}", answer.text());
        answer
    }

    fn session(&self) -> &str {
        &self.http.cookies["JSESSIONID"]
    }
}

/// Waits until `node` is given new sessions, which shows that it takes part again.
fn wait_until_in_use(jkd: &Jkd, node: &str) {
    wait_until(&format!("{node} to be used for new sessions"), || {
        let answer = jkd.http().get("/counter.jsp");
        answer.status == 200 && answer.fact("node") == node
    });
}

/// tomcat2 alone, a session on it; tomcat1 joins and the session stays; tomcat2 goes by `end` and
/// the session goes on at tomcat1; tomcat2 comes `back` and control returns to it.
fn follow_a_session(settings: &str, end: fn(&mut Cluster), back: fn(&mut Cluster), intact: bool) {
    let mut cluster = Cluster::new(&[]);
    cluster.nodes[1].start();
    let jkd = Jkd::serving(BINARY, &workers(&cluster, settings), &["/*=lb"]);
    let mut user = User::new(&jkd);
    user.click_served_by("tomcat2");
    let session = user.session().to_owned();
    assert!(session.ends_with(".tomcat2"), "{session}");

    cluster.nodes[0].start();
    wait_until_in_use(&jkd, "tomcat1");
    user.click_served_by("tomcat2");
    user.click_served_by("tomcat2");

    end(&mut cluster);
    user.click_served_by("tomcat1");
    user.click_served_by("tomcat1");
    assert_eq!(user.session(), session, "its id still names tomcat2");

    back(&mut cluster);
    wait_until_in_use(&jkd, "tomcat2");
    let answer = user.http.get("/counter.jsp");
    assert_eq!(answer.fact("node"), "tomcat2", "control returns");
    assert_eq!(answer.fact("new"), "false", "{}", answer.text());
    assert_eq!(user.session(), session);
    if intact {
        assert_eq!(answer.fact("count"), (user.count + 1).to_string());
    }
    assert_eq!(jkd.terminate(), 0, "{}", jkd.log());
}

#[test]
#[ignore = "needs real Tomcats: run tests/run cluster"]
fn a_session_survives_a_regular_stop_and_returns() {
    follow_a_session("", |c| c.nodes[1].stop(), |c| c.nodes[1].start(), true);
}

#[test]
#[ignore = "needs real Tomcats: run tests/run cluster"]
fn a_session_survives_kill_9_and_returns() {
    follow_a_session("", |c| c.nodes[1].kill(), |c| c.nodes[1].start(), true);
}

/// A frozen Tomcat accepts connections and says nothing: a CPing finds that out. What the others
/// replicated while it was frozen is lost to it, as Tomcat's replication has it, so its counter
/// may be behind; the session itself is still there.
#[test]
#[ignore = "needs real Tomcats: run tests/run cluster"]
fn a_session_survives_sigstop_and_returns() {
    let settings = "ping_mode=A\nping_timeout=1000";
    follow_a_session(
        settings,
        |c| c.nodes[1].freeze(),
        |c| c.nodes[1].thaw(),
        false,
    );
}

/// Without any timeout in the file: what an operator's old file has.
#[test]
#[ignore = "needs real Tomcats: run tests/run cluster"]
fn a_frozen_tomcat_costs_a_second_without_any_setting() {
    let mut cluster = Cluster::new(&[("node.jsp", NODE_JSP)]);
    cluster.start_all();
    let jkd = Jkd::serving(BINARY, &workers(&cluster, ""), &["/*=lb"]);
    let node = || {
        let answer = jkd.http().get("/node.jsp");
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.fact("node")
    };
    for wanted in ["tomcat1", "tomcat2"] {
        wait_until(wanted, || node() == wanted);
    }
    // It has a connection that was in use a moment ago, which is trusted: the request itself has to
    // notice that nobody answers.
    cluster.nodes[1].freeze();
    let start = SystemTime::now();
    for _ in 0..4 {
        assert_eq!(node(), "tomcat1", "{}", jkd.log());
    }
    let took = start.elapsed().unwrap();
    cluster.nodes[1].thaw();
    assert!(took < Duration::from_secs(5), "{took:?}\n{}", jkd.log());
}

const NODE_JSP: &str = r#"<%@page session="false" contentType="text/plain" trimDirectiveWhitespaces="true"%>
<% out.println("node=" + System.getProperty("node")); %>"#;

#[test]
#[ignore = "needs real Tomcats: run tests/run cluster"]
fn requests_without_a_session_are_spread_by_lbfactor_exactly() {
    let mut cluster = Cluster::new(&[("node.jsp", NODE_JSP)]);
    cluster.start_all();
    let settings = format!(
        "{}worker.tomcat1.lbfactor=3\nworker.tomcat2.lbfactor=2\n",
        workers(&cluster, "").replace("worker.maintain=1\n", "")
    );
    let jkd = Jkd::serving(BINARY, &settings, &["/*=lb"]);
    let mut http = Http::persistent(jkd.address);
    for round in 0..20 {
        let mut served = [0; 2];
        for _ in 0..5 {
            let answer = http.get("/node.jsp");
            match answer.fact("node").as_str() {
                "tomcat1" => served[0] += 1,
                _ => served[1] += 1,
            }
        }
        assert_eq!(served, [3, 2], "round {round}");
    }
}

/// Killed under load and started again: no request fails, and it has its share as soon as it answers,
/// long before its rest would be over.
#[test]
#[ignore = "needs real Tomcats: run tests/run cluster"]
fn a_killed_tomcat_costs_nothing_and_has_traffic_as_soon_as_it_is_back() {
    let mut cluster = Cluster::new(&[("node.jsp", NODE_JSP)]);
    cluster.start_all();
    let workers = workers(&cluster, "").replace("recover_time=1\n", "recover_time=3600\n");
    let jkd = Jkd::serving(BINARY, &workers, &["/*=lb"]);
    let served = [AtomicUsize::new(0), AtomicUsize::new(0)];
    let over = AtomicBool::new(false);
    let load = || {
        let mut http = Http::persistent(jkd.address);
        while !over.load(SeqCst) {
            let answer = http.get("/node.jsp");
            assert_eq!(answer.status, 200, "{}\n{}", answer.text(), jkd.log());
            served[usize::from(answer.fact("node") == "tomcat2")].fetch_add(1, SeqCst);
        }
    };
    let count = |node: usize| served[node].load(SeqCst);
    let more_of = |node: usize| {
        let before = count(node);
        wait_until("requests are served", || {
            over.load(SeqCst) || count(node) >= before + 50
        });
    };
    thread::scope(|scope| {
        let end = Until(&over);
        let clients: Vec<_> = (0..4).map(|_| scope.spawn(load)).collect();
        (0..2).for_each(more_of);
        cluster.nodes[1].kill();
        let before = count(1);
        more_of(0);
        assert!(count(1) <= before + 4, "nothing but what was under way");
        cluster.nodes[1].start();
        let back = SystemTime::now();
        wait_until("traffic", || count(1) > before + 4);
        let took = back.elapsed().unwrap();
        more_of(1);
        drop(end);
        for client in clients {
            client.join().unwrap();
        }
        assert!(took < Duration::from_secs(5), "{took:?}\n{}", jkd.log());
    });
    jkd.wait_for_log("member works again: a CPing was answered");
    assert_eq!(jkd.terminate(), 0, "{}", jkd.log());
}

/// Everybody is down: an answer at once, and service again when one is back.
#[test]
#[ignore = "needs real Tomcats: run tests/run cluster"]
fn an_outage_of_all_is_answered_and_ends() {
    let mut cluster = Cluster::new(&[]);
    let jkd = Jkd::serving(BINARY, &workers(&cluster, ""), &["/*=lb"]);
    assert_eq!(jkd.http().get("/counter.jsp").status, 503);
    cluster.nodes[0].start();
    within(LONG, "service after an outage", || {
        (jkd.http().get("/counter.jsp").status == 200).then_some(())
    });
}

#[test]
#[ignore = "needs a real Tomcat: run tests/run cluster"]
fn the_commands_speak_to_a_real_tomcat() {
    let mut cluster = Cluster::new(&[("node.jsp", NODE_JSP)]);
    cluster.nodes[0].start();
    let address = cluster.nodes[0].address().to_string();
    let url = format!("ajp://{address}/node.jsp");
    let jkd = Jkd::builder(BINARY).file("secret", Cluster::SECRET);
    let run = |arguments: &[&str]| {
        let output = jkd.run(arguments).unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (
            output.status.code().unwrap(),
            text(output.stdout),
            text(output.stderr),
        )
    };
    let (status, out, _) = run(&["ajp", "ping", &address]);
    assert_eq!((status, out.starts_with("CPong from")), (0, true), "{out}");
    let (status, out, err) = run(&["ajp", "get", "-i", "-v", "--secret-file", "secret", &url]);
    assert_eq!(status, 0, "{err}");
    assert!(
        out.starts_with("200 ") && out.contains("node=tomcat1"),
        "{out}"
    );
    assert!(
        err.contains("FORWARD_REQUEST") && !err.contains(Cluster::SECRET),
        "{err}"
    );
    // Without the secret Tomcat refuses, and the likely cause is named.
    let (status, out, err) = run(&["ajp", "get", "-i", "--fail", &url]);
    assert_eq!(status, 1, "{out}");
    assert!(
        out.starts_with("403 ") && err.contains("secret"),
        "{out}\n{err}"
    );
}

/// The two slips with Tomcat's secret that everybody makes once.
#[test]
#[ignore = "needs real Tomcats: run tests/run cluster"]
fn a_missing_secret_is_named_as_the_likely_cause() {
    // Without a secret and without secretRequired="false" a connector takes connections only.
    let tomcat = Tomcat::builder("good")
        .connector("secret=\"right\"")
        .connector("")
        .file("node.jsp", "good")
        .start();
    let (good, mute) = (tomcat.ajp[0].port(), tomcat.ajp[1].port());
    let jkd = Jkd::serving(
        BINARY,
        &format!(
            "worker.list=lb,wrong\nworker.lb.type=lb\nworker.lb.balance_workers=mute,good\n\
             worker.mute.host=127.0.0.1\nworker.mute.port={mute}\n\
             worker.good.host=127.0.0.1\nworker.good.port={good}\nworker.good.secret=right\n\
             worker.wrong.host=127.0.0.1\nworker.wrong.port={good}\n"
        ),
        &["/*=lb", "/wrong/*=wrong"],
    );
    let begin = SystemTime::now();
    assert_eq!(jkd.http().get("/node.jsp;jsessionid=1.mute").status, 200);
    assert!(begin.elapsed().unwrap() >= Duration::from_millis(900));
    jkd.wait_for_log("neither secret nor secretRequired");
    assert_eq!(jkd.http().get("/wrong/x").status, 403);
    jkd.wait_for_log("does the secret equal the connector's");
}
