//! What an operator reads in the log.

#![allow(clippy::unwrap_used, clippy::panic, reason = "these are tests")]

use std::{io::Write, net::TcpListener, thread, time::Duration};

use jkd_tests::{Backend, Jkd, Nobody, wait_until};

fn serving(workers: &str) -> Jkd {
    let builder = Jkd::builder(env!("CARGO_BIN_EXE_jkd")).file("workers.properties", workers);
    builder.start(&[
        "run",
        "--listen",
        "127.0.0.1:0",
        "--workers",
        "workers.properties",
        "--mount",
        "/*=lb",
        "--log-level",
        "trace",
    ])
}

/// A balancer of one member, `node`, with a secret.
fn workers(port: u16) -> String {
    format!(
        "worker.list=lb\nworker.lb.type=lb\nworker.lb.balance_workers=node\n\
         worker.node.host=127.0.0.1\nworker.node.port={port}\nworker.node.secret=canary4711\n"
    )
}

/// The first line of the log that contains `text`.
fn line(jkd: &Jkd, text: &str) -> String {
    jkd.wait_for_log(text);
    let log = jkd.log();
    log.lines()
        .find(|line| line.contains(text))
        .unwrap()
        .to_owned()
}

#[test]
fn a_refusal_by_tomcat_itself_is_told_once_however_its_end_comes() {
    for pause in [0, 30] {
        let backend = Backend::start(move |exchange| {
            exchange.headers(403, &[("Content-Length", "0")])?;
            thread::sleep(Duration::from_millis(pause));
            exchange.end(false)
        });
        let jkd = serving(&workers(backend.address.port()));
        assert_eq!(jkd.http().get("/app/x").status, 403);
        jkd.wait_for_log("does the secret equal the connector's");
        assert_eq!(jkd.http().get("/end").status, 403);
        wait_until("the second one is told as well", || {
            jkd.log().matches("refused with 403").count() >= 2
        });
        assert_eq!(jkd.log().matches("refused with 403").count(), 2);
    }
}

#[test]
fn a_refused_connect_is_told_with_everything_that_helps() {
    let nobody = Nobody::new();
    let port = nobody.address.port();
    let jkd = serving(&workers(port));
    assert_eq!(jkd.http().get("/app/x?token=hidden").status, 503);
    let line = line(&jkd, "cannot connect");
    let peer = format!("127.0.0.1:{port}");
    for part in [
        "[warn]",
        "worker=lb",
        "member=\"node\"",
        "request=GET /app/x",
        &peer,
        "server.xml",
    ] {
        assert!(line.contains(part), "no {part} in {line}");
    }
    let log = jkd.log();
    assert!(
        !log.contains("hidden") && !log.contains("canary4711"),
        "{log}"
    );
}

#[test]
fn a_port_that_speaks_http_is_called_so() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    let jkd = serving(&workers(port));
    assert_eq!(jkd.http().get("/").status, 503);
    assert!(line(&jkd, "speaks HTTP").contains("member=\"node\""));
}

#[test]
fn a_403_of_tomcat_itself_points_at_the_secret() {
    let backend = Backend::start(|exchange| {
        exchange.headers(403, &[])?;
        exchange.chunk(b"<html>")?;
        exchange.end(false)
    });
    let jkd = serving(&workers(backend.address.port()));
    assert_eq!(jkd.http().get("/").status, 403);
    let line = line(&jkd, "allowedRequestAttributesPattern");
    assert!(
        line.contains("[warn]") && line.contains("worker=\"lb\""),
        "{line}"
    );
}

#[test]
fn an_answer_that_breaks_off_is_told_with_its_request() {
    let backend = Backend::start(|exchange| {
        exchange.headers(200, &[("Content-Length", "100")])?;
        exchange.chunk(b"begun")?;
        exchange.flush()?;
        Err(std::io::Error::other("gone"))
    });
    let jkd = serving(&workers(backend.address.port()));
    let request = jkd_tests::Request::new("GET", "/app/y?token=hidden");
    assert!(jkd.http().try_send(request).is_err());
    let line = line(&jkd, "broken off");
    assert!(
        line.contains("request=GET /app/y") && !line.contains("hidden"),
        "{line}"
    );
}

