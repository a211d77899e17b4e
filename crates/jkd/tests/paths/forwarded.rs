//! What Tomcat's `RemoteIpValve` takes a client for that writes fields of proxies.

use std::{fs, net::Ipv4Addr};

use jkd_tests::Tomcat;

use crate::say::say;

const JSP: &str = r#"<%@page contentType="text/plain" session="false" trimDirectiveWhitespaces="true"%>
[<%=request.getRemoteAddr()%>|<%=request.getScheme()%>|<%=request.getServerName()%>|<%
for (String name : java.util.Collections.list(request.getHeaderNames()))
  if (name.toLowerCase().contains("forwarded") || name.toLowerCase().contains("real")) out.print(name.toLowerCase() + ",");
%>]"#;

const VALVE: &str = r#"<Valve className="org.apache.catalina.valves.RemoteIpValve" protocolHeader="X-Forwarded-Proto" hostHeader="X-Forwarded-Host"/>"#;

/// Hosts, what is said about proxies there, and whether 127.0.0.1 is one.
const HOSTS: [(&str, &str, bool); 6] = [
    ("usual.test", "", true),
    ("strangers.test", "RemoteIPTrustedProxy 127.9.9.9\n", false),
    ("friends.test", "RemoteIPInternalProxy 127.0.0.1\n", true),
    (
        "all.test",
        "RemoteIPTrustedProxy 127.9.9.9\nJkdForwardedHeaders all\n",
        true,
    ),
    ("none.test", "JkdForwardedHeaders none\n", false),
    (
        "reader.test",
        "RemoteIPHeader X-Real-IP\nRemoteIPTrustedProxy 127.9.9.9\n",
        false,
    ),
];

#[test]
#[ignore = "needs a real Tomcat: run tests/run"]
fn tomcat_believes_proxies_and_nobody_else() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("who.jsp"), JSP).unwrap();
    let tomcat = Tomcat::builder("forwarded")
        .connector(r#"secretRequired="false""#)
        .application_with("app", directory.path(), VALVE)
        .start();
    let port = tomcat.address().port();
    let workers = format!("worker.list=w\nworker.w.host=127.0.0.1\nworker.w.port={port}\n");
    let sections: String = HOSTS
        .iter()
        .map(|(name, rules, _)| {
            format!(
                "<VirtualHost *:*>\nServerName {name}\n{rules}JkMount /app/* w\n</VirtualHost>\n"
            )
        })
        .collect();
    let jkd = crate::start(&workers, &sections);
    for (name, _, is_proxy) in HOSTS {
        let text = format!(
            "GET /app/who.jsp HTTP/1.1\r\nHost: {name}\r\nConnection: close, X-Forwarded-For\r\n\
             X-Forwarded-For: 203.0.113.7\r\nX-Forwarded-Proto: https\r\n\
             X-FORWARDED-HOST: evil.test\r\nForwarded: for=203.0.113.7\r\n\
             X-Real-IP: 203.0.113.7\r\nX-Forwarded: a\r\n\r\n"
        );
        let answer = say(jkd.address, Ipv4Addr::LOCALHOST, text.as_bytes());
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let believed = "[203.0.113.7|https|evil.test|";
        let itself = format!("[127.0.0.1|http|{name}|x-forwarded,]");
        let expected = if is_proxy { believed } else { &itself };
        assert!(answer.contains(expected), "{name}: {answer}");
    }
}
