//! `Header` and `RequestHeader`: rules that change the fields of requests and answers.
//!
//! In httpd's order. Early rules of the server change a request before anything else looks at it,
//! the others when it is about to be served. An answer has two lists of fields: `Header always`
//! fills one that leaves with every answer, also with error pages; `Header onsuccess` changes what
//! came from the backend. Both leave together, the first one in front.

mod change;
mod value;

use bytes::Bytes;
use jkworkers::model::{Asked, HeaderRule, HeaderRules, Host, When};

pub(crate) use self::value::Context;
use crate::{
    http1::{Fields, Head, Heading},
    response,
};

/// What the rules of a host say about a request whose path (normalised) is known, or not yet.
#[derive(Clone, Copy)]
pub(crate) struct Rules<'a> {
    pub(crate) host: &'a Host,
    /// `None`: no section is known to be about it.
    pub(crate) asked: Option<Asked<'a>>,
}

impl<'a> Rules<'a> {
    /// Those of the server, then those of the sections.
    fn lists(self) -> impl Iterator<Item = &'a HeaderRules> {
        let sections = self.asked.map(|asked| self.host.sections_about(asked));
        let sections = sections.into_iter().flatten();
        let sections = sections.map(|section| &section.settings.headers);
        std::iter::once(&self.host.settings.headers).chain(sections)
    }
}

/// The request after the early rules of `host`. `None`: there are none. Boxed, since most requests
/// get on without it.
pub(crate) fn early(host: &Host, head: &Head, cx: &Context<'_>) -> Option<Box<Head>> {
    let rules = &host.settings.headers.request;
    let mut rules = rules.iter().filter(|rule| is_early(rule)).peekable();
    rules.peek()?;
    let mut head = Box::new(head.clone());
    head.headers.join_repeated();
    rules.for_each(|rule| change::apply(rule, &mut head.headers, cx));
    Some(head)
}

/// Changes the request by all other rules. `None`: nothing is to be changed.
pub(crate) fn late(rules: Rules<'_>, head: &Head, cx: &Context<'_>) -> Option<Box<Head>> {
    if !rules.host.changes_headers {
        return None;
    }
    let rules = rules.lists().flat_map(|rules| &rules.request);
    let mut rules = rules.filter(|rule| !is_early(rule) && cx.meets(rule));
    let first = rules.next()?;
    let mut head = Box::new(head.clone());
    head.headers.join_repeated();
    for rule in std::iter::once(first).chain(rules) {
        change::apply(rule, &mut head.headers, cx);
    }
    Some(head)
}

/// Changes the fields of an answer. `is_page`: it is an error page, which only `always` is about.
pub(crate) fn answer(rules: Rules<'_>, head: &mut Heading, is_page: bool, cx: &Context<'_>) {
    if !rules.host.changes_headers {
        return;
    }
    let mut first = Fields::default();
    let mut content_type = head.content_type.take();
    let own = &rules.host.settings.headers;
    let nothing = &cx.early();
    let begin = |list: &'_ [HeaderRule], fields: &mut Fields| {
        let early = list.iter().filter(|rule| is_early(rule));
        early.for_each(|rule| change::apply(rule, fields, nothing));
    };
    let mut second = Fields::default();
    if is_page {
        // As in httpd, where a page makes what is for every answer its own.
        begin(&own.always, &mut second);
    } else {
        begin(&own.always, &mut first);
        begin(&own.on_success, &mut second);
    }
    for (name, value) in head.fields.iter() {
        second.add(name, value);
    }
    let mut run = |list: fn(&HeaderRules) -> &Vec<HeaderRule>, fields: &mut Fields| {
        let rules = rules.lists().flat_map(list);
        for rule in rules.filter(|rule| !is_early(rule) && cx.meets(rule)) {
            change::apply_to_answer(rule, fields, &mut content_type, cx);
        }
    };
    run(|rules| &rules.always, &mut first);
    if !is_page {
        run(|rules| &rules.on_success, &mut second);
    }
    head.front = if is_page { first.iter().count() } else { 0 };
    head.fields = Fields::default();
    // Values of rules have no control characters.
    let all = first.iter().chain(second.iter());
    for (name, value) in all.filter(|(_, value)| response::is_text(value)) {
        head.fields.add(name, value);
    }
    head.measure();
    place_type(head, content_type);
}

/// The type takes the place of one that a rule has put among the fields.
fn place_type(head: &mut Heading, content_type: Option<Bytes>) {
    match content_type {
        Some(content_type) if head.fields.contains("Content-Type") => {
            head.fields.set(b"Content-Type", &content_type);
        }
        content_type => head.content_type = content_type,
    }
}

fn is_early(rule: &HeaderRule) -> bool {
    rule.when == When::Early
}

#[cfg(test)]
mod tests;
