use std::{
    borrow::Cow,
    net::{IpAddr, Ipv4Addr},
    path::Path,
};

use super::{
    Ahead, End, Fact, FileTest, Request, Rewritten, Seen, SoFar, Spot, TimePart, Unknown, rewrite,
    rewrite_in,
};
use crate::expr::{self, Expression, Fault, Outcome};
use crate::load::memory::Memory;
use crate::model::{Asked, Host};

/// What expressions see: the file, the query and variables.
struct Seeing<'a>(SoFar<'a>);

impl expr::Request for Seeing<'_> {
    fn address(&self) -> IpAddr {
        Ipv4Addr::LOCALHOST.into()
    }

    fn variable(&self, variable: &expr::Variable) -> Option<Cow<'_, [u8]>> {
        match variable {
            expr::Variable::Filename => Some(Cow::Borrowed(self.0.filename)),
            expr::Variable::Query => self.0.query.map(Cow::Borrowed),
            expr::Variable::Header(name) => Some(Cow::Borrowed(name.as_bytes())),
            _ => None,
        }
    }

    fn entry(&self, _: expr::Table, name: &[u8]) -> Option<Cow<'_, [u8]>> {
        let value = self.0.variable(str::from_utf8(name).unwrap())?;
        value.map(Cow::Borrowed)
    }

    fn holds(&self, _: expr::FileTest, _: &[u8]) -> bool {
        false
    }

    fn content(&self, _: &[u8]) -> Option<Vec<u8>> {
        None
    }

    fn size(&self, _: &[u8]) -> u64 {
        0
    }
}

/// A request for `localhost:8080` with one header and one variable.
struct Plain;

impl Request for Plain {
    fn header(&self, name: &str) -> Option<Cow<'_, [u8]>> {
        let known = name.eq_ignore_ascii_case("X-One");
        known.then_some(Cow::Borrowed(b"one"))
    }

    fn variable(&self, name: &str) -> Option<Cow<'_, [u8]>> {
        (name == "SET").then_some(Cow::Borrowed(b"given"))
    }

    fn fact(&self, fact: Fact) -> Cow<'_, [u8]> {
        Cow::Borrowed(match fact {
            Fact::ServerName => b"localhost",
            Fact::ServerPort => b"8080",
            Fact::Scheme => b"http",
            Fact::DocumentRoot => b"/srv/www",
            Fact::Https => b"off",
            _ => b"",
        })
    }

    fn evaluate(&self, expression: &Expression, so_far: SoFar<'_>) -> Result<Outcome, Fault> {
        expression.evaluate(&Seeing(so_far))
    }

    fn tls(&self, name: &str) -> Option<Cow<'_, [u8]>> {
        (name == "SSL_PROTOCOL").then_some(Cow::Borrowed(b"TLSv1.3"))
    }

    fn escape(&self, path: &[u8]) -> Vec<u8> {
        path.escape_ascii().collect()
    }

    fn pick(&self, count: usize) -> usize {
        count - 1
    }

    fn is_subrequest(&self) -> bool {
        false
    }

    fn mapped(&self, file: &Path, key: &[u8]) -> Result<Option<Cow<'_, [u8]>>, Unknown> {
        if key == b"unknown" {
            let (file, key) = (file.to_owned(), key.to_vec());
            return Err(Unknown::Map { file, key });
        }
        Ok((key == b"k").then_some(Cow::Borrowed(b"v|w")))
    }

    fn ahead(&self, target: &Ahead) -> Result<&Seen, Unknown> {
        static SEEN: Seen = Seen {
            is_made: true,
            status: 302,
            exists: true,
            filename: Vec::new(),
            path_info: Vec::new(),
            uri: Vec::new(),
            query: None,
            user: None,
            auth_type: None,
            variables: Vec::new(),
            fields: None,
        };
        if target.target == b"/unknown" {
            return Err(Unknown::Ahead(target.clone()));
        }
        Ok(&SEEN)
    }

    fn time(&self, _: TimePart) -> String {
        "12".to_owned()
    }

    fn is_own(&self, name: &[u8], port: u16) -> bool {
        (name, port) == (b"localhost", 8080)
    }

    fn holds(&self, test: FileTest, path: &[u8]) -> Result<bool, Unknown> {
        if path.ends_with(b"unknown") {
            let path = path.to_vec();
            return Err(Unknown::File { test, path });
        }
        Ok(path.ends_with(b"there"))
    }
}

