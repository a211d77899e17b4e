//! Sections without a meaning here, and what must not be lost with them.

use super::Apply;
use crate::{
    blank::{self, is_foreign_blank},
    httpd::{Node, directive, known, lex},
};

impl Apply<'_> {
    /// Warns of a section that is ignored, and refuses what must not be lost with it.
    pub(super) fn ignore_section(
        &mut self,
        name: &str,
        node: &Node,
        children: &[Node],
        refused: &[&str],
    ) {
        let message = format!("<{name}> means nothing here and is ignored with its content");
        self.tell_once(&format!("<{name}>"), &node.origin, message);
        self.refuse(refused, name, children);
    }

    /// One warning for a directive that is known and has no effect, if anybody could miss it.
    pub(super) fn tell_of_no_effect(&mut self, node: &Node) {
        let name = &*node.name;
        if known::is_of_the_program(name) {
            return;
        }
        let message = format!("{name} means nothing here and is ignored");
        self.tell_once(name, &node.origin, message);
    }

    pub(super) fn unknown(&mut self, node: &Node) {
        let name = &*node.name;
        // Behind the `=` of workers.properties there may be a secret.
        let shown = name.split('=').next().unwrap_or(name);
        let help = if shown.starts_with("worker.") {
            format!(
                "Write it into workers.properties, which JkWorkersFile names, or write \
                 `JkWorkerProperty {shown}=…`."
            )
        } else if name.contains(is_foreign_blank) {
            blank::REMEDY.to_owned()
        } else if name.starts_with(|c: char| !c.is_alphanumeric()) {
            "Write `#` at the beginning of a comment.".to_owned()
        } else if let Some(known) = directive_before(name) {
            format!("Write a blank behind {known}.")
        } else if let Some(known) = self.diagnostics.guess(name, directive::names) {
            format!("Did you mean {known}?")
        } else {
            "Correct the name, or put the line into an <IfModule> of its module.".to_owned()
        };
        let message = format!("unknown directive {shown}");
        self.error(&node.origin, message, help);
    }

    pub(super) fn unknown_section(&mut self, node: &Node) {
        let all = directive::SECTIONS.iter().chain(IGNORED_SECTIONS).copied();
        let help = match self.diagnostics.guess(&node.name, || all) {
            Some(name) => format!("Did you mean <{name}>?"),
            None => "Correct the name, or put the section into an <IfModule> of its module.".into(),
        };
        self.error(
            &node.origin,
            format!("unknown section <{}>", node.name),
            help,
        );
    }

    /// `LoadModule`: of some modules it counts which one comes first.
    pub(super) fn note_module(&mut self, node: &Node) {
        if node.name.eq_ignore_ascii_case("LoadModule") {
            let words = lex::words(&node.args);
            self.draft.modules.extend(words.into_iter().next());
        }
    }

    fn refuse(&mut self, directives: &[&str], section: &str, nodes: &[Node]) {
        for node in nodes {
            let lower = node.name.to_ascii_lowercase();
            if directives.contains(&&*lower) {
                let message = format!("{} has no effect inside <{section}>", node.name);
                let help = format!("Write `{} PATH WORKER` outside of the section.", node.name);
                self.error(&node.origin, message, help);
            } else if let Some(children) = &node.children {
                self.refuse(directives, section, children);
            }
        }
    }
}

/// The directive that a word begins with, if something that no name has follows.
fn directive_before(word: &str) -> Option<&'static str> {
    let end = word.find(|c: char| !c.is_alphanumeric() && c != '_')?;
    let begin = word.get(..end)?;
    directive::names().find(|name| name.eq_ignore_ascii_case(begin))
}

/// Directives that mod_jk takes in any section, with the section's argument for a path.
pub(super) const MOUNTING: &[&str] = &["jkmount", "jkunmount"];

/// Sections about files, proxies and modules that are not there.
pub(super) const IGNORED_SECTIONS: &[&str] = &[
    "authnprovideralias",
    "authzprovideralias",
    "luahookaccesschecker",
    "luahookauthchecker",
    "luahookcheckuserid",
    "luahookfixups",
    "luahookmaptostorage",
    "luahookpretranslatename",
    "luahooktranslatename",
    "luahooktypechecker",
    "luaquickhandler",
    "mdomain",
    "mdomainset",
    "perl",
    "proxy",
    "proxymatch",
];
