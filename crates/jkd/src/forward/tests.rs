use ajp13::wire::{ForwardRequest, frame};

use super::*;
use crate::access::Claims;

const GET_QUERY: &[u8] = include_bytes!("../../tests/data/jk-01-get-query.c2s.bin");
const MANY_HEADERS: &[u8] = include_bytes!("../../tests/data/jk-02-get-many-headers.c2s.bin");

fn peer(port: u16) -> Peer {
    Peer::new(
        ([127, 0, 0, 1], port).into(),
        ([127, 0, 0, 1], 8080).into(),
        0,
    )
}

fn request(method: &str, target: &str, fields: &[(&str, &str)]) -> Head {
    Head::with(method, target, fields)
}

/// A request with these fields, as it is to be forwarded.
pub(super) fn forwarded(fields: &[(&str, &str)], look: impl FnOnce(&Forward<'_>)) {
    let head = request("GET", "/", fields);
    look(&Forward {
        head: &head,
        peer: &peer(1),
        uri: head.path(),
        server_name: "a",
        server_port: 80,
        body: BodyLength::None,
        has_cookies: false,
        indicated: &Indicated::default(),
        options: JkOptions::default(),
        ruled: &[],
        withheld: None,
    });
}

fn packet(head: &Head, peer: &Peer, name: &str, to: &Destination<'_>) -> BytesMut {
    packet_saying(head, peer, name, to, &Indicated::default())
}

fn packet_saying(
    head: &Head,
    peer: &Peer,
    name: &str,
    to: &Destination<'_>,
    indicated: &Indicated<'_>,
) -> BytesMut {
    let forward = Forward {
        head,
        peer,
        uri: head.path(),
        server_name: name,
        server_port: 80,
        body: head.framing().unwrap().body,
        has_cookies: false,
        indicated,
        options: JkOptions::default(),
        ruled: &[],
        withheld: None,
    };
    let mut buffer = BytesMut::new();
    forward.write(&mut buffer, PacketSize::DEFAULT, to).unwrap();
    buffer
}

pub(super) const STANDALONE: Destination<'static> = Destination {
    secret: None,
    route: None,
    activation: Activation::Active,
};

fn decode(packet: &[u8]) -> ForwardRequest<'_> {
    let frame = frame::split(frame::Direction::Request, packet, frame::MAX_PAYLOAD);
    ForwardRequest::decode(frame.unwrap().unwrap().payload).unwrap()
}

/// Names in lower case, values as they are.
fn headers(request: &ForwardRequest<'_>) -> Vec<(String, String)> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let pair = |h: ajp13::wire::Header<'_>| (text(h.name).to_lowercase(), text(h.value));
    request.headers.iter().map(pair).collect()
}

fn sent(fields: &[(&str, &str)], method: &str) -> Vec<(String, String)> {
    let head = request(method, "/", fields);
    headers(&decode(&packet(&head, &peer(1), "a", &STANDALONE)))
}

fn has(headers: &[(String, String)], name: &str) -> Option<String> {
    headers
        .iter()
        .find(|(n, _)| n == name)
        .map(|(_, value)| value.clone())
}

#[test]
fn a_plain_get_is_mod_jks_byte_for_byte() {
    let fields = [("Host", "plain.local"), ("Connection", "close")];
    let head = request("GET", "/any/snoop?a=1&b=%C3%A9&empty", &fields);
    let ours = packet(&head, &peer(51780), "plain.local", &STANDALONE);
    assert_eq!(
        ours.escape_ascii().to_string(),
        GET_QUERY.escape_ascii().to_string()
    );
}

#[test]
fn a_request_through_a_balancer_says_what_mod_jks_says() {
    let fields = [
        ("Host", "lb.local"),
        ("Accept", "text/html,*/*"),
        ("Accept-Charset", "utf-8"),
        ("Accept-Encoding", "gzip"),
        ("Accept-Language", "fr,en"),
        ("Authorization", "Bearer abc.def"),
        ("Cookie", "a=b; JSESSIONID=0123456789ABCDEF.nodeA; c=d"),
        ("Cookie2", "$Version=1"),
        ("Pragma", "no-cache"),
        ("Referer", "http://ref.example/"),
        ("User-Agent", "lab/1.0"),
        ("X-Forwarded-For", "10.9.8.7"),
        ("X-Custom-Header", "custom value"),
        ("x-lower", "l"),
        ("X-Dup", "one"),
        ("X-Dup", "two"),
        ("Cache-Control", "max-age=0"),
        ("If-Modified-Since", "Sat, 29 Oct 1994 19:43:31 GMT"),
        ("Content-Type", "text/x-none"),
        ("Connection", "close"),
    ];
    let theirs = decode(MANY_HEADERS);
    let target = String::from_utf8(theirs.uri.unwrap().to_vec()).unwrap();
    let head = request("GET", &target, &fields);
    let to = Destination {
        route: Some(b"nodeA"),
        ..STANDALONE
    };
    let ours = packet(&head, &peer(51782), "lb.local", &to);
    let ours = decode(&ours);
    assert_eq!(headers(&ours), headers(&theirs));
    assert!(ours.attributes.iter().eq(theirs.attributes.iter()));
    assert_eq!(ours.line(), theirs.line());
}

