//! The parts together: each scenario once, in small, through the floor and without anything
//! between.
#![allow(clippy::unwrap_used, reason = "a test may fail anywhere")]

use std::{net::SocketAddr, time::Duration};

use ajp13::wire::PacketSize;
use jkd_bench::{
    backend::{Addresses, Backend, Counts, NODES, Options, Segments},
    floor::Floor,
    load::{self, Moment, Outcome, Timing},
    scenario::{Plan, SCENARIOS, find},
};

fn backend(options: Options) -> Addresses {
    let backend = Backend::bind(options).unwrap();
    let addresses = backend.addresses().unwrap();
    tokio::spawn(backend.serve());
    addresses
}

fn floor(backend: &Addresses, size: PacketSize) -> SocketAddr {
    let [one, two] = backend.ajp;
    let nodes = [(NODES[0], one), (NODES[1], two)];
    let floor = Floor::bind("127.0.0.1:0".parse().unwrap(), &nodes, size).unwrap();
    let address = floor.address().unwrap();
    tokio::spawn(floor.serve());
    address
}

/// The plan with no more connections than a test may have.
fn small(plan: &Plan) -> Plan {
    Plan {
        connections: plan.connections.min(8),
        ramp: 0,
        idle: plan.idle.min(60),
        rate: plan.rate.map(|_| 200),
        ..*plan
    }
}

const SHORT: Timing = Timing {
    warm_up: Duration::from_millis(50),
    measured: Duration::from_millis(250),
};

async fn run(address: SocketAddr, plan: &Plan) -> Outcome {
    let mut moments = Vec::new();
    let outcome = load::run(address, plan, SHORT, |moment| moments.push(moment))
        .await
        .unwrap();
    assert_eq!(moments, [Moment::BeforeIdle, Moment::Start, Moment::End]);
    outcome
}

async fn counts(backend: &Addresses) -> Counts {
    let (status, body) = load::get(backend.http[0], "/counters").await.unwrap();
    assert_eq!(status, 200);
    serde_json::from_slice(&body).unwrap()
}

const OPTIONS: Options = Options {
    packet_size: 8192,
    segments: Segments::One,
};

/// Every scenario, and none with a fault.
async fn every_scenario(address: impl Fn(&Addresses) -> SocketAddr, options: Options) {
    let backend = backend(options);
    let address = address(&backend);
    for scenario in &SCENARIOS {
        let sticky = scenario.sticky && backend.http.contains(&address);
        if sticky {
            continue;
        }
        let outcome = run(address, &small(&scenario.plan)).await;
        assert_eq!(outcome.faults.count(), 0, "{}: {outcome:?}", scenario.name);
        assert!(outcome.requests > 0, "{}: {outcome:?}", scenario.name);
        let body = outcome.requests * scenario.plan.answer;
        assert_eq!(outcome.body_bytes, body, "{}", scenario.name);
    }
    let counts = counts(&backend).await;
    assert_eq!((counts.misrouted, counts.malformed), (0, 0), "{counts:?}");
}

#[tokio::test]
async fn every_scenario_goes_through_the_floor() {
    every_scenario(|backend| floor(backend, PacketSize::DEFAULT), OPTIONS).await;
}

#[tokio::test]
async fn every_scenario_goes_through_the_floor_with_packets_apart_and_large() {
    let options = Options {
        packet_size: 65536,
        segments: Segments::Packet,
    };
    every_scenario(|backend| floor(backend, PacketSize::MAX), options).await;
}

#[tokio::test]
async fn every_scenario_goes_to_http_directly() {
    every_scenario(|backend| backend.http[1], OPTIONS).await;
}

#[tokio::test]
async fn what_is_wrong_is_counted() {
    let backend = backend(OPTIONS);
    let address = backend.http[0];
    let plan = small(&find("c16").unwrap().plan);
    let missing = Plan {
        path: "/nothing",
        ..plan
    };
    let longer = Plan {
        answer: 129,
        ..plan
    };
    let other = small(&find("sticky").unwrap().plan);
    assert!(run(address, &missing).await.faults.status > 0);
    assert!(run(address, &longer).await.faults.length > 0);
    assert_eq!(run(address, &other).await.faults.count(), 0);
    assert!(counts(&backend).await.misrouted > 0);
    load::get(backend.ajp[0], "/").await.unwrap_err();
    assert_eq!(counts(&backend).await.malformed, 1);
    let (status, _) = load::get(address, "/counters/reset").await.unwrap();
    let counts = counts(&backend).await;
    assert_eq!((status, counts.misrouted, counts.malformed), (200, 0, 0));
}

#[tokio::test]
async fn where_nobody_listens_nothing_is_measured() {
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let outcome = run(free, &small(&find("c16").unwrap().plan)).await;
    assert_eq!(outcome.requests, 0);
    assert!(outcome.faults.connect > 0, "{outcome:?}");
}
