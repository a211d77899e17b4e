//! Networks that swallow packets, ports that run out, resolvers that hang. Each test runs in a
//! network of its own, of which only the loopback device is up.

use std::{
    net::{TcpStream, UdpSocket},
    process::Command,
};

use jkd_tests::{
    Http, Jkd, LONG, Load, Node, Outcome, free_port, in_own_network, is_in_own_network, wait_until,
};
use tokio::time::Instant;

use crate::rig::{Rig, Share, assert_nobody_waits, binary, ms, rate, secs, told, witness};

/// Whether this is the copy of the test that runs in a network of its own.
fn inside(test: &str) -> bool {
    let _share = (!is_in_own_network()).then(Share::part);
    in_own_network(test)
}

fn sh(script: &str) {
    let status = Command::new("sh").args(["-e", "-c", script]).status();
    assert!(status.expect("sh").success(), "{script}");
}

/// FLT-10: connections that are there lead nowhere from one moment to the next.
#[test]
#[ignore = "takes minutes: run tests/run"]
fn connections_swallowed() {
    if inside("network::connections_swallowed") {
        swallowed("ct state established", "FLT-10");
    }
}

/// FLT-09: all packets to one node are swallowed.
#[test]
#[ignore = "takes minutes: run tests/run"]
fn node_swallowed() {
    if inside("network::node_swallowed") {
        swallowed("", "FLT-09 nft");
    }
}

fn swallowed(which: &str, row: &str) {
    let rig = Rig::new("");
    let port = rig.a.address.port();
    let (witness, load) = (rig.witness(secs(8)), rig.load(secs(8)).begin());
    load.wait_until(ms(1500));
    sh(&format!(
        "nft add table ip faults\n\
         nft add chain ip faults in '{{ type filter hook input priority 0; }}'\n\
         nft add rule ip faults in tcp dport {port} {which} drop"
    ));
    load.wait_until(secs(5));
    sh("nft delete table ip faults");
    let mended = load.elapsed();
    let report = told(row, load.finish());
    assert_eq!(report.failed(), 0, "{report}\n{}", rig.jkd.log());
    let later = report.due(secs(4)..secs(5));
    assert_nobody_waits(&later, &witness.finish().due(secs(4)..secs(5)));
    let back = report.back_after('a', mended);
    println!("  the node answers again after {back:?}");
    assert!(back.is_some_and(|back| back < secs(5)), "{back:?}");
}

/// FLT-31: no port is left for another connection: 503, and nobody is to blame.
#[test]
#[ignore = "takes minutes: run tests/run"]
fn ports_exhausted() {
    if !inside("network::ports_exhausted") {
        return;
    }
    let rig = Rig::new("");
    sh("echo 40000 40019 >/proc/sys/net/ipv4/ip_local_port_range");
    let slow = |_| jkd_tests::Ask::get("/slow").after_ms(300);
    // Clients need ports, too.
    let load = rig.load(secs(2)).rate(300).from_many().asking(slow);
    let report = told("FLT-31", load.run());
    let refused = report.with(Outcome::Answered(503));
    assert!(refused > 0, "{report}");
    assert_eq!(report.failed(), refused, "{report}");
    let log = rig.jkd.log();
    assert!(
        log.contains("no connection can be opened from here"),
        "{log}"
    );
    assert!(!log.contains("member is in error"), "{log}");
    sh("echo 32768 60999 >/proc/sys/net/ipv4/ip_local_port_range");
    let after = told("  afterwards", rig.load(secs(1)).run());
    assert_eq!(after.failed(), 0, "{after}\n{}", rig.jkd.log());
}

