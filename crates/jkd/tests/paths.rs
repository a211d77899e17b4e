//! Hostile and ordinary paths through the real binary: Tomcat executes what was mapped, and what
//! is forwarded is what mod_jk forwards.
#![allow(
    clippy::expect_used,
    clippy::format_collect,
    clippy::format_push_string,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may fail anywhere"
)]

use jkd_tests::{Answer, Backend, Http, Httpd, Jkd, Request, Tomcat};
use jkworkers::uri_map::{
    self, EncodedSlashes, UriRules,
    tomcat::{self, Connector, Encoded},
};

#[allow(dead_code, reason = "the other suite needs all of it")]
#[path = "edge/case.rs"]
mod case;
#[path = "paths/forwarded.rs"]
mod forwarded;
#[path = "edge/mutate.rs"]
mod mutate;
#[path = "paths/mutations.rs"]
mod mutations;
#[path = "edge/plain.rs"]
mod plain;
#[path = "edge/say.rs"]
mod say;
#[path = "paths/sites.rs"]
mod sites;
#[path = "paths/texts.rs"]
mod texts;
#[path = "paths/witness.rs"]
mod witness;

const BINARY: &str = env!("CARGO_BIN_EXE_jkd");

/// Paths that everybody serves, whatever the options.
const ORDINARY: &[&str] = &[
    "/",
    "/a",
    "/a/",
    "/a/b.jsp",
    "/a.b/c-d_e~f/",
    "/.well-known/x",
    "/...",
    "/a..b/..c",
    "/a%20b",
    "/a+b",
    "/a%3Fb",
    "/a%23b",
    "/a[b]",
    "/a:b@c",
    "/a|b",
    "/a\"b{c}^",
    "/caf%C3%A9",
    "/caf%c3%a9",
    "/caf\u{e9}",
    "/caf%E9",
    "/%7Eu",
    "/a;jsessionid=1.n",
    "/a;jsessionid=1.n/b;p=2",
    "/a;x;y=1;z/b",
    "/a;",
    "/;a/b",
    "/a;%5C/b",
    "/a/;x/b",
    "/a//b",
    "/a/./b",
    "/a/../b",
    "/a/x/../b?q=/../x",
    "/a/..;/b",
    "/a/..;x",
    "/a/%2e%2e/b",
    "/%61%62",
    "/?q=%00",
];

/// Paths that at least one side should not like.
const HOSTILE: &[&str] = &[
    "//a",
    "///a//b///",
    "/./a",
    "/a/.",
    "/a/..",
    "/a/b/..",
    "/a/b/.;x",
    "/a/b/..;x",
    "/a/b/%2e%2e",
    "/..",
    "/../a",
    "/a/../../b",
    "/a/..;/..;/b",
    "/a/.;/b",
    "/a/;/../b",
    "/a/;x/../b",
    "/a//../b",
    "/a//..//b",
    "/a/.//b",
    "/%2e%2e/a",
    "/a/%2e%2e;x/b",
    "/a/%252e%252e/b",
    "/a%25b",
    "/a%2541b",
    "/a%252fb",
    "/a%255cb",
    "/a%252525b",
    "/a%3Bb/c",
    "/a%3bjsessionid=1/b",
    "/a/..%3B/b",
    "/a/..%3Bx",
    "/a%2Fb",
    "/a%2fb",
    "/a%2F%2Fb",
    "/a%2F..%2Fb",
    "/a/..%2Fb",
    "/a%2F.%2Fb",
    "/a%2F..",
    "/a;%2F/b",
    "/a%252Fb%2Fc",
    "/a%5Cb",
    "/a%5c..%5cb",
    "/a/..%5cb",
    "/a\\b",
    "/a\\..\\b",
    "/\\a",
    "/a%00b",
    "/a;%00/b",
    "/a%0d%0ab",
    "/a%7f",
    "/a%",
    "/a%4",
    "/a%zz",
    "/a;%zz/b",
    "/a%u0041",
    "/a%c0%afb",
    "/a/%c0%ae%c0%ae/b",
    "/a%e0%80%af",
    "/a%ff%c3b",
];

const OPTIONS: [&str; 4] = [
    "ForwardURIProxy",
    "ForwardURICompat",
    "ForwardURICompatUnparsed",
    "ForwardURIEscaped",
];

const SLASHES: [(&str, EncodedSlashes); 3] = [
    ("Off", EncodedSlashes::Refuse),
    ("On", EncodedSlashes::Decode),
    ("NoDecode", EncodedSlashes::Keep),
];

/// A virtual host with options of its own.
struct Site {
    name: String,
    option: &'static str,
    slashes: &'static str,
    rules: UriRules,
}

