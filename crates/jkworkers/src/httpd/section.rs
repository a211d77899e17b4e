//! Nesting: which sections are open, and what is in them.

use super::{Node, lex};
use crate::{
    blank::is_blank,
    diag::{Diagnostics, Origin},
};

/// Splits `<Name args>` at its name and its last `>`.
pub(super) fn split<'a>(
    text: &'a str,
    origin: &Origin,
    diagnostics: &mut Diagnostics,
) -> (&'a str, &'a str) {
    let body = text.strip_prefix('<').unwrap_or(text);
    let inner = match body.rsplit_once('>') {
        Some((inner, _)) => inner,
        None => body,
    };
    let end = inner.find(|c: char| is_blank(c) || c == '>');
    let (name, args) = inner.split_at(end.unwrap_or(inner.len()));
    if !body.contains('>') {
        diagnostics
            .error(origin, format!("<{name}> directive missing closing '>'"))
            .help("End the line with `>`.");
    }
    (name, lex::trim(args))
}

/// How deep sections may be nested: more than any configuration needs, and little enough for
/// those who walk the tree.
const MAX_NESTING: usize = 100;

/// The open sections of one file. A section has to be closed in the file in which it was opened.
#[derive(Default)]
pub(super) struct Nesting {
    top: Vec<Node>,
    open: Vec<Open>,
}

struct Open {
    node: Node,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A section of the tree.
    Section,
    /// A condition that holds: what is inside belongs to the section around it.
    Transparent,
    /// A condition that does not hold, or anything inside of one.
    Skipped,
}

impl Nesting {
    pub(super) fn is_skipping(&self) -> bool {
        self.open.last().is_some_and(|o| o.kind == Kind::Skipped)
    }

    /// Opens a section; `condition` is the answer of a conditional one.
    pub(super) fn open(
        &mut self,
        name: &str,
        args: &str,
        origin: &Origin,
        condition: Option<bool>,
        diagnostics: &mut Diagnostics,
    ) {
        let kind = match condition {
            _ if self.is_skipping() => Kind::Skipped,
            _ if self.open.len() >= MAX_NESTING => {
                diagnostics
                    .error(
                        origin,
                        format!("sections are nested more than {MAX_NESTING} deep"),
                    )
                    .help("Close the sections before this one.");
                Kind::Skipped
            }
            None => Kind::Section,
            Some(true) => Kind::Transparent,
            Some(false) => Kind::Skipped,
        };
        let node = Node {
            name: name.to_owned(),
            args: args.to_owned(),
            origin: origin.clone(),
            children: Some(Vec::new()),
        };
        self.open.push(Open { node, kind });
    }

    /// A line inside a section that is not read: only sections matter.
    pub(super) fn skipped_line(
        &mut self,
        text: &str,
        origin: &Origin,
        diagnostics: &mut Diagnostics,
    ) {
        if text.starts_with("</") {
            self.close(text, origin, diagnostics);
        } else if text.starts_with('<') {
            let (name, args) = split(text, origin, diagnostics);
            self.open(name, args, origin, None, diagnostics);
        }
    }

    /// `</Name>`.
    pub(super) fn close(&mut self, text: &str, origin: &Origin, diagnostics: &mut Diagnostics) {
        let body = text.strip_prefix("</").unwrap_or(text);
        let (name, ended) = match body.split_once('>') {
            Some((name, _)) => (lex::trim(name), true),
            None => (lex::trim(body), false),
        };
        if !ended {
            diagnostics
                .error(origin, format!("</{name}> directive missing closing '>'"))
                .help("End the line with `>`.");
        }
        let same = |open: &Open| open.node.name.eq_ignore_ascii_case(name);
        let Some(at) = self.open.iter().rposition(same) else {
            self.refuse_close(name, origin, diagnostics);
            return;
        };
        while self.open.len() > at + 1 {
            self.abandon(&format!("before </{name}> ({origin})"), diagnostics);
        }
        self.pop();
    }

    pub(super) fn extend(&mut self, nodes: impl IntoIterator<Item = Node>) {
        let inner = self.open.iter_mut().rev().find(|o| o.kind == Kind::Section);
        match inner.and_then(|open| open.node.children.as_mut()) {
            Some(children) => children.extend(nodes),
            None => self.top.extend(nodes),
        }
    }

    /// The end of the file.
    pub(super) fn finish(mut self, diagnostics: &mut Diagnostics) -> Vec<Node> {
        while !self.open.is_empty() {
            self.abandon("before the end of the file", diagnostics);
        }
        self.top
    }

    fn refuse_close(&self, name: &str, origin: &Origin, diagnostics: &mut Diagnostics) {
        match self.open.last() {
            Some(open) => diagnostics
                .error(
                    origin,
                    format!(
                        "expected </{}>, which closes {}, but saw </{name}>",
                        open.node.name, open.node.origin
                    ),
                )
                .help(format!("Remove </{name}>, or open its section inside.")),
            None => diagnostics
                .error(
                    origin,
                    format!("</{name}> without matching <{name}> section"),
                )
                .help("Remove the line, or open the section in this file."),
        };
    }

    /// Closes the innermost section for its author.
    fn abandon(&mut self, before: &str, diagnostics: &mut Diagnostics) {
        let Some(open) = self.open.last() else {
            return;
        };
        let name = &open.node.name;
        diagnostics
            .error(
                &open.node.origin,
                format!("<{name}> was not closed {before}"),
            )
            .help(format!("Write </{name}> where it ends."));
        self.pop();
    }

    fn pop(&mut self) {
        if let Some(Open { node, kind }) = self.open.pop()
            && kind == Kind::Section
        {
            self.extend([node]);
        }
    }
}
