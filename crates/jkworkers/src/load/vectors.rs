//! Which worker serves which target: a table of what mod_jk does, asked through whole
//! configurations.

use super::memory::Memory;
use crate::{
    model::Model,
    uri_map::{
        normalise,
        oracle::{self, Plain},
    },
};

const WORKERS: &str = "worker.list=w0,w1,w2,w3,w4,w5,w6,wjk,wmap,wdef\n";

const A: &str = "
JkMount /app w0
JkMount /app/* w1
JkMount /app/*.jsp w2
JkMount /app/admin/* w3
JkMount /*.do w4
JkUnMount /app/static/* w1
JkUnMount /*.gif *
JkUnMount /app/admin/x w1
";
const B: &str = "
JkMount /ctx|/* w1
JkUnMount /ctx/static|/* w1
JkMount /p|/a|/b w2
";
const C: &str = "
JkMount /a?c w1
JkMount /x/??.html w2
JkMount /y/*/z w3
JkMount /q*r w4
";
const E: &str = "
JkMount /m/same wjk
JkMount /m/dis/* wjk
JkMount /m/pipe/no/jk wjk
JkMountFile map.properties
";
const E_MAP: &str = "
  /m/ws = w1   # trailing
/m/pipe|/*=w2
!/m/pipe/no|/*=w2
*.jsp=w3
/m/star/*=w4
!/*.gif=*
-/m/dis/*=w5
-!/m/star/keep/*=w4
/m/dup=w1
/m/dup=w2
/m/same=wmap
/m/?/q=w5
/m/a#b=w1
/m/env=$(JKLABW)
";
const F: &str = "
JkMount /s/a* w1
JkMount /s/ab w2
JkMount /s/*bcd w3
JkMount /s/*/t/* w4
JkMount /s/x/* w5
";
const HIJ: &str = "
JkMount /glob/* w0
JkWorkerProperty worker.wdef.mount=/defm /defm2/* /pipe|/x !/defm2/no/*
<VirtualHost *>
  ServerName h
</VirtualHost>
<VirtualHost *>
  ServerName i
  JkMountCopy On
</VirtualHost>
<VirtualHost *>
  ServerName j
  JkMountCopy On
  JkMount /own w6
  JkMount /glob/* w5
</VirtualHost>
";
const M: &str = "
<Location /loc>
  JkMount w1
</Location>
";
const N: &str = "
JkMount /A w1
JkMount /a w2
JkMount /w/* w3
JkUnMount /w/*/deny/* w3
JkMount /w/ok/deny/x w4
";

fn load(config: &str, map: &str) -> Model {
    let config = format!("Listen 80\nJkWorkersFile workers.properties\n{config}");
    let files = [
        ("/etc/jk.conf", &*config),
        ("/etc/workers.properties", WORKERS),
        ("/etc/map.properties", map),
    ];
    let loaded = Memory::new(&files).env("JKLABW", "w6").load();
    loaded
        .model
        .unwrap_or_else(|| panic!("{}", loaded.diagnostics))
}

/// The worker, `none`, or the status with which the target is refused.
fn ask(model: &Model, host: Option<&str>, target: &str) -> String {
    let host = model.host_for("192.0.2.1:80".parse().unwrap(), host);
    match normalise(target.as_bytes(), host.uri_rules) {
        Ok(path) => {
            let found = host.uri_map.find(&path);
            let explained = host.uri_map.explain(&path);
            assert_eq!(found, explained.winner, "{target}");
            let plain: Vec<_> = host.uri_map.iter().map(Plain::from).collect();
            let slow = oracle::find(&plain, &path).map(|rule| &*rule.pattern);
            let is_refused = explained.refusal.is_some();
            assert_eq!(
                found.map(|m| &*m.pattern),
                slow.filter(|_| !is_refused),
                "{target}"
            );
            found.map_or("none", |mount| &mount.worker).to_owned()
        }
        Err(bad) => bad.status().to_string(),
    }
}

/// `expectations` are lines of `worker: target target …`; `host/worker` asks for a host.
#[track_caller]
fn check(config: &str, expectations: &str) {
    let model = load(config, E_MAP);
    for line in expectations
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
    {
        let (expected, targets) = line.split_once(": ").unwrap();
        let (host, expected) = match expected.split_once('/') {
            Some((host, expected)) => (Some(host), expected),
            None => (None, expected),
        };
        for target in targets.split_whitespace() {
            assert_eq!(ask(&model, host, target), expected, "{target}");
        }
    }
}

#[test]
fn a_precedence_and_exclusions() {
    check(
        A,
        "w0: /app
         w1: /app/
         w2: /app/x.jsp /app/x/y.jsp
         w1: /app/x.jsp/z
         none: /app.jsp /appx /APP/x
         w3: /app/admin/x /app/admin/x.jsp
         w1: /app/admin
         none: /app/static/a
         w2: /app/static/a.jsp
         w1: /app/static
         none: /app/foo.gif /foo.gif
         w4: /x.do /a/b/c.do
         w1: /app/x.do
         w4: /x.do?y=1",
    );
}

#[test]
fn a_normalisation() {
    check(
        A,
        "w0: /app;jsessionid=1.n1
         w1: /app;jsessionid=1.n1/x
         w2: /app/x.jsp;jsessionid=A.n1
         w1: /app/;x/foo //app/x /app//x /app/./x /other/../app/x
         none: /app/..;/admin/y
         w4: /app/%2e%2e/x.do
         w1: /%61pp/x
         400: /app/%2E%2E/%2E%2E/etc /app/..;/..;/etc
         w1: /app%3bjsessionid=1/x /app/%3Bfoo/x
         404: /app%2Fx
         w1: /app/%252e%252e/x
         404: /app/x%00
         none: *
         w1: http://a/app/x",
    );
}

#[test]
fn a_encoded_slashes() {
    let on = format!("AllowEncodedSlashes On\n{A}");
    check(&on, "w1: /app%2Fx");
    let keep = format!("AllowEncodedSlashes NoDecode\n{A}");
    check(&keep, "none: /app%2Fx\n w1: /app/admin%2fy");
}

#[test]
fn a_long_uris_are_not_mapped() {
    let model = load(A, "");
    let long = |length: usize| format!("/app/{}", "x".repeat(length - 5));
    assert_eq!(ask(&model, None, &long(4095)), "w1");
    assert_eq!(ask(&model, None, &long(4096)), "none");
}

#[test]
fn b_the_shortcut() {
    check(
        B,
        "w1: /ctx /ctx/ /ctx/a
         none: /ctxa /ctx/static /ctx/static/ /ctx/static/a
         w1: /ctx/staticx
         w2: /p
         none: /p/a
         w2: /p/a%7C/b",
    );
}

#[test]
fn c_wildcards() {
    check(
        C,
        "w1: /abc /a/c
         none: /ac /abbc
         w2: /x/ab.html /x/a/.html
         none: /x/abc.html /y/z /y//z
         w3: /y/1/z /y/1/2/z
         w4: /qr /q/a/b/r",
    );
}

#[test]
fn d_exact_does_not_beat_wildcards() {
    check("JkMount / w1\nJkMount /* w2", "w2: / /x");
    check("JkMount /* w1\nJkUnMount / w1", "none: /\n w1: /x");
}

#[test]
fn e_files() {
    check(
        E,
        "w1: /m/ws
         none: /m/pipe/no /m/pipe/no/x
         wjk: /m/pipe/no/jk
         none: /x.jsp /m/star/x.gif
         w4: /m/star/keep/x
         wjk: /m/dis/x
         w2: /m/dup
         wmap: /m/same
         w5: /m/x/q
         none: /m/xx/q /m///q /m/a
         w6: /m/env",
    );
}

#[test]
fn f_ties() {
    check(
        F,
        "w1: /s/ab
         w3: /s/abcd
         w1: /s/abc
         w4: /s/x/t/1
         w5: /s/x/bcd",
    );
}

#[test]
fn g_unsafe_uris() {
    check(
        "JkOptions +RejectUnsafeURI\nJkMount /* w1",
        r"w1: /ok
          none: /a%25b /a%5cb",
    );
    check(
        "JkOptions +RejectUnsafeURI -RejectUnsafeURI\nJkMount /* w1",
        "w1: /a%25b",
    );
}

#[test]
fn hij_inheritance() {
    check(
        HIJ,
        "h/none: /glob/x /defm
         i/w0: /glob/x
         i/wdef: /defm /defm2/a
         i/none: /defm2/no/a
         i/wdef: /pipe|/x
         i/none: /pipe /pipe/x
         j/w5: /glob/x
         j/w6: /own
         j/none: /defm",
    );
    let all = format!("JkMountCopy All\n{HIJ}");
    check(&all, "h/w0: /glob/x");
}

#[test]
fn m_locations_are_taken_literally() {
    check(M, "w1: /loc\n none: /loc/ /loc/x");
}

#[test]
fn n_case_and_void_exclusions() {
    check(
        N,
        "w1: /A
         w2: /a
         w3: /w/x
         none: /w/ok/deny/y
         w3: /w/deny/y
         w4: /w/ok/deny/x",
    );
}

#[test]
fn workers_that_do_not_exist_are_errors_before_the_first_request() {
    let files = [
        (
            "/etc/jk.conf",
            "Listen 80\nJkWorkersFile workers.properties\nJkMountFile map",
        ),
        ("/etc/workers.properties", WORKERS),
        (
            "/etc/map",
            "/m/unknown=nosuch\n/m/ext2=w1 ;reply_timeout=5\n/m|/*=w9\n!/z=w7\n",
        ),
    ];
    let loaded = Memory::new(&files).load();
    assert!(loaded.model.is_none());
    let errors: Vec<_> = loaded
        .diagnostics
        .iter()
        .filter(|d| d.origin.file.ends_with("map"))
        .map(|d| format!("{}: {}", d.origin.line, d.message))
        .collect();
    insta::assert_snapshot!(errors.join("\n"), @r"
    1: there is no worker `nosuch` to serve /m/unknown
    2: there is no worker `w1 ` to serve /m/ext2
    3: there is no worker `w9` to serve /m
    4: there is no worker `w7` to serve /z
    ");
}

#[test]
fn activations_of_rules() {
    let workers = "worker.list=lb\nworker.lb.type=lb\nworker.lb.balance_workers=a,b,c\n";
    let config = "Listen 80\nJkWorkersFile workers.properties\nJkMountFile map\n\
                  JkMount /a|/* lb;stopped=c;disabled=b\nJkMount /b lb\n\
                  <VirtualHost *>\nServerName v\nJkMountCopy On\nJkMount /c lb;active=a\n</VirtualHost>\n";
    let files = [
        ("/etc/jk.conf", config),
        ("/etc/workers.properties", workers),
        ("/etc/map", "/d=lb;disabled=a,c\n"),
    ];
    let model = Memory::new(&files).load().model.unwrap();
    for (host, path, expected) in [
        (0, "/a", "- DIS STP"),
        (0, "/a/x", "- DIS STP"),
        (0, "/b", ""),
        (0, "/d", "DIS - DIS"),
        (1, "/a", "- DIS STP"),
        (1, "/c", "ACT - -"),
        (1, "/d", "DIS - DIS"),
    ] {
        let mount = model.hosts[host].uri_map.find(path.as_bytes()).unwrap();
        let codes = mount
            .activations
            .iter()
            .map(|a| a.map_or("-", |a| a.code()));
        assert_eq!(
            codes.collect::<Vec<_>>().join(" "),
            expected,
            "{host} {path}"
        );
    }
}
