use std::{ffi::OsString, io, path::Path};

use jkworkers::{
    LoadOptions,
    files::{Files, Stamp},
    load_with,
    model::Model,
};

use super::*;

/// One file, and one variable in the environment.
struct OneFile(String);

impl Files for OneFile {
    fn read(&self, _: &Path) -> io::Result<Vec<u8>> {
        Ok(self.0.clone().into_bytes())
    }

    fn list(&self, _: &Path) -> io::Result<Vec<OsString>> {
        Ok(Vec::new())
    }

    fn is_directory(&self, _: &Path) -> bool {
        false
    }

    fn exists(&self, _: &Path) -> bool {
        true
    }

    fn stamp(&self, _: &Path) -> Option<Stamp> {
        None
    }

    fn env(&self, name: &str) -> Option<String> {
        (name == "FROM_OUTSIDE").then(|| "outside".to_owned())
    }
}

/// A model with these lines, all whose variables are read by somebody.
pub(crate) fn model(lines: &str, read: &[&str]) -> Model {
    let vars: Vec<_> = read.iter().map(|v| format!("JkEnvVar {v}\n")).collect();
    let vars = vars.concat();
    let loaded = load_with(
        &LoadOptions {
            config: Some("/jk.conf".into()),
            ..LoadOptions::default()
        },
        &OneFile(format!("Listen 80\n{lines}\n{vars}")),
    );
    loaded
        .model
        .unwrap_or_else(|| panic!("{}", loaded.diagnostics))
}

fn head(target: &str, fields: &[(&str, &str)]) -> Head {
    Head::with("GET", target, fields)
}

/// The variables of a request, as `NAME=value`. `path` is the normalised one.
fn of(lines: &str, target: &str, path: &str, fields: &[(&str, &str)]) -> String {
    let model = model(lines, &["A", "B", "C", "D"]);
    let head = head(target, fields);
    let head = crate::strict::renamed(head);
    let client = ([192, 0, 2, 7], 4711).into();
    let peer = Peer::new(client, ([127, 0, 0, 1], 80).into(), 0);
    let host = &model.hosts[0];
    let mut variables = Variables::begin(host, &head, &peer, &[]);
    variables.complete(host, &head, &peer, path.as_bytes());
    let told = variables.told();
    let mut all: Vec<_> = (told.as_ref().unwrap_or(&variables).iter())
        .map(|Variable { name, value, .. }| format!("{name}={}", String::from_utf8_lossy(value)))
        .collect();
    all.sort();
    all.join(" ")
}

#[test]
fn each_attribute() {
    for (attribute, expected) in [
        ("Request_URI", "/x/y"),
        ("request_uri", "/x/y"),
        ("Request_Method", "GET"),
        ("Request_Protocol", "HTTP/1.1"),
        ("Remote_Addr", "192.0.2.7"),
        ("Remote_Host", "192.0.2.7"),
        ("Server_Addr", "127.0.0.1"),
        ("X-One", "first, second"),
        ("x-ONE", "first, second"),
        ("^X-.*e$", "first, second"),
        ("^X-", "last"),
        ("X-Missing", ""),
        ("^X-Missing$", ""),
    ] {
        let line = format!("SetEnvIf {attribute} ^(.*)$ A=$1");
        let fields = [("x-one", "first"), ("x-two", "last"), ("x-one", "second")];
        let seen = of(&line, "/x/y?q=/z", "/x/y", &fields);
        assert_eq!(seen, format!("A={expected}"), "{attribute}");
    }
}

#[test]
fn the_host_is_the_one_that_the_request_is_for() {
    for (target, expected) in [("/x", "field"), ("http://target:81/x", "target:81")] {
        for attribute in ["Host", "^H.st$"] {
            let line = format!("SetEnvIf {attribute} (.*) A=$1");
            let seen = of(&line, target, "/x", &[("host", "field")]);
            assert_eq!(seen, format!("A={expected}"), "{target} {attribute}");
        }
    }
}

#[test]
fn assignments_in_order() {
    for (lines, expected) in [
        ("SetEnvIf Request_URI x A", "A=1"),
        ("SetEnvIf Request_URI x A=", "A=1"),
        ("SetEnvIf Request_URI x A=2 B=3", "A=2 B=3"),
        ("SetEnvIf Request_URI x A=2 a=3", "A=3"),
        (
            "SetEnvIf Request_URI x A\nSetEnvIf Request_URI x !A B",
            "B=1",
        ),
        ("SetEnvIf Request_URI x A\nSetEnvIf Request_URI x A=!", ""),
        ("SetEnvIf Request_URI nowhere A", ""),
        // Without an operator in the expression nothing is replaced.
        ("SetEnvIf Request_URI /x A=$0", "A=$0"),
        ("SetEnvIf Request_URI /(x) A=$0-$1-\\$1-$2", "A=/x-x-$1-"),
        ("SetEnvIf Request_URI /X A", ""),
        ("SetEnvIfNoCase Request_URI /X A", "A=1"),
        // What an earlier condition has set can be looked at, unless there is such a header.
        ("SetEnvIf Request_URI (x) C=$1\nSetEnvIf C ^x$ A", "A=1 C=x"),
        (
            "SetEnvIf Request_URI . Agent\nSetEnvIf Agent h A=$0",
            "A=$0 Agent=1",
        ),
        ("SetEnvIf A ^x$ B\nSetEnvIf Request_URI (x) A=$1", "A=x"),
    ] {
        let fields = [("agent", "header")];
        assert_eq!(of(lines, "/x", "/x", &fields), expected, "{lines}");
    }
}

