use super::*;
use crate::wire::{ForwardRequestWriter, Method as WireMethod, PacketSize, RequestLine, frame};

fn line<'a>(method: &'a str, uri: &'a [u8]) -> RequestLine<'a> {
    RequestLine {
        method: WireMethod::from_name(method.as_bytes()),
        protocol: Some(b"HTTP/1.1"),
        uri: Some(uri),
        remote_addr: Some(b"192.0.2.7"),
        remote_host: None,
        server_name: Some(b"shop.example"),
        server_port: 443,
        is_ssl: true,
    }
}

fn converted(
    line: &RequestLine<'_>,
    fill: impl FnOnce(&mut ForwardRequestWriter<'_>),
) -> Result<Request<()>, BadRequest> {
    let mut buffer = BytesMut::new();
    let mut writer = ForwardRequestWriter::begin(&mut buffer, PacketSize::DEFAULT, line);
    fill(&mut writer);
    writer.finish().unwrap();
    let packet = buffer.freeze().slice(frame::HEADER..);
    let forward = ForwardRequest::decode(&packet).unwrap();
    request(&packet, &forward)
}

#[test]
fn the_whole_head() {
    let request = converted(&line("PATCH", b"/a/b;jsessionid=1.r"), |writer| {
        writer
            .header(b"Host", b"shop.example")
            .header(b"Cookie", b"a=1")
            .header(b"X-Two", b"1");
        writer
            .header(b"x-two", b"2")
            .header(b"Accept-Language", b"de");
        writer.attribute(&Attribute::QueryString(b"q=%20"));
    })
    .unwrap();
    assert_eq!(request.method(), "PATCH");
    assert_eq!(request.uri(), "/a/b;jsessionid=1.r?q=%20");
    assert_eq!(request.version(), Version::HTTP_11);
    assert_eq!(request.headers()[header::HOST], "shop.example");
    assert_eq!(request.headers()[header::COOKIE], "a=1");
    assert_eq!(request.headers()[header::ACCEPT_LANGUAGE], "de");
    let two: Vec<_> = request.headers().get_all("x-two").iter().collect();
    assert_eq!(two, ["1", "2"]);
}

fn named<'a>(name: &'a str, value: &'a str) -> Attribute<'a> {
    Attribute::RequestAttribute {
        name: name.as_bytes(),
        value: value.as_bytes(),
    }
}

fn with(attributes: &[Attribute<'_>]) -> Extensions {
    let fill = |writer: &mut ForwardRequestWriter<'_>| {
        for attribute in attributes {
            writer.attribute(attribute);
        }
    };
    std::mem::take(
        converted(&line("GET", b"/"), fill)
            .unwrap()
            .extensions_mut(),
    )
}

#[test]
fn facts_of_the_connection() {
    let facts = with(&[
        Attribute::SslKeySize(256),
        named("AJP_REMOTE_PORT", "4711"),
        named("AJP_LOCAL_ADDR", "10.0.0.1"),
        named("AJP_SSL_PROTOCOL", "TLSv1.3"),
    ]);
    let connection = facts.get::<ConnectionInfo>().unwrap();
    assert_eq!(connection.remote_addr, Some("192.0.2.7".into()));
    assert_eq!(connection.remote_port, Some(4711));
    assert_eq!(connection.local_addr, Some("10.0.0.1".into()));
    assert_eq!((connection.server_port, connection.is_ssl), (443, true));
    let tls = facts.get::<TlsInfo>().unwrap();
    assert_eq!(
        (tls.key_size, &tls.protocol),
        (Some(256), &Some("TLSv1.3".into()))
    );
    assert!(facts.get::<Attributes>().is_none());
}

#[test]
fn facts_of_the_request() {
    let facts = with(&[
        Attribute::RemoteUser(b"anna"),
        Attribute::Route(b"tomcat1"),
        Attribute::Secret(b"hush"),
        named("JK_LB_ACTIVATION", "DIS"),
        named("OWN", "value"),
    ]);
    let user = facts.get::<RemoteUser>().unwrap();
    assert_eq!(user.name, Some("anna".into()));
    assert_eq!(facts.get(), Some(&Route("tomcat1".into())));
    assert_eq!(facts.get(), Some(&Activation::Disabled));
    assert!(facts.get::<Secret>().unwrap().matches(b"hush"));
    let attributes = facts.get::<Attributes>().unwrap();
    assert_eq!(attributes.len(), 1);
    assert_eq!(attributes.get("OWN"), Some(&"value".into()));
}

#[test]
fn a_plain_request_carries_only_its_connection() {
    let request = converted(&line("GET", b"/"), |_| {}).unwrap();
    assert_eq!(request.extensions().len(), 1);
}

#[test]
fn an_empty_query_is_not_no_query() {
    let with = converted(&line("GET", b"/a"), |writer| {
        writer.attribute(&Attribute::QueryString(b""));
    });
    assert_eq!(with.unwrap().uri().query(), Some(""));
    assert_eq!(
        converted(&line("GET", b"/a"), |_| {})
            .unwrap()
            .uri()
            .query(),
        None
    );
}

#[test]
fn targets_that_would_read_differently_are_refused() {
    for target in [
        "",
        "a",
        "http://x/",
        "/a?b",
        "/a#b",
        "/a b",
        "/a\0",
        "/a\r\nb",
        "*/",
        "x*",
        "//\u{7f}\n",
    ] {
        let request = converted(&line("GET", target.as_bytes()), |_| {});
        assert_eq!(request.unwrap_err(), BadRequest::Target, "{target:?}");
    }
    let not_utf8 = converted(&line("GET", b"/\xff"), |_| {});
    assert_eq!(not_utf8.unwrap_err(), BadRequest::Target);
    let fragment = converted(&line("GET", b"/"), |writer| {
        writer.attribute(&Attribute::QueryString(b"a#b"));
    });
    assert_eq!(fragment.unwrap_err(), BadRequest::Target);
    let none = RequestLine {
        uri: None,
        ..line("GET", b"")
    };
    assert_eq!(converted(&none, |_| {}).unwrap_err(), BadRequest::Target);
}

#[test]
fn targets_that_a_uri_can_hold_are_kept_as_they_are() {
    for target in ["/", "/%2F%zz", "/a//b/../c", "*", "/\u{e9}", "//host/path"] {
        let request = converted(&line("OPTIONS", target.as_bytes()), |_| {}).unwrap();
        assert_eq!(request.uri().path(), target);
    }
}

#[test]
fn headers_that_could_split_a_message_are_refused() {
    for (name, value) in [
        ("x", "a\r\nb"),
        ("x", "a\0"),
        ("x y", "1"),
        ("", "1"),
        ("x:", "1"),
        ("x\r\n", "1"),
    ] {
        let request = converted(&line("GET", b"/"), |writer| {
            writer.header(name.as_bytes(), value.as_bytes());
        });
        assert_eq!(
            request.unwrap_err(),
            BadRequest::Header,
            "{name:?}: {value:?}"
        );
    }
}

#[test]
fn methods_are_tokens() {
    assert_eq!(
        converted(&line("get", b"/"), |_| {}).unwrap().method(),
        "get"
    );
    for method in ["F O", "", "A\r\n"] {
        let request = converted(&line(method, b"/"), |_| {});
        assert_eq!(request.unwrap_err(), BadRequest::Method, "{method:?}");
    }
}

#[test]
fn a_protocol_that_is_no_version_is_kept() {
    let odd = RequestLine {
        protocol: Some(b"HTTP/1.x"),
        ..line("GET", b"/")
    };
    let request = converted(&odd, |_| {}).unwrap();
    assert_eq!(
        request.extensions().get(),
        Some(&Protocol(Some("HTTP/1.x".into())))
    );
    let old = RequestLine {
        protocol: Some(b"HTTP/1.0"),
        ..line("GET", b"/")
    };
    assert_eq!(converted(&old, |_| {}).unwrap().version(), Version::HTTP_10);
}
