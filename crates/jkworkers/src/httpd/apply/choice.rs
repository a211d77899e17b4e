//! `<If>`, `<ElseIf>` and `<Else>`.

use std::{collections::HashMap, sync::Arc};

use super::Apply;
use crate::{
    diag::excerpt,
    expr::Expression,
    httpd::{Node, lex},
    model::{Choice, Covers, Turn},
};

/// What `<ElseIf>` and `<Else>` may go on with.
#[derive(Default)]
pub(super) struct Chains {
    count: usize,
    sections: usize,
    /// By server and by the section around.
    open: HashMap<(usize, Option<usize>), usize>,
}

impl Apply<'_> {
    /// `name` is in lower case.
    pub(super) fn choice(&mut self, name: &str, node: &Node, children: &[Node]) {
        if !self.methods.is_all() {
            let message = format!("<{}> cannot occur within <Limit> section", node.name);
            return self.error(&node.origin, message, "Close the section before it.");
        }
        let Some(turn) = self.turn(name, node) else {
            return;
        };
        let scope = (self.server, self.section_number());
        let chain = match (&turn, self.chains.open.get(&scope)) {
            (Turn::If(_), _) => {
                self.chains.count += 1;
                self.chains.count
            }
            (_, Some(chain)) => *chain,
            (_, None) => {
                let message = format!(
                    "<{}> without previous <If> or <ElseIf> in same scope",
                    node.name
                );
                return self.error(&node.origin, message, "Write it behind the <If>.");
            }
        };
        if matches!(turn, Turn::Else) {
            self.chains.open.remove(&scope);
        } else {
            self.chains.open.insert(scope, chain);
        }
        self.chains.sections += 1;
        let name = turn.name();
        let covers = Covers::If(Choice {
            turn,
            around: self.around(),
            chain,
            id: self.chains.sections,
            number: 0,
        });
        self.within_section(name, covers, node, children);
    }

    fn turn(&mut self, name: &str, node: &Node) -> Option<Turn> {
        let words = lex::words(&node.args);
        let text = match (name, &*words) {
            ("else", []) => return Some(Turn::Else),
            ("else", _) => {
                let message = "<Else> takes no argument".to_owned();
                self.error(
                    &node.origin,
                    message,
                    "Write <ElseIf>, or nothing behind it.",
                );
                return None;
            }
            (_, [text]) => text,
            _ => {
                let message = format!("<{}> takes one expression", node.name);
                let help = "Put the expression in quotes: <If \"%{REQUEST_URI} == '/x'\">.";
                self.error(&node.origin, message, help);
                return None;
            }
        };
        match Expression::new(text) {
            Ok(expression) if name == "if" => Some(Turn::If(expression)),
            Ok(expression) => Some(Turn::ElseIf(expression)),
            Err(bad) => {
                let message = format!("<{} {}>: {bad}", node.name, excerpt(text));
                self.error(&node.origin, message, bad.remedy());
                None
            }
        }
    }

    /// The sections around, the outermost one first.
    fn around(&mut self) -> Arc<[Covers]> {
        let Some(section) = self.current_section() else {
            return Arc::default();
        };
        let further = match &section.covers {
            Covers::If(choice) => choice.around.to_vec(),
            _ => section
                .within
                .iter()
                .map(|covers| (**covers).clone())
                .collect(),
        };
        [further, vec![section.covers.clone()]].concat().into()
    }

    /// Refuses what an `<If>` says too late to be heard.
    pub(super) fn refuse_late_settings(&mut self) {
        let Some(section) = self.current_section() else {
            return;
        };
        let settings = &section.settings;
        let files = &settings.files;
        let late = [
            ("DirectoryIndex", files.index.is_some()),
            ("DirectorySlash", files.slash.is_some()),
            ("FallbackResource", files.fallback.is_some()),
            ("Options", files.options != crate::model::Options::default()),
            ("HostnameLookups", settings.lookups.is_some()),
            ("RewriteRule", !settings.rewriting.is_empty()),
        ];
        let (covers, origin) = (section.covers.to_string(), section.origin.clone());
        for (directive, _) in late.into_iter().filter(|(_, said)| *said) {
            let message = format!("{directive} has no effect inside {covers}");
            let help = "Write it outside of <If>: it counts before the expression is evaluated.";
            self.error(&origin, message, help);
        }
    }
}
