//! Variables, and what they and rule extensions steer: what the client and the backend get.

use std::fmt::Write as _;

use jkd_tests::{Cast, Entry, Http, Httpd, Request};

use crate::{server::Jkd, stage::Server};

const CONFIGURATION: &str = r#"
JkMount /v/* w1
JkMount /lb/* lb
JkMount /off/* free
JkMount /body/* reader
JkMount /env/w3 w2
JkMount /names/* lb;session_cookie=FOO;session_path=;bar
JkMount /cookie/* lb;set_session_cookie=1;session_cookie=FOO;session_cookie_path=/x
JkMount /ignore/* lb;sticky_ignore=1
JkMount /fail/* failing;fail_on_status=418
JkMount /page/* failing;use_server_errors=400
JkMount /slow/* slow;reply_timeout=300
SetEnv S server
SetEnvIf Request_URI ^/v/over S=condition
SetEnvIf S server SEEN
SetEnvIf Request_URI "^/v/(a)(b)?" M=$1-$2-\$1-$0
SetEnvIf Request_URI /v/ab L=$0x
SetEnvIf Request_URI /v/a\.b L=$0y\1
SetEnvIf M ^a CH=chain
SetEnvIf Request_URI ^/v/un GONE !GONE KEPT
SetEnvIf Request_URI ^/v/un2 U2
SetEnvIf Request_URI ^/v/bang A=1 A=!x
SetEnvIf Request_URI ^/v/empty EMPTY=
SetEnvIf Request_URI ^/v/twice A=1 A=2
SetEnvIfNoCase Request_URI /V/(N)oc A=$1
UnsetEnv U2
SetEnvIf Request_URI (.*) RAW=$1
SetEnvIf Request_Protocol (.*) P=$1
SetEnvIf Request_Method (.*) RM=$1
SetEnvIf Remote_Addr (.*) RA=$1
SetEnvIf Server_Addr (.*) SA=$1
SetEnvIf X-Foo ^b HF
SetEnvIfNoCase X-Foo (^B.*) HFN=$1
SetEnvIfNoCase ^X-F.o$ (.*) HR=$1
SetEnvIf ^X-M (.*) LAST=$1
BrowserMatch curl BM
BrowserMatchNoCase curl BMN
SetEnvIf Nothing ^$ ABSENT
SetEnv E0
SetEnv E1 "a b"
SetEnvIf Request_URI ^/env/(.*) JK_WORKER_NAME=$1
SetEnvIf Request_URI ^/nojk no-jk
SetEnvIf Request_URI /JK_ROUTE=([^/]*) JK_ROUTE=$1
SetEnvIf Request_URI /TIMEOUT=([^/]*) JK_REPLY_TIMEOUT=$1
SetEnvIf Request_URI /STICKY_IGNORE=([^/]*) JK_STICKY_IGNORE=$1
SetEnvIf Request_URI /RADDR=([^/]*) JK_REMOTE_ADDR=$1
SetEnvIf Request_URI /RPORT=([^/]*) JK_REMOTE_PORT=$1
SetEnvIf Request_URI /RHOST=([^/]*) JK_REMOTE_HOST=$1
SetEnvIf Request_URI /RUSER=([^/]*) JK_REMOTE_USER=$1
SetEnvIf Request_URI /AUTH=([^/]*) JK_AUTH_TYPE=$1
SetEnvIf Request_URI /LNAME=([^/]*) JK_LOCAL_NAME=$1
SetEnvIf Request_URI /LADDR=([^/]*) JK_LOCAL_ADDR=$1
SetEnvIf Request_URI /LPORT=([^/]*) JK_LOCAL_PORT=$1
SetEnvIf Request_URI /IGNORE JK_IGNORE_CL
<Location /v/loc>
SetEnv S location
SetEnvIf Request_URI (.*) COOKED=$1
UnsetEnv E1
</Location>
<Location /v/setnojk>
SetEnv no-jk 1
</Location>
<Location /v/ifnojk>
SetEnvIf Request_URI . no-jk
</Location>
<Location /v/none>
SetHandler None
</Location>
<Location /v/other>
SetHandler default-handler
</Location>
<Location /env>
SetHandler jakarta-servlet
</Location>
<Location /envno>
SetHandler jakarta-servlet
</Location>
<Location /nojk>
SetHandler jakarta-servlet
SetEnv jk_worker_name w1
</Location>
<Location /lower>
SetHandler jakarta-servlet
SetEnv jk_worker_name w1
</Location>
JkEnvVar DEFAULT "d ef"
JkEnvVar NO_DEFAULT ""
JkEnvVar TWICE one
JkEnvVar TWICE
"#;

const SENT: &str = "S SEEN M L CH GONE KEPT U2 A EMPTY RAW P RM RA SA HF HFN HR BM BMN ABSENT E0 E1 \
                    COOKED LAST";

#[rustfmt::skip]
const PATHS: [&str; 57] = [
    "/v/x", "/v/over", "/v/abc", "/v/ac", "/v/a.b", "/v/un", "/v/un2", "/v/bang", "/v/empty",
    "/v/twice", "/v/noc", "/v/loc/%78;y//z", "//v//a/../b%41;x=1/c%2e?q=1", "/v/setnojk/x",
    "/v/ifnojk/x", "/v/none/x", "/v/other/x", "/nojk/a", "/%6eojk/a", "/lower/x", "/elsewhere",
    "/env/w4", "/env/w3", "/env/nosuch", "/env/w4;stateless=1", "/env/w4;reply_timeout=x",
    "/env/w4;bogus=1", "/env/w4%20", "/env/", "/envno/x",
    "/lb/JK_ROUTE=a/x", "/lb/JK_ROUTE=b/x;jsessionid=1.a", "/lb/JK_ROUTE=/x;jsessionid=1.b",
    "/off/JK_ROUTE=b/x", "/off/JK_ROUTE=b/x", "/v/JK_ROUTE=b/x",
    "/names/x;bar=1.b", "/names/xbar=1.a", "/names/x;bar=1.a;jsessionid=1.b",
    "/ignore/STICKY_IGNORE=0/x;jsessionid=1.b", "/ignore/STICKY_IGNORE=0/x;jsessionid=1.a",
    "/ignore/STICKY_IGNORE=no/x;jsessionid=1.b", "/lb/STICKY_IGNORE=/x;jsessionid=",
    "/cookie/x;jsessionid=1.b", "/cookie/JK_ROUTE=b/x",
    "/page/x", "/fail/x",
    "/slow/x", "/slow/TIMEOUT=-1/x", "/slow/TIMEOUT=100/x",
    "/v/TIMEOUT=/x", "/v/RADDR=1.2.3.4/LPORT=7/LADDR=x", "/v/RADDR=/RHOST=/RUSER=/AUTH=/x",
    "/v/RUSER=me/AUTH=Basic/RHOST=client", "/v/LNAME=/LADDR=/LPORT=/RPORT=",
    "/v/LNAME=www/LPORT=70000/RPORT=7", "/v/LPORT=-5/x",
];

const FIELDS: [(&str, &str); 9] = [
    ("X-Foo", "bar"),
    ("X-Foo", "Bar"),
    ("X-Foo", ""),
    ("User-Agent", "curl/1"),
    ("User-Agent", "Curl/1"),
    ("S", "server"),
    ("no-jk", "1"),
    ("JK_REMOTE_USER", "root"),
    ("JK_WORKER_NAME", "w2"),
];

#[test]
#[ignore = "needs Apache with mod_jk: run tests/run"]
fn variables_and_extensions_steer_alike() {
    let [jkd, mod_jk] = [seen(true), seen(false)];
    println!("{} requests compared", jkd.len());
    let pairs = jkd
        .iter()
        .zip(&mod_jk)
        .filter(|(jkd, mod_jk)| jkd != mod_jk);
    let complaints: String = pairs.fold(String::new(), |mut all, (jkd, mod_jk)| {
        let _ = writeln!(all, "jkd    {jkd}\nmod_jk {mod_jk}");
        all
    });
    assert!(complaints.is_empty(), "{complaints}");
    assert_eq!(jkd.len(), mod_jk.len());
}

const NAMES: [&str; 10] = [
    "w1", "w2", "w4", "a", "b", "c", "d", "reader", "failing", "slow",
];

/// What became of each request.
fn seen(jkd: bool) -> Vec<String> {
    let plays = |name: &str| match name {
        "reader" => "read",
        "failing" => "status 418",
        "slow" => "silent",
        _ => "ok",
    };
    let cast = Cast::new(&NAMES.map(|name| (name.to_owned(), plays(name).to_owned())));
    let server = serve(&cast, jkd);
    let ask = |what: &str, request: Request<'_>| ask(&cast, &*server, what, request);
    let mut all: Vec<_> = PATHS
        .map(|path| ask(path, Request::new("GET", path)))
        .into();
    for (name, value) in FIELDS {
        let request = Request::new("GET", "/v/x").header(name, value);
        all.push(ask(&format!("{name}: {value}"), request));
        let cookie = format!("FOO=1.b; x={value}");
        let request = Request::new("GET", "/names/x").header("Cookie", &cookie);
        all.push(ask(&cookie, request));
    }
    let several = Request::new("GET", "/v/x").header("X-M1", "one");
    let several = several.header("X-M2", "two").header("X-M1", "three");
    all.push(ask("several headers match", several));
    for path in ["/body/x", "/body/IGNORE"] {
        let mut body = &b"four"[..];
        let request = Request::new("POST", path).body(&mut body, Some(4));
        all.push(ask(path, request));
    }
    all
}

fn serve(cast: &Cast, jkd: bool) -> Box<dyn Server> {
    let mut workers = "worker.list=w1,w2,w4,lb,free,reader,failing,slow\n\
                       worker.lb.type=lb\nworker.lb.balance_workers=a,b\n\
                       worker.free.type=lb\nworker.free.balance_workers=c,d\n\
                       worker.free.sticky_session=0\nworker.slow.retries=1\n\
                       worker.failing.retries=1\nworker.slow.recovery_options=3\n"
        .to_owned();
    for (name, address) in cast.addresses() {
        let port = address.port();
        let _ = writeln!(workers, "worker.{name}.host=127.0.0.1");
        let _ = writeln!(workers, "worker.{name}.port={port}");
    }
    let sent = SENT.split(' ').map(|name| format!("JkEnvVar {name}\n"));
    let conf = sent.fold(CONFIGURATION.to_owned(), |conf, line| conf + &line);
    if jkd {
        Box::new(Jkd::start(&workers, &conf, &[]))
    } else {
        Box::new(Httpd::start(&[("workers.properties", &workers)], &conf))
    }
}

fn ask(cast: &Cast, server: &dyn Server, what: &str, request: Request<'_>) -> String {
    let request = request.header("Host", "h.example:8");
    let answer = match Http::new(server.address()).send_anyhow(request) {
        Ok(answer) => {
            let cookie = answer.header("set-cookie").unwrap_or_default();
            format!("{} {cookie}", answer.status)
        }
        Err(error) => error.to_string(),
    };
    let heard: String = cast.take_record().iter().map(facts).collect();
    format!("{what} -> {answer}{heard}")
}

/// What a backend heard, but for the client's real port.
fn facts(entry: &Entry) -> String {
    let heard = &entry.request;
    let mut attributes: Vec<_> = (heard.attributes.iter())
        .filter(|(name, value)| name != "AJP_REMOTE_PORT" || value.len() < 3)
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    attributes.sort();
    format!(
        "\n       {} {} from {} {:?} at {}:{} length {:?} {}",
        entry.by,
        heard.target(),
        heard.remote_addr,
        heard.remote_host,
        heard.server_name,
        heard.server_port,
        heard.header("content-length"),
        attributes.join(" ")
    )
}
