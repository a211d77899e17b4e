//! What a forward request says arrives as it was said.

use ajp13::wire::{Method, PacketSize, REQUEST_HEADERS};
use jkd_tests::METHODS;

use crate::{
    lab::Connector,
    peer::{Named, Peer, Request, once},
};

fn snoop() -> Request {
    Request::get("/snoop")
}

#[test]
#[ignore = "needs a real Tomcat: run tests/run"]
fn server_name_and_port_count_without_a_host_header() {
    let mut request = snoop().without_headers();
    request.server_name = "MYSERVER".into();
    request.server_port = 8888;
    let answer = once(Connector::Plain, &request);
    assert_eq!(answer.snooped("server_name"), "MYSERVER");
    assert_eq!(answer.snooped("server_port"), "8888");
}

#[test]
#[ignore = "needs a real Tomcat: run tests/run"]
fn local_address_and_remote_port_come_as_attributes() {
    let request = snoop()
        .with(Named::Other("AJP_LOCAL_ADDR", "192.0.2.21"))
        .with(Named::Other("AJP_REMOTE_PORT", "34567"));
    let answer = once(Connector::Plain, &request);
    assert_eq!(answer.snooped("local_addr"), "192.0.2.21");
    assert_eq!(answer.snooped("remote_port"), "34567");
}

#[test]
#[ignore = "needs a real Tomcat: run tests/run"]
fn remote_host_counts_only_with_lookups() {
    let mut request = snoop();
    request.remote_host = Some("MYCLIENT".into());
    assert_eq!(
        once(Connector::Lookups, &request).snooped("remote_host"),
        "MYCLIENT"
    );
    assert_eq!(
        once(Connector::Plain, &request).snooped("remote_host"),
        "192.0.2.7"
    );
}

#[test]
#[ignore = "needs a real Tomcat: run tests/run"]
fn remote_address() {
    let mut request = snoop();
    request.remote_addr = Some("198.51.100.3".into());
    assert_eq!(
        once(Connector::Plain, &request).snooped("remote_addr"),
        "198.51.100.3"
    );
}

#[test]
#[ignore = "needs a real Tomcat: run tests/run"]
fn every_method() {
    let mut peer = Peer::connect(Connector::Plain);
    assert!(
        METHODS
            .iter()
            .all(|name| !Method::from_name(name.as_bytes()).is_stored())
    );
    for name in METHODS.into_iter().chain(["PATCH", "FOO", "get"]) {
        let request = snoop().method(name).header("Content-Length", "0");
        let answer = peer.exchange(&request, b"");
        assert!(answer.reuse, "{name}");
        match name {
            "TRACE" => assert_eq!(answer.status, 405),
            "HEAD" => assert_eq!((answer.status, answer.body.len()), (200, 0)),
            _ => assert_eq!(answer.snooped("method"), name),
        }
    }
}

#[test]
#[ignore = "needs a real Tomcat: run tests/run"]
fn uri_query_and_protocol() {
    let mut request = Request::get("/snoop/a/b/c?x=%2F&y=ü").header("Accept", "*/*");
    request.protocol = "HTTP/1.x".into();
    let answer = once(Connector::Plain, &request);
    assert_eq!(answer.snooped("uri"), "/lab/snoop/a/b/c");
    // Bytes travel as they are; the page shows them as ISO-8859-1.
    assert_eq!(answer.snooped("query"), "x=%2F&y=Ã¼");
    assert_eq!(answer.snooped("protocol"), "HTTP/1.x");
}

#[test]
#[ignore = "needs a real Tomcat: run tests/run"]
fn secure() {
    let mut request = snoop();
    request.is_ssl = true;
    let answer = once(Connector::Plain, &request);
    assert_eq!(answer.snooped("secure"), "true");
    assert_eq!(answer.snooped("scheme"), "https");
}

#[test]
#[ignore = "needs a real Tomcat: run tests/run"]
fn remote_user_counts_where_the_connector_trusts_the_web_server() {
    let request = snoop()
        .with(Named::RemoteUser("MYUSER"))
        .with(Named::AuthType("MYAUTH"));
    let user = |connector| {
        let answer = once(connector, &request);
        (answer.snooped("remote_user"), answer.snooped("auth_type"))
    };
    assert_eq!(
        user(Connector::Trusting),
        ("MYUSER".into(), "MYAUTH".into())
    );
    assert_eq!(user(Connector::Plain), ("null".into(), "null".into()));
    // Looked up in the realm only where the application has a constraint; this one has none.
    assert_eq!(
        user(Connector::Authorizing),
        ("null".into(), "MYAUTH".into())
    );
}