#[test]
fn bodies_are_announced_as_the_client_announced_them() {
    assert_eq!(has(&sent(&[], "GET"), "content-length").unwrap(), "0");
    assert_eq!(has(&sent(&[], "POST"), "content-length").unwrap(), "0");
    let known = sent(&[("content-length", "0005")], "POST");
    assert_eq!(has(&known, "content-length").unwrap(), "5");
    let zero = sent(&[("content-length", "000")], "POST");
    assert_eq!(has(&zero, "content-length").unwrap(), "0");
    let chunked = sent(&[("transfer-encoding", "chunked")], "POST");
    assert_eq!(has(&chunked, "content-length"), None);
    assert_eq!(has(&chunked, "transfer-encoding").unwrap(), "chunked");
}

#[test]
fn hop_by_hop_fields_stay_here() {
    let fields = [
        ("connection", "upgrade, x-secret"),
        ("upgrade", "websocket"),
        ("te", "trailers"),
        ("x-secret", "1"),
        ("x-keep", "2"),
    ];
    let sent = sent(&fields, "GET");
    for (name, _) in &fields[..4] {
        assert_eq!(has(&sent, name), None, "{name}");
    }
    assert_eq!(has(&sent, "x-keep").as_deref(), Some("2"));
}

#[test]
fn an_absolute_target_replaces_the_host_field() {
    let head = request("GET", "http://B:81/x?y", &[("host", "a")]);
    let head = crate::strict::renamed(head);
    let packet = packet(&head, &peer(1), "b", &STANDALONE);
    let request = decode(&packet);
    assert_eq!(request.headers.get(b"host"), Some(b"b:81".as_slice()));
    assert_eq!(request.uri, Some(b"/x".as_slice()));
}

#[test]
fn attributes_come_in_mod_jks_order() {
    let secret = Secret::new("s3cret");
    let head = request("PATCH", "/x?", &[("host", "a")]);
    let to = Destination {
        secret: Some(&secret),
        route: Some(b"n1"),
        activation: Activation::Disabled,
    };
    let packet = packet(&head, &peer(4711), "a", &to);
    let attribute = |name: &'static str, value: &'static str| Attribute::RequestAttribute {
        name: name.as_bytes(),
        value: value.as_bytes(),
    };
    let expected = [
        Attribute::Secret(b"s3cret"),
        Attribute::QueryString(b""),
        Attribute::Route(b"n1"),
        Attribute::StoredMethod(b"PATCH"),
        attribute("AJP_REMOTE_PORT", "4711"),
        attribute("AJP_LOCAL_ADDR", "127.0.0.1"),
        attribute("JK_LB_ACTIVATION", "DIS"),
    ];
    let request = decode(&packet);
    assert!(request.attributes.iter().eq(expected), "{request:?}");
}

#[test]
fn a_head_that_does_not_fit_leaves_nothing_behind() {
    let long = "x".repeat(8200);
    let head = request("GET", "/", &[("x-long", &long)]);
    let forward = Forward {
        head: &head,
        peer: &peer(1),
        uri: b"/",
        server_name: "a",
        server_port: 80,
        body: BodyLength::None,
        has_cookies: false,
        indicated: &Indicated::default(),
        options: JkOptions::default(),
        ruled: &[],
        withheld: None,
    };
    let mut buffer = BytesMut::from(&b"before"[..]);
    assert!(
        forward
            .write(&mut buffer, PacketSize::DEFAULT, &STANDALONE)
            .is_err()
    );
    assert_eq!(buffer, b"before"[..]);
}

/// The packet of a request to a host with these lines, variables and fields.
fn told(lines: &str, fields: &[(&str, &str)]) -> String {
    let model = crate::variables::tests::model(lines, &[]);
    let host = &model.hosts[0];
    let head = request("GET", "/x/y", fields);
    let peer = peer(4711);
    let mut variables = crate::variables::Variables::begin(host, &head, &peer, &[]);
    variables.complete(host, &head, &peer, b"/x/y");
    let claims = Claims::default();
    let facts = Facts {
        claims: &claims,
        host,
        head: &head,
        peer: &peer,
        server_name: "::1",
        server_port: 81,
        path: b"/x/y",
        chosen: &[],
    };
    let indicated = Indicated::by(&variables, &facts);
    let packet = packet_saying(&head, &peer, "::1", &STANDALONE, &indicated);
    let request = decode(&packet);
    let mut said = vec![if request.is_ssl { "tls" } else { "plain" }.to_owned()];
    for attribute in request.attributes.iter() {
        let said_by_all = [&b"AJP_LOCAL_ADDR"[..], b"JK_LB_ACTIVATION"];
        match attribute {
            Attribute::RequestAttribute { name, .. } if said_by_all.contains(&name) => {}
            Attribute::RequestAttribute { name, value } => {
                said.push(format!("{}={}", name.escape_ascii(), value.escape_ascii()));
            }
            other => said.push(format!("{other:?}")),
        }
    }
    said.join(", ")
}

