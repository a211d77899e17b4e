//! TLS between clients and jkd, over real sockets; and the same side by side with a real Apache
//! with mod_ssl and mod_jk.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::format_push_string,
    reason = "these are tests"
)]

#[path = "tls/client.rs"]
mod client;
#[path = "tls/files.rs"]
mod files;
#[path = "tls/sessions.rs"]
mod sessions;

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    process::{Command, Stdio},
};

use jkd_tests::{Backend, Heard, Httpd, Jkd};
use rustls::version::{TLS12, TLS13};

use self::{
    client::{Ask, ask},
    files::Files,
};

/// Two hosts with certificates of their own; the second wants one from its clients.
const HOSTS: &str = "
JkMountCopy All
JkMount /* w
JkEnvVar SSL_CLIENT_S_DN none
JkEnvVar SSL_CLIENT_S_DN_CN none
JkEnvVar SSL_CLIENT_I_DN none
JkEnvVar SSL_CLIENT_M_SERIAL none
JkEnvVar SSL_CLIENT_VERIFY none
JkEnvVar SSL_SERVER_S_DN none
JkEnvVar SSL_SERVER_SAN_DNS_0 none
JkEnvVar SSL_SERVER_A_KEY none
JkEnvVar SSL_SERVER_A_SIG none
JkEnvVar SSL_SERVER_V_END none
JkEnvVar SSL_TLS_SNI none
JkEnvVar REQUEST_SCHEME none
<VirtualHost *>
  ServerName a.example
  SSLEngine On
  SSLCertificateFile a.pem
  SSLCertificateKeyFile a.key
  SSLOptions +StdEnvVars
</VirtualHost>
<VirtualHost *>
  ServerName b.example
  SSLEngine On
  SSLCertificateFile b.pem
  SSLCertificateKeyFile b.key
  SSLVerifyClient optional
  SSLCACertificateFile ca.pem
  SSLOptions +StdEnvVars +ExportCertData
  JkOptions +ForwardSSLCertChain
</VirtualHost>
<VirtualHost *>
  ServerName c.example
  SSLEngine On
  SSLCertificateFile b.pem
  SSLCertificateKeyFile b.key
  SSLVerifyClient require
  SSLCACertificateFile ca.pem
  SSLProtocol TLSv1.2
  JkOptions -ForwardKeySize
</VirtualHost>
";

/// A backend that tells what it was told.
fn backend() -> Backend {
    Backend::start(|exchange| {
        let heard = Heard::decode(exchange.request).expect("a forward request");
        let mut lines: Vec<_> = (heard.attributes.iter())
            .filter(|(name, _)| name != "AJP_REMOTE_PORT")
            .map(|(name, value)| format!("{name}={}", value.replace('\n', "|")))
            .collect();
        lines.sort();
        let text = format!(
            "ssl={} port={} name={}\n{}\n",
            heard.is_ssl,
            heard.server_port,
            heard.server_name,
            lines.join("\n")
        );
        exchange.answer(200, &[("Content-Type", "text/plain")], text.as_bytes())
    })
}

fn workers(backend: &Backend) -> String {
    let port = backend.address.port();
    format!("worker.list=w\nworker.w.host=127.0.0.1\nworker.w.port={port}\n")
}

/// A jkd with these files and this configuration.
fn jkd(files: &Files, workers: &str, conf: &str) -> Jkd {
    let mut builder = Jkd::builder(env!("CARGO_BIN_EXE_jkd"));
    for (name, text) in files.all() {
        builder = builder.file(name, text);
    }
    let conf = format!("JkWorkersFile workers.properties\n{conf}");
    let builder = builder.file("workers.properties", workers);
    builder
        .file("httpd.conf", &conf)
        .start(&["run", "--listen", "127.0.0.1:0", "-f", "httpd.conf"])
}

/// The value in a line of what a backend has told.
fn told<'a>(answer: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = answer.lines();
    lines.find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
}

#[test]
fn backends_are_told_how_clients_use_tls() {
    let (files, backend) = (Files::new(), backend());
    let jkd = jkd(&files, &workers(&backend), HOSTS);
    let answer = ask(jkd.address, &files, &Ask::host("a.example")).unwrap();
    assert!(
        answer.contains("ssl=true port=443 name=a.example"),
        "{answer}"
    );
    let cipher = told(&answer, "ssl_cipher").unwrap();
    assert!(cipher.starts_with("TLS_"), "{answer}");
    assert_eq!(told(&answer, "AJP_SSL_PROTOCOL"), Some("TLSv1.3"));
    assert_eq!(told(&answer, "ssl_session").unwrap().len(), 64);
    assert_eq!(told(&answer, "SSL_SERVER_SAN_DNS_0"), Some("a.example"));
    assert_eq!(told(&answer, "SSL_CLIENT_VERIFY"), Some("NONE"));
    assert_eq!(told(&answer, "REQUEST_SCHEME"), Some("https"));
    let old = Ask {
        version: &TLS12,
        ..Ask::host("a.example")
    };
    let answer = ask(jkd.address, &files, &old).unwrap();
    assert_eq!(told(&answer, "AJP_SSL_PROTOCOL"), Some("TLSv1.2"));
    let cipher = told(&answer, "ssl_cipher").unwrap();
    assert!(cipher.starts_with("ECDHE-ECDSA-"), "{answer}");
}

#[test]
fn certificates_of_clients_are_verified_and_passed_on() {
    let (files, backend) = (Files::new(), backend());
    let jkd = jkd(&files, &workers(&backend), HOSTS);
    let known = Ask {
        certificate: Some("client"),
        ..Ask::host("b.example")
    };
    let answer = ask(jkd.address, &files, &known).unwrap();
    assert_eq!(
        told(&answer, "SSL_CLIENT_S_DN"),
        Some("CN=client,O=Ex\\, Inc")
    );
    assert_eq!(told(&answer, "SSL_CLIENT_VERIFY"), Some("SUCCESS"));
    let pem = files.get("client.pem").trim_end().replace("\r\n", "\n");
    let sent = told(&answer, "ssl_cert").unwrap().replace('|', "\n");
    assert_eq!(sent.trim_end(), pem);
    // Nobody has to show one there, but a wrong one helps nobody.
    assert!(ask(jkd.address, &files, &Ask::host("b.example")).is_ok());
    let stranger = Ask {
        certificate: Some("stranger"),
        ..Ask::host("b.example")
    };
    assert!(ask(jkd.address, &files, &stranger).is_err());
    let demanded = Ask {
        version: &TLS12,
        ..Ask::host("c.example")
    };
    assert!(ask(jkd.address, &files, &demanded).is_err());
    let shown = Ask {
        certificate: Some("client"),
        ..demanded
    };
    let answer = ask(jkd.address, &files, &shown).unwrap();
    assert_eq!(told(&answer, "ssl_cert"), None, "{answer}");
    let new = Ask {
        version: &TLS13,
        ..shown
    };
    assert!(ask(jkd.address, &files, &new).is_err(), "only TLS 1.2");
}

#[test]
fn a_connection_is_for_the_host_that_it_was_made_with() {
    let (files, backend) = (Files::new(), backend());
    let jkd = jkd(&files, &workers(&backend), HOSTS);
    for (name, host, expected) in [
        (Some("a.example"), "a.example", "200"),
        (Some("a.example"), "b.example", "421"),
        (Some("a.example"), "c.example", "421"),
        (Some("nobody.example"), "a.example", "200"),
        (None, "a.example", "200"),
        (None, "b.example", "421"),
    ] {
        let answer = ask(
            jkd.address,
            &files,
            &Ask {
                name,
                ..Ask::host(host)
            },
        )
        .unwrap();
        let status = answer.split(' ').nth(1).unwrap();
        assert_eq!(status, expected, "{name:?} {host}: {answer}");
    }
}

#[test]
fn names_have_to_be_told_where_that_is_strict() {
    let (files, backend) = (Files::new(), backend());
    let strict = HOSTS.replace(
        "ServerName a.example\n",
        "ServerName a.example\n  SSLStrictSNIVHostCheck On\n",
    );
    let jkd = jkd(&files, &workers(&backend), &strict);
    for (name, expected) in [(None, "403"), (Some("a.example"), "200")] {
        let asked = Ask {
            name,
            ..Ask::host("a.example")
        };
        let answer = ask(jkd.address, &files, &asked).unwrap();
        assert_eq!(answer.split(' ').nth(1), Some(expected), "{name:?}");
    }
}

#[test]
fn chains_of_clients_are_as_long_as_allowed() {
    let (files, backend) = (Files::new(), backend());
    let known = Ask {
        certificate: Some("chained"),
        ..Ask::host("b.example")
    };
    for (depth, expected) in [(1, false), (2, true)] {
        let ca = "SSLCACertificateFile ca.pem\n";
        let conf = HOSTS.replace(ca, &format!("{ca}SSLVerifyDepth {depth}\n"));
        let jkd = jkd(&files, &workers(&backend), &conf);
        let answer = ask(jkd.address, &files, &known);
        assert_eq!(answer.is_ok(), expected, "{answer:?}");
        if let Ok(answer) = answer {
            // With `ForwardSSLCertChain` the certificates behind it follow.
            let sent = told(&answer, "ssl_cert").unwrap();
            assert_eq!(sent.matches("BEGIN").count(), 2, "{sent}");
        }
    }
}

#[test]
fn requests_without_tls_are_refused() {
    let (files, backend) = (Files::new(), backend());
    let jkd = jkd(&files, &workers(&backend), HOSTS);
    let answer = plain(jkd.address, "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(answer.contains("HTTPS"), "{answer}");
    assert_eq!(backend.requests(), 0);
    let conf = "JkMount /* w\n<Location /safe>\nSSLRequireSSL\n</Location>\n";
    let open = self::jkd(&files, &workers(&backend), conf);
    let status = |path: &str| {
        let request = format!("GET {path} HTTP/1.0\r\nHost: x\r\n\r\n");
        plain(open.address, &request)[9..12].to_owned()
    };
    assert_eq!((&*status("/"), &*status("/safe/x")), ("200", "403"));
}

/// What a server says to this, until it closes.
fn plain(address: SocketAddr, text: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(text.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_handshake_has_a_deadline_and_holds_up_nobody() {
    let (files, backend) = (Files::new(), backend());
    let jkd = jkd(&files, &workers(&backend), HOSTS);
    let mut silent = TcpStream::connect(jkd.address).unwrap();
    let mut slow = TcpStream::connect(jkd.address).unwrap();
    slow.write_all(&[22, 3, 1]).unwrap();
    assert!(ask(jkd.address, &files, &Ask::host("a.example")).is_ok());
    for stream in [&mut silent, &mut slow] {
        stream.set_read_timeout(Some(jkd_tests::LONG)).unwrap();
        assert_eq!(stream.read(&mut [0]).unwrap_or(0), 0, "it is closed");
    }
}

#[test]
fn a_reload_brings_new_certificates_unless_they_are_wrong() {
    let (files, backend) = (Files::new(), backend());
    let jkd = jkd(&files, &workers(&backend), HOSTS);
    let other = Files::new();
    jkd.write("a.pem", other.get("a.pem"));
    jkd.process().signal("HUP");
    jkd.wait_for_log("this key does not belong to the certificate");
    assert!(ask(jkd.address, &files, &Ask::host("a.example")).is_ok());
    jkd.write("a.key", other.get("a.key"));
    jkd.process().signal("HUP");
    let renewed = || {
        ask(jkd.address, &other, &Ask::host("a.example"))
            .is_ok()
            .then_some(())
    };
    jkd_tests::within(jkd_tests::LONG, "the new certificate", renewed);
    assert!(ask(jkd.address, &files, &Ask::host("a.example")).is_err());
    let log = jkd.log();
    assert!(!log.contains("PRIVATE KEY"), "{log}");
}

#[test]
fn what_is_wrong_with_certificates_and_keys() {
    let files = Files::new();
    let started = jkd(&files, "worker.list=w\n", "JkMount /* w\n");
    for (pem, key, expected) in [
        (
            "a.pem",
            "b.key",
            "b.key: this key does not belong to the certificate",
        ),
        ("a.key", "a.key", "a.key: there is no certificate in it"),
        ("a.pem", "a.pem", "a.pem: there is no private key in it"),
        ("a.pem", "locked.key", "locked.key: the key is encrypted"),
        ("none.pem", "a.key", "none.pem: there is no such file"),
        ("old.pem", "old.key", "old.pem: the certificate has expired"),
    ] {
        let conf = format!(
            "Listen 80\nJkWorkersFile workers.properties\nJkMount /* w\nSSLEngine On\n\
             SSLCertificateFile {pem}\nSSLCertificateKeyFile {key}\n"
        );
        started.write("check.conf", &conf);
        let output = started.run(&["check", "-f", "check.conf"]).unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(
            said.contains(expected) && said.contains("check.conf:"),
            "{said}"
        );
        assert!(
            !said.contains("PRIVATE KEY") || !said.contains("MI"),
            "{said}"
        );
        assert_eq!(output.status.success(), pem == "old.pem", "{said}");
    }
}

/// Hosts that trust by directories, and look up what is revoked.
const MORE_HOSTS: &str = "
<VirtualHost *>
  ServerName d.example
  SSLEngine On
  SSLCertificateFile a.pem
  SSLCertificateKeyFile a.key
  SSLVerifyClient require
  SSLVerifyDepth 2
  SSLCACertificatePath trusted
  SSLOptions +StdEnvVars
  SSLUserName SSL_CLIENT_S_DN
  <Location /x>
    SSLUserName SSL_CLIENT_S_DN_CN
  </Location>
</VirtualHost>
<VirtualHost *>
  ServerName e.example
  SSLEngine On
  SSLCertificateFile a.pem
  SSLCertificateKeyFile a.key
  SSLVerifyClient optional
  SSLVerifyDepth 2
  SSLCACertificateFile ca.pem
  SSLCARevocationFile ca.crl
  SSLCARevocationCheck leaf
  SSLUserName SSL_CLIENT_S_DN
</VirtualHost>
<VirtualHost *>
  ServerName f.example
  SSLEngine On
  SSLCertificateFile a.pem
  SSLCertificateKeyFile a.key
  SSLVerifyClient optional
  SSLVerifyDepth 2
  SSLCACertificateFile ca.pem
  SSLCARevocationPath trusted
  SSLCARevocationCheck chain no_crl_for_cert_ok
  JkEnvVar REMOTE_USER nobody
  <Location /x>
    SSLUserName NOTHING
    AuthType Basic
    AuthName x
    AuthUserFile users
    Require valid-user
  </Location>
</VirtualHost>
<VirtualHost *>
  ServerName g.example
  SSLEngine On
  SSLCertificateFile a.pem
  SSLCertificateKeyFile a.key
  SSLVerifyClient optional
  SSLCACertificateFile ca.pem
  SSLCARevocationFile stale.crl
  SSLCARevocationCheck chain
</VirtualHost>
<VirtualHost *>
  ServerName h.example
  SSLEngine On
  SSLCertificateFile a.pem
  SSLCertificateKeyFile a.key
  SSLVerifyClient optional
  SSLCACertificateFile ca.pem
  SSLCARevocationFile ca.crl
  JkEnvVar REMOTE_USER nobody
  JkEnvVar AUTH_TYPE nothing
  SSLUserName SSL_CLIENT_S_DN_CN
</VirtualHost>
";

/// The name by which OpenSSL finds a file of `kind` (`x509`, `crl`) in a directory.
fn hashed(kind: &str, text: &str) -> String {
    let mut openssl = Command::new("openssl")
        .args([kind, "-hash", "-noout"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = openssl.stdin.take().unwrap();
    input.write_all(text.as_bytes()).unwrap();
    drop(input);
    let output = openssl.wait_with_output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// With a directory of what is trusted, and of what no longer is.
fn with_directories(mut files: Files) -> Files {
    let [ca, list] = ["ca.pem", "ca.crl"].map(|name| files.get(name).to_owned());
    files.add_file(&format!("trusted/{}.0", hashed("x509", &ca)), &ca);
    files.add_file(&format!("trusted/{}.r0", hashed("crl", &list)), &list);
    files.add_file("users", "tim:{SHA}GpHWL3ymc5liWkNopqtdSjuqYHM=\n");
    files.add_file(
        "trusted/other.pem",
        files.get("unknown.pem").to_owned().as_str(),
    );
    files
}

#[test]
#[ignore = "needs Apache with mod_jk and openssl: run tests/run"]
fn jkd_and_mod_ssl_trust_the_same_clients() {
    let (files, backend) = (with_directories(Files::new()), backend());
    let workers = workers(&backend);
    let mut apache: Vec<_> = files.all().collect();
    apache.push(("workers.properties", &workers));
    let conf = format!("{HOSTS}{MORE_HOSTS}");
    let jkd = jkd(&files, &workers, &conf);
    let modules = [
        "ssl",
        "authn_core",
        "auth_basic",
        "authn_file",
        "authz_user",
    ];
    let modules = modules
        .map(|name| format!("LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n"));
    let httpd = Httpd::start(&apache, &(modules.concat() + &conf));
    let mut count = 0;
    let clients = ["client", "stranger", "chained", "gone"];
    for certificate in clients.map(Some).into_iter().chain([None]) {
        for host in ["d", "e", "f", "g", "h"].map(|name| format!("{name}.example")) {
            for version in [&TLS12, &TLS13] {
                let what = Ask {
                    version,
                    certificate,
                    ..Ask::host(&host)
                };
                let ours = compared(jkd.address, &files, &what);
                let theirs = compared(httpd.address, &files, &what);
                assert_eq!(ours, theirs, "{what:?}\nleft: jkd\nhttpd: {}", httpd.logs());
                count += 1;
            }
        }
    }
    println!("{count} requests compared");
}

/// What both say, without what is different each time.
fn compared(address: SocketAddr, files: &Files, what: &Ask<'_>) -> String {
    let Ok(answer) = ask(address, files, what) else {
        return "no handshake".to_owned();
    };
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap();
    if status != "200" {
        return status.to_owned();
    }
    // A body may come in chunks.
    let told = body.lines().filter(|line| line.contains('='));
    let lines = told.map(|line| match line.split_once('=') {
        Some(("ssl_session", id)) => format!("ssl_session: {} digits", id.len()),
        _ => line.to_owned(),
    });
    // Without a cache, a session of TLS 1.2 has no id in httpd.
    let same = |line: &String| what.version.version != TLS12.version || !line.contains("session");
    lines.filter(same).collect::<Vec<_>>().join("\n")
}

#[test]
#[ignore = "needs Apache with mod_jk: run tests/run"]
fn jkd_and_mod_ssl_say_the_same() {
    let (files, backend) = (Files::new(), backend());
    let workers = workers(&backend);
    let mut apache: Vec<_> = files.all().collect();
    apache.push(("workers.properties", &workers));
    let conf = format!("LoadModule ssl_module /usr/lib/apache2/modules/mod_ssl.so\n{HOSTS}");
    let httpd = Httpd::start(&apache, &conf);
    let jkd = jkd(&files, &workers, HOSTS);
    let mut count = 0;
    for version in [&TLS12, &TLS13] {
        for certificate in [None, Some("client"), Some("stranger"), Some("chained")] {
            for name in [
                None,
                Some("a.example"),
                Some("b.example"),
                Some("c.example"),
                Some("x"),
            ] {
                for host in ["a.example", "b.example:8443", "c.example", "x"] {
                    let what = Ask {
                        name,
                        host,
                        version,
                        certificate,
                    };
                    let ours = compared(jkd.address, &files, &what);
                    let theirs = compared(httpd.address, &files, &what);
                    assert_eq!(ours, theirs, "{what:?}\nleft: jkd\nhttpd: {}", httpd.logs());
                    count += 1;
                }
            }
        }
    }
    let request = "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n";
    let status = |address| plain(address, request)[..12].to_owned();
    assert_eq!(status(jkd.address), status(httpd.address));
    println!("{} requests compared", count + 1);
}
