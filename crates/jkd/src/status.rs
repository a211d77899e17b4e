//! Status workers: balancers, members and what they are doing, in several forms, and the commands
//! that change it.

mod accept;
mod change;
mod form;
pub(crate) mod fuzzing;
mod json;
mod origin;
mod prop;
mod query;
mod rating;
mod report;
mod target;
mod txt;
mod view;
mod xml;

use std::sync::Arc;

use askama::Template;
use bytes::Bytes;
use http::{HeaderValue, Method, Response, StatusCode, header};
use http_body_util::Full;
use jkworkers::{diff, model::StatusWorker};
use tokio::task::spawn_blocking;

use self::{
    query::{Command, Form, Query},
    report::{Field, Refusal, Report, report},
    view::Page,
};
use crate::{answer::Answer, forward::Facts, snapshot::Snapshot};

const CSS: &str = include_str!("../templates/status.css");
const CSS_QUERY: &[u8] = b"css";

const HTML: &str = "text/html; charset=utf-8";
const JSON: &str = "application/json";

/// A request to a status worker.
#[derive(Clone, Debug)]
struct Asked {
    /// All that counts of the URI, as the client wrote it.
    query: Vec<u8>,
    /// The server's name for the client.
    server_name: String,
    /// And its port.
    server_port: u16,
    /// Who has proved to be that user.
    user: Option<String>,
    /// The client's address.
    client: String,
    /// Whether a page of another site has made the client ask.
    is_from_elsewhere: bool,
    /// The status worker's name.
    status: String,
}

impl Asked {
    /// A request of nobody in particular.
    fn by(facts: &Facts<'_>, status: &str) -> Self {
        Self {
            query: facts.head.query().unwrap_or_default().into(),
            server_name: facts.server_name.to_owned(),
            server_port: facts.server_port,
            user: facts.claims.proven_user().map(str::to_owned),
            client: facts.peer.ip_text.clone(),
            is_from_elsewhere: origin::is_elsewhere(facts.head),
            status: status.to_owned(),
        }
    }
}

/// Answers a request at the mount of a status worker, whatever its path: only the query counts.
///
/// As in mod_jk the status is 200 also where something is refused, but for what another site's page
/// has asked for. What has to be written may be long, and a change waits for others: no lane does.
pub(crate) async fn respond(
    snapshot: &Arc<Snapshot>,
    (name, worker): (&str, &Arc<StatusWorker>),
    facts: &Facts<'_>,
) -> Response<Answer> {
    let asked = Asked::by(facts, name);
    let head_only = facts.head.method == Method::HEAD;
    let (snapshot, worker) = (snapshot.clone(), worker.clone());
    let written = spawn_blocking(move || page(&snapshot, &worker, &asked)).await;
    // A panic was reported when it happened.
    let page = written.unwrap_or_else(|_| failed());
    if head_only {
        // As httpd has it: nobody has asked how long it is.
        return page.map(|_| Full::default().into());
    }
    page.map(Into::into)
}

fn page(snapshot: &Snapshot, worker: &StatusWorker, asked: &Asked) -> Response<Full<Bytes>> {
    if asked.query == CSS_QUERY {
        return answer("text/css; charset=utf-8", CSS.to_owned());
    }
    let query = Query::read(&asked.query);
    let report = permitted(worker, asked, &query)
        .and_then(|()| done(snapshot, asked, &query))
        .and_then(|()| report(snapshot, worker, asked, &query));
    if let Err(refusal) = &report {
        let refusal = refusal.escape_debug();
        tracing::warn!(client = %asked.client, "Status worker '{}': {refusal}", asked.status);
    }
    if query.command == Command::Config && report.is_ok() {
        return answer(JSON, diff::document(&snapshot.configured).to_string());
    }
    let prefix = worker.prefix.as_deref().unwrap_or("worker");
    let is_foreign = is_foreign(asked, &query);
    let (content_type, text) = match query.form {
        Form::Html => (
            HTML,
            html(snapshot, worker, &query, refused(snapshot, &query, report)),
        ),
        Form::Json => (JSON, json::render(&report).ok()),
        Form::Properties | Form::Unknown => ("text/plain", Some(prop::render(prefix, &report))),
        Form::Text => ("text/plain", Some(txt::render(&report))),
        Form::Xml => ("text/xml", Some(xml::render(worker, &report))),
    };
    let mut page = text.map_or_else(failed, |text| answer(content_type, text));
    if is_foreign {
        *page.status_mut() = StatusCode::FORBIDDEN;
    }
    page
}