fn host(lines: &str) -> Host {
    let conf = format!("Listen 80\nJkWorkersFile w\nJkMount /* w\nRewriteEngine On\n{lines}\n");
    let files = [
        ("/etc/jk.conf", &*conf),
        ("/etc/w", "worker.list=w\n"),
        ("/etc/map", "k v"),
    ];
    Memory::new(&files).model().hosts[0].clone()
}

fn made(lines: &str, path: &str, query: Option<&str>) -> Rewritten {
    let query = query.map(str::as_bytes);
    let host = host(lines);
    rewrite(
        &host.rewriting,
        &host.rewrite_maps,
        &Plain,
        path.as_bytes(),
        query,
    )
    .unwrap()
}

/// Where a request for `path?a=b` goes, in short.
fn end(lines: &str, path: &str) -> String {
    shown(made(lines, path, Some("a=b")))
}

fn shown(made: Rewritten) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let query = made
        .query
        .as_deref()
        .map(|query| format!("?{}", text(query)));
    let query = query.unwrap_or_default();
    match made.end {
        End::Same => "same".to_owned(),
        End::Anew(path) => format!("anew {}{query}", text(&path)),
        End::Path(path) => format!("path {}{query}", text(&path)),
        End::File { path, anywhere } => format!("file {} {anywhere}", text(&path)),
        End::Status(status) => status.to_string(),
        End::Redirect { status, to } => {
            let query = to.query.as_deref().map(text).unwrap_or_default();
            format!(
                "{status} {} {} {query} {}",
                text(&to.url),
                to.plain,
                to.plain_query
            )
        }
    }
}

#[test]
#[allow(clippy::too_many_lines, reason = "a table")]
fn rules_lead_elsewhere() {
    for (lines, path, expected) in [
        ("RewriteRule ^/a - [L]", "/a", "same"),
        ("RewriteRule ^/(.*)$ /b/$1 [PT]", "/a", "path /b/a?a=b"),
        (
            "RewriteRule ^/(.*)$ b/$1?x [PT,QSA]",
            "/a",
            "path /b/a?x&a=b",
        ),
        ("RewriteRule ^/(.*)$ b/$1? [PT]", "/a", "path /b/a"),
        ("RewriteRule ^/(.*)$ /b/$1", "/a", "file /b/a true"),
        ("RewriteRule ^(.*)$ $1", "/a", "file /a false"),
        ("RewriteRule ^/(.*)$ /$1/b", "/a", "file /a/b false"),
        (
            "RewriteRule . %{DOCUMENT_ROOT}/x",
            "/a",
            "file /srv/www/x true",
        ),
        ("RewriteRule ^/a - [F]", "/a", "403"),
        ("RewriteRule ^/a - [G]", "/a", "410"),
        ("RewriteRule ^/a /b [R=404]", "/a", "404"),
        (
            "RewriteRule ^/(.*) /b/$1 [R]",
            "/a",
            "302 http://localhost:8080/b/a 22 a=b true",
        ),
        (
            "RewriteRule ^/ https://h/b?c [R=301]",
            "/a",
            "301 https://h/b 10 c false",
        ),
        (
            "RewriteRule ^/ https://h/b?c [R=301,NE]",
            "/a",
            "301 https://h/b 11 c true",
        ),
        (
            "RewriteRule ^/ http://localhost:8080/b [PT]",
            "/a",
            "path /b?a=b",
        ),
        ("RewriteRule ^/ http://localhost:8080", "/a", "file / false"),
        ("RewriteRule ^/ http://other/b [PT]", "/a", "400"),
        ("RewriteRule ^/(.*) /b/$1 [PT]", "/a?b", "403"),
        (
            "RewriteRule ^/(.*) /b/$1 [PT,B]",
            "/a?b",
            "path /b/a%3fb?a=b",
        ),
        (
            "RewriteRule ^/(.*) /b/$1 [PT,UnsafeAllow3F]",
            "/a?b",
            "path /b/a?b",
        ),
        ("RewriteRule ^/(.*) /b?c=$1 [PT]", "/a b", "403"),
        ("RewriteRule ^/a /a [N=5]", "/a", "500"),
        ("RewriteRule ^/(.*) /x$1 [N]", "/a", "500"),
        ("RewriteRule !^/b /c [PT]", "/a", "path /c?a=b"),
        (
            "RewriteRule ^/b - [C]\nRewriteRule . - [F]\nRewriteRule . - [G]",
            "/a",
            "410",
        ),
        (
            "RewriteRule . - [S=1]\nRewriteRule . - [F]\nRewriteRule . - [G]",
            "/a",
            "410",
        ),
        ("RewriteRule . - [END]\nRewriteRule . - [F]", "/a", "same"),
    ] {
        assert_eq!(end(lines, path), expected, "{lines} for {path}");
    }
}

