//! Sections that choose requests: `<Location>`, `<Directory>`, `<Files>` and their relatives.

use std::sync::Arc;

use super::Apply;
use crate::{
    diag::excerpt,
    httpd::{Node, lex},
    model::{Covers, Methods, Place, Section, Settings},
    pattern::Pattern,
};

/// The section around.
#[derive(Clone, Copy)]
pub(super) struct Within {
    /// Its name, for messages.
    pub(super) name: &'static str,
    /// Its number in the sections of the server.
    at: usize,
}

impl Apply<'_> {
    /// `<Location path>` and its like. `name` is in lower case.
    pub(super) fn choosing_section(&mut self, name: &str, node: &Node, children: &[Node]) {
        let Some(kind) = KINDS.iter().find(|kind| kind.lower == name) else {
            return;
        };
        if let Some(outer) = self.within.filter(|outer| !kind.may_stand_in(outer.name)) {
            let message = format!("<{}> not allowed in <{}> context", kind.name, outer.name);
            self.error(&node.origin, message, "Close the section before it.");
            return;
        }
        if let Some(covers) = self.covers(kind, node) {
            self.within_section(kind.name, covers, node, children);
        }
    }

    /// What is written in the section around, or else in the server.
    pub(super) fn settings(&mut self) -> &mut Settings {
        let at = self.within.map(|within| within.at);
        let server = self.server();
        match at.and_then(|at| server.sections.get_mut(at)) {
            Some(section) => &mut section.settings,
            None => &mut server.settings,
        }
    }

    /// The section around.
    pub(super) fn current_section(&mut self) -> Option<&mut Section> {
        let within = self.within?;
        self.server().sections.get_mut(within.at)
    }

    /// `<Limit method …>`, `<LimitExcept method …>`
    pub(super) fn limit(&mut self, node: &Node, children: &[Node]) {
        if self.within.is_none() {
            let message = format!("<{}> not allowed here", node.name);
            return self.error(&node.origin, message, "Write it inside a <Location>.");
        }
        self.within_limit(node, |apply| apply.nodes(children));
    }

    /// Goes through what is in a `<Limit>`.
    pub(super) fn within_limit(&mut self, node: &Node, inner: impl FnOnce(&mut Self)) {
        let names = lex::words(&node.args);
        let named = Methods::of(names.iter().map(String::as_str));
        // As in httpd: a method that somebody names is one that is known.
        self.draft.methods.extend(names.iter().cloned());
        let except = node.name.eq_ignore_ascii_case("limitexcept");
        let own = if except { named.complement() } else { named };
        let methods = self.methods.intersection(&own);
        let problem = if names.is_empty() {
            Some((
                "directive requires additional arguments",
                "Write methods, such as POST.",
            ))
        } else if names.iter().any(|name| name == "TRACE") {
            Some((
                "cannot control TRACE",
                "Remove TRACE; `TraceEnable Off` is about it.",
            ))
        } else if methods.is_none() {
            Some((
                "directive excludes all methods",
                "Close the section around before it.",
            ))
        } else {
            None
        };
        if let Some((problem, help)) = problem {
            self.error(&node.origin, format!("<{}> {problem}", node.name), help);
        }
        let outer = std::mem::replace(&mut self.methods, methods);
        inner(self);
        self.methods = outer;
    }

    /// The number of the section around.
    pub(super) fn section_number(&self) -> Option<usize> {
        self.within.map(|within| within.at)
    }

    pub(super) fn within_section(
        &mut self,
        name: &'static str,
        covers: Covers,
        node: &Node,
        children: &[Node],
    ) {
        let around = self.current_section();
        let around = around.map(|section| Arc::new(section.covers.clone()));
        let sections = &mut self.server().sections;
        let at = sections.len();
        sections.push(Section {
            covers,
            within: around,
            settings: Settings::default(),
            origin: node.origin.clone(),
        });
        let outer = self.within.replace(Within { name, at });
        self.nodes(children);
        self.warn_of_empty_satisfaction();
        if matches!(name, "If" | "ElseIf" | "Else") {
            self.refuse_late_settings();
        }
        self.within = outer;
    }

    fn covers(&mut self, kind: &Kind, node: &Node) -> Option<Covers> {
        let words = lex::words(&node.args);
        let (is_pattern, text) = match &*words {
            [text] => (kind.plain.is_none(), text),
            [tilde, text] if tilde == "~" && kind.plain.is_some() => (true, text),
            _ => {
                let message = format!("<{}> takes one {}", kind.name, kind.argument);
                let help = match &*words {
                    [] => format!(
                        "Write what the section is about: <{} {}>.",
                        kind.name, kind.argument
                    ),
                    _ => "Put text with blanks in quotes.".to_owned(),
                };
                self.error(&node.origin, message, help);
                return None;
            }
        };
        match kind.plain.filter(|_| !is_pattern) {
            Some(plain) => self.place(kind, plain, text, node),
            None => self.pattern_of(kind, text, node),
        }
    }

    fn place(
        &mut self,
        kind: &Kind,
        plain: fn(Place) -> Covers,
        text: &str,
        node: &Node,
    ) -> Option<Covers> {
        if kind.begins_with_slash && !text.starts_with('/') {
            let message = format!("<{} {text}>: the path does not begin with /", kind.name);
            self.error(&node.origin, message, format!("Write /{text}."));
            return None;
        }
        Some(plain(Place::new(text)))
    }

    fn pattern_of(&mut self, kind: &Kind, text: &str, node: &Node) -> Option<Covers> {
        match Pattern::new(text, false) {
            Ok(pattern) => Some((kind.matched)(pattern)),
            Err(bad) => {
                let text = excerpt(text);
                let message = format!("<{} {text}>: cannot use the expression: {bad}", kind.name);
                self.error(&node.origin, message, bad.remedy());
                None
            }
        }
    }
}

/// A kind of section.
struct Kind {
    lower: &'static str,
    name: &'static str,
    argument: &'static str,
    /// For literal text and wildcards; `None` where there are regular expressions only.
    plain: Option<fn(Place) -> Covers>,
    /// For regular expressions.
    matched: fn(Pattern) -> Covers,
    begins_with_slash: bool,
}

impl Kind {
    /// Sections about files may stand in sections about directories.
    fn may_stand_in(&self, outer: &str) -> bool {
        self.lower.starts_with("files") && outer.starts_with("Directory")
    }
}

const KINDS: &[Kind] = &[
    Kind {
        lower: "directory",
        name: "Directory",
        argument: "path",
        plain: Some(Covers::Directory),
        matched: Covers::DirectoryMatch,
        begins_with_slash: true,
    },
    Kind {
        lower: "directorymatch",
        name: "DirectoryMatch",
        argument: "regular expression",
        plain: None,
        matched: Covers::DirectoryMatch,
        begins_with_slash: false,
    },
    Kind {
        lower: "files",
        name: "Files",
        argument: "name",
        plain: Some(Covers::Files),
        matched: Covers::FilesMatch,
        begins_with_slash: false,
    },
    Kind {
        lower: "filesmatch",
        name: "FilesMatch",
        argument: "regular expression",
        plain: None,
        matched: Covers::FilesMatch,
        begins_with_slash: false,
    },
    Kind {
        lower: "location",
        name: "Location",
        argument: "path",
        plain: Some(Covers::Location),
        matched: Covers::LocationMatch,
        begins_with_slash: true,
    },
    Kind {
        lower: "locationmatch",
        name: "LocationMatch",
        argument: "regular expression",
        plain: None,
        matched: Covers::LocationMatch,
        begins_with_slash: false,
    },
];