#[test]
fn what_clients_and_backends_say_cannot_leave_its_line() {
    let backend =
        Backend::start(|exchange| exchange.answer(200, &[("X\r\nERROR forged", "1")], b"x"));
    let jkd = serving(&workers(backend.address.port()));
    assert_eq!(jkd.http().get("/%0d%0aERROR%1b[2J").status, 500);
    jkd.wait_for_log("is no header name");
    let log = jkd.log();
    assert!(!log.contains('\x1b'), "{log}");
    assert!(log.lines().all(|line| line.starts_with('[')), "{log}");
}

#[test]
fn a_stray_connection_is_told_when_it_costs_a_client_its_answer() {
    let backend = Backend::start(|exchange| {
        if exchange.mentions("/last") {
            return Err(std::io::Error::other("gone"));
        }
        exchange.answer(200, &[], b"fine")
    });
    let jkd = serving(&workers(backend.address.port()));
    // All on one connection of the client's, so that the backend's is used again.
    let mut http = jkd_tests::Http::persistent(jkd.address);
    assert_eq!(http.get("/").status, 200);
    let post = jkd_tests::Request::new("POST", "/last");
    assert_eq!(http.send(post).status, 502);
    let line = line(&jkd, "not tried again");
    let peer = backend.address.to_string();
    assert!(line.contains("[warn]") && line.contains(&peer), "{line}");
}

#[test]
fn a_dead_balancer_does_not_flood_the_log() {
    let dead = Nobody::new();
    let jkd = Jkd::serving(
        env!("CARGO_BIN_EXE_jkd"),
        &format!(
            "{}worker.node.retries=1\nworker.lb.retries=1\n",
            workers(dead.address.port())
        ),
        &["/*=lb"],
    );
    let begin = std::time::SystemTime::now();
    for _ in 0..200 {
        assert_eq!(jkd.http().get("/").status, 503);
    }
    let seconds = usize::try_from(begin.elapsed().unwrap().as_secs()).unwrap();
    let log = jkd.log();
    let lines = |text| log.lines().filter(|line| line.contains(text)).count();
    let requests = lines("request=");
    assert!(
        (1..=20 * (seconds + 2)).contains(&requests),
        "{requests} lines in {seconds} s"
    );
    let errors = lines("member is in error");
    assert_eq!(errors, 1, "{log}");
    // One line has it all: which member, where, and why.
    let told = log.lines().find(|l| l.contains("member is in error"));
    let told = told.unwrap();
    let address = dead.address.to_string();
    for part in ["member=node", &address, "cannot connect"] {
        assert!(told.contains(part), "{part}: {told}");
    }
}

/// One that answers with a status that puts it in error and with another one by turns.
#[test]
fn a_fickle_member_does_not_flood_the_log() {
    let backend = Backend::start(|exchange| {
        let status = if exchange.mentions("/bad\0") {
            500
        } else {
            200
        };
        exchange.answer(status, &[], b"")
    });
    let workers = format!(
        "{}worker.node.fail_on_status=500\nworker.lb.retries=1\n",
        workers(backend.address.port())
    );
    let jkd = Jkd::serving(env!("CARGO_BIN_EXE_jkd"), &workers, &["/*=lb"]);
    let begin = std::time::SystemTime::now();
    for _ in 0..200 {
        assert_eq!(jkd.http().get("/bad").status, 503);
        assert_eq!(jkd.http().get("/good").status, 200);
    }
    let seconds = usize::try_from(begin.elapsed().unwrap().as_secs()).unwrap();
    let log = jkd.log();
    let lines = log.lines().filter(|line| line.contains("from=")).count();
    assert!((1..=20 * (seconds + 2)).contains(&lines), "{lines}\n{log}");
}

