use jkworkers::model::Model;
use tokio::time::Instant;

use super::*;
use crate::{
    peer::Peer,
    variables::{Variables, tests::model},
};

const RULES: &str = "
SetEnvIf X-Var (.+) VAR=$1
Header set x-onsuccess one
Header always set X-Always two
Header append X-A tail
Header merge X-M b
Header merge X-M \"b\"
Header unset X-Gone
Header set x-case new
Header edit Location ^http://old/(.*)$ https://new/$1
Header edit* X-E a b
Header setifempty X-If 1
Header setifempty X-A 1
Header echo ^X-Req
Header set X-T \"a %% b%{VAR}e %{NOPE}e %{HTTPS}s c\"
Header set X-Env yes env=VAR
Header set X-NEnv no env=!VAR
Header add X-Add 1
Header add X-Add 2
Header set Content-Type \"Text/New; charset=x\"
Header always append X-A always
Header always edit X-A b c
Header set X-Colon: v
Header set X-Early e early
Header always unset X-AU
RequestHeader set X-Forwarded-Proto https
RequestHeader append X-App x
RequestHeader add X-Add 1
RequestHeader unset X-Rm
RequestHeader edit X-Ed (.) <$1>
RequestHeader set X-RV \"%{VAR}e %{REMOTE_ADDR}e\"
RequestHeader set User-Agent ua early
RequestHeader merge X-Me v
RequestHeader setifempty X-SI v
<Location /x/sec>
Header set X-Sec 1
Header unset X-T
RequestHeader set X-Sec 1
</Location>
";

struct Scene {
    model: Model,
    head: Head,
}

impl Scene {
    fn new(rules: &str, fields: &[(&str, &str)]) -> Self {
        Self {
            model: model(rules, &[]),
            head: Head::with("GET", "/", fields),
        }
    }

    fn at<T>(&self, path: &str, check: impl FnOnce(Rules<'_>, &Context<'_>) -> T) -> T {
        let host = &self.model.hosts[0];
        let local = ([127, 0, 0, 1], 80).into();
        let peer = Peer::new(local, local, 0);
        let mut variables = Variables::begin(host, &self.head, &peer, &[]);
        variables.complete(host, &self.head, &peer, path.as_bytes());
        let cx = Context {
            tls: None,
            head: &self.head,
            host,
            peer: &peer,
            seen: None,
            made: None,
            variables: Some(&variables),
            facts: None,
            record: None,
            began: Instant::now(),
        };
        let asked = Some(Asked::at(path.as_bytes()));
        check(Rules { host, asked }, &cx)
    }

    fn request(&self, path: &str) -> String {
        self.at(path, |rules, cx| {
            let head = early(rules.host, &self.head, cx);
            let head = head.as_deref().unwrap_or(&self.head);
            let changed = late(rules, head, cx, &mut Vec::new());
            let head = changed.as_deref().unwrap_or(head);
            shown(head.fields())
        })
    }

    fn answer(&self, path: &str, fields: &[(&str, &str)], is_page: bool) -> String {
        let mut head = Heading::default();
        for (name, value) in fields {
            match *name {
                "content-type" => head.content_type = Some(value.to_string().into()),
                _ => head.fields.add(name.as_bytes(), value.as_bytes()),
            }
        }
        self.at(path, |rules, cx| {
            answer(rules, &mut head, is_page, cx);
            place_type(&mut head);
        });
        let kind = head.content_type.as_deref();
        let kind = kind.map(|kind| (&b"(type)"[..], kind));
        shown(head.fields.iter().chain(kind))
    }
}

fn shown<'f>(fields: impl Iterator<Item = (&'f [u8], &'f [u8])>) -> String {
    let line = |(n, v): (&[u8], &[u8])| format!("{}: {}", n.escape_ascii(), v.escape_ascii());
    fields.map(line).collect::<Vec<_>>().join("\n")
}

const BACKEND: &[(&str, &str)] = &[
    ("x-a", "back"),
    ("x-a", "second"),
    ("x-m", "a, b"),
    ("x-gone", "1"),
    ("x-case", "old"),
    ("location", "http://old/foo"),
    ("x-e", "banana"),
    ("x-au", "1"),
    ("content-type", "text/plain"),
];