#[test]
fn conditions_have_to_hold() {
    for (conditions, holds) in [
        ("%{HTTPS} off", true),
        ("%{HTTPS} !=on", true),
        ("%{HTTPS} =on", false),
        ("%{HTTP:x-one} ^ONE$ [NC]", true),
        ("%{HTTP:x-one} ^ONE$", false),
        ("%{ENV:SET}%{TIME_HOUR} =given12", true),
        ("%{TIME_HOUR} -gt11", true),
        ("%{TIME_HOUR} !-lt12", true),
        ("%{DOCUMENT_ROOT}/there -f", true),
        ("%{DOCUMENT_ROOT}/none -d", false),
        ("no =yes [OR]\nRewriteCond yes =yes", true),
        (
            "yes =yes [OR]\nRewriteCond no =yes\nRewriteCond no =yes",
            false,
        ),
        (
            "yes =yes [OR]\nRewriteCond no =yes\nRewriteCond yes =yes",
            true,
        ),
        ("ab <b", false),
        ("b >=b", true),
        ("\"a b\" \"=a b\"", true),
        ("expr \"%{REQUEST_FILENAME} == '/a'\"", true),
        ("EXPR \"%{QUERY_STRING} == 'a=c'\"", false),
        ("expr \"! -n %{QUERY_STRING}\"", false),
        ("expr \"!-z %{QUERY_STRING}\"", true),
        ("expr \"file('/none') == ''\"", false),
        ("expr \"!file('/none') == ''\"", true),
    ] {
        let lines = format!("RewriteCond {conditions}\nRewriteRule . - [F]");
        let expected = if holds { "403" } else { "same" };
        assert_eq!(end(&lines, "/a"), expected, "{conditions}");
    }
}

#[test]
fn variables_are_set_for_later_rules_and_taken_away() {
    let lines = "RewriteRule ^/(.*)$ - [E=A:$1,E=B]\nRewriteCond %{ENV:A} ^(.)\n\
                 RewriteRule . - [E=C:%1,E=!B]";
    let made = made(lines, "/xyz", None);
    let own = made.variables.iter().skip(2);
    let own: Vec<_> = own
        .map(|(name, value)| (&**name, value.as_deref()))
        .collect();
    let expected: [(&str, Option<&[u8]>); 4] = [
        ("A", Some(b"xyz")),
        ("B", Some(b"")),
        ("C", Some(b"x")),
        ("B", None),
    ];
    assert_eq!(own, expected);
    let (name, url) = &made.variables[1];
    let url = url.as_deref().unwrap_or_default();
    assert_eq!(
        (&**name, url),
        ("SCRIPT_URI", &b"http://localhost:8080/xyz"[..])
    );
}

#[test]
fn caches_are_told_what_was_looked_at() {
    let lines = "RewriteCond %{HTTP:X-One} one\nRewriteCond %{HTTP:X-None} ^$\n\
                 RewriteCond %{HTTP:x-one} one [NV]\nRewriteRule . - [H=jakarta-servlet]";
    let made = made(lines, "/a", None);
    assert_eq!(made.vary, ["X-One"]);
    assert!(made.handler.is_some());
}