/// Whether this client may do this, in mod_jk's order.
fn permitted(worker: &StatusWorker, asked: &Asked, query: &Query) -> Result<(), Refusal> {
    let is_read_only = worker.read_only || query.is_read_only();
    if !admits(worker, asked.user.as_deref()) {
        return Err("Access denied.".into());
    }
    if query.is_broken {
        return Err("Error during parsing of URI".into());
    }
    if is_read_only && query.command.is_to_write() {
        return Err("This command is not allowed in read only mode.".into());
    }
    if is_foreign(asked, query) {
        return Err("This command is not allowed from another site.".into());
    }
    if query.form == Form::Unknown && query.command != Command::Unknown {
        return Err("Invalid mime type.".into());
    }
    Ok(())
}

fn is_foreign(asked: &Asked, query: &Query) -> bool {
    asked.is_from_elsewhere && query.command.changes()
}

/// Does what is to be done before anything is shown.
fn done(snapshot: &Snapshot, asked: &Asked, query: &Query) -> Result<(), Refusal> {
    if !query.command.changes() {
        return Ok(());
    }
    match snapshot.home.upgrade() {
        Some(shared) => change::make(&shared, asked, query),
        // The daemon is ending.
        None => Err("Update failed".into()),
    }
}

/// Whether this client may see anything.
fn admits(worker: &StatusWorker, user: Option<&str>) -> bool {
    let is_listed = |user: &str| {
        let mut users = worker.users.iter();
        users.any(|listed| {
            if worker.user_case_insensitive {
                listed.eq_ignore_ascii_case(user)
            } else {
                listed == user
            }
        })
    };
    worker.users.is_empty() || user.is_some_and(is_listed)
}

/// Why an HTML page shows nothing.
fn refused(
    snapshot: &Snapshot,
    query: &Query,
    report: Result<Report<'_>, Refusal>,
) -> Option<Refusal> {
    let has_form = query.command != Command::Edit || form::of(snapshot, query).is_some();
    match report {
        Err(refusal) => Some(refusal),
        Ok(_) if has_form => None,
        Ok(_) => Some("Error in generating this worker's configuration form.".into()),
    }
}

fn html(
    snapshot: &Snapshot,
    worker: &StatusWorker,
    query: &Query,
    refusal: Option<Refusal>,
) -> Option<String> {
    let page = Page::new(snapshot, worker, query, refusal).render();
    if let Err(error) = &page {
        tracing::error!(%error, "the status page cannot be rendered");
    }
    page.ok()
}

fn failed() -> Response<Full<Bytes>> {
    let mut response = answer("text/plain; charset=utf-8", String::new());
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response
}

/// How it went: `type` and `message`.
fn result<'a>(report: &'a Result<Report<'_>, Refusal>) -> (&'static str, &'a str) {
    match report {
        Ok(_) => ("OK", "Action finished"),
        Err(refusal) => ("ERROR", refusal),
    }
}

fn result_fields<'a>(report: &'a Result<Report<'_>, Refusal>) -> [Field<'a>; 2] {
    let (kind, message) = result(report);
    [Field::text("type", kind), Field::text("message", message)]
}

/// `NAME=VALUE`, a line each.
fn dumped(text: &mut String, properties: &[(&str, &str)]) {
    for (name, value) in properties {
        let start = text.len();
        text.extend([name, "=", value]);
        one_line(text, start);
        text.push('\n');
    }
}

/// Whatever stands in names and values: what was written since `start` stays one line.
fn one_line(text: &mut String, start: usize) {
    let is_plain = |written: &str| !written.contains(char::is_control);
    if !text.get(start..).is_none_or(is_plain) {
        let written = text.split_off(start);
        text.extend(
            written
                .chars()
                .map(|c| if c.is_control() { '?' } else { c }),
        );
    }
}

fn answer(content_type: &'static str, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(text)));
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, content_type),
        (header::CACHE_CONTROL, "no-cache"),
        (header::PRAGMA, "no-cache"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        // Its forms have to tell that they are ours.
        (header::REFERRER_POLICY, "same-origin"),
        // Nothing from elsewhere and no script; forms lead back here: whatever a name contains, it
        // is text.
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests;
