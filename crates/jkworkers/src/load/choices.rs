//! `<If>`, `<ElseIf>` and `<Else>`.

use insta::assert_snapshot;

use super::memory::Memory;
use crate::model::{Asked, Host};

fn memory(lines: &str) -> Memory {
    let conf = format!("Listen 80\nJkWorkersFile w\nJkMount /* w\n{lines}");
    let workers = "worker.list=w\nworker.w.port=8009\n";
    Memory::new(&[("/etc/jk.conf", &conf), ("/etc/w", workers)])
}

/// The sections about a request for which these expressions hold.
fn about(host: &Host, path: &str, holding: &[&str]) -> String {
    let asked = Asked::at(path.as_bytes());
    let chosen = host.choose(asked, |expression| holding.contains(&expression.text()));
    let sections = host.sections_about(asked.choosing(&chosen));
    let covers = sections.map(|section| section.covers.to_string());
    covers.collect::<Vec<_>>().join(" ")
}

#[test]
fn choices_are_made_in_order() {
    let model = memory(
        "<Location /l>\n<If \"-n '3'\">\nSetHandler None\n<If \"-n '4'\">\n</If>\n<Else>\n</Else>\n</If>\n\
         <ElseIf \"-n '5'\">\n</ElseIf>\n<Else>\n</Else>\n</Location>\n\
         <If \"-n '1'\">\n</If>\n<ElseIf \"-n '2'\">\n</ElseIf>\n<Else>\n</Else>\n\
         <VirtualHost *>\n<If \"-n '6'\">\n</If>\n</VirtualHost>\n",
    )
    .model();
    let [main, own] = &*model.hosts else {
        panic!("two hosts")
    };
    for (path, holding, expected) in [
        ("/", &[][..], "<Else>"),
        ("/", &["-n '1'", "-n '2'"], "<If \"-n '1'\">"),
        ("/", &["-n '2'", "-n '3'"], "<ElseIf \"-n '2'\">"),
        ("/l", &[], "<Else> <Else>"),
        ("/l", &["-n '5'"], "<Else> <ElseIf \"-n '5'\">"),
        ("/l", &["-n '3'"], "<Else> <If \"-n '3'\"> <Else>"),
        (
            "/l",
            &["-n '3'", "-n '4'", "-n '5'"],
            "<Else> <If \"-n '3'\"> <If \"-n '4'\">",
        ),
    ] {
        assert_eq!(about(main, path, holding), expected, "{path} {holding:?}");
    }
    assert_eq!(about(own, "/", &["-n '6'"]), "<Else> <If \"-n '6'\">");
}

#[test]
fn what_is_wrong_with_choices() {
    let lines = "<If>\n</If>\n<If \"%{REQUEST_URI} == x\">\n</If>\n<If true false>\n</If>\n\
         <Else>\n</Else>\n<If \"true\">\nDirectoryIndex x\nJkMount /x w\n<Location /x>\n</Location>\n\
         HostnameLookups On\nOptions None\nRewriteEngine On\nRewriteRule x y\n</If>\n<Else x>\n</Else>\n<Else>\n</Else>\n<Else>\n</Else>\n\
         <Location /l>\n<ElseIf true>\n</ElseIf>\n<Limit GET>\n<If true>\n</If>\n</Limit>\n</Location>\n";
    assert_snapshot!(memory(lines).load().diagnostics.to_string(), @r#"
    /etc/jk.conf:4: error: <If> takes one expression
        remedy: Put the expression in quotes: <If "%{REQUEST_URI} == '/x'">.
    /etc/jk.conf:6: error: <If %{REQUEST_URI} == x>: syntax error, unexpected end, expecting (
        remedy: Put texts in quotes, and write conditions such as %{REQUEST_URI} == '/x', -n req('Name') or true, joined by && and ||.
    /etc/jk.conf:8: error: <If> takes one expression
        remedy: Put the expression in quotes: <If "%{REQUEST_URI} == '/x'">.
    /etc/jk.conf:10: error: <Else> without previous <If> or <ElseIf> in same scope
        remedy: Write it behind the <If>.
    /etc/jk.conf:12: error: DirectoryIndex has no effect inside <If "true">
        remedy: Write it outside of <If>: it counts before the expression is evaluated.
    /etc/jk.conf:12: error: Options has no effect inside <If "true">
        remedy: Write it outside of <If>: it counts before the expression is evaluated.
    /etc/jk.conf:12: error: HostnameLookups has no effect inside <If "true">
        remedy: Write it outside of <If>: it counts before the expression is evaluated.
    /etc/jk.conf:12: error: RewriteRule has no effect inside <If "true">
        remedy: Write it outside of <If>: it counts before the expression is evaluated.
    /etc/jk.conf:14: error: JkMount has no effect inside <If>
        remedy: Write `JkMount PATH WORKER` outside of the section.
    /etc/jk.conf:15: error: <Location> not allowed in <If> context
        remedy: Close the section before it.
    /etc/jk.conf:22: error: <Else> takes no argument
        remedy: Write <ElseIf>, or nothing behind it.
    /etc/jk.conf:26: error: <Else> without previous <If> or <ElseIf> in same scope
        remedy: Write it behind the <If>.
    /etc/jk.conf:29: error: <ElseIf> without previous <If> or <ElseIf> in same scope
        remedy: Write it behind the <If>.
    /etc/jk.conf:32: error: <If> cannot occur within <Limit> section
        remedy: Close the section before it.
    "#);
}
