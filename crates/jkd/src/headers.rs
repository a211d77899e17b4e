//! `Header` and `RequestHeader`: rules that change the fields of requests and answers.
//!
//! In httpd's order. Early rules of the server change a request before anything else looks at it,
//! the others when it is about to be served. An answer has two lists of fields: `Header always`
//! fills one that leaves with every answer, also with error pages; `Header onsuccess` changes what
//! came from the backend. Both leave together, the first one in front.

mod change;
mod value;

use bytes::Bytes;
use http::StatusCode;
use jkworkers::model::{Asked, HeaderRule, HeaderRules, Host, When};

pub(crate) use self::value::{Context, Seen};
use crate::{
    expressions::Answered,
    http1::{Fields, Head, Heading, is_bodiless},
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
    rules.for_each(|rule| carry_out(rule, &mut head.headers, cx));
    Some(head)
}

/// Changes the request by all other rules. `None`: nothing is to be changed. `vary` gets the fields
/// that expressions have looked at.
pub(crate) fn late(
    rules: Rules<'_>,
    head: &Head,
    cx: &Context<'_>,
    vary: &mut Vec<u8>,
) -> Option<Box<Head>> {
    if !rules.host.said.changes_headers {
        return None;
    }
    let rules = rules.lists().flat_map(|rules| &rules.request);
    let mut rules = rules.filter(|rule| !is_early(rule) && cx.meets(rule, None, vary));
    let first = rules.next()?;
    let mut head = Box::new(head.clone());
    head.headers.join_repeated();
    for rule in std::iter::once(first).chain(rules) {
        carry_out(rule, &mut head.headers, cx);
    }
    Some(head)
}

/// Carries out a rule about a request.
fn carry_out(rule: &HeaderRule, fields: &mut Fields, cx: &Context<'_>) {
    let made = cx.value_for(rule, None);
    let cx = Context {
        made: made.as_deref(),
        ..*cx
    };
    change::apply(rule, fields, &cx);
}

/// Changes the fields of an answer. `is_page`: it is an error page, which only `always` is about.
pub(crate) fn answer(rules: Rules<'_>, head: &mut Heading, is_page: bool, cx: &Context<'_>) {
    if !rules.host.said.changes_headers {
        return;
    }
    let mut lists = Lists::begin(&rules.host.settings.headers, head, is_page, cx);
    let late = |list: fn(&HeaderRules) -> &Vec<HeaderRule>| {
        let rules = rules.lists().flat_map(list);
        rules.filter(|rule| !is_early(rule))
    };
    late(|rules| &rules.always).for_each(|rule| lists.carry_out(rule, true, cx));
    if !is_page {
        late(|rules| &rules.on_success).for_each(|rule| lists.carry_out(rule, false, cx));
    }
    lists.leave(head, is_page);
}

/// The fields of an answer.
struct Lists {
    status: StatusCode,
    content_type: Option<Bytes>,
    /// What leaves with every answer.
    always: Fields,
    /// What leaves with this one.
    own: Fields,
}

impl Lists {
    /// Takes the fields of an answer, behind those of early rules.
    fn begin(rules: &HeaderRules, head: &mut Heading, is_page: bool, cx: &Context<'_>) -> Self {
        let nothing = &cx.early();
        let begin = |list: &'_ [HeaderRule], fields: &mut Fields| {
            let early = list.iter().filter(|rule| is_early(rule));
            early.for_each(|rule| change::apply(rule, fields, nothing));
        };
        let (mut always, mut own) = (Fields::default(), Fields::default());
        if is_page {
            // As in httpd, where a page makes what is for every answer its own.
            begin(&rules.always, &mut own);
        } else {
            begin(&rules.always, &mut always);
            begin(&rules.on_success, &mut own);
        }
        for (name, value) in head.fields.iter() {
            own.add(name, value);
        }
        Self {
            status: head.status,
            content_type: head.content_type.take(),
            always,
            own,
        }
    }

    /// Carries out a rule, if its condition holds.
    fn carry_out(&mut self, rule: &HeaderRule, always: bool, cx: &Context<'_>) {
        let mut vary = Vec::new();
        let answered = Answered {
            status: self.status,
            content_type: self.content_type.as_deref(),
            always: &self.always,
            fields: &self.own,
        };
        let meets = cx.meets(rule, Some(answered), &mut vary);
        let made = meets.then(|| cx.value_for(rule, Some(answered))).flatten();
        if !vary.is_empty() {
            self.own.append(b"Vary", &vary);
        }
        if meets {
            let cx = Context {
                made: made.as_deref(),
                ..*cx
            };
            let fields = if always {
                &mut self.always
            } else {
                &mut self.own
            };
            change::apply_to_answer(rule, fields, &mut self.content_type, &cx);
        }
    }

    /// Puts all of them in the place of what was there.
    fn leave(self, head: &mut Heading, is_page: bool) {
        head.front = if is_page {
            self.always.iter().count()
        } else {
            0
        };
        head.fields = Fields::default();
        // Values of rules have no control characters.
        let all = self.always.iter().chain(self.own.iter());
        for (name, value) in all.filter(|(_, value)| response::is_text(value)) {
            head.fields.add(name, value);
        }
        head.measure();
        head.content_type = self.content_type;
    }
}

/// The type takes the place of one that a rule has put among the fields. Where there is no body it is
/// no type of anything, and what rules have put there stays.
pub(crate) fn place_type(head: &mut Heading) {
    let is_said = head.fields.contains("Content-Type");
    let is_bodiless = is_bodiless(head.status);
    if !is_said && !is_bodiless {
        return;
    }
    let kind = head.content_type.take();
    if let Some(kind) = kind.filter(|_| !is_bodiless) {
        head.fields.set(b"Content-Type", &kind);
    }
}

fn is_early(rule: &HeaderRule) -> bool {
    rule.when == When::Early
}

#[cfg(test)]
mod tests;
