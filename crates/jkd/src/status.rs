//! Status workers: balancers, members and what they are doing, in several forms. They only show.

mod json;
mod prop;
mod query;
mod rating;
mod report;
mod txt;
mod view;
mod xml;

use std::sync::Arc;

use askama::Template;
use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
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
}

impl Asked {
    /// A request of nobody in particular.
    fn by(facts: &Facts<'_>) -> Self {
        Self {
            query: facts.head.query().unwrap_or_default().into(),
            server_name: facts.server_name.to_owned(),
            server_port: facts.server_port,
            user: facts.claims.proven_user().map(str::to_owned),
        }
    }
}

/// Answers a request at the mount of a status worker, whatever its path: only the query counts.
///
/// As in mod_jk the status is 200 also where something is refused. What has to be written may be
/// long: no lane waits for it.
pub(crate) async fn respond(
    snapshot: &Arc<Snapshot>,
    worker: &Arc<StatusWorker>,
    facts: &Facts<'_>,
) -> Response<Answer> {
    let asked = Asked::by(facts);
    let (snapshot, worker) = (snapshot.clone(), worker.clone());
    let written = spawn_blocking(move || page(&snapshot, &worker, &asked)).await;
    // A panic was reported when it happened.
    written.unwrap_or_else(|_| failed()).map(Into::into)
}

fn page(snapshot: &Snapshot, worker: &StatusWorker, asked: &Asked) -> Response<Full<Bytes>> {
    if asked.query == CSS_QUERY {
        return answer("text/css; charset=utf-8", CSS.to_owned());
    }
    let query = Query::read(&asked.query);
    let report = if admits(worker, asked.user.as_deref()) {
        checked(snapshot, worker, asked, &query)
    } else {
        Err("Access denied.")
    };
    if let Err(refusal) = &report {
        tracing::warn!("status page: {refusal}");
    }
    if query.command == Command::Config && report.is_ok() {
        return answer(JSON, diff::document(&snapshot.configured).to_string());
    }
    let prefix = worker.prefix.as_deref().unwrap_or("worker");
    let (content_type, text) = match query.form {
        Form::Html => (HTML, html(snapshot, worker, &query, report.err())),
        Form::Json => (JSON, json::render(&report).ok()),
        Form::Properties | Form::Unknown => ("text/plain", Some(prop::render(prefix, &report))),
        Form::Text => ("text/plain", Some(txt::render(&report))),
        Form::Xml => ("text/xml", Some(xml::render(worker, &report))),
    };
    text.map_or_else(failed, |text| answer(content_type, text))
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

fn checked<'a>(
    snapshot: &'a Snapshot,
    worker: &StatusWorker,
    asked: &'a Asked,
    query: &'a Query,
) -> Result<Report<'a>, Refusal> {
    if query.is_broken {
        return Err("Error during parsing of URI");
    }
    let report = report(snapshot, worker, asked, query);
    let is_command = !matches!(query.command, Command::Refused | Command::Unknown);
    if query.form == Form::Unknown && is_command {
        return Err("Invalid mime type.");
    }
    report
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
fn result(report: &Result<Report<'_>, Refusal>) -> (&'static str, &'static str) {
    match report {
        Ok(_) => ("OK", "Action finished"),
        Err(refusal) => ("ERROR", refusal),
    }
}

fn result_fields(report: &Result<Report<'_>, Refusal>) -> [Field<'static>; 2] {
    let (kind, message) = result(report);
    [Field::text("type", kind), Field::text("message", message)]
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
        (header::REFERRER_POLICY, "no-referrer"),
        // Nothing from elsewhere, no script, no form: whatever a name contains, it is text.
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests;
