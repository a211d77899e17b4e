//! Files of applications, where nothing is mounted.

use std::{
    fs,
    time::{Duration, SystemTime},
};

use jkd_tests::{Answer, Backend, Http, Request};
use tempfile::TempDir;

use crate::harness::Daemon;

/// A daemon with `JkAutoAlias` on an application with these files; JSPs are mounted.
fn daemon(files: &[(&str, &[u8])]) -> (Daemon, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    for (path, content) in files {
        let path = directory.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        // What has just changed has a weak tag.
        let past = SystemTime::now() - Duration::from_secs(3600);
        let file = fs::File::options().write(true).open(path).unwrap();
        file.set_modified(past).unwrap();
    }
    let backend = Backend::saying("from the backend");
    let workers = format!(
        "worker.list=w\nworker.w.host=127.0.0.1\nworker.w.port={}\n",
        backend.address.port()
    );
    let conf = format!(
        "JkMount /*.jsp w\nJkAutoAlias {}\nSetEnvIf Request_URI \\.local$ no-jk\n\
         <Location /app/secret>\nRequire all denied\n</Location>\n\
         <Location /app/scripts>\nSetHandler cgi-script\n</Location>\n",
        directory.path().display()
    );
    (Daemon::configured(&workers, &conf), directory)
}

fn get(http: &mut Http, path: &str, field: &str, value: &str) -> Answer {
    http.send(Request::new("GET", path).header(field, value))
}

#[test]
fn what_is_not_mounted_is_a_file() {
    let (daemon, _directory) = daemon(&[
        ("app/index.html", b"<h1>hello</h1>"),
        ("app/a b.css", b"x{}"),
        ("app/caf\u{e9}.bin", b"\0\x01"),
    ]);
    let mut http = daemon.http();
    let page = http.get("/app/index.html;jsessionid=1.n?q=1");
    assert_eq!((page.status, &*page.text()), (200, "<h1>hello</h1>"));
    assert_eq!(page.header("content-type"), Some("text/html"));
    assert_eq!(page.header("content-length"), Some("14"));
    assert_eq!(page.header("accept-ranges"), Some("bytes"));
    assert_eq!(page.header("server"), Some("jkd"));
    let style = http.get("/app/a%20b.css");
    assert_eq!(style.header("content-type"), Some("text/css"));
    let unknown = http.get("/app/caf%C3%A9.bin");
    assert_eq!(
        unknown.header("content-type"),
        Some("application/octet-stream")
    );
    assert_eq!(http.get("/app/x.jsp").text(), "from the backend");
}

#[test]
fn a_file_may_claim_to_be_of_any_time() {
    let (daemon, directory) = daemon(&[("app/old.txt", b"old"), ("app/new.txt", b"new")]);
    let dated = |name: &str, moment| {
        let path = directory.path().join(name);
        let file = fs::File::options().write(true).open(path).unwrap();
        file.set_modified(moment).unwrap();
    };
    let second = Duration::from_secs(1);
    dated("app/old.txt", SystemTime::UNIX_EPOCH - second);
    dated("app/new.txt", SystemTime::now() + second * 3600);
    let mut http = daemon.http();
    let old = http.get("/app/old.txt");
    assert_eq!((old.status, &*old.text()), (200, "old"));
    let date = Some("Thu, 01 Jan 1970 00:00:00 GMT");
    assert_eq!(old.header("last-modified"), date);
    assert_eq!(old.header("etag"), Some("\"3-fffffffffff0bdc0\""));
    let new = http.get("/app/new.txt");
    assert_eq!((new.status, &*new.text()), (200, "new"));
}

#[test]
fn what_is_no_file_of_an_application_is_not_served() {
    let (daemon, _directory) = daemon(&[
        ("app/index.html", b"<h1>hello</h1>"),
        ("app/WEB-INF/web.xml", b"<web-app/>"),
        ("app/secret/plan.txt", b"plan"),
        ("app/x.local", b"for httpd alone"),
        ("app/scripts/x.cgi", b"source"),
        ("app.war", b"archive"),
    ]);
    let mut http = daemon.http();
    for (path, status) in [
        ("/app/x/../index.html", 200),
        ("/app/none", 404),
        ("/app/x.local", 404),
        ("/app/scripts/x.cgi", 404),
        ("/app/", 200),
        ("/app/secret/", 403),
        ("/app/scripts/", 404),
        ("/", 404),
        ("/app/web-inf/web.xml", 404),
        ("/app/;x/WEB-INF/web.xml", 404),
        ("/app/%57EB-INF/web.xml", 404),
        ("/app/..%2Fapp.war", 404),
        ("/app/%2e%2e/app.war", 403),
        ("/app.war", 403),
        ("/app/secret/plan.txt", 403),
        ("/app/x/..;/secret/plan.txt", 403),
    ] {
        assert_eq!(http.get(path).status, status, "{path}");
    }
}