#[test]
#[ignore = "needs a real Tomcat: run tests/run"]
fn remote_user_and_roles() {
    let status = |connector, user: Option<&'static str>| {
        let request = Request::get("/snoop/guarded");
        let request = user
            .map(Named::RemoteUser)
            .into_iter()
            .fold(request, Request::with);
        let answer = once(connector, &request);
        (
            answer.status,
            (answer.status == 200).then(|| answer.snooped("remote_user")),
        )
    };
    // Trusted as a user, without roles; nobody named: Tomcat asks itself.
    assert_eq!(status(Connector::Trusting, Some("alice")), (403, None));
    assert_eq!(status(Connector::Trusting, None), (401, None));
    // Trusted and looked up in the realm.
    assert_eq!(
        status(Connector::Authorizing, Some("alice")),
        (200, Some("alice".into()))
    );
    assert_eq!(status(Connector::Authorizing, Some("mallory")), (403, None));
    // Not trusted at all.
    assert_eq!(status(Connector::Plain, Some("alice")), (401, None));
}

#[test]
#[ignore = "needs a real Tomcat: run tests/run"]
fn headers_arrive_once_coded_and_as_text() {
    let mut peer = Peer::connect(Connector::Plain);
    for name in REQUEST_HEADERS
        .iter()
        .filter(|name| !["content-length", "host"].contains(name))
    {
        let answer = peer.exchange(&snoop().header(name, "the value"), b"");
        let line = format!("header:{name}=the value");
        let found = answer
            .text()
            .lines()
            .filter(|l| l.eq_ignore_ascii_case(&line))
            .count();
        assert_eq!(found, 1, "{name} in\n{}", answer.text());
    }
    let answer = peer.exchange(
        &snoop().header("MYHEADER", "a").header("MYHEADER", "b"),
        b"",
    );
    let values: Vec<String> = answer
        .text()
        .lines()
        .filter(|l| l.starts_with("header:MYHEADER"))
        .map(Into::into)
        .collect();
    assert_eq!(values, ["header:MYHEADER=a", "header:MYHEADER=b"]);
}

#[test]
#[ignore = "needs a real Tomcat: run tests/run"]
fn header_bytes_arrive_as_latin_1() {
    let request = snoop()
        .raw_header("X-Latin", b"\xe9")
        .raw_header("X-Utf8", b"\xc3\xa9");
    let answer = once(Connector::Plain, &request);
    assert_eq!(answer.snooped("header:X-Latin"), "\u{e9}");
    assert_eq!(answer.snooped("header:X-Utf8"), "\u{c3}\u{a9}");
}

#[test]
#[ignore = "needs a real Tomcat: run tests/run"]
fn an_encoded_slash_and_a_session_in_the_path() {
    let request = Request::get("/snoop/a%2Fb;jsessionid=ABC.lab");
    let answer = once(Connector::Solidus, &request);
    assert_eq!(answer.snooped("uri"), "/lab/snoop/a%2Fb;jsessionid=ABC.lab");
    assert_eq!(answer.snooped("session"), "ABC.lab");
    let refused = once(Connector::Plain, &request);
    assert_eq!((refused.status, refused.reuse), (400, true));
}

#[test]
#[ignore = "needs a real Tomcat: run tests/run"]
fn attributes_that_the_connector_allows() {
    let answer = once(
        Connector::Plain,
        &snoop().with(Named::Other("MYATTRIBUTE", "MYVALUE")),
    );
    assert_eq!((answer.status, answer.reuse), (200, true));
    assert_eq!(answer.snooped("myattribute"), "MYVALUE");
}

#[test]
#[ignore = "needs a real Tomcat: run tests/run"]
fn an_attribute_that_the_connector_refuses_is_403_and_the_end() {
    let answer = once(
        Connector::Strict,
        &snoop().with(Named::Other("MYATTRIBUTE", "MYVALUE")),
    );
    assert_eq!((answer.status, answer.reuse), (403, false));
}

