//! `Header` and `RequestHeader`: rules that change the fields of requests and answers.
//!
//! In httpd's order. Early rules of the server change a request before anything else looks at it,
//! the others when it is about to be served. An answer has two lists of fields: `Header always`
//! fills one that leaves with every answer, also with error pages; `Header onsuccess` changes what
//! came from the backend. Both leave together, the first one in front.

mod change;
mod value;

use http::{HeaderMap, HeaderName, HeaderValue, header};
use jkworkers::model::{Asked, HeaderRule, HeaderRules, Host, When};

pub(crate) use self::value::Context;
use crate::http1::{Fields, Head};

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
pub(crate) fn answer(rules: Rules<'_>, headers: &mut HeaderMap, is_page: bool, cx: &Context<'_>) {
    if !rules.host.changes_headers {
        return;
    }
    let mut first = Fields::default();
    let mut content_type = headers.remove(header::CONTENT_TYPE);
    let own = &rules.host.settings.headers;
    let nothing = &cx.early();
    let begin = |list: &'_ [HeaderRule], fields: &mut Fields| {
        let early = list.iter().filter(|rule| is_early(rule));
        early.for_each(|rule| change::apply(rule, fields, nothing));
    };
    begin(&own.always, &mut first);
    let mut second = Fields::default();
    if !is_page {
        begin(&own.on_success, &mut second);
    }
    for (name, value) in &*headers {
        second.add(name.as_str().as_bytes(), value.as_bytes());
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
    if let Some(content_type) = content_type {
        second.set(b"Content-Type", content_type.as_bytes());
    }
    headers.clear();
    for (name, value) in first.iter().chain(second.iter()) {
        let name = HeaderName::from_bytes(name).ok();
        // Values of rules have no control characters.
        let value = HeaderValue::from_bytes(value).ok();
        if let Some((name, value)) = name.zip(value) {
            headers.append(name, value);
        }
    }
}

fn is_early(rule: &HeaderRule) -> bool {
    rule.when == When::Early
}

#[cfg(test)]
mod tests;