#[test]
fn an_answer_is_changed_as_httpd_does_it() {
    let fields = [("X-Var", "v\t1"), ("X-Req1", "a"), ("X-Req2", "b")];
    let said = Scene::new(RULES, &fields).answer("/x", BACKEND, false);
    insta::assert_snapshot!(said, @r"
    X-Always: two
    X-A: always
    X-Early: e
    x-a: back, tail
    x-a: second
    x-m: a, b
    x-case: new
    x-au: 1
    x-onsuccess: one
    location: https://new/foo
    x-e: bbnbnb
    X-If: 1
    X-Req1: a
    X-Req2: b
    X-T: a % bv\t1 (null) (null) c
    X-Env: yes
    X-Add: 1
    X-Add: 2
    Content-Type: Text/New; charset=x
    X-Colon: v
    ");
}

#[test]
fn an_error_page_gets_what_is_for_all_answers() {
    let page = [("content-type", "text/html"), ("x-a", "page")];
    let said = Scene::new(RULES, &[]).answer("/x", &page, true);
    insta::assert_snapshot!(said, @r"
    X-Always: two
    X-A: always
    x-a: page
    (type): text/html
    ");
}

#[test]
fn a_section_says_the_last_word() {
    let said = Scene::new(RULES, &[]).answer("/x/sec/a", &[("x-t", "1")], false);
    assert!(
        said.contains("X-Sec: 1") && !said.contains("x-t:"),
        "{said}"
    );
}

#[test]
fn a_request_is_changed_as_httpd_does_it() {
    let fields = [
        ("X-Var", "v"),
        ("X-App", "1"),
        ("x-add", "0"),
        ("X-Rm", "1"),
        ("X-Ed", "ab"),
        ("X-Me", "u, v"),
    ];
    let said = Scene::new(RULES, &fields).request("/x/sec");
    insta::assert_snapshot!(said, @r"
    X-Var: v
    X-App: 1, x
    x-add: 0
    X-Me: u, v
    User-Agent: ua
    X-Forwarded-Proto: https
    X-Add: 1
    X-Ed: <a>b
    X-RV: v (null)
    X-SI: v
    X-Sec: 1
    ");
}

#[test]
fn without_rules_nothing_is_touched() {
    let scene = Scene::new("Header set X 1", &[("A", "1")]);
    scene.at("/", |rules, cx| {
        assert!(early(rules.host, &scene.head, cx).is_none());
        assert!(late(rules, &scene.head, cx, &mut Vec::new()).is_none());
    });
}

#[test]
fn what_is_found_everywhere_is_replaced_everywhere_and_ends() {
    for (rule, value, expected) in [
        ("edit* X ^a b", "aaac", "bbbc"),
        ("edit X a b", "aaac", "baac"),
        ("edit* X a* -", "aaac", "--c"),
        ("edit* X b* -", "aaac", "-aaac"),
        ("edit X (a)(c)$ $2%%$1", "aaac", "aac%a"),
        ("edit X c \"\"", "aaac", "aaa"),
        ("edit X nothing x", "aaac", "aaac"),
        ("merge X a", "\"a,a\", b", "\"a,a\", b, a"),
        ("merge X b", "\"a,a\", b", "\"a,a\", b"),
    ] {
        let scene = Scene::new(&format!("Header {rule}"), &[]);
        let said = scene.answer("/", &[("x", value)], false);
        assert_eq!(
            said.replace("\\\"", "\""),
            format!("x: {expected}"),
            "{rule}"
        );
    }
}

#[test]
fn times_are_in_microseconds() {
    let said = Scene::new("Header set X \"%t %D %l\"", &[]).answer("/", &[], false);
    let numbers = said
        .replace("X: t=", "")
        .replace("D=", "")
        .replace("l=", "");
    let mut numbers = numbers.split([' ', '/']).map(|n| n.parse::<f64>().unwrap());
    assert!(numbers.next().unwrap() > 1.6e15);
    assert!(numbers.all(|n| n >= 0.0));
}