#[test]
#[ignore = "needs a real Tomcat: run tests/run"]
fn all_of_it_together() {
    let mut request = snoop()
        .method("LOCK")
        .header("MYHEADER", "MYHEADER-VALUE")
        .header("Content-Length", "0")
        .with(Named::Query("p=1".into()))
        .with(Named::Other("MYATTRIBUTE", "MYVALUE"))
        .with(Named::Other("AJP_REMOTE_PORT", "34567"));
    request.is_ssl = true;
    request.remote_addr = Some("198.51.100.3".into());
    let mut peer = Peer::connect(Connector::Plain);
    let answer = peer.exchange(&request, b"");
    for (name, value) in [
        ("method", "LOCK"),
        ("query", "p=1"),
        ("secure", "true"),
        ("remote_addr", "198.51.100.3"),
        ("remote_port", "34567"),
        ("myattribute", "MYVALUE"),
        ("header:MYHEADER", "MYHEADER-VALUE"),
    ] {
        assert_eq!(answer.snooped(name), value);
    }
    peer.expect_cpong();
}

#[test]
#[ignore = "needs a real Tomcat: run tests/run"]
fn the_head_must_fit_one_packet() {
    let sized = |total: usize| {
        let empty = snoop()
            .header("X-Fill", "")
            .encode(PacketSize::DEFAULT)
            .expect("fits")
            .len();
        snoop().header("X-Fill", &"x".repeat(total - empty))
    };
    for total in [8191, 8192] {
        assert_eq!(
            sized(total)
                .encode(PacketSize::DEFAULT)
                .expect("fits")
                .len(),
            total
        );
        assert_eq!(once(Connector::Plain, &sized(total)).status, 200, "{total}");
    }
    assert!(sized(8193).encode(PacketSize::DEFAULT).is_err());
    assert_eq!(once(Connector::Large, &sized(8193)).status, 200);
    assert_eq!(once(Connector::Middle, &sized(16_000)).status, 200);
}

#[test]
#[ignore = "needs a real Tomcat: run tests/run"]
fn tls_facts() {
    let chain = format!("{0}{0}", include_str!("certificate.pem"));
    let mut request = snoop()
        .with(Named::SslCert(chain))
        .with(Named::SslCipher("TLS_AES_256_GCM_SHA384"))
        .with(Named::SslSession("00ff"))
        .with(Named::SslKeySize(256))
        .with(Named::Other("AJP_SSL_PROTOCOL", "TLSv1.3"));
    request.is_ssl = true;
    let answer = once(Connector::Plain, &request);
    assert_eq!(answer.snooped("cipher"), "TLS_AES_256_GCM_SHA384");
    assert_eq!(answer.snooped("ssl_session"), "00ff");
    assert_eq!(answer.snooped("key_size"), "256");
    assert_eq!(answer.snooped("tls_version"), "TLSv1.3");
    assert_eq!(answer.snooped("certificates"), "2");
}

#[test]
#[ignore = "needs a real Tomcat: run tests/run"]
fn the_members_activation() {
    for code in ["ACT", "DIS", "STP"] {
        let answer = once(
            Connector::Strict,
            &snoop().with(Named::Other("JK_LB_ACTIVATION", code)),
        );
        assert_eq!(answer.snooped("activation"), code);
    }
}

#[test]
#[ignore = "needs a real Tomcat: run tests/run"]
fn a_disabled_member_sends_sessions_away_that_it_does_not_know() {
    let asked = |activation| {
        let mut request = snoop()
            .header("Cookie", "JSESSIONID=UNKNOWN.lab")
            .with(Named::Other("JK_LB_ACTIVATION", activation));
        request.uri = request.uri.replace("/lab/", "/draining/");
        once(Connector::Strict, &request)
    };
    assert_eq!(asked("ACT").status, 200);
    let sent_away = asked("DIS");
    assert_eq!(sent_away.status, 307);
    assert_eq!(
        sent_away.header("location").as_deref(),
        Some("/draining/snoop")
    );
    let cookie = sent_away.header("set-cookie").unwrap_or_default();
    assert!(
        cookie.starts_with("JSESSIONID=") && cookie.contains("Max-Age=0"),
        "{cookie}"
    );
}
