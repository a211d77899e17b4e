//! What expressions of a host look at.

use std::sync::Arc;

use crate::{
    expr::{Expression, Text},
    model::{Covers, Format, Host, Piece, Settings, When, variables::Subject},
};

/// An expression, or a text with expressions in it.
enum Asking<'a> {
    Expression(&'a Expression),
    Text(&'a Text),
}

/// The variables that they look at; `None` where it can be any.
pub(super) fn variables(host: &Host) -> Option<Vec<Arc<str>>> {
    let mut names = Vec::new();
    for asking in all(host) {
        let more = match asking {
            Asking::Expression(expression) => expression.variables()?,
            Asking::Text(text) => text.variables()?,
        };
        names.extend_from_slice(more);
    }
    Some(names)
}

fn all(host: &Host) -> Vec<Asking<'_>> {
    let mut all = Vec::new();
    of_settings(&host.settings, &mut all);
    all.extend(host.rewriting.expressions().map(Asking::Expression));
    for section in &host.sections {
        if let Covers::If(choice) = &section.covers {
            all.extend(choice.turn.expression().map(Asking::Expression));
        }
        of_settings(&section.settings, &mut all);
        let rules = &section.settings.rewriting;
        all.extend(rules.expressions().map(Asking::Expression));
    }
    let logs = host.logs.access.iter();
    all.extend(
        logs.filter_map(|log| log.when.as_ref())
            .map(Asking::Expression),
    );
    all
}

fn of_settings<'a>(settings: &'a Settings, all: &mut Vec<Asking<'a>>) {
    all.extend(settings.auth.name.as_ref().map(Asking::Text));
    let documents = settings.error_documents.iter();
    let documents = documents.filter_map(|(_, document)| document.text());
    let redirects = settings.redirects.iter();
    let redirects = redirects.filter_map(|redirect| redirect.text());
    let aliases = settings.alias.iter().map(|alias| alias.text());
    all.extend(documents.chain(redirects).chain(aliases).map(Asking::Text));
    let (expressions, texts) = settings.access.expressions();
    all.extend(expressions.into_iter().map(Asking::Expression));
    all.extend(texts.into_iter().map(Asking::Text));
    for rule in settings.headers.all() {
        if let When::Expression(expression) = &rule.when {
            all.push(Asking::Expression(expression));
        }
        let pieces = rule.action.format().into_iter().flat_map(|Format(all)| all);
        all.extend(pieces.filter_map(|piece| match piece {
            Piece::Expression(text) => Some(Asking::Text(text)),
            _ => None,
        }));
    }
    let conditions = settings.variables.conditions.iter();
    all.extend(conditions.filter_map(|condition| match &condition.subject {
        Subject::Expression(expression) => Some(Asking::Expression(expression)),
        _ => None,
    }));
}
