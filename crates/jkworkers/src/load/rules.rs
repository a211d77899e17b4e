//! Rules and their workers: what is resolved when both are known, and what is said about it.

use super::memory::Memory;

const WORKERS: &str = "worker.list=w0,w1,w2,w3,w4,w5,w6,wjk,wmap,wdef\n";

fn said(files: &[(&str, &str)]) -> String {
    let lines = Memory::new(files).load().diagnostics.to_string();
    lines.replace("/etc/", "")
}

#[test]
fn variables_are_replaced_in_files_only() {
    let map = "alias=w3\n/early=$(alias)\n/late=$(after)\nafter=w1\n/part=w$(N);stateless=$(N)\n";
    let config = "Listen 80\nJkWorkersFile w\nJkMountFile map\nJkMount /line $(alias)\n";
    let files = [
        ("/etc/jk.conf", config),
        ("/etc/w", WORKERS),
        ("/etc/map", map),
    ];
    let loaded = Memory::new(&files).env("N", "2").load();
    let found = loaded.diagnostics.iter();
    let found = found.filter(|d| d.message.starts_with("there is no worker"));
    let found: Vec<_> = found
        .map(|d| format!("{}: {}", d.origin, d.message))
        .collect();
    assert_eq!(
        found,
        [
            "/etc/jk.conf:4: there is no worker `$(alias)` to serve /line: its requests are answered with 500",
            "/etc/map:3: there is no worker `$(after)` to serve /late: its requests are answered with 500",
        ]
    );
}

#[test]
fn a_variable_may_have_worker_and_extensions() {
    let map = "alias=w3\n/early=$(alias)\n/part=w$(N);stateless=$(N)\n/whole=$(WHOLE)\n";
    let config = "Listen 80\nJkWorkersFile w\nJkMountFile map\n";
    let files = [
        ("/etc/jk.conf", config),
        ("/etc/w", WORKERS),
        ("/etc/map", map),
    ];
    let loaded = Memory::new(&files)
        .env("N", "2")
        .env("WHOLE", "w5;sticky_ignore=1")
        .load();
    let model = loaded.model.unwrap();
    let found = |uri: &str| {
        let mount = model.hosts[0].uri_map.find(uri.as_bytes()).unwrap();
        let extensions = &mount.extensions;
        (
            &*mount.worker,
            extensions.stateless,
            extensions.sticky_ignore,
        )
    };
    assert_eq!(found("/early"), ("w3", false, false));
    assert_eq!(found("/part"), ("w2", true, false));
    assert_eq!(found("/whole"), ("w5", false, true));
}

#[test]
fn workers_that_do_not_exist_are_told_before_the_first_request() {
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
    assert!(loaded.model.is_some());
    let found: Vec<_> = loaded
        .diagnostics
        .iter()
        .filter(|d| d.origin.file.ends_with("map"))
        .map(|d| format!("{}: {}", d.origin.line, d.message))
        .collect();
    insta::assert_snapshot!(found.join("\n"), @r"
    1: there is no worker `nosuch` to serve /m/unknown: its requests are answered with 500
    2: there is no worker `w1 ` to serve /m/ext2: its requests are answered with 500
    3: there is no worker `w9` to serve /m: its requests are answered with 500
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

#[test]
fn rule_extensions() {
    let workers = "worker.list=lb,w\nworker.lb.type=lb\nworker.lb.balance_workers=a,b\n\
                   worker.a.port=1\nworker.b.port=2\nworker.w.port=3\n";
    let config = "Listen 80\nJkWorkersFile w\nJkMountFile u\n\
                  JkMount /a|/* lb;stopped=c;disabled=b\n\
                  JkUnMount /a/x lb;stopped=c\n\
                  JkMount /b w;active=a\n\
                  <VirtualHost *>\nJkMountCopy On\nJkMount /c lb;active=a;stopped=a\n</VirtualHost>\n";
    let map = "/d=lb;stopped=a;stopped=b\n/e=lb;stop=a\n/f=lb;use_server_errors=x\n";
    let files = [
        ("/etc/jk.conf", config),
        ("/etc/w", workers),
        ("/etc/u", map),
    ];
    insta::assert_snapshot!(said(&files), @r"
    jk.conf:4: warning: the rule extension `stopped` names `c`, which is no member of `lb`
        remedy: Write names out of worker.lb.balance_workers.
    jk.conf:6: warning: the rule extension `active` is ignored: `w` is no balancer (type lb)
        remedy: Remove it, or mount a balancer.
    jk.conf:9: warning: the rule makes `a` active and stopped: stopped counts
        remedy: Name it in one of the lists.
    u:1: warning: the rule extension `stopped` is written twice: the first one counts
        remedy: Keep it once; items of a list are separated by commas.
    u:2: warning: unknown rule extension `stop` is ignored
        remedy: The extensions are active, disabled, fail_on_status, reply_timeout, session_cookie, session_cookie_path, session_path, set_session_cookie, stateless, sticky_ignore, stopped, use_server_errors.
    u:3: warning: the rule extension `use_server_errors=x` is read as 0
        remedy: Write a whole number.
    ");
}