#[test]
fn an_alias_of_a_section_shows_nothing_that_is_hidden() {
    let directory = tempfile::tempdir().unwrap();
    for name in ["x", ".htx", "run.sh", "WEB-INF/web.xml", "secret/x"] {
        let path = directory.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "content").unwrap();
    }
    let root = directory.path().display();
    let conf = format!(
        "<Location /any>\nAlias \"{root}/%{{QUERY_STRING}}\"\n</Location>\n\
         <Location /kept>\nAlias {root}\nAliasPreservePath On\n</Location>\n\
         <Location /run>\nScriptAlias {root}/run.sh\n</Location>\n\
         <Directory {root}/secret>\nRequire all denied\n</Directory>\n"
    );
    let daemon = Daemon::configured("worker.list=w\nworker.w.host=127.0.0.1\n", &conf);
    let mut http = daemon.http();
    for (path, status) in [
        ("/any?x", 200),
        ("/any/more?./secret/../x", 200),
        ("/any?secret/x", 403),
        ("/any?./secret/x", 403),
        ("/any?.htx", 403),
        ("/any?.HTX", 403),
        ("/any?web-inf/web.xml", 403),
        ("/any?x/../WEB-INF//web.xml", 403),
        ("/any?x%00", 404),
        ("/any?none", 404),
        ("/kept/x", 200),
        ("/kept/x;y", 404),
        ("/kept/secret/x", 403),
        ("/kept/.htx", 403),
        ("/kept/WEB-INF/web.xml", 404),
        ("/kept/..%2f..%2fetc/hostname", 404),
        ("/run", 403),
        ("/run/more", 403),
    ] {
        assert_eq!(http.get(path).status, status, "{path}");
    }
}

#[test]
fn files_are_read_only() {
    let (daemon, _directory) = daemon(&[("app/x.txt", b"content")]);
    let mut http = daemon.http();
    let head = http.send(Request::new("HEAD", "/app/x.txt"));
    assert_eq!(
        (head.status, head.header("content-length")),
        (200, Some("7"))
    );
    assert!(head.body.is_empty());
    let mut body: &[u8] = b"new";
    let put = http.send(Request::new("PUT", "/app/x.txt").body(&mut body, Some(3)));
    assert_eq!(
        (put.status, put.header("allow")),
        (405, Some("GET,POST,OPTIONS,HEAD"))
    );
    assert_eq!(http.send(Request::new("POST", "/app/none")).status, 404);
    let post = http.send(Request::new("POST", "/app/x.txt"));
    assert_eq!((post.status, &*post.text()), (200, "content"));
    let options = http.send(Request::new("OPTIONS", "/app/none"));
    assert_eq!(
        (options.status, options.header("allow")),
        (200, Some("GET,POST,OPTIONS,HEAD"))
    );
    assert_eq!(http.send(Request::new("BREW", "/app/x.txt")).status, 501);
    assert_eq!(http.get("/app/x.txt").text(), "content");
}

#[test]
fn parts_of_a_file() {
    let (daemon, _directory) = daemon(&[("app/x.txt", b"0123456789")]);
    let mut http = daemon.http();
    let whole = http.get("/app/x.txt");
    let tag = whole.header("etag").unwrap().to_owned();
    let date = whole.header("last-modified").unwrap().to_owned();
    let mut part = |range: &str, condition: &str| {
        let request = Request::new("GET", "/app/x.txt").header("Range", range);
        let answer = http.send(match condition {
            "" => request,
            condition => request.header("If-Range", condition),
        });
        (answer.status, answer.text())
    };
    assert_eq!(part("bytes=2-4", ""), (206, "234".into()));
    assert_eq!(part("bytes=-3", ""), (206, "789".into()));
    assert_eq!(part("bytes=8-", &tag), (206, "89".into()));
    assert_eq!(part("bytes=8-", &date), (206, "89".into()));
    let all = (200, "0123456789".to_owned());
    assert_eq!(part("bytes=8-", "\"other\""), all);
    assert_eq!(part("bytes=8-", "Thu, 01 Jan 1970 00:00:00 GMT"), all);
    let (status, parts) = part("bytes=0-1,4-5", "");
    assert_eq!(
        (status, parts.matches("Content-range: bytes ").count()),
        (206, 2)
    );
    assert!(parts.contains("bytes 4-5/10\r\n\r\n45\r\n--"), "{parts}");
    assert_eq!(part("bytes=20-", "").0, 416);
}

#[test]
fn a_file_that_the_client_has_is_not_sent() {
    let (daemon, _directory) = daemon(&[("app/x.txt", b"content")]);
    let mut http = daemon.http();
    let whole = http.get("/app/x.txt");
    let tag = whole.header("etag").unwrap().to_owned();
    let date = whole.header("last-modified").unwrap().to_owned();
    let mut status = |field, value: &str| get(&mut http, "/app/x.txt", field, value).status;
    assert_eq!(status("If-None-Match", &tag), 304);
    assert_eq!(status("If-None-Match", "\"other\""), 200);
    assert_eq!(status("If-Modified-Since", &date), 304);
    assert_eq!(
        status("If-Modified-Since", "Thu, 01 Jan 1970 00:00:00 GMT"),
        200
    );
    assert_eq!(status("If-Match", "\"other\""), 412);
}

#[test]
fn a_large_file_arrives_whole() {
    let content: Vec<u8> = (0..3_000_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    let (daemon, _directory) = daemon(&[("app/large.bin", &content)]);
    let mut http = Http::persistent(daemon.address);
    for _ in 0..2 {
        assert!(http.get("/app/large.bin").body == content);
    }
}
