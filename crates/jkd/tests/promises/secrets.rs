//! What is secret is in no log, on no page and in no output.

use std::{fs, io};

use jkd_tests::{Backend, Jkd, Nobody, Request};

use crate::BINARY;

/// The connectors' secret, and what clients say of themselves.
const SECRET: &str = "kanarie-in-the-file";
const PASSWORD: &str = "a2FuYXJpZTpwYXNzd29yZA";
const COOKIE: &str = "kanarie-in-the-cookie";

fn start(backend: &Backend, nobody: &Nobody) -> Jkd {
    let mut workers = String::from(
        "worker.list=lb,alone,status\nworker.status.type=status\nworker.lb.type=lb\n\
         worker.lb.balance_workers=good,dead\nworker.lb.secret=kanarie-in-the-file-too\n",
    );
    for (name, port) in [
        ("alone", backend.address.port()),
        ("good", backend.address.port()),
        ("dead", nobody.address.port()),
    ] {
        workers += &format!(
            "worker.{name}.host=127.0.0.1\nworker.{name}.port={port}\n\
             worker.{name}.secret={SECRET}\nworker.{name}.reply_timeout=500\n"
        );
    }
    let config = "JkWorkersFile workers.properties\nJkMount /alone/* alone\nJkMount /lb/* lb\n\
                  JkMount /status status\nJkLogFile jk.log\nJkLogLevel trace\nErrorLog error.log\n\
                  LogLevel trace8\nCustomLog access.log combined\n";
    Jkd::builder(BINARY)
        .file("workers.properties", &workers)
        .file("jk.conf", config)
        .start(&[
            "run",
            "-f",
            "jk.conf",
            "--listen",
            "127.0.0.1:0",
            "--log-level",
            "trace",
        ])
}

/// Does to each request what its path says.
fn moody() -> Backend {
    Backend::start(|exchange| {
        if exchange.mentions("/garbage") {
            return exchange.raw(b"AB\x00\x03\x04garbage");
        }
        if exchange.mentions("/odd") {
            return exchange.packet(b"\x55 what is this");
        }
        if exchange.mentions("/hangs-up") {
            return Err(io::Error::other("over"));
        }
        if exchange.mentions("/silent") {
            return exchange.wait_for_close();
        }
        // As Tomcat does it where the secret is wrong.
        let status = if exchange.mentions("/403") { 403 } else { 200 };
        exchange.headers(status, &[("Content-Length", "0")])?;
        exchange.end(status == 200)
    })
}

fn is_hushed(what: &str, text: &str) {
    for hidden in ["kanarie", PASSWORD] {
        assert!(!text.contains(hidden), "{what} tells {hidden}:\n{text}");
    }
}

#[test]
fn secrets_are_in_no_log_on_no_page_and_in_no_output() {
    let (backend, nobody) = (moody(), Nobody::new());
    let jkd = start(&backend, &nobody);
    answers(&jkd);
    pages(&jkd);
    outputs(&jkd);
    let process = format!("/proc/{}/cmdline", jkd.process().pid());
    is_hushed("its command line", &fs::read_to_string(process).unwrap());
    jkd.terminate();
    is_hushed("standard error", &jkd.log());
    for name in ["jk.log", "error.log", "access.log"] {
        let text = fs::read_to_string(jkd.path(name)).unwrap();
        assert!(!text.is_empty(), "{name}");
        is_hushed(name, &text);
    }
}

fn answers(jkd: &Jkd) {
    let mut http = jkd.http();
    for worker in ["alone", "lb"] {
        for mood in ["", "garbage", "odd", "hangs-up", "silent", "403"] {
            let path = format!("/{worker}/{mood}");
            let request = Request::new("GET", &path)
                .header("Authorization", &format!("Basic {PASSWORD}"))
                .header("Proxy-Authorization", &format!("Basic {PASSWORD}"))
                .header("Cookie", &format!("JSESSIONID={COOKIE}"));
            is_hushed(&path, &http.send(request).text());
        }
    }
}

fn pages(jkd: &Jkd) {
    let mut http = jkd.http();
    for form in ["html", "json", "prop", "txt", "xml"] {
        for command in [
            "list",
            "show&w=lb",
            "show&w=alone",
            "dump",
            "config",
            "edit&w=alone",
            "edit&w=lb&sw=good",
        ] {
            let path = format!("/status?mime={form}&cmd={command}");
            is_hushed(&path, &http.get(&path).text());
        }
    }
}

fn outputs(jkd: &Jkd) {
    for arguments in [
        vec!["check", "-f", "jk.conf"],
        vec!["show", "-f", "jk.conf"],
        vec!["show", "-f", "jk.conf", "--json"],
        vec!["match", "-f", "jk.conf", "/lb/x"],
    ] {
        let output = jkd.run(&arguments).unwrap();
        for stream in [output.stdout, output.stderr] {
            is_hushed(&arguments.join(" "), &String::from_utf8_lossy(&stream));
        }
    }
}