/// A look ahead at `/unknown`, before any rule has set anything.
fn ahead(is_file: bool, beside: &[u8]) -> Ahead {
    let set = |name: &str, value: &str| (name.to_owned(), Some(value.as_bytes().to_vec()));
    Ahead {
        target: b"/unknown".to_vec(),
        is_file,
        beside: beside.to_vec(),
        variables: vec![
            set("SCRIPT_URL", "/unknown"),
            set("SCRIPT_URI", "http://localhost:8080/unknown"),
        ],
    }
}

#[test]
fn unknown_files_have_to_be_looked_at() {
    for (line, expected) in [
        (
            "RewriteCond /unknown !-s",
            Unknown::File {
                test: FileTest::NotEmpty,
                path: b"/unknown".to_vec(),
            },
        ),
        (
            "RewriteMap m txt:/etc/map\nRewriteCond ${m:unknown} x",
            Unknown::Map {
                file: "/etc/map".into(),
                key: b"unknown".to_vec(),
            },
        ),
        ("RewriteCond /unknown -U", Unknown::Ahead(ahead(false, b""))),
        (
            "RewriteCond %{LA-F:REMOTE_USER} x",
            Unknown::Ahead(ahead(true, b"/unknown")),
        ),
    ] {
        let host = host(&format!("{line}\nRewriteRule . - [F]"));
        let made = rewrite(
            &host.rewriting,
            &host.rewrite_maps,
            &Plain,
            b"/unknown",
            None,
        );
        assert_eq!(made.unwrap_err(), expected, "{line}");
    }
}

#[test]
fn maps_have_values_for_keys() {
    let maps = "RewriteMap t txt:/etc/map\nRewriteMap r rnd:/etc/map\nRewriteMap u int:toupper\n\
                RewriteMap e int:escape\nRewriteMap d int:unescape\n";
    for (to, path, expected) in [
        ("/${t:$1}", "/k", "path /v|w?a=b"),
        ("/${r:$1}", "/k", "path /w?a=b"),
        ("/${t:$1}", "/x", "path /?a=b"),
        ("/${t:$1|no-$1}", "/x", "path /no-x?a=b"),
        ("/${u:$1}", "/x", "path /X?a=b"),
        ("/${t:${d:\\%6B}}", "/x", "path /v|w?a=b"),
        ("/${none:$1|$1}", "/x", "path /x?a=b"),
        ("/${t:$1", "/k", "path /${t:k?a=b"),
        ("/${t}", "/k", "path /${t}?a=b"),
    ] {
        let lines = format!("{maps}RewriteRule ^/(.*)$ {to} [PT]");
        assert_eq!(end(&lines, path), expected, "{to} for {path}");
    }
}

/// Where a request for `/dir/PATH` goes, whose file is below `/srv/www`.
fn end_in(section: &str, lines: &str, path: &str) -> String {
    let name = section.split(' ').next().unwrap_or_default();
    let host = host(&format!("<{section}>\n{lines}\n</{name}>"));
    let (uri, file) = (format!("/dir/{path}"), format!("/srv/www/dir/{path}"));
    let asked = Asked::at(uri.as_bytes()).with_file(Some(file.as_bytes()));
    let rules = host.rewriting_about(asked).unwrap();
    let spot = Spot {
        rules: &rules,
        filename: file.as_bytes(),
        path_info: b"",
        context: None,
    };
    let maps = &host.rewrite_maps;
    shown(rewrite_in(spot, maps, &Plain, uri.as_bytes(), Some(b"a=b")).unwrap())
}

