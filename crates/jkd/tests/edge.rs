//! Odd and hostile requests, judged at both ends: what the client gets, and what reaches the
//! backend.
#![allow(
    clippy::expect_used,
    clippy::format_collect,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may fail anywhere"
)]

use std::{net::Ipv4Addr, thread};

use jkd_tests::{Http, Jkd, Request as Ask, wait_until};

use self::{case::Case, client::Seen, recorder::Recorder};

#[path = "edge/answers.rs"]
mod answers;
#[path = "edge/case.rs"]
mod case;
#[path = "edge/client.rs"]
mod client;
#[path = "edge/framing.rs"]
mod framing;
#[path = "edge/judge.rs"]
mod judge;
#[path = "edge/mutate.rs"]
mod mutate;
#[path = "edge/mutations.rs"]
mod mutations;
#[path = "edge/plain.rs"]
mod plain;
#[path = "edge/poses.rs"]
mod poses;
#[path = "edge/recorder.rs"]
mod recorder;
#[path = "edge/refusals.rs"]
mod refusals;
#[path = "edge/say.rs"]
mod say;

const BINARY: &str = env!("CARGO_BIN_EXE_jkd");

/// What the cases are written for.
const CONFIGURATION: &str = "\
ServerName jkd.test
JkWorkersFile workers.properties
JkMount /t/* w
JkUnMount /t/private w
JkUnMount /t/private/* w
JkMount /jk-status status
<Location /jk-status>
Require all denied
</Location>
LimitRequestLine 8190
LimitRequestFieldSize 8190
LimitRequestFields 100
LimitRequestBody 10485760
KeepAliveTimeout 5
RequestReadTimeout header=5 body=5,MinRate=500
";

fn start(recorder: &Recorder, more: &str) -> Jkd {
    start_with(recorder, more, &[])
}

/// With files beside the configuration.
fn start_with(recorder: &Recorder, more: &str, files: &[(&str, &str)]) -> Jkd {
    let port = recorder.address.port();
    let workers = format!(
        "worker.list=w,status\nworker.w.host=127.0.0.1\nworker.w.port={port}\n\
         worker.status.type=status\n"
    );
    let builder = Jkd::builder(BINARY)
        .file("workers.properties", &workers)
        .file("jk.conf", &format!("{CONFIGURATION}{more}"));
    let with =
        |builder: jkd_tests::JkdBuilder, (name, text): &(&str, &str)| builder.file(name, text);
    (files.iter().fold(builder, with)).start(&["run", "-f", "jk.conf", "--listen", "127.0.0.1:0"])
}

/// The address of the client of a case.
fn address(number: usize) -> Ipv4Addr {
    let [high, low] = u16::try_from(number + 1).unwrap().to_be_bytes();
    Ipv4Addr::new(127, 77, high, low)
}

fn serves(jkd: &Jkd) -> bool {
    let ask = || Ask::new("GET", "/t/a").header("Host", "jkd.test");
    (0..4).all(|_| Http::new(jkd.address).send(ask()).status == 200)
}

#[test]
fn every_case_holds() {
    let recorder = Recorder::start();
    let jkd = start(&recorder, "");
    let cases = case::all();
    // All at once: what takes its time are the limits that the cases are about.
    let seen: Vec<(Case, String, Seen)> = thread::scope(|scope| {
        let play = |(number, case): (usize, &Case)| {
            let (case, server, own) = (case.clone(), jkd.address, address(number));
            scope.spawn(move || {
                let seen = client::play(&case, server, own.into());
                (case, own.to_string(), seen)
            })
        };
        let threads: Vec<_> = cases.iter().enumerate().map(play).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    wait_until("the end of all bodies", || recorder.is_settled());
    let mut wrong = Vec::new();
    for (case, own, seen) in &seen {
        let requests = recorder.of(own);
        let verdicts: Vec<_> = (case.right())
            .map(|expect| judge::judge(expect, seen, &requests, own))
            .collect();
        if verdicts.iter().all(|verdict| !verdict.is_empty()) {
            wrong.push(format!("{} ({}): {:?}", case.id, case.why, verdicts[0]));
        }
    }
    assert_eq!(seen.len(), 232);
    assert!(wrong.is_empty(), "{}\n{}", wrong.join("\n"), jkd.log());
    assert_eq!(recorder.desyncs(), Vec::<String>::new());
    let known = |client: &String| seen.iter().any(|(_, own, _)| own == client);
    let strangers: Vec<_> = recorder
        .clients()
        .into_iter()
        .filter(|one| !known(one))
        .collect();
    assert!(strangers.is_empty(), "{strangers:?}");
    assert!(serves(&jkd));
}
