//! The real binary while its files change.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may fail anywhere"
)]

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
};

use jkd_tests::{Backend, Heard, Jkd, wait_until};

const BINARY: &str = env!("CARGO_BIN_EXE_jkd");

/// jkd with two workers, `a` and `b`, that say so, a map, and a directory of further files.
struct Setup {
    jkd: Jkd,
    a: Backend,
}

impl Setup {
    /// `lines` go into the main file.
    fn new(lines: &str, map: &str, options: &[&str]) -> Self {
        let (a, b) = (Backend::saying("a"), Backend::saying("b"));
        let conf = format!(
            "Listen 127.0.0.1:0\nJkWorkersFile workers.properties\nJkMountFile map\n\
             IncludeOptional more/*.conf\nJkMount /fixed a\n{lines}"
        );
        let workers = format!(
            "worker.list=a,b\nworker.a.port={}\nworker.b.port={}\n\
             worker.a.host=127.0.0.1\nworker.b.host=127.0.0.1\n",
            a.address.port(),
            b.address.port()
        );
        let builder = Jkd::builder(BINARY)
            .file("jk.conf", &conf)
            .file("workers.properties", &workers)
            .file("map", map)
            .file("flagged", "/f=a\n");
        fs::create_dir(builder.directory().join("more")).unwrap();
        let arguments = [&["run", "-f", "jk.conf", "--threads", "1"], options].concat();
        let jkd = builder.start(&arguments);
        Self { jkd, a }
    }

    /// The body, or the status where it is not 200.
    fn get(&self, path: &str) -> String {
        let answer = self.jkd.http().get(path);
        match answer.status {
            200 => answer.text(),
            status => status.to_string(),
        }
    }

    fn wait_for(&self, path: &str, expected: &str) {
        wait_until(&format!("{path} to be {expected}"), || {
            self.get(path) == expected
        });
    }

    /// How often the log says `text`.
    fn logged(&self, text: &str) -> usize {
        self.jkd.log().matches(text).count()
    }
}

#[test]
fn a_changed_map_replaces_its_rules_and_nothing_else() {
    let setup = Setup::new("JkMountFileReload 1\n", "/m=a\n/old=a\n", &[]);
    assert_eq!(setup.get("/m"), "a");
    let connections = setup.a.connections();
    // What is broken meanwhile is not read.
    setup.jkd.write("jk.conf", "JkNonsense\n");
    setup.jkd.write("map", "/m=b\n/new=a\n");
    setup.wait_for("/m", "b");
    assert_eq!(setup.get("/new"), "a");
    assert_eq!(setup.get("/old"), "404");
    assert_eq!(setup.get("/fixed"), "a");
    assert_eq!(setup.a.connections(), connections, "its pool was kept");
    setup.jkd.wait_for_log("mount /m: a -> b");
    setup.jkd.wait_for_log("/map reloaded changes=3");

    // Again and again it stays bad: that is said once.
    fs::write(setup.jkd.path("map"), b"\xFF\xFE/\0m\0=\0b\0").unwrap();
    setup.jkd.wait_for_log("; the rules that ");
    assert_eq!(setup.get("/m"), "b");
    fs::remove_file(setup.jkd.path("map")).unwrap();
    setup.jkd.wait_for_log("map is gone; its rules stay");
    assert_eq!(setup.get("/m"), "b");
    setup.jkd.write("map", "/m=a\n");
    setup.wait_for("/m", "a");
    assert_eq!(setup.logged("; the rules that "), 1);
    assert_eq!(setup.logged("its rules stay"), 1);
}

#[test]
fn what_takes_the_place_of_a_map_and_is_none_changes_nothing() {
    let setup = Setup::new("JkMountFileReload 1\n", "/m=a\n", &[]);
    let map = setup.jkd.path("map");
    fs::remove_file(&map).unwrap();
    fs::create_dir(&map).unwrap();
    setup.jkd.wait_for_log("not a regular file");
    assert_eq!(setup.get("/m"), "a");
    fs::remove_dir(&map).unwrap();
    fs::File::create(&map).unwrap().set_len(1 << 40).unwrap();
    setup.jkd.wait_for_log("longer than");
    assert_eq!(setup.get("/m"), "a");
    setup.jkd.write("map", "/m=b\n");
    setup.wait_for("/m", "b");
}

