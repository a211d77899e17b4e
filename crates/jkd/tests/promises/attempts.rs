//! How often a request is sent: as often as the rules of repetition allow, whatever backends do.

use std::{collections::BTreeMap, io, sync::Arc, thread};

use jkd_tests::{Backend, Exchange, Jkd, Request, wait_until};
use parking_lot::Mutex;
use proptest::prelude::*;

use crate::BINARY;

/// What a backend does with a request that it has read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Does {
    Answers,
    /// Closes the connection.
    HangsUp,
    /// Says what is no packet.
    Babbles,
    /// Closes it behind the head of its answer.
    Begins,
    /// Answers, and closes the connection although it may be used again.
    AnswersAndCloses,
}

const ALL: [Does; 5] = [
    Does::Answers,
    Does::HangsUp,
    Does::Babbles,
    Does::Begins,
    Does::AnswersAndCloses,
];

/// What was done, in order, by the numbers of requests.
type Record = Arc<Mutex<BTreeMap<usize, Vec<Does>>>>;

fn number(exchange: &Exchange<'_>) -> usize {
    let text = String::from_utf8_lossy(exchange.request);
    let (_, rest) = text.split_once("/n").unwrap();
    rest.split('-').next().unwrap().parse().unwrap()
}

fn member(does: Vec<Does>, record: Record) -> Backend {
    Backend::start(move |exchange| {
        let number = number(exchange);
        let does = does[number % does.len()];
        record.lock().entry(number).or_default().push(does);
        let over = || Err(io::Error::other("over"));
        match does {
            Does::Answers => exchange.answer(200, &[], b"whole"),
            Does::HangsUp => over(),
            Does::Babbles => exchange.raw(b"nothing that AJP knows"),
            Does::Begins => {
                exchange.headers(200, &[("Content-Length", "5")])?;
                exchange.flush()?;
                over()
            }
            Does::AnswersAndCloses => {
                exchange.answer(200, &[], b"whole")?;
                over()
            }
        }
    })
}

fn serving(members: &[Backend]) -> Jkd {
    let names: Vec<_> = (0..members.len()).map(|n| format!("m{n}")).collect();
    let mut workers = format!(
        "worker.list=lb\nworker.lb.type=lb\nworker.lb.balance_workers={}\n",
        names.join(",")
    );
    for (name, backend) in names.iter().zip(members) {
        let port = backend.address.port();
        workers += &format!("worker.{name}.host=127.0.0.1\nworker.{name}.port={port}\n");
    }
    Jkd::serving(BINARY, &workers, &["/*=lb"])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn invariant_1_a_request_is_sent_as_often_as_it_may_be(
        moods in proptest::collection::vec(
            proptest::collection::vec(proptest::sample::select(ALL.to_vec()), 7..23), 1..4),
    ) {
        const REQUESTS: usize = 60;
        let record = Record::default();
        let members: Vec<_> = moods.iter().map(|does| member(does.clone(), record.clone())).collect();
        let jkd = serving(&members);
        let statuses = Mutex::new(BTreeMap::new());
        thread::scope(|scope| {
            for client in 0..4 {
                let (jkd, statuses) = (&jkd, &statuses);
                scope.spawn(move || for number in (client..REQUESTS).step_by(4) {
                    let path = format!("/n{number}-x");
                    let mut body = &b"body"[..];
                    let request = if number % 2 == 0 {
                        Request::new("GET", &path)
                    } else {
                        Request::new("POST", &path).body(&mut body, Some(4))
                    };
                    let answer = jkd.http().try_send(request);
                    let status = answer.map_or(0, |answer| answer.status);
                    statuses.lock().insert(number, status);
                });
            }
        });
        wait_until("all", || statuses.lock().len() == REQUESTS);
        let record = record.lock();
        for (number, tries) in record.iter() {
            let shown = || format!("{number}: {tries:?}, {}\n{}", statuses.lock()[number], jkd.log());
            // Once an answer has begun nobody else is asked.
            let begun = tries.iter().position(|does| !matches!(does, Does::HangsUp | Does::Babbles));
            prop_assert!(begun.is_none_or(|at| at + 1 == tries.len()), "{}", shown());
            // What may not be done twice is sent once.
            let most = if number % 2 == 0 { 2 * members.len() } else { 1 };
            prop_assert!(tries.len() <= most, "{}", shown());
            if statuses.lock()[number] == 200 {
                prop_assert!(begun.is_some(), "{}", shown());
            }
        }
        prop_assert!(!record.is_empty());
    }
}
