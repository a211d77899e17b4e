use ajp13::wire::{PacketSize, SendHeadersWriter};
use bytes::BytesMut;

use super::*;

fn made(fields: &[(&str, &str)], status: u16) -> Result<Box<Heading>, BadField> {
    let mut packet = BytesMut::new();
    let size = PacketSize::DEFAULT;
    let mut writer = SendHeadersWriter::begin(&mut packet, size, status, Some(b"200"));
    for (name, value) in fields {
        writer.header(name.as_bytes(), value.as_bytes());
    }
    writer.finish().unwrap();
    let packet = HeadPacket::from(packet.freeze().slice(4..));
    heading(&packet, StatusCode::from_u16(status).unwrap())
}

fn written(fields: &[(&str, &str)]) -> String {
    let head = made(fields, 200).unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let lines = head.fields.iter();
    let lines = lines.map(|(name, value)| format!("{}={}", text(name), text(value)));
    let mut lines: Vec<_> = lines.collect();
    lines.extend(
        head.content_type
            .as_deref()
            .map(|kind| format!("({})", text(kind))),
    );
    lines.join(" ")
}

#[test]
fn names_and_their_order_are_the_backends() {
    let fields = [
        ("x-b", "1"),
        ("CONTENT-TYPE", "a/b"),
        ("Set-cookie", "a"),
        ("X-B", " 2 "),
        ("set-cookie", "b"),
        ("Content-Length", "7"),
    ];
    let expected = "x-b=1 Set-Cookie=a X-B= 2  Set-Cookie=b Content-Length=7 (a/b)";
    assert_eq!(written(&fields), expected);
    assert_eq!(made(&[], 200).unwrap().reason.as_deref(), Some(&b"200"[..]));
}

#[test]
fn hop_by_hop_fields_stay_here() {
    let fields = [
        ("connection", "X-Internal, content-length"),
        ("x-internal", "1"),
        ("keep-alive", "timeout=5"),
        ("transfer-encoding", "chunked"),
        ("upgrade", "h2c"),
        ("proxy-connection", "x"),
        ("server", "Tomcat"),
        ("date", "yesterday"),
        ("x-kept", "1"),
        ("content-length", "1"),
    ];
    assert_eq!(written(&fields), "x-kept=1 Content-Length=1");
    assert!(!made(&fields, 200).unwrap().closes);
    assert!(made(&[("Connection", "x, Close")], 200).unwrap().closes);
}

#[test]
fn a_length_leaves_once_and_in_plain_form() {
    for (value, plain) in [
        ("5", "5"),
        ("05", "5"),
        ("+5", "5"),
        (" 00 ", "0"),
        ("0", "0"),
    ] {
        let fields = [
            ("content-length", value),
            ("X", "y"),
            ("content-length", value),
        ];
        assert_eq!(written(&fields), format!("Content-Length={plain} X=y"));
    }
}

#[test]
fn types_dates_and_repeated_fields_are_as_httpd_writes_them() {
    for (name, value, expected) in [
        (
            "content-type",
            "Text/HTML; Charset=X",
            "(text/html; Charset=X)",
        ),
        ("content-type", "TEXT", "(text)"),
        ("content-type", "", "()"),
        (
            "last-modified",
            "Sat, 29 Oct 1994 19:43:31 GMT",
            "Last-Modified=Sat, 29 Oct 1994 19:43:31 GMT",
        ),
        (
            "last-modified",
            "Saturday, 29-Oct-94 19:43:31 GMT",
            "Last-Modified=Sat, 29 Oct 1994 19:43:31 GMT",
        ),
        ("last-modified", "yesterday", "Last-Modified=yesterday"),
    ] {
        assert_eq!(written(&[(name, value)]), expected);
    }
    let future = written(&[("last-modified", "Fri, 29 Oct 2094 19:43:31 GMT")]);
    let future = future.strip_prefix("Last-Modified=").unwrap();
    assert!(httpdate::parse_http_date(future).unwrap() <= SystemTime::now());
    let twice = [
        ("location", "/a"),
        ("x", "1"),
        ("location", "/b"),
        ("content-type", "a"),
        ("content-type", "b"),
    ];
    assert_eq!(written(&twice), "Location=/b x=1 (b)");
}

#[test]
fn nothing_can_be_taken_for_another_field() {
    let refused = [
        "a\rb",
        "a\nb",
        "a\r\nX: b",
        "a\x01",
        "a\x7f",
        "a\r\n",
        "a\r\n \r",
    ];
    for value in refused {
        assert!(made(&[("X-A", value)], 200).is_err(), "{value:?}");
        assert!(made(&[("Content-Type", value)], 200).is_err(), "{value:?}");
    }
    for name in ["", "a b", "a:", "\u{e9}", "a\r"] {
        assert!(made(&[(name, "x")], 200).is_err(), "{name:?}");
    }
    assert_eq!(
        written(&[("X-A", "a\tb"), ("Y", "\u{e9}")]),
        "X-A=a\tb Y=\u{e9}"
    );
    let cut = [
        ("X-A", "a\0b"),
        ("X-B\0\r\n", "c\0\r"),
        ("Content-Type", "\0"),
    ];
    assert_eq!(written(&cut), "X-A=a X-B=c ()");
    let folded = [("X-A", "a\r\n \t b\r\n\tc"), ("Content-Type", "A\r\n b")];
    assert_eq!(written(&folded), "X-A=a b c (a b)");
}

#[test]
fn vary_is_one_field() {
    let mut fields = Fields::default();
    join_vary(&mut fields);
    assert_eq!(fields.iter().count(), 0);
    for value in ["Accept, x-a", "*", "accept"] {
        fields.add(b"Vary", value.as_bytes());
    }
    vary_first(&mut fields, "X-A");
    join_vary(&mut fields);
    let values: Vec<_> = fields.get_all("vary").collect();
    assert_eq!(values, [b"X-A,Accept,*"]);
}

#[test]
fn names_without_number_are_not_compared() {
    let mut fields = Fields::default();
    let many: Vec<_> = (0..=MOST_NAMES)
        .map(|number| format!("x{number}"))
        .collect();
    let many = many.join(", ");
    fields.add(b"Vary", many.as_bytes());
    join_vary(&mut fields);
    assert_eq!(fields.get("vary"), Some(many.as_bytes()));
}

#[test]
fn a_cookie_leads_back_to_the_member() {
    let cookie = session_cookie("JSESSIONID", "a", "/").unwrap();
    assert_eq!(cookie, "JSESSIONID=.a;PATH=/;HttpOnly");
    assert_eq!(session_cookie("S", "a", "").unwrap(), "S=.a;HttpOnly");
}