/// Whoever asks again and again gets the last state, and nobody else notices.
#[test]
fn a_storm_of_signals_does_no_harm() {
    let setup = Setup::new("", "/m=a\n", &[]);
    for round in 0..100 {
        let worker = if round % 2 == 0 { "b" } else { "a" };
        setup
            .jkd
            .write("map", &format!("/m={worker}\n/r{round}=a\n"));
        setup.jkd.process().signal("HUP");
        assert_eq!(setup.get("/fixed"), "a");
    }
    setup.wait_for("/r99", "a");
    assert_eq!(setup.get("/m"), "a");
    assert_eq!(setup.get("/r98"), "404");
}

#[test]
fn a_running_configuration_can_be_compared_with() {
    let lines = "JkMountFileReload 1\nJkMount /status jk-status\nJkMount /all jk-manager\n";
    let setup = Setup::new(lines, "/m=a\n", &[]);
    let against = format!("http://{}/status", setup.jkd.address);
    let check = |against: &str| {
        let arguments = ["check", "-f", "jk.conf", "--against", against];
        let output = setup.jkd.run(&arguments).unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        (output.status.code(), text, output.stderr)
    };
    let (status, out, _) = check(&against);
    assert_eq!(status, Some(0), "{out}");
    setup.jkd.write("more/one.conf", "JkMount /one b\n");
    let (status, out, _) = check(&against);
    assert_eq!(status, Some(3), "{out}");
    assert!(out.contains("mount /one added: b ("), "{out}");
    assert!(out.contains("1 difference from http://"), "{out}");
    // What runs now counts, not what ran at the start.
    setup.jkd.process().signal("HUP");
    setup.wait_for("/one", "b");
    assert_eq!(check(&against).0, Some(0));
    for nothing in ["fixed", "nowhere"] {
        let (status, _, said) = check(&against.replace("status", nothing));
        assert_eq!(status, Some(1));
        assert!(String::from_utf8_lossy(&said).contains(nothing));
    }
}

#[test]
fn the_running_configuration_is_given_to_whom_the_page_is() {
    let backend = Backend::saying("a");
    let workers = format!(
        "worker.list=a,open,closed\nworker.a.host=127.0.0.1\nworker.a.port={}\n\
         worker.a.secret=hush-hush\nworker.open.type=status\nworker.closed.type=status\n\
         worker.closed.user=somebody\n",
        backend.address.port()
    );
    let jkd = Jkd::serving(BINARY, &workers, &["/open=open", "/closed=closed"]);
    let open = jkd.http().get("/open?cmd=config");
    assert_eq!(open.header("content-type"), Some("application/json"));
    assert!(open.text().contains("\"secret\":\"<redacted>\""));
    assert!(!open.text().contains("hush"));
    let closed = jkd.http().get("/closed?cmd=config").text();
    assert!(!closed.contains("redacted"), "{closed}");
}

#[test]
fn rules_that_virtual_hosts_copy_are_shown_once() {
    let host = "<VirtualHost *>\nServerName NAME\nJkMountCopy On\n</VirtualHost>\n";
    let hosts = ["v1.example", "v2.example"].map(|name| host.replace("NAME", name));
    let lines = format!("JkMount /status jk-status\n{}", hosts.concat());
    let setup = Setup::new(&lines, "/long=a\n", &[]);
    for command in ["list", "config"] {
        let page = setup.jkd.http().get(&format!("/status?cmd={command}"));
        let page = page.text();
        assert_eq!(page.matches("/long").count(), 1, "{page}");
        assert!(page.contains("v2.example"), "{page}");
    }
}

#[test]
fn maps_stay_where_nobody_wants_them_to_be_read_again() {
    let setup = Setup::new("JkMountFileReload 0\n", "/m=a\n", &[]);
    setup.jkd.write("map", "/m=b\n");
    // Whatever comes later would come after this.
    setup.jkd.write("workers.properties", "worker.lost=a\n");
    setup.jkd.process().signal("HUP");
    setup.jkd.wait_for_log("the running configuration stays");
    assert_eq!(setup.get("/m"), "a");
}

