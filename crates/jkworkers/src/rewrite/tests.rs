use std::borrow::Cow;

use super::{End, Fact, FileTest, Request, Rewriting, Rewritten, TimePart, Unknown, rewrite};
use crate::load::memory::Memory;

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

    fn time(&self, _: TimePart) -> String {
        "12".to_owned()
    }

    fn is_own(&self, name: &[u8], port: u16) -> bool {
        (name, port) == (b"localhost", 8080)
    }

    fn holds(&self, test: FileTest, path: &[u8]) -> Result<bool, Unknown> {
        if path.ends_with(b"unknown") {
            let path = path.to_vec();
            return Err(Unknown { test, path });
        }
        Ok(path.ends_with(b"there"))
    }
}

fn rules(lines: &str) -> Rewriting {
    let conf = format!("Listen 80\nJkWorkersFile w\nJkMount /* w\nRewriteEngine On\n{lines}\n");
    let files = [("/etc/jk.conf", &*conf), ("/etc/w", "worker.list=w\n")];
    Memory::new(&files).model().hosts[0].rewriting.clone()
}

fn made(lines: &str, path: &str, query: Option<&str>) -> Rewritten {
    let query = query.map(str::as_bytes);
    rewrite(&rules(lines), &Plain, path.as_bytes(), query).unwrap()
}

/// Where a request for `path?a=b` goes, in short.
fn end(lines: &str, path: &str) -> String {
    let made = made(lines, path, Some("a=b"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let query = made
        .query
        .as_deref()
        .map(|query| format!("?{}", text(query)));
    let query = query.unwrap_or_default();
    match made.end {
        End::Same => "same".to_owned(),
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

#[test]
fn unknown_files_have_to_be_looked_at() {
    let rules = rules("RewriteCond /unknown !-s\nRewriteRule . - [F]");
    let unknown = rewrite(&rules, &Plain, b"/", None).unwrap_err();
    let test = FileTest::NotEmpty;
    let path = b"/unknown".to_vec();
    assert_eq!(unknown, Unknown { test, path });
}
