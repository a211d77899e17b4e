//! Debian's own files of Apache and mod_jk, as the packages install them: jkd starts with them and
//! serves, with a real Tomcat. Only ports are others, and what would be written to `/var/log`.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may fail anywhere"
)]

use std::fs;

use jkd_tests::{Jkd, JkdBuilder, Tomcat, wait_until};

const BINARY: &str = env!("CARGO_BIN_EXE_jkd");
const TREE: &str = "/etc/apache2/apache2.conf";
const JK_CONF: &str = "/etc/apache2/mods-available/jk.conf";
const HTTPD_JK_CONF: &str = "/etc/libapache2-mod-jk/httpd-jk.conf";
const WORKERS: &str = "/etc/libapache2-mod-jk/workers.properties";
const LOGS: &str = "/var/log/apache2";
/// What the package has in `/var/www/html`.
const DEFAULT_PAGE: &str = "Apache2 Debian Default Page";

/// jkd with a directory of its own in place of the one of the logs.
fn builder() -> JkdBuilder {
    Jkd::builder(BINARY)
        .file("logs/.keep", "")
        .instead(LOGS, "logs")
}

/// The same with the package's workers, whose port is the Tomcat's.
fn builder_for(tomcat: &Tomcat) -> JkdBuilder {
    let text = fs::read_to_string(WORKERS).unwrap();
    let port = format!(".port={}", tomcat.address().port());
    let text = text.replace(".port=8009", &port);
    builder().file("workers", &text).instead(WORKERS, "workers")
}

fn tomcat() -> Tomcat {
    // The package's workers have no secret.
    let examples = "/usr/share/tomcat10-examples/examples";
    Tomcat::builder("ajp13_worker")
        .connector(r#"secretRequired="false""#)
        .application("examples", examples)
        .start()
}

#[test]
#[ignore = "needs apache2 and libapache2-mod-jk: run tests/run stock"]
fn the_whole_tree_starts_unmodified() {
    let jkd = builder().start(&["run", "-f", TREE, "--listen", "127.0.0.1:0=80"]);
    let answer = jkd.http().get("/");
    assert_eq!(answer.status, 200, "{}", jkd.log());
    assert!(answer.text().contains(DEFAULT_PAGE), "{}", answer.text());
    for (icon, kind) in [
        ("text.gif", "image/gif"),
        ("apache_pb.svg", "image/svg+xml"),
    ] {
        let answer = jkd.http().get(&format!("/icons/{icon}"));
        let file = fs::read(format!("/usr/share/apache2/icons/{icon}")).unwrap();
        assert_eq!(answer.status, 200, "{icon}: {}", jkd.log());
        assert!(answer.body == file, "{icon}");
        assert_eq!(
            answer.header("content-type").unwrap_or_default(),
            kind,
            "{icon}"
        );
    }
    // mod_jk comes behind mod_autoindex, whose lists of files nobody makes here.
    assert_eq!(jkd.http().get("/icons/").status, 403);
    assert_eq!(jkd.http().get("/icons").status, 404);
    // The default site mounts nothing, and files of others are not for the web.
    for path in [
        "/examples/",
        "/jk-status",
        "/.htaccess",
        "/../../etc/passwd",
    ] {
        let status = jkd.http().get(path).status;
        assert!(matches!(status, 400 | 403 | 404), "{path}: {status}");
    }
    // `${APACHE_LOG_DIR}` is defined in `envvars` only.
    let log = jkd.path("logs/access.log");
    wait_until("a line in the access log", || {
        fs::read_to_string(&log).is_ok_and(|text| text.contains("\"GET / HTTP/1.1\" 200"))
    });
    assert_eq!(jkd.terminate(), 0);
    for log in ["error.log", "mod_jk.log", "other_vhosts_access.log"] {
        assert!(jkd.path("logs").join(log).exists(), "{log}");
    }
}

#[test]
#[ignore = "needs apache2, libapache2-mod-jk and a real Tomcat: run tests/run stock"]
fn a_site_that_mounts_serves_pages_applications_and_status() {
    let tomcat = tomcat();
    // What the comments in jk.conf tell an administrator to write.
    let mounts = "JkMountCopy All\nJkMount /examples/* ajp13_worker\n";
    let jkd = builder_for(&tomcat)
        .file("conf-enabled/charset.conf", "AddDefaultCharset UTF-8\n")
        .file("conf-enabled/tomcat.conf", mounts)
        .instead("/etc/apache2/conf-enabled", "conf-enabled")
        .start(&["run", "-f", TREE, "--listen", "127.0.0.1:0=80"]);
    let mut http = jkd.http();
    assert!(http.get("/").text().contains(DEFAULT_PAGE));
    let answer = http.get("/examples/servlets/servlet/HelloWorldExample");
    assert_eq!(answer.status, 200, "{}", jkd.log());
    assert!(answer.text().contains("Hello World!"), "{}", answer.text());
    http.get("/examples/servlets/servlet/SessionExample");
    assert!(http.cookies["JSESSIONID"].ends_with(".ajp13_worker"));
    assert_eq!(http.get("/jk-status").status, 200);
}

#[test]
#[ignore = "needs libapache2-mod-jk and a real Tomcat: run tests/run stock"]
fn jk_conf_alone_serves_with_a_mount_of_the_command_line() {
    let tomcat = tomcat();
    for file in [JK_CONF, HTTPD_JK_CONF] {
        let arguments = [
            "run",
            "-f",
            file,
            "--listen",
            "127.0.0.1:0",
            "--mount",
            "/*=ajp13_worker",
        ];
        let jkd = builder_for(&tomcat).start(&arguments);
        let mut http = jkd.http();
        let answer = http.get("/examples/jsp/jsp2/el/basic-arithmetic.jsp");
        assert!(
            answer.text().contains("12001.4"),
            "{file}: {}",
            answer.text()
        );
        for page in ["/jk-status", "/jk-manager"] {
            let answer = http.get(page);
            assert_eq!(answer.status, 200, "{file}");
            assert!(answer.text().contains("ajp13_worker"), "{}", answer.text());
        }
    }
}

#[test]
#[ignore = "needs apache2 and libapache2-mod-jk: run tests/run stock"]
fn nothing_in_the_files_is_wrong() {
    for file in [TREE, JK_CONF, HTTPD_JK_CONF] {
        let output = builder().run(&["check", "-f", file]).unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{said}");
        assert!(said.contains("0 errors, "), "{said}");
    }
}