#[test]
#[allow(clippy::too_many_lines, reason = "a table")]
fn variables_say_how_tls_was_used() {
    const TLS: &str = "SetEnvIf X-S (.+) HTTPS=$1\nSetEnvIf X-Cert (.+) SSL_CLIENT_CERT=$1\n\
        SetEnvIf X-Ch0 (.+) SSL_CLIENT_CERT_CHAIN_0=$1\nSetEnvIf X-Ch1 (.+) ssl_client_cert_chain_1=$1\n\
        SetEnvIf X-P (.+) SSL_PROTOCOL=$1\nSetEnvIf X-C (.+) SSL_CIPHER=$1\n\
        SetEnvIf X-I (.+) SSL_SESSION_ID=$1\nSetEnvIf X-K (.+) SSL_CIPHER_USEKEYSIZE=$1\n";
    let all = [
        ("X-S", "On"),
        ("X-Cert", "C"),
        ("X-Ch1", "B"),
        ("X-Ch0", "A"),
        ("X-P", "TLSv1.3"),
        ("X-C", "ci"),
        ("X-I", "sid"),
        ("X-K", "256x"),
    ];
    let with = |options: &str, fields: &[(&str, &str)]| told(&format!("{TLS}{options}"), fields);
    let port = "AJP_REMOTE_PORT=4711";
    assert_eq!(
        with("", &all),
        format!(
            "tls, ssl_cert: C, ssl_cipher: ci, ssl_session: sid, ssl_key_size: 256, AJP_SSL_PROTOCOL=TLSv1.3, {port}"
        )
    );
    assert_eq!(
        with("JkOptions +ForwardSSLCertChain -ForwardKeySize", &all),
        format!(
            "tls, ssl_cert: CAB, ssl_cipher: ci, ssl_session: sid, AJP_SSL_PROTOCOL=TLSv1.3, {port}"
        )
    );
    for (options, fields, expected) in [
        ("JkExtractSSL Off", &all[..], "plain"),
        ("", &[("X-S", "1"), ("X-C", "ci")][..], "plain"),
        ("", &[("X-S", "on"), ("X-K", "-1")], "tls"),
        (
            "",
            &[("X-S", "on"), ("X-K", "70000")],
            "tls, ssl_key_size: 4464",
        ),
        (
            "JkHTTPSIndicator HTTP_X_S\nJkCIPHERIndicator HTTP_X_C",
            &[("x-s", "oN"), ("X-C", "ci")],
            "tls, ssl_cipher: ci",
        ),
        (
            "JkOptions +ForwardSSLCertChain",
            &[("X-S", "on"), ("X-Ch1", "B")],
            "tls, ssl_cert: B",
        ),
    ] {
        assert_eq!(
            with(options, fields),
            format!("{expected}, {port}"),
            "{options}"
        );
    }
}

#[test]
fn a_request_has_variables_of_its_own() {
    let fields = [
        ("X-A", "1"),
        ("x-a", "2"),
        ("X_A", "3"),
        ("Host", "[::1]:81"),
        ("Content-Type", "t"),
    ];
    let said = told(
        "JkEnvVar remote_port\nJkEnvVar HTTP_X_A\nJkEnvVar SERVER_NAME\nJkEnvVar SERVER_PORT\n\
         JkEnvVar CONTENT_TYPE\nJkEnvVar SCRIPT_FILENAME\nJkEnvVar HTTP_X_B\nJkEnvVar HTTP_X_C c\n\
         JkEnvVar REQUEST_URI\nJkEnvVar CONTEXT_PREFIX\nJkEnvVar PATH\n\
         SetEnv REMOTE_PORT 1\nSetEnv HTTP_X_B set\nSetEnv PATH p\n",
        &fields,
    );
    assert_eq!(
        said,
        "plain, AJP_REMOTE_PORT=4711, remote_port=4711, HTTP_X_A=1, 2, SERVER_NAME=[::1], \
         SERVER_PORT=81, CONTENT_TYPE=t, SCRIPT_FILENAME=y, HTTP_X_B=set, HTTP_X_C=c, \
         CONTEXT_PREFIX=, PATH=p"
    );
}

#[test]
fn an_address_can_be_hidden() {
    let fields = [("X-Port", "")];
    let local = "JkOptions +ForwardLocalAddress\n";
    assert_eq!(told(local, &fields), "plain, AJP_REMOTE_PORT=0");
    let empty = "SetEnvIf X-Port ^$ JK_REMOTE_PORT=$0\n";
    // The null string, which counts as not sent.
    assert_eq!(told(empty, &fields), "plain");
}
