//! `Redirect` and its relatives, and `ErrorDocument`.

use super::{Apply, Call};
use crate::{
    diag::excerpt,
    model::{ErrorDocument, Redirect, RedirectFrom, has_error_page, is_url},
    pattern::Pattern,
};

/// What is wrong, and what to do about it.
type Problem = (String, &'static str);

/// `Redirect [status] [path] [target]`
pub(in crate::httpd) fn redirect(apply: &mut Apply<'_>, call: &Call<'_>) {
    let (status, words) = match call.words.split_first() {
        Some((word, rest)) => match status(word) {
            Some(status) => (status, rest),
            None => (FOUND, call.words),
        },
        None => (FOUND, call.words),
    };
    let in_section = apply.within.is_some();
    apply.add_redirect(call, plain(status, words, in_section));
}

/// `RedirectPermanent path target`
pub(in crate::httpd) fn redirect_permanent(apply: &mut Apply<'_>, call: &Call<'_>) {
    apply.add_redirect(call, plain(301, call.words, false));
}

/// `RedirectTemp path target`
pub(in crate::httpd) fn redirect_temp(apply: &mut Apply<'_>, call: &Call<'_>) {
    apply.add_redirect(call, plain(FOUND, call.words, false));
}

/// `RedirectMatch [status] expression [target]`
pub(in crate::httpd) fn redirect_match(apply: &mut Apply<'_>, call: &Call<'_>) {
    let (status, words) = match call.words.split_first() {
        Some((word, rest)) if !rest.is_empty() => match status(word) {
            Some(status) => (status, rest),
            None => (FOUND, call.words),
        },
        _ => (FOUND, call.words),
    };
    apply.add_redirect(call, matched(status, words));
}

/// `ErrorDocument status document`
pub(in crate::httpd) fn error_document(apply: &mut Apply<'_>, call: &Call<'_>) {
    let text = call.words.get(1).map_or("", String::as_str);
    let status = call.first().parse().ok();
    let Some(status) = status.filter(|&status| has_error_page(status)) else {
        let message = format!(
            "ErrorDocument: unsupported HTTP response code {}",
            call.first()
        );
        return apply.error(call.origin, message, "Write a status from 400 to 511.");
    };
    let document = match ErrorDocument::new(text) {
        Ok(document) => document,
        Err(bad) => {
            let message = format!("ErrorDocument {}: {bad}", excerpt(text));
            return apply.error(call.origin, message, bad.remedy());
        }
    };
    if status == 401 && matches!(document, ErrorDocument::External(_)) {
        let message =
            "cannot use a full URL in a 401 ErrorDocument directive: ignored, as in httpd";
        let help = "Write a path: clients must see the 401 to ask for a password.";
        return apply.warning(call.origin, message.to_owned(), help);
    }
    apply.settings().error_documents.set(status, document);
}

const FOUND: u16 = 302;

const SYNTAX: &str = "Write `Redirect [STATUS] /PATH TARGET`; the target is a URL or a path.";

/// A number, or one of httpd's names. `None`: it is something else.
fn status(word: &str) -> Option<u16> {
    Some(match &*word.to_ascii_lowercase() {
        "gone" => 410,
        "permanent" => 301,
        "seeother" => 303,
        "temp" => FOUND,
        number => return number.parse().ok(),
    })
}

/// What stands behind the status of a `Redirect`. In a section the path may be left out.
fn plain(
    status: u16,
    words: &[String],
    in_section: bool,
) -> Result<(RedirectFrom, u16, Option<&str>), Problem> {
    check_status(status)?;
    let path = |path: &str| RedirectFrom::Path(path.to_owned());
    let (from, to) = match words {
        [] if in_section => (RedirectFrom::Section, None),
        [one] if in_section && is_elsewhere(status) => (RedirectFrom::Section, Some(one)),
        [one] => (path(one), None),
        [one, to] => (path(one), Some(to)),
        _ => {
            return Err((
                "Redirect: invalid first argument (of three)".into(),
                STATUSES,
            ));
        }
    };
    check_target(status, to.map(String::as_str))?;
    let is_made = matches!(from, RedirectFrom::Section) && to.is_some_and(|to| to.contains("%{"));
    let told = to.filter(|_| !is_made);
    if let Some(to) = told.filter(|to| !to.starts_with('/') && !is_url(to.as_bytes())) {
        return Err((format!("Redirect to non-URL {}", excerpt(to)), SYNTAX));
    }
    if let RedirectFrom::Path(path) = &from
        && !path.starts_with('/')
    {
        let message = format!("Redirect: {} does not begin with /", excerpt(path));
        return Err((message, SYNTAX));
    }
    Ok((from, status, to.map(String::as_str)))
}

fn matched(status: u16, words: &[String]) -> Result<(RedirectFrom, u16, Option<&str>), Problem> {
    check_status(status)?;
    let (expression, to) = match words {
        [expression] => (expression, None),
        [expression, to] => (expression, Some(to.as_str())),
        _ => {
            return Err((
                "RedirectMatch: invalid first argument (of three)".into(),
                STATUSES,
            ));
        }
    };
    check_target(status, to)?;
    match Pattern::new(expression, false) {
        Ok(pattern) => Ok((RedirectFrom::Pattern(pattern), status, to)),
        Err(bad) => {
            let text = excerpt(expression);
            let message = format!("RedirectMatch {text}: cannot use the expression: {bad}");
            Err((message, bad.remedy()))
        }
    }
}

const STATUSES: &str =
    "Write permanent, temp, seeother, gone, or the number of a status from 300 to 511.";

fn check_status(status: u16) -> Result<(), Problem> {
    if has_error_page(status) {
        return Ok(());
    }
    Err((
        format!("there is no status {status} to redirect with"),
        STATUSES,
    ))
}

/// Whether a status sends clients somewhere.
fn is_elsewhere(status: u16) -> bool {
    (300..400).contains(&status)
}

fn check_target(status: u16, to: Option<&str>) -> Result<(), Problem> {
    match (is_elsewhere(status), to) {
        (true, None) => Err(("URL to redirect to is missing".into(), SYNTAX)),
        (false, Some(_)) => {
            let help = "Leave the target out, or write a status from 300 to 399.";
            Err(("Redirect URL not valid for this status".into(), help))
        }
        _ => Ok(()),
    }
}

impl Apply<'_> {
    fn add_redirect(
        &mut self,
        call: &Call<'_>,
        read: Result<(RedirectFrom, u16, Option<&str>), Problem>,
    ) {
        match read {
            Ok((from, status, to)) => match Redirect::new(from, status, to, call.origin) {
                Ok(redirect) => self.settings().redirects.add(redirect),
                Err(bad) => {
                    let text = excerpt(to.unwrap_or_default());
                    let message = format!("{} {text}: {bad}", call.name);
                    self.error(call.origin, message, bad.remedy());
                }
            },
            Err((message, help)) => self.error(call.origin, message, help),
        }
    }
}
