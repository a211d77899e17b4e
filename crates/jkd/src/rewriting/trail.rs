//! What rules leave behind for the rest of a request's way: cookies, variables for the page of an
//! error, and the request as it begins anew.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU32, Ordering::Relaxed},
};

use http::HeaderValue;
use jiff::{Timestamp, ToSpan as _};
use jkworkers::rewrite::Cookie;
use parking_lot::Mutex;

use super::Rewritten;
use crate::{
    http1::{Head, Heading},
    static_files::Learnt,
    variables::Variables,
};

/// Of one request. Most leave none.
#[derive(Debug, Default)]
pub(crate) struct Trail {
    marks: Mutex<Option<Box<Marks>>>,
    is_found: AtomicBool,
    is_settled: AtomicBool,
    is_ruled: AtomicBool,
    looks: AtomicU32,
}

/// How far a request has come that stumbles: which sections are about it follows from that.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reached {
    /// It is known where it leads to: sections about files and `<If>` sections count.
    pub(crate) is_found: bool,
    /// The file or directory, if it leads to any.
    pub(crate) file: Option<Vec<u8>>,
    /// What stands for that.
    pub(crate) learnt: Option<Arc<Learnt>>,
    /// The request has been let in, and variables that are set for whoever serves it are there.
    pub(crate) is_settled: bool,
}

#[derive(Debug, Default)]
struct Marks {
    file: Option<Vec<u8>>,
    learnt: Option<Arc<Learnt>>,
    head: Option<Head>,
    earlier: Vec<(String, Vec<u8>)>,
    variables: Vec<(String, Option<Vec<u8>>)>,
    cookies: Vec<(Vec<u8>, HeaderValue)>,
    fields: Option<Head>,
    is_last: bool,
}

/// A request that begins anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Turn {
    /// Its target.
    pub(crate) target: Vec<u8>,
    /// The variables that were there before, under new names.
    pub(crate) earlier: Vec<(String, Vec<u8>)>,
    /// `Vary`, as far as it is known.
    pub(crate) vary: Option<String>,
}

impl Marks {
    /// The first cookie of a name counts.
    fn keep(&mut self, cookies: &[Cookie]) {
        for cookie in cookies {
            let is_set = self.cookies.iter().any(|(name, _)| *name == cookie.name);
            let value = HeaderValue::from_bytes(&cookie.text(expiry(cookie).as_deref()));
            if let (Ok(value), false) = (value, is_set) {
                self.cookies.push((cookie.name.clone(), value));
            }
        }
    }
}

impl Turn {
    /// Anew for `target`, after a request for `url`.
    pub(crate) fn new(
        target: Vec<u8>,
        vary: Option<&str>,
        variables: &Variables<'_>,
        (url, query): (&[u8], Option<&[u8]>),
    ) -> Self {
        Self {
            target,
            earlier: renamed(variables, "200", url, query),
            vary: vary.map(str::to_owned),
        }
    }

    /// To a path that rules have made, as httpd takes it: it is decoded once more, and what stands
    /// behind a `#` is for browsers.
    pub(crate) fn target(path: &[u8], query: Option<&[u8]>) -> Vec<u8> {
        let whole = match query {
            Some(query) => [path, b"?", query].concat(),
            None => path.to_vec(),
        };
        let end = whole.iter().position(|&b| b == b'#');
        let whole = whole.get(..end.unwrap_or(whole.len())).unwrap_or_default();
        let mut target = Vec::with_capacity(whole.len());
        for &byte in whole {
            if byte.is_ascii_graphic() {
                target.push(byte);
            } else {
                target.extend_from_slice(format!("%{byte:02x}").as_bytes());
            }
        }
        target
    }

    /// The head of the request that begins anew: that of the one before for another target, with
    /// the fields that it has got.
    pub(crate) fn head(&self, before: &Head, changed: Option<&Head>) -> Head {
        let method = before.method.clone();
        let fields = changed.unwrap_or(before).fields();
        Head::new(method, before.version, &self.target, fields)
    }
}

/// The variables of a request under other names, and what it was.
pub(crate) fn renamed(
    variables: &Variables<'_>,
    status: &str,
    url: &[u8],
    query: Option<&[u8]>,
) -> Vec<(String, Vec<u8>)> {
    let renamed = |name: &str| format!("REDIRECT_{name}");
    let old = variables.iter();
    let mut earlier: Vec<_> = old
        .map(|variable| (renamed(variable.name), variable.value.to_vec()))
        .collect();
    earlier.push((renamed("STATUS"), status.into()));
    earlier.push((renamed("URL"), url.to_vec()));
    if let Some(query) = query {
        earlier.push((renamed("QUERY_STRING"), query.to_vec()));
    }
    earlier
}

impl Trail {
    /// Counts a look at what may stand for a directory: how many there were for this request and for
    /// the pages that stand for its answer.
    pub(crate) fn looks_again(&self) -> u32 {
        self.looks.fetch_add(1, Relaxed)
    }

    /// How many looks there were.
    pub(crate) fn looks(&self) -> u32 {
        self.looks.load(Relaxed)
    }

    /// Rules have made this.
    pub(crate) fn leave(&self, made: &Rewritten) {
        if made.variables.is_empty() && made.cookies.is_empty() && !made.is_last {
            return;
        }
        let mut marks = self.marks.lock();
        let marks = marks.get_or_insert_default();
        marks.variables.extend_from_slice(&made.variables);
        marks.is_last |= made.is_last;
        marks.keep(&made.cookies);
    }