/// One for each combination.
fn sites() -> Vec<Site> {
    let mut sites = Vec::new();
    for option in OPTIONS {
        for (slashes, encoded_slashes) in SLASHES {
            for merge_slashes in [true, false] {
                sites.push(Site {
                    name: format!("{option}-{slashes}-{merge_slashes}.test"),
                    option,
                    slashes,
                    rules: UriRules {
                        encoded_slashes,
                        merge_slashes,
                    },
                });
            }
        }
    }
    sites
}

impl Site {
    /// Its section, with everything mounted to `worker`; `prefix` begins its name.
    fn section(&self, prefix: &str, worker: &str) -> String {
        let merge = if self.rules.merge_slashes {
            "On"
        } else {
            "Off"
        };
        format!(
            "<VirtualHost *:*>\nServerName {prefix}{}\nJkOptions +{}\nAllowEncodedSlashes {}\n\
             MergeSlashes {merge}\nJkMount /* {worker}\n</VirtualHost>\n",
            self.name, self.option, self.slashes
        )
    }
}

fn ask(http: &mut Http, host: &str, path: &str) -> Answer {
    http.send(Request::new("GET", path).header("Host", host))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn start(workers: &str, sections: &str) -> Jkd {
    Jkd::builder(BINARY)
        .file("workers.properties", workers)
        .file(
            "jk.conf",
            &format!("JkWorkersFile workers.properties\nServerName localhost\n{sections}"),
        )
        .start(&["run", "-f", "jk.conf", "--listen", "127.0.0.1:0"])
}

/// A backend that answers with the hexadecimal digits of the URI that it got.
fn recorder() -> Backend {
    Backend::start(|exchange| {
        // Code and method, then protocol and URI: a length of two bytes, the text, a NUL.
        let length = |at: usize| {
            usize::from(exchange.request[at]) * 256 + usize::from(exchange.request[at + 1])
        };
        let uri = 2 + 2 + length(2) + 1;
        let text = hex(&exchange.request[uri + 2..][..length(uri)]);
        exchange.answer(200, &[("Content-Type", "text/plain")], text.as_bytes())
    })
}

#[test]
#[ignore = "needs Apache with mod_jk: run tests/run"]
fn what_is_forwarded_is_what_mod_jk_forwards() {
    let backend = recorder();
    let workers = format!(
        "worker.list=w\nworker.w.host=127.0.0.1\nworker.w.port={}\n",
        backend.address.port()
    );
    let sections: String = sites().iter().map(|site| site.section("", "w")).collect();
    let httpd = Httpd::start(&[("workers.properties", &workers)], &sections);
    let jkd = start(&workers, &sections);
    let mut apache = Http::persistent(httpd.address);
    let mut jkd = Http::persistent(jkd.address);
    let (mut wrong, mut forwarded) = (Vec::new(), 0);
    for site in sites() {
        for path in ORDINARY.iter().chain(HOSTILE) {
            let theirs = ask(&mut apache, &site.name, path);
            let ours = ask(&mut jkd, &site.name, path);
            let same = match (ours.status, theirs.status) {
                (200, 200) => ours.body == theirs.body,
                (ours, theirs) => ours == theirs,
            };
            let explained = ours.status == 400 && has_reason(path, site.rules, &theirs);
            forwarded += usize::from(same && ours.status == 200);
            if !(same || explained) {
                wrong.push(format!(
                    "{path} {}: mod_jk {} {}, jkd {} {}",
                    site.name,
                    theirs.status,
                    theirs.text(),
                    ours.status,
                    ours.text()
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(forwarded > 1000, "{forwarded}");
}

/// Whether there is a reason not to forward what mod_jk forwards.
fn has_reason(path: &str, rules: UriRules, mod_jk: &Answer) -> bool {
    if mod_jk.status != 200 {
        // httpd finds nothing where a text would end for many a program; jkd refuses it.
        return mod_jk.status == 404 && path.contains("%00");
    }
    let sent = unhex(&mod_jk.text());
    let mapped = uri_map::normalise(path.as_bytes(), rules).unwrap();
    let overlong = ["%c0%a", "%e0%80%a"].iter().any(|text| path.contains(text));
    overlong || sent.iter().any(u8::is_ascii_control) || !tomcat::reads_as(&sent, &mapped)
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<_> = text
        .trim()
        .chars()
        .map(|c| c.to_digit(16).unwrap())
        .collect();
    let bytes = digits
        .chunks(2)
        .map(|pair| u8::try_from(pair[0] * 16 + pair[1]).unwrap());
    bytes.collect()
}

const fn connector(solidus: Encoded, reverse_solidus: Encoded, allow_backslash: bool) -> Connector {
    Connector {
        solidus,
        reverse_solidus,
        allow_backslash,
    }
}

/// Tomcat's default, then all that differs in what it takes.
const CONNECTORS: [Connector; 5] = [
    connector(Encoded::Reject, Encoded::Decode, false),
    connector(Encoded::Decode, Encoded::Decode, true),
    connector(Encoded::Decode, Encoded::PassThrough, false),
    connector(Encoded::PassThrough, Encoded::Decode, true),
    connector(Encoded::PassThrough, Encoded::PassThrough, true),
];

fn attributes(connector: Connector) -> String {
    let name = |encoded| match encoded {
        Encoded::Reject => "reject",
        Encoded::Decode => "decode",
        Encoded::PassThrough => "passthrough",
    };
    format!(
        r#"secretRequired="false" URIEncoding="ISO-8859-1" encodedSolidusHandling="{}" encodedReverseSolidusHandling="{}" allowBackslash="{}""#,
        name(connector.solidus),
        name(connector.reverse_solidus),
        connector.allow_backslash
    )
}

/// One servlet for all paths.
const WEB_XML: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<web-app xmlns="https://jakarta.ee/xml/ns/jakartaee" version="6.0">
  <servlet><servlet-name>reading</servlet-name><jsp-file>/reading.jsp</jsp-file></servlet>
  <servlet-mapping><servlet-name>reading</servlet-name><url-pattern>/*</url-pattern></servlet-mapping>
</web-app>
"#;

/// Says as which path it was mapped, in hexadecimal digits.
const READING_JSP: &str = r#"<%@page contentType="text/plain" session="false" trimDirectiveWhitespaces="true"%><%
  String info = request.getPathInfo();
  String path = request.getServletPath() + (info == null ? "" : info);
  for (char c : path.toCharArray()) out.print(String.format("%02x", (int) c));
%>"#;

fn tomcat_and_workers() -> (Tomcat, String) {
    let builder = Tomcat::builder("paths")
        .file("WEB-INF/web.xml", WEB_XML)
        .file("reading.jsp", READING_JSP);
    let connectors = CONNECTORS.iter().map(|each| attributes(*each));
    let tomcat = connectors
        .fold(builder, |builder, each| builder.connector(&each))
        .start();
    let names: Vec<_> = (0..CONNECTORS.len())
        .map(|index| format!("w{index}"))
        .collect();
    let mut workers = format!("worker.list={}\n", names.join(","));
    for (name, address) in names.iter().zip(&tomcat.ajp) {
        workers += &format!(
            "worker.{name}.host=127.0.0.1\nworker.{name}.port={}\n",
            address.port()
        );
    }
    (tomcat, workers)
}

#[test]
#[ignore = "needs a real Tomcat: run tests/run"]
fn tomcat_executes_what_was_mapped() {
    let (_tomcat, workers) = tomcat_and_workers();
    let mut sections = String::new();
    for index in 0..CONNECTORS.len() {
        for site in sites() {
            sections += &site.section(&format!("c{index}."), &format!("w{index}"));
        }
    }
    let jkd = start(&workers, &sections);
    let mut http = Http::persistent(jkd.address);
    let (mut wrong, mut executed) = (Vec::new(), 0);
    for (index, connector) in CONNECTORS.into_iter().enumerate() {
        for site in sites() {
            for path in ORDINARY.iter().chain(HOSTILE) {
                let answer = ask(&mut http, &format!("c{index}.{}", site.name), path);
                let mapped = uri_map::normalise(path.as_bytes(), site.rules);
                let right = match answer.status {
                    200 => settled(&answer.text(), connector) == hex(&mapped.unwrap()),
                    400 | 404 => !ORDINARY.contains(path),
                    _ => false,
                };
                executed += usize::from(answer.status == 200);
                if !right {
                    let (status, text) = (answer.status, answer.text());
                    wrong.push(format!(
                        "{path} {} {connector:?}: {status} {text}",
                        site.name
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(executed > 5000, "{executed}");
}

/// A connector that passes delimiters through leaves `%25` to be decoded, too.
fn settled(reading: &str, connector: Connector) -> String {
    let passes = [connector.solidus, connector.reverse_solidus].contains(&Encoded::PassThrough);
    let path = unhex(reading);
    let text: String = path.iter().map(|&b| char::from(b)).collect();
    let text = if passes {
        text.replace("%25", "%")
    } else {
        text
    };
    text.chars()
        .map(|c| format!("{:02x}", u32::from(c)))
        .collect()
}