#[test]
fn with_a_log_file_the_address_is_also_told_on_standard_error() {
    let jkd = Jkd::builder(env!("CARGO_BIN_EXE_jkd")).file(
        "jk.conf",
        "Listen 127.0.0.1:0\nJkLogFile jkd.log\nJkLogLevel info\n",
    );
    // Starting waits for the address on standard error.
    let jkd = jkd.start(&["run", "-f", "jk.conf"]);
    let file = std::fs::read_to_string(jkd.path("jkd.log")).unwrap();
    assert!(file.contains(&format!("listening on http://{}", jkd.address)));
}

#[test]
fn a_rotated_log_is_opened_anew_also_when_the_files_are_invalid() {
    let jkd = Jkd::builder(env!("CARGO_BIN_EXE_jkd"))
        .file("jk.conf", "Listen 127.0.0.1:0\nJkLogFile jkd.log\n")
        .start(&["run", "-f", "jk.conf"]);
    let (log, old) = (jkd.path("jkd.log"), jkd.path("jkd.log.1"));
    std::fs::rename(&log, &old).unwrap();
    jkd.write("jk.conf", "JkNonsense\n");
    jkd.process().signal("HUP");
    wait_until("a new log", || log.exists());
    let told = std::fs::read_to_string(&old).unwrap();
    assert!(told.contains("JkNonsense"), "{told}");
}

#[test]
fn a_log_file_that_cannot_be_opened_is_named() {
    let jkd = Jkd::builder(env!("CARGO_BIN_EXE_jkd"))
        .file("jk.conf", "Listen 127.0.0.1:0\nJkLogFile missing/jkd.log\n");
    let output = jkd.run(&["run", "-f", "jk.conf"]).unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    for part in [
        "jk.conf:2: cannot open the log ",
        "missing/jkd.log: No such",
    ] {
        assert!(text.contains(part), "no {part} in {text}");
    }
}

#[test]
fn a_member_that_works_again_is_told_once() {
    let nobody = Nobody::new();
    let address = nobody.address;
    let jkd = serving(&workers(address.port()));
    assert_eq!(jkd.http().get("/").status, 503);
    jkd.wait_for_log("member is still in error; jkd goes on asking it");
    drop(nobody);
    let _backend = Backend::at(address, |exchange| exchange.answer(200, &[], b"back"));
    let line = line(&jkd, "member works again: a CPing was answered");
    let peer = address.to_string();
    for part in ["[info]", "worker=lb", "member=node", &peer] {
        assert!(line.contains(part), "no {part} in {line}");
    }
    assert!(!jkd.log().contains("canary4711"));
}

#[test]
fn a_request_that_takes_too_long_is_told_with_what_it_waited_for() {
    let (silent, nobody) = (Backend::silent(), Nobody::new());
    let conf = "Listen 127.0.0.1:0\nJkWorkersFile workers.properties\nJkdRequestTimeout 1\n\
                JkMount /* lb\n";
    let start = |workers: &str| {
        let builder = Jkd::builder(env!("CARGO_BIN_EXE_jkd")).file("jk.conf", conf);
        let builder = builder.file("workers.properties", workers);
        builder.start(&["run", "--config", "jk.conf"])
    };
    let jkd = start(&workers(silent.address.port()));
    assert_eq!(jkd.http().get("/x?token=hidden").status, 504);
    let said = line(&jkd, "after JkdRequestTimeout while waiting for its answer");
    for part in ["[error]", "worker=lb", "member=\"node\"", "state=\"ERR\""] {
        assert!(said.contains(part), "no {part} in {said}");
    }
    assert!(!jkd.log().contains("hidden"));

    let retrying = workers(nobody.address.port()) + "worker.node.retry_interval=60000\n";
    let jkd = start(&retrying);
    assert_eq!(jkd.http().get("/").status, 504);
    line(
        &jkd,
        "after JkdRequestTimeout while waiting for a connection to it",
    );
}