    /// The same of a request on behalf of another one, which has its cookies.
    pub(crate) fn leave_cookies(&self, made: &Rewritten) {
        if !made.cookies.is_empty() {
            let mut marks = self.marks.lock();
            marks.get_or_insert_default().keep(&made.cookies);
        }
    }

    /// The request begins anew with this head.
    pub(crate) fn turn(&self, head: Head, turn: &Turn) {
        let mut marks = self.marks.lock();
        let marks = marks.get_or_insert_default();
        marks.head = Some(head);
        marks.earlier.clone_from(&turn.earlier);
        marks.variables.clear();
        (marks.file, marks.learnt) = (None, None);
        self.is_found.store(false, Relaxed);
        self.is_settled.store(false, Relaxed);
    }

    /// It is known where the request leads to: to this file or directory, or to a worker.
    pub(crate) fn leads_to(&self, file: Option<&[u8]>) {
        self.is_found.store(true, Relaxed);
        if let Some(file) = file {
            self.marks.lock().get_or_insert_default().file = Some(file.to_vec());
        }
    }

    /// This stands for that, if anything does.
    pub(crate) fn is_stood_for(&self, learnt: Option<&Arc<Learnt>>) {
        if let Some(learnt) = learnt {
            let mut marks = self.marks.lock();
            marks.get_or_insert_default().learnt = Some(Arc::clone(learnt));
        }
    }

    /// The request has been let in, and variables that are set for whoever serves it are there.
    pub(crate) fn settle(&self) {
        self.is_settled.store(true, Relaxed);
    }

    /// How far the request has come. The next one begins anew: that for a page of an error.
    pub(crate) fn take_reached(&self) -> Reached {
        let is_found = self.is_found.swap(false, Relaxed);
        let is_settled = self.is_settled.swap(false, Relaxed);
        let mut marks = self.marks.lock();
        let known = marks.as_mut();
        let known = known.map(|marks| (marks.file.take(), marks.learnt.take()));
        let (file, learnt) = known.unwrap_or_default();
        Reached {
            is_found,
            file,
            learnt,
            is_settled,
        }
    }

    /// A rule says how the request ends. As in httpd that is not the end of a request for the page of
    /// an error: it has a page of its own.
    pub(crate) fn is_ended_by_rule(&self) {
        self.is_ruled.store(true, Relaxed);
    }

    /// Whether one has said so since this was asked.
    pub(crate) fn takes_end_by_rule(&self) -> bool {
        self.is_ruled.swap(false, Relaxed)
    }

    /// The request has got other fields if there is a head, and what comes instead of it begins with them. What was
    /// left before, and not taken, has all of them already.
    pub(crate) fn leave_fields(&self, head: Option<&Head>) {
        let Some(head) = head else { return };
        let mut marks = self.marks.lock();
        let marks = marks.get_or_insert_default();
        marks.fields.get_or_insert_with(|| head.clone());
    }

    /// The fields that were left.
    pub(crate) fn take_fields(&self) -> Option<Head> {
        self.marks.lock().as_mut()?.fields.take()
    }

    /// Whether no rule looks at it any more.
    pub(crate) fn is_last(&self) -> bool {
        self.marks
            .lock()
            .as_ref()
            .is_some_and(|marks| marks.is_last)
    }

    /// The head with which it has begun anew.
    pub(crate) fn head(&self) -> Option<Head> {
        self.marks.lock().as_ref()?.head.clone()
    }

    /// The variables from before it began anew, and what rules have changed since.
    pub(crate) fn variables(&self) -> Changes {
        let marks = self.marks.lock();
        let Some(marks) = marks.as_ref() else {
            return Changes::default();
        };
        (marks.earlier.clone(), marks.variables.clone())
    }

    /// Adds its cookies to an answer, before all that it has; on a page, behind what every answer
    /// gets.
    pub(crate) fn set_cookies(&self, head: &mut Heading) {
        let marks = self.marks.lock();
        for (_, value) in marks.iter().flat_map(|marks| marks.cookies.iter().rev()) {
            let fields = &mut head.fields;
            fields.add_behind(head.front, b"Set-Cookie", value.as_bytes());
        }
    }
}

/// Variables from before, and changes of variables.
pub(crate) type Changes = (Vec<(String, Vec<u8>)>, Vec<(String, Option<Vec<u8>>)>);

fn expiry(cookie: &Cookie) -> Option<String> {
    let end = Timestamp::now().checked_add(cookie.minutes?.minutes());
    let end = end.ok()?.to_zoned(jiff::tz::TimeZone::UTC);
    Some(end.strftime("%a, %d-%b-%Y %H:%M:%S GMT").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_what_a_client_could_send() {
        for (path, query, expected) in [
            ("/a b", None, "/a%20b"),
            ("/a%20b", Some("c=d"), "/a%20b?c=d"),
            ("/a#b", Some("c"), "/a"),
            ("/\u{e4}", None, "/%c3%a4"),
        ] {
            let target = Turn::target(path.as_bytes(), query.map(str::as_bytes));
            assert_eq!(target, expected.as_bytes(), "{path}");
        }
    }
}