/// FLT-DNS: a name that nobody resolves, by a server that does not answer.
#[test]
#[ignore = "takes minutes: run tests/run"]
fn resolver_hangs() {
    if !inside("network::resolver_hangs") {
        return;
    }
    let mute = UdpSocket::bind("127.0.0.1:53").unwrap();
    let node = Node::new("b");
    let workers = format!(
        "worker.list=lb\nworker.lb.type=lb\nworker.lb.balance_workers=a,b\n\
         worker.a.host=tomcat.example\nworker.a.port=8009\n\
         worker.b.host=127.0.0.1\nworker.b.port={}\n",
        node.address.port()
    );
    let jkd = Jkd::builder(&binary())
        .file("workers.properties", &workers)
        .file(
            "resolv.conf",
            "nameserver 127.0.0.1\noptions timeout:5 attempts:2\n",
        )
        .file("nsswitch.conf", "hosts: files dns\n")
        .instead("/etc/resolv.conf", "resolv.conf")
        .instead("/etc/nsswitch.conf", "nsswitch.conf")
        .start(&[
            "run",
            "--listen",
            "127.0.0.1:0",
            "--workers",
            "workers.properties",
            "--mount",
            "/*=lb",
        ]);
    let load = Load::on(jkd.address).rate(rate()).lasting(secs(4));
    let witness = witness(&jkd, secs(4));
    let report = told("FLT-DNS", load.run());
    assert_eq!(report.failed(), 0, "{report}\n{}", jkd.log());
    // Who was sent there at the start waits for a while, and nobody later.
    let later = report.due(ms(2500)..secs(4));
    assert_nobody_waits(&later, &witness.finish().due(ms(2500)..secs(4)));
    mute.set_nonblocking(true).unwrap();
    assert!(
        mute.recv(&mut [0; 512]).is_ok(),
        "nobody was asked for the name"
    );
}

/// The answer of a name server: any name is 127.0.0.1.
fn named(query: &[u8]) -> Vec<u8> {
    const A: [u8; 2] = [0, 1];
    const ADDRESS: &[u8] = b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\x7f\0\0\x01";
    let mut answer = query.to_vec();
    (answer[2], answer[3]) = (0x81, 0x80);
    if query[query.len() - 4..query.len() - 2] == A {
        answer[7] = 1;
        answer.extend_from_slice(ADDRESS);
    }
    answer
}

/// A reload with a new `Listen` and a new name that many may stand for: nobody is let in there before
/// the name is known, or has had its second.
#[test]
#[ignore = "takes minutes: run tests/run"]
fn a_new_listen_stays_closed_until_names_are_known() {
    if !inside("network::a_new_listen_stays_closed_until_names_are_known") {
        return;
    }
    let server = UdpSocket::bind("127.0.0.1:53").unwrap();
    let node = Node::new("b");
    let old = free_port();
    let conf = |listen: u16| {
        format!(
            "Listen 127.0.0.1:{old}\nListen 127.0.0.1:{listen}\n\
             JkWorkersFile workers.properties\nJkMount /* lb\n"
        )
    };
    let workers = |host: &str| {
        format!(
            "worker.list=lb\nworker.lb.type=lb\nworker.lb.balance_workers=x\n\
             worker.x.host={host}\nworker.x.port={}\nworker.x.resolve=all\n",
            node.address.port()
        )
    };
    let jkd = Jkd::builder(&binary())
        .file("workers.properties", &workers("127.0.0.1"))
        .file("jk.conf", &conf(free_port()))
        .file("resolv.conf", "nameserver 127.0.0.1\noptions timeout:9\n")
        .file("nsswitch.conf", "hosts: files dns\n")
        .instead("/etc/resolv.conf", "resolv.conf")
        .instead("/etc/nsswitch.conf", "nsswitch.conf")
        .start(&["run", "-f", "jk.conf"]);
    // A machine that is slow just now gets another chance.
    for round in 0..10 {
        let new = (std::net::Ipv4Addr::LOCALHOST, free_port());
        let name = format!("late{round}");
        jkd.write("workers.properties", &workers(&format!("{name}.example")));
        jkd.write("jk.conf", &conf(new.1));
        let began = Instant::now();
        jkd.process().signal("HUP");
        let mut query = [0; 512];
        server.set_read_timeout(Some(LONG)).unwrap();
        let (mut length, mut from) = server.recv_from(&mut query).expect("a query");
        while !String::from_utf8_lossy(&query[..length]).contains(&name) {
            (length, from) = server.recv_from(&mut query).expect("a query");
        }
        let is_closed = TcpStream::connect(new).is_err();
        let in_time = began.elapsed() < secs(1);
        assert!(is_closed || !in_time, "{}", jkd.log());
        server.set_read_timeout(Some(ms(50))).unwrap();
        wait_until("the new address", || {
            if length > 0 {
                server.send_to(&named(&query[..length]), from).unwrap();
            }
            (length, from) = server.recv_from(&mut query).unwrap_or((0, from));
            TcpStream::connect(new).is_ok()
        });
        assert_eq!(Http::new(new.into()).get("/").status, 200, "{}", jkd.log());
        if in_time {
            return;
        }
    }
    panic!("no reload was in time");
}
