//! Logs of requests and of the server, in files and in programs, of the real binary.

#![allow(clippy::unwrap_used, clippy::panic, reason = "these are tests")]

use std::{
    fs,
    io::{ErrorKind, Read as _, Write as _},
    net::TcpStream,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use jkd_tests::{Backend, Jkd, JkdBuilder, Nobody, Request, wait_until};
use socket2::SockRef;

/// A jkd with one worker `w` at this port, and what `conf` says.
fn builder(port: u16, conf: &str) -> JkdBuilder {
    let conf = format!(
        "Listen 127.0.0.1:0\nServerName main.example\nJkWorkersFile workers.properties\n\
         JkMount /* w\n{conf}"
    );
    let workers = format!("worker.list=w\nworker.w.host=127.0.0.1\nworker.w.port={port}\n");
    Jkd::builder(env!("CARGO_BIN_EXE_jkd"))
        .file("jk.conf", &conf)
        .file("workers.properties", &workers)
}

fn start(port: u16, conf: &str) -> Jkd {
    builder(port, conf).start(&["run", "-f", "jk.conf"])
}

fn hello() -> Backend {
    Backend::start(|exchange| exchange.answer(200, &[("X-Thing", "\"a\"")], b"hello"))
}

fn lines(jkd: &Jkd, name: &str) -> Vec<String> {
    let text = fs::read_to_string(jkd.path(name)).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// The lines of a file, once there are so many.
fn wait_for_lines(jkd: &Jkd, name: &str, count: usize) -> Vec<String> {
    wait_until("lines in the log", || lines(jkd, name).len() >= count);
    lines(jkd, name)
}

const COMBINED: &str = "%h %l %u %t \\\"%r\\\" %>s %b \\\"%{Referer}i\\\" \\\"%{User-Agent}i\\\"";

#[test]
fn the_combined_format() {
    let backend = hello();
    let conf = format!("LogFormat \"{COMBINED}\" combined\nCustomLog access.log combined\n");
    let jkd = start(backend.address.port(), &conf);
    let request = Request::new("GET", "/a?b=c").header("User-Agent", "x\"y");
    assert_eq!(jkd.http().send(request).status, 200);
    let found = wait_for_lines(&jkd, "access.log", 1);
    let (before, after) = found[0].split_once(" [").unwrap();
    assert_eq!(before, "127.0.0.1 - -");
    let (time, after) = after.split_once("] ").unwrap();
    assert_eq!(time.len(), "21/Nov/2026:18:44:00 +0000".len());
    assert_eq!(after, r#""GET /a?b=c HTTP/1.1" 200 5 "-" "x\"y""#);
}

#[test]
fn fields_of_answers_to_head_are_those_that_leave() {
    let backend = Backend::start(|exchange| exchange.answer(410, &[("X-Thing", "a")], b"hello"));
    let conf = "CustomLog access.log \"%m %>s %{X-Thing}o %{X-Rule}o %{Content-Type}o\"\n\
                Header always set X-Rule r\n";
    let jkd = start(backend.address.port(), conf);
    let reply = jkd.http().send(Request::new("HEAD", "/a"));
    assert_eq!((reply.status, reply.header("x-thing")), (410, Some("a")));
    let found = wait_for_lines(&jkd, "access.log", 1);
    assert_eq!(found, ["HEAD 410 a r -"]);
}

#[test]
fn what_clients_and_backends_send_stays_in_its_line() {
    let backend =
        Backend::start(|exchange| exchange.answer(200, &[("X-Thing", "a\tb\u{e9}\"\\")], b"hello"));
    let conf = "CustomLog access.log \"%U %{X-Evil}i %{X-Thing}o %{sid}C %q\"\n\
                JkLogFile jk.log\nJkRequestLogFormat \"%U %q\"\n";
    let jkd = start(backend.address.port(), conf);
    let request = Request::new("GET", "/a%0a127.0.0.1%1b[2J?x=%0d")
        .header("X-Evil", "\u{1b}[2J\u{7f}\"")
        .header("Cookie", "sid=\"1\"");
    let status = jkd.http().send(request).status;
    assert!(status == 200 || status == 400, "{status}");
    let request = Request::new("GET", "/a%0ab").header("X-Evil", "\u{e9}\"");
    assert_eq!(jkd.http().send(request).status, 200);
    wait_for_lines(&jkd, "access.log", 1);
    assert_eq!(jkd.terminate(), 0);
    for name in ["access.log", "jk.log"] {
        for line in lines(&jkd, name) {
            assert!(line.bytes().all(|b| matches!(b, b' '..=b'~')), "{line}");
        }
    }
    let last = lines(&jkd, "access.log").pop().unwrap();
    assert!(
        last.starts_with(r#"/a\nb \xc3\xa9\" a\tb\xc3\xa9\"\\ - "#),
        "{last}"
    );
}

#[test]
fn rotation_by_a_signal_loses_nothing() {
    let backend = hello();
    let jkd = start(
        backend.address.port(),
        "CustomLog access.log %U\nJkLogFile jk.log\n",
    );
    let mut http = jkd_tests::Http::persistent(jkd.address);
    let mut sent = 0;
    for round in 0..4 {
        for _ in 0..50 {
            assert_eq!(http.get("/x").status, 200);
            sent += 1;
        }
        for name in ["access.log", "jk.log"] {
            fs::rename(jkd.path(name), jkd.path(&format!("{name}.{round}"))).unwrap();
        }
        jkd.process()
            .signal(if round % 2 == 0 { "USR1" } else { "HUP" });
        while !jkd.path("access.log").exists() || !jkd.path("jk.log").exists() {
            assert_eq!(http.get("/x").status, 200);
            sent += 1;
        }
    }
    assert_eq!(jkd.terminate(), 0);
    let names = [
        "access.log",
        "access.log.0",
        "access.log.1",
        "access.log.2",
        "access.log.3",
    ];
    let found: usize = names.iter().map(|name| lines(&jkd, name).len()).sum();
    assert_eq!(found, sent);
    let told = lines(&jkd, "jk.log.0");
    assert!(
        told.iter().any(|line| line.contains("listening on")),
        "{told:?}"
    );
}

#[test]
fn usr1_reads_the_configuration_again() {
    let backend = hello();
    let jkd = start(backend.address.port(), "CustomLog a.log \"a %U\"\n");
    assert_eq!(jkd.http().get("/1").status, 200);
    let conf = fs::read_to_string(jkd.path("jk.conf")).unwrap();
    jkd.write("jk.conf", &conf.replace("a.log \"a", "b.log \"b"));
    jkd.process().signal("USR1");
    jkd.wait_for_log("configuration reloaded");
    assert_eq!(jkd.http().get("/2").status, 200);
    assert_eq!(wait_for_lines(&jkd, "b.log", 1), ["b /2"]);
    assert_eq!(lines(&jkd, "a.log"), ["a /1"]);
}

#[test]
fn programs_get_all_lines_and_end_with_jkd() {
    let backend = hello();
    let conf = "CustomLog \"|/bin/cp /dev/stdin plain.out\" \"plain %U\"\n\
                CustomLog \"|$cat > shell.out; echo over >> shell.out\" \"shell %U\"\n\
                JkLogFile \"|$cat > jk.out\"\n";
    let jkd = start(backend.address.port(), conf);
    for number in 0..20 {
        assert_eq!(jkd.http().get(&format!("/{number}")).status, 200);
    }
    assert_eq!(jkd.terminate(), 0);
    wait_for_lines(&jkd, "shell.out", 21);
    let (shell, plain) = (lines(&jkd, "shell.out"), lines(&jkd, "plain.out"));
    assert_eq!((shell.len(), &*shell[20]), (21, "over"));
    assert!(shell.contains(&"shell /19".to_owned()));
    assert_eq!(plain.len(), 20);
    let log = wait_for_lines(&jkd, "jk.out", 2);
    assert!(
        log.iter().any(|line| line.contains("listening on")),
        "{log:?}"
    );
}

#[test]
#[ignore = "needs rotatelogs: run tests/run"]
fn rotatelogs_works() {
    let backend = hello();
    let conf = "CustomLog \"|/usr/bin/rotatelogs -l rotated.%Y 86400\" %U\n";
    let jkd = start(backend.address.port(), conf);
    for _ in 0..10 {
        assert_eq!(jkd.http().get("/x").status, 200);
    }
    assert_eq!(jkd.terminate(), 0);
    let is_rotated = |name: &str| name.starts_with("rotated.");
    let entries = fs::read_dir(jkd.path(".")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let names: Vec<_> = names.filter(|name| is_rotated(name)).collect();
    assert_eq!(names.len(), 1);
    assert_eq!(wait_for_lines(&jkd, &names[0], 10).len(), 10);
}

#[test]
fn a_log_that_cannot_be_opened_is_an_error_that_names_its_line() {
    for (log, part) in [
        ("CustomLog missing/a.log %h", "missing/a.log: No such file"),
        ("TransferLog missing/a.log", "missing/a.log: No such file"),
        ("ErrorLog missing/a.log", "missing/a.log: No such file"),
        (
            "CustomLog \"|/no/such/program x\" %h",
            "|/no/such/program x: No such file",
        ),
    ] {
        let output = builder(1, &format!("{log}\n"))
            .run(&["run", "-f", "jk.conf"])
            .unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{log}: {text}");
        let place = "jk.conf:5: cannot open the log ";
        assert!(text.contains(place) && text.contains(part), "{log}: {text}");
    }
}

#[test]
fn virtual_hosts_have_logs_and_levels_of_their_own() {
    let nobody = Nobody::new();
    let conf = "JkLogFile main.log\nJkLogLevel error\nCustomLog access.log \"main %v %U\"\n\
                JkMountCopy All\n\
                <VirtualHost *>\nServerName first\n</VirtualHost>\n\
                <VirtualHost *>\nServerName own\nJkLogFile own.log\nJkLogLevel info\n\
                JkLogStampFormat \"<%s.%q> \"\nCustomLog own-access.log \"own %v %U\"\n\
                </VirtualHost>\n";
    let jkd = start(nobody.address.port(), conf);
    let get = |host: &str, path: &str| {
        let request = Request::new("GET", path).header("Host", host);
        assert_eq!(jkd.http().send(request).status, 503);
    };
    get("first", "/1");
    get("own", "/2");
    assert_eq!(jkd.terminate(), 0);
    assert_eq!(lines(&jkd, "access.log"), ["main first /1"]);
    assert_eq!(lines(&jkd, "own-access.log"), ["own own /2"]);
    let (main, own) = (lines(&jkd, "main.log"), lines(&jkd, "own.log"));
    assert!(
        main.iter().all(|line| line.contains("[error] ")),
        "{main:?}"
    );
    assert!(main.iter().any(|line| line.contains("GET /1")), "{main:?}");
    assert!(!main.iter().any(|line| line.contains("/2")), "{main:?}");
    assert!(
        own.iter()
            .any(|line| line.contains("[warn] ") && line.contains("GET /2"))
    );
    assert!(own.iter().all(|line| line.starts_with('<')), "{own:?}");
}

#[test]
fn the_error_log_has_what_httpd_would_say() {
    let nobody = Nobody::new();
    let conf = "JkLogFile jk.log\nErrorLog error.log\nLogLevel warn\n";
    let jkd = start(nobody.address.port(), conf);
    assert_eq!(jkd.http().get("/x").status, 503);
    assert_eq!(jkd.terminate(), 0);
    let (jk, error) = (lines(&jkd, "jk.log"), lines(&jkd, "error.log"));
    assert!(
        error.iter().any(|line| line.contains("listening on")),
        "{error:?}"
    );
    assert!(
        error
            .iter()
            .all(|line| line.contains("] [jkd:") && line.contains("] [pid "))
    );
    assert!(
        jk.iter().any(|line| line.contains("request failed")),
        "{jk:?}"
    );
    assert!(
        !jk.iter().any(|line| line.contains("listening on")),
        "{jk:?}"
    );
}

#[test]
fn a_full_disk_stops_nothing_and_is_told() {
    let backend = hello();
    let jkd = start(backend.address.port(), "CustomLog /dev/full %U\n");
    assert_eq!(jkd.http().get("/x").status, 200);
    jkd.wait_for_log("1 lines of the log /dev/full are lost: No space left on device");
    assert_eq!(jkd.http().get("/y").status, 200);
}

#[test]
fn clients_that_leave_are_told() {
    let [heard, left] = [(); 2].map(|()| Arc::new(AtomicBool::new(false)));
    let (hears, leaves) = (heard.clone(), left.clone());
    let backend = Backend::start(move |exchange| {
        if exchange.mentions("/before") {
            hears.store(true, Relaxed);
            wait_until("the client is gone", || leaves.load(Relaxed));
            return exchange.answer(200, &[], b"late");
        }
        exchange.headers(200, &[("Content-Length", "100000000")])?;
        loop {
            exchange.chunk(&[b'x'; 8000])?;
        }
    });
    let conf = "CustomLog access.log \"%U %s %X\"\n";
    let jkd = start(backend.address.port(), conf);
    for (path, has_answer) in [("/before", false), ("/during", true)] {
        let mut stream = TcpStream::connect(jkd.address).unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        if has_answer {
            stream.read_exact(&mut [0; 1000]).unwrap();
        } else {
            wait_until("the backend has it", || heard.load(Relaxed));
        }
        // An end of the sending side alone would not mean that it is gone.
        let stream = SockRef::from(&stream);
        stream.set_linger(Some(Duration::ZERO)).unwrap();
    }
    let mut lines = wait_for_lines(&jkd, "access.log", 2);
    left.store(true, Relaxed);
    lines.sort();
    assert_eq!(lines, ["/before 400 X", "/during 200 X"]);
}

/// The backend owes its end, or breaks off before it: the client has missed nothing.
#[test]
fn clients_that_have_all_of_an_answer_have_not_left() {
    let released = Arc::new(AtomicBool::new(false));
    let release = released.clone();
    let backend = Backend::start(move |exchange| {
        exchange.headers(200, &[("Content-Length", "5")])?;
        if !exchange.mentions("/head") {
            exchange.chunk(b"hello")?;
        }
        if !exchange.mentions("/broken") {
            wait_until("its lines are there", || release.load(Relaxed));
        }
        Err(ErrorKind::ConnectionAborted.into())
    });
    let conf = "CustomLog access.log \"%m %U %s %X\"\n";
    let jkd = start(backend.address.port(), conf);
    for (method, path) in [("HEAD", "/head"), ("GET", "/whole"), ("GET", "/broken")] {
        let mut stream = TcpStream::connect(jkd.address).unwrap();
        let request = format!("{method} {path} HTTP/1.1\r\nHost: x\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let end: &[u8] = if method == "HEAD" {
            b"\r\n\r\n"
        } else {
            b"hello"
        };
        let mut answer = Vec::new();
        while !answer.ends_with(end) {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            answer.extend(byte);
        }
        SockRef::from(&stream)
            .set_linger(Some(Duration::ZERO))
            .unwrap();
    }
    let mut lines = wait_for_lines(&jkd, "access.log", 3);
    released.store(true, Relaxed);
    lines.sort();
    assert_eq!(
        lines,
        ["GET /broken 200 +", "GET /whole 200 +", "HEAD /head 200 +"]
    );
}

#[test]
fn notes_tell_of_a_failover() {
    let (nobody, backend) = (Nobody::new(), hello());
    let workers = format!(
        "worker.list=lb\nworker.lb.type=lb\nworker.lb.balance_workers=a,b\n\
         worker.a.host=127.0.0.1\nworker.a.port={}\nworker.a.retries=1\n\
         worker.b.host=127.0.0.1\nworker.b.port={}\n",
        nobody.address.port(),
        backend.address.port()
    );
    let conf = "Listen 127.0.0.1:0\nJkWorkersFile w.properties\nJkMount /* lb\n\
                CustomLog a.log \"%{JK_WORKER_NAME}n %{JK_WORKER_ROUTE}n %{JK_LB_FIRST_NAME}n \
                %{JK_LB_FIRST_STATE}n %{JK_LB_FIRST_ERRORS}n %{JK_LB_LAST_NAME}n \
                %{JK_LB_LAST_STATE}n %>s\"\n";
    let jkd = Jkd::builder(env!("CARGO_BIN_EXE_jkd"))
        .file("jk.conf", conf)
        .file("w.properties", &workers)
        .start(&["run", "-f", "jk.conf"]);
    assert_eq!(jkd.http().get("/x").status, 200);
    assert_eq!(wait_for_lines(&jkd, "a.log", 1), ["lb a a ERR 1 b OK 200"]);
}

#[test]
fn the_note_about_the_duration_has_seconds_and_microseconds() {
    let backend = hello();
    let workers = format!(
        "worker.list=w\nworker.w.host=127.0.0.1\nworker.w.port={}\n",
        backend.address.port()
    );
    let conf = "Listen 127.0.0.1:0\nJkWorkersFile w.properties\nJkMount /* w\n\
                CustomLog a.log %{JK_REQUEST_DURATION}n\n";
    let jkd = Jkd::builder(env!("CARGO_BIN_EXE_jkd"))
        .file("jk.conf", conf)
        .file("w.properties", &workers)
        .start(&["run", "-f", "jk.conf"]);
    assert_eq!(jkd.http().get("/x").status, 200);
    let lines = wait_for_lines(&jkd, "a.log", 1);
    let (seconds, fraction) = lines[0].split_once('.').unwrap();
    assert_eq!(fraction.len(), 6, "{lines:?}");
    assert!(seconds.parse::<u32>().unwrap() < 60 && fraction.parse::<u32>().is_ok());
}

#[test]
fn lines_about_a_request_begin_with_its_id() {
    let nobody = Nobody::new();
    let conf = "JkLogFile jk.log\nSetEnvIf X-Request-Id (.+) REQUEST_ID=$1\n\
                JkRequestIdIndicator REQUEST_ID\n";
    let jkd = start(nobody.address.port(), conf);
    let request = Request::new("GET", "/x").header("X-Request-Id", "4711] [error");
    assert_eq!(jkd.http().send(request).status, 503);
    assert_eq!(jkd.http().get("/y").status, 503);
    assert_eq!(jkd.terminate(), 0);
    let found = lines(&jkd, "jk.log");
    let about = |path: &str| {
        let mut about = found.iter().filter(|line| line.contains(path));
        about.next().unwrap().clone()
    };
    assert!(about("GET /x").contains("] [4711_ _error] ["), "{found:?}");
    assert!(!about("GET /y").contains("4711"), "{found:?}");
}