#[test]
fn browsers() {
    let lines = "BrowserMatch ^Moz A\nBrowserMatchNoCase ^moz B";
    let browser = [("user-agent", "MOZilla")];
    assert_eq!(of(lines, "/", "/", &browser), "B=1");
    assert_eq!(of(lines, "/", "/", &[]), "");
}

#[test]
fn settings_have_the_last_word() {
    for (lines, expected) in [
        ("SetEnv A", "A="),
        ("SetEnv A \"b c\"", "A=b c"),
        ("SetEnv A b\nSetEnvIf Request_URI . A=c", "A=b"),
        ("SetEnv A b\nSetEnvIf A b B", "A=b"),
        ("SetEnv A b\nUnsetEnv A", ""),
        ("UnsetEnv A\nSetEnv A b", "A=b"),
        ("SetEnvIf Request_URI . A=c\nUnsetEnv A", "A=c"),
        (
            "SetEnv FROM_OUTSIDE x\nPassEnv FROM_OUTSIDE\nJkEnvVar FROM_OUTSIDE",
            "FROM_OUTSIDE=outside",
        ),
        ("SetEnv a one\nSetEnv A two", "a=two"),
    ] {
        assert_eq!(of(lines, "/x", "/x", &[]), expected, "{lines}");
    }
}

#[test]
fn settings_lie_behind_conditions_until_a_worker_is_told() {
    let lines = "SetEnv A set
SetEnvIf Request_URI . A=found
SetEnv B set
                 <Location /x>
SetEnv A section
</Location>";
    let model = model(lines, &["A", "B"]);
    let (head, peer) = (
        head("/x", &[]),
        Peer::new(
            ([192, 0, 2, 7], 4711).into(),
            ([127, 0, 0, 1], 80).into(),
            0,
        ),
    );
    let host = &model.hosts[0];
    let mut variables = Variables::begin(host, &head, &peer, &[]);
    variables.complete(host, &head, &peer, b"/x");
    assert_eq!(variables.get("A"), Some(&b"found"[..]));
    assert_eq!(variables.last("A"), Some(&b"section"[..]));
    variables.complete(host, &head, &peer, b"/x");
    let told = variables.told().unwrap();
    assert_eq!(told.iter().count(), 2);
    assert_eq!(told.get("A"), Some(&b"section"[..]));
    assert!(told.told().is_none());
    let changes = [("A".to_owned(), Some(b"rule".to_vec()))];
    variables.rewrite(&changes);
    assert_eq!(variables.last("A"), Some(&b"rule"[..]));
}

#[test]
fn locations() {
    let lines = "SetEnv A server\nSetEnv B server\nSetEnvIf Request_URI . C=server\n\
                 <Location /x>\nSetEnv A x\nUnsetEnv B C\nSetEnvIf C server C=seen\n</Location>\n\
                 <Location /x/y>\nSetEnv A y\nSetEnvIf Request_URI (.*) D=$1\n</Location>";
    assert_eq!(of(lines, "/a", "/a", &[]), "A=server B=server C=server");
    assert_eq!(of(lines, "/x", "/x", &[]), "A=x C=seen");
    // Outside of a section the path is as it was written, inside it is normalised.
    assert_eq!(of(lines, "/x/%79;z", "/x/y", &[]), "A=y C=seen D=/x/y");
    let raw = "SetEnvIf Request_URI ^/x A\nSetEnvIf Request_URI (.*) B=$1";
    assert_eq!(of(raw, "//%78//x;y", "/x/x", &[]), "B=/%78//x;y");
}

#[test]
fn a_client_sets_nothing_by_itself() {
    let fields = [
        ("a", "1"),
        ("no-jk", "1"),
        ("jk_route", "b"),
        ("jk_remote_user", "me"),
    ];
    assert_eq!(of("SetEnvIf Request_URI nowhere A", "/", "/", &fields), "");
}

#[test]
fn values_that_grow_without_measure_are_left_out() {
    let double: String = (0..40).map(|_| "SetEnvIf A (.*) A=$1$1$1$1\n").collect();
    let lines = format!("SetEnvIf Request_URI (.*) A=$1\n{double}");
    let long = format!("/{}", "x".repeat(100));
    let seen = of(&lines, &long, &long, &[]);
    assert!(seen.len() < 200_000, "{}", seen.len());
}

#[test]
fn groups_are_those_of_the_expression_itself() {
    let lines = "SetEnvIfExpr \"%{REQUEST_URI} =~ m#^/(a)#\" A=$1\n\
                 SetEnvIfExpr \"!(%{REQUEST_URI} =~ m#^/(b)#)\" B=-$1-\n";
    assert_eq!(of(lines, "/ab", "/ab", &[]), "A=a B=--");
}
