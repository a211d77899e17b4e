//! Who may come in, over a real socket.

use jkd_tests::{Backend, Http, Jkd, Request, wait_until};

const BINARY: &str = env!("CARGO_BIN_EXE_jkd");

const CONFIGURATION: &str = "\
Listen 127.0.0.1:0
JkWorkersFile workers.properties
JkMount /* w
JkMount /status status
<LocationMatch ^/(private|status)>
  AuthType Basic
  AuthName \"the \\\"inner\\\" circle\"
  AuthUserFile users
  Require valid-user
</LocationMatch>
<Location /closed>
  Require all denied
</Location>
<Location /named>
  Require forward-dns no-such-name.invalid
</Location>
";

/// The password is `pw`.
const TIM: &str = "tim:$apr1$NS3Cv2B/$Zjt.rywxojKB0dW9TeyCo0\n";
const ANN: &str = "ann:$2y$05$AoEPrdKytAwm5VKYEetuNeL0/QyLsolV2Kbioc7m72vgq/PWBvr12\n";

fn start(backend: &Backend) -> Jkd {
    let workers = format!(
        "worker.list=w,status\nworker.w.port={}\nworker.w.host=127.0.0.1\n\
         worker.status.type=status\nworker.status.user=tim\n",
        backend.address.port()
    );
    Jkd::builder(BINARY)
        .file("jk.conf", CONFIGURATION)
        .file("workers.properties", &workers)
        .file("users", &format!("{TIM}{ANN}"))
        .start(&["run", "-f", "jk.conf"])
}

/// The status of an answer to a user.
fn status(http: &mut Http, path: &str, credentials: &str) -> u16 {
    let header = format!("Basic {credentials}");
    let request = Request::new("GET", path).header("Authorization", &header);
    http.send(request).status
}

const AS_TIM: &str = "dGltOnB3";
const AS_ANN: &str = "YW5uOnB3";

#[test]
fn whom_sections_do_not_want_is_told_so() {
    let backend = Backend::saying("hello");
    let jkd = start(&backend);
    let mut http = Http::persistent(jkd.address);
    assert_eq!(http.get("/open").text(), "hello");
    assert_eq!(http.get("/closed").status, 403);
    assert_eq!(http.get("/named").status, 403);
    let page = http.get("/private");
    assert_eq!(page.status, 401);
    let challenge = page.header("www-authenticate");
    assert_eq!(challenge, Some("Basic realm=\"the \\\"inner\\\" circle\""));
    assert_eq!(status(&mut http, "/private", "dGltOm5v"), 401);
    assert_eq!(status(&mut http, "/private", AS_TIM), 200);
    assert_eq!(status(&mut http, "/private", AS_TIM), 200);
    assert_eq!(status(&mut http, "/private", AS_ANN), 200);
    assert!(!jkd.log().contains("pw"), "{}", jkd.log());
}

#[test]
fn a_status_worker_knows_users_by_name() {
    let backend = Backend::saying("hello");
    let jkd = start(&backend);
    let mut http = Http::persistent(jkd.address);
    let mut page = |credentials: &str| {
        let header = format!("Basic {credentials}");
        let request = Request::new("GET", "/status?mime=prop&cmd=version");
        http.send(request.header("Authorization", &header)).text()
    };
    assert!(page(AS_TIM).contains("worker.result.type=OK"));
    assert!(page(AS_ANN).contains("Access denied"));
}

#[test]
fn a_changed_file_of_users_counts_without_a_reload() {
    let backend = Backend::saying("hello");
    let jkd = start(&backend);
    let mut http = Http::persistent(jkd.address);
    assert_eq!(status(&mut http, "/private", AS_TIM), 200);
    jkd.write("users", ANN);
    wait_until("tim is gone", || {
        status(&mut http, "/private", AS_TIM) == 401
    });
    assert_eq!(status(&mut http, "/private", AS_ANN), 200);
}

/// It takes PCRE more steps than it may go to see that this is not in a path of many segments.
const ENDLESS: &str = "(?!/public).*/.*/.*/[0-9]";

/// The status of a path of many segments, and of a short one, where `rules` keep out who asks for
/// what is `ENDLESS`.
fn statuses_behind(rules: &str) -> (u16, u16) {
    let backend = Backend::saying("hello");
    let configuration = format!(
        "Listen 127.0.0.1:0\nJkWorkersFile workers.properties\nJkMount /* w\n{}",
        rules.replace("ENDLESS", ENDLESS)
    );
    let port = backend.address.port();
    let workers = format!("worker.list=w\nworker.w.host=127.0.0.1\nworker.w.port={port}\n");
    let jkd = Jkd::builder(BINARY)
        .file("jk.conf", &configuration)
        .file("workers.properties", &workers)
        .start(&["run", "-f", "jk.conf"]);
    let mut http = Http::persistent(jkd.address);
    let long = http.get(&"/a".repeat(400)).status;
    (long, http.get("/a/b").status)
}

#[test]
fn nobody_comes_in_by_a_path_that_takes_too_long() {
    let denied = "Require all denied";
    for rules in [
        format!("<LocationMatch ^ENDLESS>\n{denied}\n</LocationMatch>"),
        "SetEnvIf Request_URI ^ENDLESS bad\n<Location />\nOrder Allow,Deny\nAllow from all\n\
         Deny from env=bad\n</Location>"
            .to_owned(),
        "RewriteEngine On\nRewriteRule ^ENDLESS - [F]".to_owned(),
        format!("<If \"%{{REQUEST_URI}} =~ m#^ENDLESS#\">\n{denied}\n</If>"),
        format!(
            "<LocationMatch ^ENDLESS>\n<If true>\n{denied}\n</If>\n</LocationMatch>\n\
             <Location /nowhere>\n{denied}\n</Location>"
        ),
        "SetEnvIfExpr \"%{REQUEST_URI} =~ m#^ENDLESS#\" bad\n<Location />\n<RequireAll>\n\
         Require all granted\nRequire not env bad\n</RequireAll>\n</Location>"
            .to_owned(),
        "<Location />\nRequire expr %{REQUEST_URI} !~ m#^ENDLESS#\n</Location>".to_owned(),
        "RewriteEngine On\nRewriteCond %{REQUEST_URI} ^ENDLESS\nRewriteRule ^ - [F]".to_owned(),
    ] {
        assert_eq!(statuses_behind(&rules), (500, 200), "{rules}");
    }
}
