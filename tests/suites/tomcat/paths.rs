//! Tomcat reads a path as `jkworkers` says that it does, whatever its connector's settings.

use std::sync::LazyLock;

use ajp13::wire::PacketSize;
use jkd_tests::{Tomcat, TomcatBuilder};
use jkworkers::uri_map::tomcat::{self, Connector, Encoded};

use crate::peer::{Peer, Request};

/// Paths as a front end may send them: ordinary ones and all that has ever gone wrong.
const PATHS: &[&str] = &[
    "/",
    "/a",
    "/a/",
    "/a/b.jsp",
    "/a.b/c-d_e~f/",
    "/.well-known/x",
    "/...",
    "/a..b/..c",
    "/a b",
    "/a%20b",
    "/a+b",
    "/a?b",
    "/a%3Fb",
    "/a#b",
    "/a%23b",
    "/a[b]",
    "/a:b@c",
    "/caf%C3%A9",
    "/caf%c3%a9",
    "/caf\u{e9}",
    "/caf%E9",
    "/a;jsessionid=1.n",
    "/a;jsessionid=1.n/b;p=2",
    "/a;x;y=1;z/b",
    "/a;",
    "/;a",
    "/;a/b",
    "/;",
    "/a/;x/b",
    "/a;%2F/b",
    "/a;%5C/b",
    "/a;\\/b",
    "/a;%zz/b",
    "/a;%00/b",
    "/a%3Bb/c",
    "/a%3bjsessionid=1/b",
    "/a/..%3B/b",
    "//a",
    "/a//b",
    "/a///b//",
    "/a/./b",
    "/./a",
    "/a/.",
    "/a/../b",
    "/a/..",
    "/a/b/../../c",
    "/a/b/.",
    "/a/b//..",
    "/a/b/..;x",
    "/a/%2e%2e",
    "/a/b/%2e%2e",
    "/a/b/./.",
    "/a/b/../",
    "/..",
    "/../a",
    "/a/../../b",
    "/a/..;/b",
    "/a/..;x=1/b",
    "/a/..;/..;/b",
    "/a/.;/b",
    "/a/;/../b",
    "/a/;x/../b",
    "/a//../b",
    "/a//..//b",
    "/a/%2e/b",
    "/a/%2e%2e/b",
    "/a/.%2E/b",
    "/%2e%2e/a",
    "/a/%2e%2e;x/b",
    "/a/%252e%252e/b",
    "/a%25b",
    "/a%2541b",
    "/a%252fb",
    "/a%252Fb%2Fc",
    "/a%255cb",
    "/a%252525b",
    "/a%2Fb",
    "/a%2fb",
    "/a%2F%2Fb",
    "/a%2F..%2Fb",
    "/a/..%2Fb",
    "/a%2F.%2Fb",
    "/a%5Cb",
    "/a%5c..%5cb",
    "/a/..%5cb",
    "/a\\b",
    "/a\\..\\b",
    "/\\a",
    "/a%5C%2Fb",
    "/a%00b",
    "/a%00",
    "/a%0d%0ab",
    "/a\r\nb",
    "/a%7f",
    "/a%",
    "/a%4",
    "/a%zz",
    "/a%4g/b",
    "/a%u0041",
    "/%61%62",
    "/a%c0%afb",
    "/a%c0%ae%c0%ae/b",
    "/a%e0%80%af",
    "/a%ffb",
    "*",
    "",
    "a",
    ";a",
];

const EACH: [(Encoded, &str); 3] = [
    (Encoded::Reject, "reject"),
    (Encoded::Decode, "decode"),
    (Encoded::PassThrough, "passthrough"),
];

/// Every combination of settings, as the library and as Tomcat name it.
fn connectors() -> Vec<(Connector, String)> {
    let mut all = Vec::new();
    for (solidus, solidus_name) in EACH {
        for (reverse_solidus, reverse_name) in EACH {
            for allow_backslash in [false, true] {
                let connector = Connector {
                    solidus,
                    reverse_solidus,
                    allow_backslash,
                };
                let attributes = format!(
                    r#"secretRequired="false" URIEncoding="ISO-8859-1" maxThreads="2" minSpareThreads="1" encodedSolidusHandling="{solidus_name}" encodedReverseSolidusHandling="{reverse_name}" allowBackslash="{allow_backslash}""#
                );
                all.push((connector, attributes));
            }
        }
    }
    all
}

/// One servlet for all paths.
const WEB_XML: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<web-app xmlns="https://jakarta.ee/xml/ns/jakartaee" version="6.0">
  <servlet><servlet-name>reading</servlet-name><jsp-file>/reading.jsp</jsp-file></servlet>
  <servlet-mapping><servlet-name>reading</servlet-name><url-pattern>/*</url-pattern></servlet-mapping>
</web-app>
"#;

/// Says as which path it was mapped, in hexadecimal digits.
const READING_JSP: &str = r#"<%@page contentType="text/plain" trimDirectiveWhitespaces="true"%><%
  String info = request.getPathInfo();
  String path = request.getServletPath() + (info == null ? "" : info);
  for (char c : path.toCharArray()) out.print(String.format("%02x", (int) c));
%>"#;

static TOMCAT: LazyLock<Tomcat> = LazyLock::new(|| {
    let builder = connectors().iter().fold(
        Tomcat::builder("paths"),
        |builder: TomcatBuilder, (_, attributes)| builder.connector(attributes),
    );
    builder
        .file("WEB-INF/web.xml", WEB_XML)
        .file("reading.jsp", READING_JSP)
        .start()
});

/// As what the connector maps `path`: a hexadecimal text, or the status with which it refuses.
fn asked(index: usize, path: &str) -> Result<String, u16> {
    let mut peer = Peer::at(TOMCAT.ajp[index], PacketSize::DEFAULT);
    let mut request = Request::get("");
    request.uri = path.into();
    let answer = peer.exchange(&request, b"");
    match answer.status {
        200 => Ok(answer.text().trim().to_owned()),
        status => Err(status),
    }
}

#[test]
#[ignore = "needs a real Tomcat: run tests/run"]
fn tomcat_reads_each_path_as_we_know_it() {
    let mut wrong = Vec::new();
    for (index, (connector, _)) in connectors().iter().enumerate() {
        for path in PATHS {
            let known = tomcat::read(path.as_bytes(), *connector);
            let known = known.map(|path| path.iter().map(|b| format!("{b:02x}")).collect());
            let asked = asked(index, path);
            if asked != known.ok_or(400) {
                wrong.push(format!("{path:?} {connector:?}: {asked:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
