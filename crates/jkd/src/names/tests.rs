use std::{cell::RefCell, future, io, sync::Weak, time::Duration};

use jkworkers::workers_properties::{Source, read};
use tokio::time::{Instant, timeout};

use super::{watch::watch, *};
use crate::snapshot::Snapshot;

const S: Duration = Duration::from_secs(1);

fn model(text: &str) -> Arc<Model> {
    let source = Source {
        name: "w",
        bytes: text.as_bytes(),
    };
    let read = read(&[source], &[], "/", &|_| None);
    assert_eq!(read.diagnostics.to_string(), "");
    Arc::new(Model {
        hosts: Vec::new(),
        listen: Vec::new(),
        workers: read.workers,
        global: model::Global::default(),
        files: Vec::new(),
    })
}

fn addresses(text: &str) -> Vec<SocketAddr> {
    let addresses = text.split_whitespace();
    addresses
        .map(|t| SocketAddr::new(t.parse().unwrap(), 0))
        .collect()
}

fn known(name: &Name) -> String {
    List(&name.addresses.known()).to_string()
}

const WORKERS: &str = "worker.list=lb,one,two\n\
    worker.lb.type=lb\nworker.lb.balance_workers=x,y,z\n\
    worker.x.host=many\nworker.x.resolve=all\nworker.y.host=127.0.0.1\nworker.z.host=one\n\
    worker.one.host=one\nworker.two.host=::1\n";

#[test]
fn names_are_those_of_workers_and_members_and_keep_what_is_known() {
    let configured = model(WORKERS);
    let names = Names::new(&configured, None);
    let mut hosts: Vec<_> = names.iter().map(|e| (&*e.name.host, e.many)).collect();
    hosts.sort_unstable();
    assert_eq!(hosts, [("many", true), ("one", false)]);
    assert!(names.addresses("127.0.0.1").is_none());

    names.addresses("one").unwrap().set(addresses("10.0.0.1"));
    let other = model("worker.list=one,new\nworker.one.host=one\nworker.new.host=new\n");
    let names = Names::new(&other, Some(&names));
    assert_eq!(known(&names.0["one"].name), "10.0.0.1");
    assert_eq!(known(&names.0["new"].name), "");
    assert!(names.addresses("many").is_none());
}

#[test]
fn the_running_model_has_a_member_for_each_address() {
    let configured = model(WORKERS);
    let names = Names::new(&configured, None);
    let members = |names: &Names| {
        let model = names.expand(&configured);
        let members = members(&model.worker("lb").unwrap().kind).unwrap();
        let names: Vec<_> = members.iter().map(|m| m.worker.name.to_string()).collect();
        names.join(" ")
    };
    assert_eq!(members(&names), "x y z");
    names
        .addresses("many")
        .unwrap()
        .set(addresses("10.0.0.2 10.0.0.1"));
    names
        .addresses("one")
        .unwrap()
        .set(addresses("10.0.0.3 10.0.0.4"));
    assert_eq!(members(&names), "x-10.0.0.1 x-10.0.0.2 y z");
}

/// Whatever members names turn into, variables speak of those that are configured.
#[test]
fn what_is_configured_stays_as_it_is() {
    let configured = model(WORKERS);
    let names = Names::new(&configured, None);
    let many = names.addresses("many").unwrap();
    many.set(addresses("10.0.0.1 10.0.0.2"));
    let models = (configured.clone(), names.expand(&configured));
    let snapshot = Snapshot::new(
        models,
        Arc::new(names),
        (Arc::default(), Arc::default()),
        None,
        (1, Weak::new()),
    );
    let worker = snapshot.configured("lb").unwrap();
    let names = members(&worker.kind).unwrap().iter();
    let names: Vec<_> = names.map(|member| &*member.worker.name).collect();
    assert_eq!(names, ["x", "y", "z"]);
    assert_eq!(snapshot.groups().next().unwrap().endpoints.len(), 4);
}