#[test]
fn rules_in_sections_see_files_below_them() {
    const DIRECTORY: &str = "Directory /srv/www/dir";
    for (section, lines, path, expected) in [
        (DIRECTORY, "RewriteRule ^x$ y", "x", "anew /dir/y?a=b"),
        (DIRECTORY, "RewriteRule ^x$ /y", "x", "anew /y?a=b"),
        (DIRECTORY, "RewriteRule ^x$ /y?c [L,PT]", "x", "anew /y?c"),
        (DIRECTORY, "RewriteRule ^x$ x", "x", "same"),
        (DIRECTORY, "RewriteRule ^x$ - [F]", "x", "403"),
        (
            DIRECTORY,
            "RewriteRule ^x$ y [R]",
            "x",
            "302 http://localhost:8080/srv/www/dir/y 22 a=b true",
        ),
        (
            DIRECTORY,
            "RewriteBase /b\nRewriteRule ^x$ y [R]",
            "x",
            "302 http://localhost:8080/b/y 22 a=b true",
        ),
        (
            DIRECTORY,
            "RewriteBase /b/\nRewriteRule ^x$ y",
            "x",
            "anew /b/y?a=b",
        ),
        ("Location /dir", "RewriteRule x$ /y", "x", "anew /y?a=b"),
        ("Files x", "RewriteRule ^x /y", "x", "same"),
        ("Files x", "RewriteRule . y", "x", "400"),
    ] {
        let made = end_in(section, lines, path);
        assert_eq!(made, expected, "{lines} in {section} for {path}");
    }
}

#[test]
fn the_last_section_has_the_say() {
    let host = host(
        "<Location /a>\nRewriteRule a a\n</Location>\n\
         <Location /a/b>\nRewriteRule b b\n</Location>\n\
         <Location /a/b/c>\nRewriteOptions Inherit\nRewriteRule c c\n</Location>\n\
         <Location /a/b/d>\nRewriteEngine Off\n</Location>",
    );
    let said = |path: &str| {
        let found = host.rewriting_about(Asked::at(path.as_bytes()))?;
        let rules = found.said.rules.iter();
        let rules: Vec<_> = rules.map(ToString::to_string).collect();
        Some((found.directory, rules.join(", ")))
    };
    let expected = |directory: &str, rules: &str| Some((directory.to_owned(), rules.to_owned()));
    assert_eq!(said("/"), None);
    assert_eq!(said("/a"), expected("/a/", "a a"));
    assert_eq!(said("/a/b"), expected("/a/b/", "b b"));
    assert_eq!(said("/a/b/c"), expected("/a/b/c/", "c c, b b"));
    assert_eq!(said("/a/b/d"), None);
}

#[test]
fn expressions_see_what_rules_have_made() {
    let lines = "RewriteRule ^/(.*) /b/$1?c=d [E=A:x-y,E=B:z]\n\
                 RewriteCond expr \"%{REQUEST_FILENAME} == '/b/a' && %{QUERY_STRING} == 'c=d' \
                 && reqenv('B') == 'z' && reqenv('A') =~ m#(.)-(.)#\"\n\
                 RewriteRule . /found/%2/%1/%0 [PT]";
    assert_eq!(end(lines, "/a"), "path /found/y/x/x-y?c=d");
}

#[test]
fn caches_are_told_what_expressions_looked_at() {
    let lines = "RewriteCond expr \"%{HTTP_ACCEPT} == 'x'\" [OR]\n\
                 RewriteCond expr \"%{HTTP_REFERER} != 'x'\" [NV]\nRewriteRule . - [F]";
    assert_eq!(made(lines, "/a", None).vary, ["Accept"]);
}

#[test]
fn rules_that_go_round_are_given_up() {
    for rules in [
        "RewriteRule ^(.*)$ /$1/%{HTTP:X-One} [N]",
        "RewriteRule ^ /a?%{QUERY_STRING}&%{QUERY_STRING} [N]",
        "RewriteRule ^ - [N,E=v:%{ENV:v}%{ENV:v}x]",
        "RewriteRule ^ - [N,CO=a:%{REQUEST_URI}%{REQUEST_URI}:b]",
        "RewriteCond %{REQUEST_URI} (.*)\nRewriteRule ^/(.*) /x$1 [N]",
    ] {
        assert_eq!(end(rules, "/a"), "500", "{rules}");
    }
    // Whoever replaces one character after the other has enough.
    let path = format!("/{}", "a_".repeat(1000));
    let made = end(
        "RewriteRule ^(.*)_(.*)$ $1-$2 [N]\nRewriteRule ^ - [PT]",
        &path,
    );
    assert_eq!(made, format!("path /{}?a=b", "a-".repeat(1000)));
}
