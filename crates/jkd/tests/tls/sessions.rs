//! What clients are shown in a handshake, and what they are given to come back with.

use std::{net::SocketAddr, sync::Arc};

use jkd_tests::Httpd;
use rustls::{
    HandshakeKind,
    client::{Resumption, Tls12Resumption},
    version::{TLS12, TLS13},
};

use super::{
    client::{Ask, config, talk},
    files::Files,
    {backend, jkd, workers},
};

/// Hosts whose certificates come with others, by the number of lines that say so.
const CHAINS: [(&str, &str, Option<&str>); 6] = [
    ("alone.example", "a.pem", None),
    ("chain.example", "a.pem", Some("ca.pem")),
    ("own.example", "a-and-b.pem", None),
    ("both.example", "a-and-b.pem", Some("ca.pem")),
    ("same.example", "a-and-b.pem", Some("a-and-b.pem")),
    ("begins.example", "a.pem", Some("a-and-b.pem")),
];

fn hosts(lines: &str) -> String {
    let mut conf = "JkMountCopy All\nJkMount /* w\n".to_owned();
    for (name, certificate, chain) in CHAINS {
        let chain = chain.map_or_else(String::new, |file| {
            format!("SSLCertificateChainFile {file}\n")
        });
        conf.push_str(&format!(
            "<VirtualHost *>\nServerName {name}\nSSLEngine On\nSSLCertificateFile {certificate}\n\
             SSLCertificateKeyFile a.key\n{chain}{lines}</VirtualHost>\n"
        ));
    }
    conf
}

fn files() -> Files {
    let mut files = Files::new();
    let both = [files.get("a.pem"), files.get("b.pem")].concat();
    files.add_file("a-and-b.pem", &both);
    files
}

/// How many certificates a client of this host is shown, and which.
fn shown(address: SocketAddr, files: &Files, host: &str) -> Vec<Vec<u8>> {
    let what = Ask::host(host);
    let (_, connection) = talk(address, &Arc::new(config(files, &what)), &what).unwrap();
    let chain = connection.peer_certificates().unwrap();
    chain.iter().map(|one| one.to_vec()).collect()
}

#[test]
fn certificates_come_with_their_chain() {
    let (files, backend) = (files(), backend());
    let jkd = jkd(&files, &workers(&backend), &hosts(""));
    let lengths = CHAINS.map(|(host, ..)| shown(jkd.address, &files, host).len());
    assert_eq!(lengths, [1, 2, 2, 2, 2, 3]);
    let [own, both] = ["own.example", "both.example"].map(|host| shown(jkd.address, &files, host));
    assert_ne!(own, both, "the file of the chain counts");
}

/// Whether a client that comes again need not shake hands as a whole, in TLS 1.2 where it takes no
/// tickets, where it takes them, and in TLS 1.3.
fn comes_back(address: SocketAddr, files: &Files) -> [bool; 3] {
    [
        (&TLS12, Tls12Resumption::SessionIdOnly),
        (&TLS12, Tls12Resumption::SessionIdOrTickets),
        (&TLS13, Tls12Resumption::Disabled),
    ]
    .map(|(version, how)| {
        let what = Ask {
            version,
            ..Ask::host("alone.example")
        };
        let mut config = config(files, &what);
        config.resumption = Resumption::in_memory_sessions(8).tls12_resumption(how);
        let config = Arc::new(config);
        let [first, second] = [(); 2].map(|()| {
            let (_, connection) = talk(address, &config, &what).unwrap();
            connection.handshake_kind().unwrap()
        });
        assert_ne!(first, HandshakeKind::Resumed);
        second == HandshakeKind::Resumed
    })
}

#[test]
fn tickets_are_given_unless_they_are_off() {
    let (files, backend) = (files(), backend());
    for (lines, expected) in [
        // Only who brings its session along has one: nothing is kept here.
        ("", [false, true, true]),
        ("SSLSessionTickets On\n", [false, true, true]),
        // What stands for a session is kept here.
        ("SSLSessionTickets Off\n", [true, true, true]),
    ] {
        let jkd = jkd(&files, &workers(&backend), &hosts(lines));
        assert_eq!(comes_back(jkd.address, &files), expected, "{lines}");
    }
}

#[test]
#[ignore = "needs Apache with mod_jk: run tests/run"]
fn jkd_and_mod_ssl_show_the_same_chains() {
    let (files, backend) = (files(), backend());
    let workers = workers(&backend);
    let mut apache: Vec<_> = files.all().collect();
    apache.push(("workers.properties", &workers));
    // With the cache that Debian's configuration has.
    let modules = ["ssl", "socache_shmcb"]
        .map(|name| format!("LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n"));
    for (lines, cache) in [
        ("", ""),
        (
            "SSLSessionTickets Off\n",
            "SSLSessionCache shmcb:@root@/cache(512000)\n",
        ),
    ] {
        let conf = hosts(lines);
        let jkd = jkd(&files, &workers, &conf);
        let httpd = Httpd::start(&apache, &(modules.concat() + cache + &conf));
        for (host, ..) in CHAINS {
            let [ours, theirs] = [jkd.address, httpd.address].map(|at| shown(at, &files, host));
            assert_eq!(ours, theirs, "{host}");
        }
        let [ours, theirs] = [jkd.address, httpd.address].map(|at| comes_back(at, &files));
        assert_eq!(ours, theirs, "{lines}");
    }
}