#[test]
fn the_first_lookup_of_members_is_waited_for() {
    let configured = model(
        "worker.list=lb\nworker.lb.type=lb\nworker.lb.balance_workers=x,y\n\
         worker.x.host=localhost\nworker.x.resolve=all\nworker.y.host=localhost.\n",
    );
    let names = Names::new(&configured, None);
    names.await_members(20 * S);
    assert!(known(&names.0["localhost"].name).contains("127.0.0.1"));
    // Its first connection waits for it.
    assert_eq!(known(&names.0["localhost."].name), "");
}

/// A resolver that gives these answers, one after the other, then the last one for ever, and
/// notes when it was asked.
struct Script {
    answers: RefCell<Vec<io::Result<Vec<SocketAddr>>>>,
    asked: RefCell<Vec<u64>>,
    start: Instant,
}

impl Script {
    fn new(answers: &[&str]) -> Self {
        let answer = |text: &&str| match text.strip_prefix('!') {
            Some(error) => Err(io::Error::other(error.to_owned())),
            None => Ok(addresses(text)),
        };
        Self {
            answers: RefCell::new(answers.iter().rev().map(answer).collect()),
            asked: RefCell::default(),
            start: Instant::now(),
        }
    }

    fn answer(&self) -> io::Result<Vec<SocketAddr>> {
        let at = self.start.elapsed().as_secs();
        self.asked.borrow_mut().push(at);
        let mut answers = self.answers.borrow_mut();
        match &**answers {
            [Ok(last)] => Ok(last.clone()),
            [Err(last)] => Err(io::Error::other(last.to_string())),
            _ => answers.pop().unwrap(),
        }
    }
}

/// Watches for so many seconds; when it asked, and how often something changed.
async fn watched(name: &Name, interval: u32, script: &Script, seconds: u32) -> usize {
    let changes = RefCell::new(0);
    let changed = || *changes.borrow_mut() += 1;
    let look_up = || future::ready(script.answer());
    let watch = watch(name, interval * S, look_up, changed);
    let _ = timeout((2 * seconds - 1) * S / 2, watch).await;
    changes.into_inner()
}

#[tokio::test(start_paused = true)]
async fn a_name_is_looked_up_at_an_interval_and_keeps_its_addresses_when_that_fails() {
    let name = Name::new("tomcat".into());
    let script = Script::new(&["10.0.0.1", "10.0.0.1", "!broken", "", "10.0.0.2"]);
    assert_eq!(watched(&name, 10, &script, 20).await, 1);
    assert_eq!(known(&name), "10.0.0.1");
    assert_eq!(watched(&name, 10, &script, 20).await, 0);
    assert_eq!(known(&name), "10.0.0.1");
    assert!(name.failing.load(Relaxed));
    assert_eq!(watched(&name, 10, &script, 20).await, 1);
    assert_eq!(known(&name), "10.0.0.2");
    assert!(!name.failing.load(Relaxed));
    assert_eq!(*script.asked.borrow(), [0, 10, 19, 29, 39, 49]);
}

/// A connect that finds no address asks for a lookup.
async fn connects_fail(name: &Name) {
    let pool = ajp13::Pool::with_addresses(
        ajp13::Address::new("tomcat", 1),
        name.addresses.clone(),
        ajp13::PoolOptions::default(),
    );
    loop {
        let _ = pool.checkout().await;
        tokio::time::sleep(S / 10).await;
    }
}

#[tokio::test(start_paused = true)]
async fn failed_connects_ask_at_once_but_not_more_often_than_once_a_second() {
    let name = Name::new("tomcat".into());
    let script = Script::new(&["!broken"]);
    let (_, ()) = tokio::join!(watched(&name, 3600, &script, 4), async {
        let _ = timeout(4 * S, connects_fail(&name)).await;
    });
    assert_eq!(*script.asked.borrow(), [0, 1, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn without_an_interval_the_first_success_is_the_last_lookup() {
    let name = Name::new("tomcat".into());
    let script = Script::new(&["!broken", "!broken", "10.0.0.1", "10.0.0.2"]);
    let (changes, ()) = tokio::join!(watched(&name, 0, &script, 60), async {
        let _ = timeout(5 * S / 2, connects_fail(&name)).await;
    });
    assert_eq!((changes, known(&name)), (1, "10.0.0.1".to_owned()));
    assert_eq!(*script.asked.borrow(), [0, 1, 2]);
}
