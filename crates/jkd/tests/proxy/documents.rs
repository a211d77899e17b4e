//! `DocumentRoot` and what goes with it, `Redirect`, `ErrorDocument`.

use std::fs;

use jkd_tests::{Answer, Http, Request};
use tempfile::TempDir;

use crate::{echo, harness::Daemon};

/// A daemon with files in `www`; JSPs and `/app` are mounted; `/down` has a worker that is not there.
fn daemon(conf: &str) -> (Daemon, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().canonicalize().unwrap();
    for (path, text) in [
        ("www/index.html", "home"),
        ("www/error.html", "an error"),
        ("www/sub/x.txt", "text"),
        ("www/both/index.html", "both"),
        ("www/jsp/x", "x"),
        ("www/none/x.php", "<?php secret ?>"),
        ("www/closed/x.txt", "closed"),
        ("scripts/run.sh", "source"),
    ] {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let backend = echo::backend("w");
    let workers = format!(
        "worker.list=w,down\nworker.w.host=127.0.0.1\nworker.w.port={}\n\
         worker.down.host=127.0.0.1\nworker.down.port=1\nworker.down.retries=1\n",
        backend.address.port()
    );
    let conf = conf.replace('@', root.to_str().unwrap());
    let conf = format!(
        "DocumentRoot {}/www\nJkMount /app/* w\nJkMount /*.jsp w\nJkMount /down/* down\n{conf}",
        root.display()
    );
    (Daemon::configured(&workers, &conf), directory)
}

const INDEX: &str = "DirectoryIndex index.jsp index.html\n";

fn location(answer: &Answer) -> (u16, &str) {
    (answer.status, answer.header("location").unwrap_or("none"))
}

#[test]
fn what_is_not_mounted_is_a_file_of_the_site() {
    let (daemon, _directory) = daemon(INDEX);
    let mut http = daemon.http();
    let page = http.get("/");
    assert_eq!((page.status, &*page.text()), (200, "home"));
    assert_eq!(page.header("content-type"), Some("text/html"));
    assert_eq!(http.get("/sub/x.txt?q").text(), "text");
    let moved = http.get("/sub?a=b");
    let host = daemon.address.to_string();
    let expected = format!("http://{host}/sub/?a=b");
    assert_eq!(location(&moved), (301, &*expected));
    assert_eq!(http.get("/sub/x.txt;v=1").status, 404);
    assert_eq!(http.get("/app/x").fact("uri"), "/app/x");
}

/// Who may come in is asked for the path without parameters, and only what stands there is sent.
#[test]
fn no_parameter_leads_behind_a_file_that_is_closed() {
    let (daemon, _directory) = daemon(
        "AcceptPathInfo On\n<Location /sub>\nRequire all denied\n</Location>\n\
         <Location /both>\nRequire all granted\n</Location>\n",
    );
    let mut http = daemon.http();
    assert_eq!(http.get("/both/index.html/more;v=1").text(), "both");
    assert_eq!(http.get("/sub/x.txt/more").status, 403);
    for around in ["/sub/x.txt/..;/..;/x", "/sub/x.txt/..;/..;/both/index.html"] {
        assert_eq!(http.get(around).status, 404, "{around}");
    }
    assert_eq!(http.get("/sub/x.txt/a/..;/b").status, 403);
}

#[test]
fn an_index_that_is_mounted_is_for_its_worker() {
    let (daemon, _directory) = daemon(INDEX);
    let mut http = daemon.http();
    // An index file that is there comes first, wherever its name stands.
    assert_eq!(http.get("/both/").text(), "both");
    let root = http.get("/jsp/?a=b");
    assert_eq!((root.status, &*root.fact("uri")), (200, "/jsp/"));
    assert_eq!(http.get("/nowhere/").status, 404);
}

#[test]
fn without_an_index_a_directory_is_closed() {
    let (daemon, _directory) = daemon(
        "DirectoryIndex disabled\n<Directory @/www/sub>\nDirectorySlash Off\n</Directory>\n\
         <Directory @/www/both>\nFallbackResource /error.html\n</Directory>\n\
         <Directory @/www/none>\nFallbackResource /app/front\n</Directory>\n",
    );
    let mut http = daemon.http();
    assert_eq!(http.get("/").status, 403);
    assert_eq!(http.get("/sub").status, 403);
    assert_eq!(http.get("/both/nothing").text(), "an error");
    assert_eq!(http.get("/none/nothing?a").fact("uri"), "/none/nothing");
}

#[test]
fn sections_say_who_may_have_files() {
    let (daemon, _directory) = daemon(
        "<Directory />\nRequire all denied\n</Directory>\n\
         <Directory @/www>\nRequire all granted\n</Directory>\n\
         <Directory @/www/closed>\nRequire all denied\n</Directory>\n\
         <Files error.*>\nRequire all denied\n</Files>\n\
         Alias /al @/scripts\nScriptAlias /cgi-bin/ @/scripts/\n\
         <Location /cgi-bin>\nRequire all granted\n</Location>\n\
         AddHandler cgi-script .php\n",
    );
    let mut http = daemon.http();
    for (path, status) in [
        ("/index.html", 200),
        ("/closed/x.txt", 403),
        ("/closed/none", 403),
        ("/closed/", 403),
        ("/error.html", 403),
        ("/al/run.sh", 403),
        ("/cgi-bin/run.sh", 403),
        ("/cgi-bin/none.sh", 404),
        ("/none/x.php", 404),
        ("/sub/x.txt", 200),
    ] {
        assert_eq!(http.get(path).status, status, "{path}");
    }
}

#[test]
fn what_stands_for_a_path_is_as_closed_as_it_is_itself() {
    let (daemon, _directory) = daemon(
        "DirectoryIndex index.jsp index.html\n\
         <Location /both/index.html>\nRequire all denied\n</Location>\n\
         <Location /jsp/index.jsp>\nRequire all denied\n</Location>\n\
         <Directory @/www/sub>\nFallbackResource /error.html\n</Directory>\n\
         <Location /error.html>\nRequire all denied\n</Location>\n\
         <Directory @/www/closed>\nRequire all denied\nFallbackResource /app/front\n</Directory>\n\
         <Directory @/www/none>\nDirectoryIndex x.php\n</Directory>\n\
         <LocationMatch \\.php$>\nSetHandler application/x-httpd-php\n</LocationMatch>\n\
         <LocationMatch \\.html$>\nHeader set X-Html yes\n</LocationMatch>\n",
    );
    let mut http = daemon.http();
    for (path, status) in [
        ("/both/", 403),
        ("/both/index.html", 403),
        ("/jsp/", 403),
        ("/sub/nothing", 403),
        ("/closed/nothing", 403),
        ("/closed/", 403),
        ("/none/", 404),
        ("/none/x.php", 404),
        ("/", 200),
    ] {
        let answer = http.get(path);
        assert_eq!(answer.status, status, "{path}: {}", answer.text());
    }
    assert_eq!(http.get("/").header("x-html"), Some("yes"));
}

#[test]
fn a_parameter_does_not_turn_what_is_mounted_into_a_file() {
    let (daemon, _directory) =
        daemon("JkMount /sub/* w\nJkAutoAlias @/www\nSetEnvIf Request_URI \\.gif$ no-jk\n");
    let mut http = daemon.http();
    assert_eq!(http.get("/sub/x.txt").fact("uri"), "/sub/x.txt");
    let hidden = http.get("/sub/x.txt;.gif");
    assert_eq!(hidden.status, 404, "{}", hidden.text());
}

#[test]
fn redirections() {
    let (daemon, _directory) = daemon(
        "Redirect /app/old /new\nRedirect permanent /p http://other.example/a%20b\n\
         Redirect gone /gone\nRedirect 404 /app/hidden\nRedirect 307 /own /x?a=b\n\
         RedirectMatch ^/rm/(.*)$ /to/$1?x=$1\nRedirectMatch /bad(.*) foo$1\n\
         <Location /app/section>\nRedirect seeother http://in.example/\n</Location>\n\
         <Location /app/closed>\nRequire all denied\nRedirect /app/closed /open\n</Location>\n\
         <Directory @/www/sub>\nRedirect 403 /sub/x.txt\n</Directory>\n",
    );
    let mut http = daemon.http();
    let host = daemon.address;
    let own = |path: &str| format!("http://{host}{path}");
    for (path, status, expected) in [
        ("/app/old/a%20%C3%A9?q=1", 302, own("/new/a%20%c3%a9?q=1")),
        ("/app/older", 200, "none".into()),
        ("/p/x", 301, "http://other.example/a%20b/x".into()),
        ("/gone/x", 410, "none".into()),
        ("/app/hidden/x", 404, "none".into()),
        ("/app/x/..;/hidden", 404, "none".into()),
        ("/own?z", 307, own("/x?a=b")),
        ("/rm/a%20b%3Fc?q", 302, own("/to/a%20b?c?x=a b?c")),
        ("/badly", 500, "none".into()),
        ("/app/section/x?q", 303, "http://in.example/?q".into()),
        ("/app/closed", 403, "none".into()),
        ("/sub/x.txt", 403, "none".into()),
        ("/rm/%0d%0aX-Evil:1", 500, "none".into()),
    ] {
        let answer = http.get(path);
        assert_eq!(location(&answer), (status, &*expected), "{path}");
    }
}

#[test]
fn rules_come_first_where_mod_jk_does() {
    let (daemon, _directory) = daemon(
        "LoadModule jk_module mod_jk.so\nLoadModule alias_module mod_alias.so\n\
         Redirect /app/old /new\nRedirect /sub /new\n",
    );
    let mut http = daemon.http();
    assert_eq!(http.get("/app/old").status, 200);
    assert_eq!(http.get("/sub").status, 302);
}

const ERRORS: &str = "ErrorDocument 404 \"Not here <at all>\"\nErrorDocument 403 /error.html\n\
    ErrorDocument 503 /app/sorry.jsp?why=503\nErrorDocument 410 http://other.example/gone\n\
    ErrorDocument 405 /nothing\nErrorDocument 400 \"Bad: x\"\n\
    Redirect gone /gone\nJkEnvVar REDIRECT_STATUS\nJkEnvVar REDIRECT_URL\n\
    JkEnvVar REDIRECT_QUERY_STRING\nJkEnvVar REDIRECT_REQUEST_METHOD\nJkEnvVar REDIRECT_X\n\
    JkEnvVar X\nSetEnvIf Request_URI ^/down X=first\n\
    <Location /down/own>\nErrorDocument 503 default\n</Location>\n\
    <Location /down/again>\nErrorDocument 503 /down/again/once-more\n</Location>\n\
    <Location /closed>\nRequire all denied\n</Location>\n";

#[test]
fn pages_for_errors() {
    let (daemon, _directory) = daemon(ERRORS);
    let mut http = daemon.http();
    let missing = http.get("/nothing");
    assert_eq!(
        (missing.status, &*missing.text()),
        (404, "Not here <at all>")
    );
    assert_eq!(
        missing.header("content-type"),
        Some("text/html; charset=iso-8859-1")
    );
    let closed = http.get("/closed/x");
    assert_eq!((closed.status, &*closed.text()), (403, "an error"));
    let ranged = Request::new("GET", "/closed/x").header("Range", "bytes=0-1");
    assert_eq!(http.send(ranged).text(), "an error");
    assert_eq!(
        location(&http.get("/gone")),
        (302, "http://other.example/gone")
    );
    assert_eq!(http.get("/down/own").status, 503);
    assert_eq!(http.get("/down/again").status, 503);
    let mut body: &[u8] = b"x";
    let put = Request::new("PUT", "/index.html").body(&mut body, Some(1));
    let put = http.send(put);
    assert_eq!(
        (put.status, put.header("allow")),
        (405, Some("GET,POST,OPTIONS,HEAD"))
    );
    let bad = Http::new(daemon.address).get("/%2e%2e/x");
    assert_eq!((bad.status, &*bad.text()), (400, "Bad: x"));
    assert_eq!(bad.header("connection"), Some("close"));
}

#[test]
fn a_worker_may_make_the_page_of_an_error() {
    let (daemon, _directory) = daemon(ERRORS);
    let mut http = daemon.http();
    let mut body: &[u8] = b"a=b";
    let post = Request::new("POST", "/down/x?orig=1").header("X-Own", "1");
    let sorry = http.send(post.body(&mut body, Some(3)));
    assert_eq!(sorry.status, 200, "the worker's own status");
    for (fact, expected) in [
        ("uri", "/app/sorry.jsp"),
        ("X-Own", "1"),
        ("content-length", "0"),
        ("@REDIRECT_STATUS", "503"),
        ("@REDIRECT_URL", "/down/x"),
        ("@REDIRECT_QUERY_STRING", "orig=1"),
        ("@REDIRECT_REQUEST_METHOD", "POST"),
        ("@REDIRECT_X", "first"),
    ] {
        assert_eq!(sorry.fact(fact), expected, "{fact}");
    }
    assert!(!sorry.text().contains("@X="));
    let head = http.send(Request::new("HEAD", "/down/x"));
    assert_eq!(head.status, 200);
    assert!(head.body.is_empty());
    assert_eq!(http.get("/app/x").status, 200, "the connection goes on");
}

#[test]
fn answers_that_give_way_have_pages_too() {
    let conf = "JkMount /err/* w;use_server_errors=400\nErrorDocument 404 /error.html\n";
    let (daemon, _directory) = daemon(conf);
    let mut http = daemon.http();
    let missing = http.get("/err/x?status=404");
    assert_eq!((missing.status, &*missing.text()), (404, "an error"));
    let refused = http.get("/err/x?status=401");
    assert_eq!(refused.status, 401);
    assert!(refused.header("www-authenticate").is_some());
}