#[test]
fn watched_files_are_read_again_when_they_change() {
    for (lines, options) in [("JkdReload On\n", &[][..]), ("", &["--watch"])] {
        let setup = Setup::new(lines, "/m=a\n", options);
        setup.jkd.write("map", "/m=b\n");
        setup.wait_for("/m", "b");
        // Also files that were not there before.
        setup.jkd.write("more/one.conf", "JkMount /one b\n");
        setup.wait_for("/one", "b");
        // An invalid one changes nothing, and is told once.
        setup.jkd.write("more/one.conf", "JkMount one a\n");
        setup.jkd.wait_for_log("the running configuration stays");
        assert_eq!(setup.get("/one"), "b");
        setup.jkd.write("more/one.conf", "JkMount /one a\n");
        setup.wait_for("/one", "a");
        assert_eq!(setup.logged("the running configuration stays"), 1);
    }
}

#[test]
fn maps_are_watched_as_often_as_they_want() {
    let setup = Setup::new("JkdReload 3600\nJkMountFileReload 1\n", "/m=a\n", &[]);
    setup.jkd.write("map", "/m=b\n");
    setup.wait_for("/m", "b");
}

#[test]
fn a_map_of_the_command_line_is_read_again_too() {
    let setup = Setup::new(
        "JkMountFileReload 1\n",
        "/m=a\n",
        &["--mount-file", "flagged"],
    );
    assert_eq!(setup.get("/f"), "a");
    setup.jkd.write("flagged", "/f=b\n");
    setup.wait_for("/f", "b");
    assert_eq!(setup.get("/m"), "a");
}

#[test]
fn the_command_line_wins_about_watching() {
    let setup = Setup::new(
        "JkdReload On\nJkMountFileReload 1\n",
        "/m=a\n",
        &["--watch=0"],
    );
    setup.jkd.write("more/one.conf", "JkMount /one b\n");
    setup.jkd.write("map", "/m=b\n");
    setup.wait_for("/m", "b");
    assert_eq!(setup.get("/one"), "404");
}

#[test]
#[allow(clippy::too_many_lines, reason = "most of it is the configuration")]
fn a_secret_in_a_file_is_sent_and_read_again() {
    let backend = Backend::start(|exchange| {
        let heard = Heard::decode(exchange.request).unwrap();
        let secret = heard.attribute("secret").unwrap_or("none").to_owned();
        exchange.answer(200, &[], secret.as_bytes())
    });
    let port = backend.address.port();
    let member = |name: &str, more: &str| {
        format!("worker.{name}.host=127.0.0.1\nworker.{name}.port={port}\n{more}")
    };
    let workers = format!(
        "worker.list=w,lb,own\n{}worker.lb.type=lb\nworker.lb.balance_workers=a\n\
         worker.lb.secret_file=keys/of-all\n{}worker.own.type=lb\nworker.own.secret_file=keys/of-all\n\
         worker.own.balance_workers=b\n{}",
        member("w", "worker.w.secret_file=keys/of-w\n"),
        member("a", ""),
        member("b", "worker.b.secret=written\n"),
    );
    let builder = Jkd::builder(BINARY)
        .file("keys/of-w", "first\n")
        .file("keys/of-all", "shared")
        .file("workers.properties", &workers)
        .file(
            "jk.conf",
            "Listen 127.0.0.1:0\nJkWorkersFile workers.properties\n\
             JkMount /w w\nJkMount /lb lb\nJkMount /own own\n",
        );
    for name in ["of-w", "of-all"] {
        let path = builder.directory().join("keys").join(name);
        fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
    }
    let jkd = builder.start(&["run", "-f", "jk.conf"]);
    let get = |path: &str| jkd.http().get(path).text();
    assert_eq!(
        ["/w", "/lb", "/own"].map(get),
        ["first", "shared", "written"]
    );
    jkd.write("keys/of-w", "second");
    jkd.process().signal("HUP");
    wait_until("the new secret", || get("/w") == "second");
    jkd.wait_for_log("w: secret changed");
    let log = jkd.log();
    assert!(
        !log.contains("first") && !log.contains("second") && !log.contains("shared"),
        "{log}"
    );
}
