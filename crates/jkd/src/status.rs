//! The status page: balancers, members and what they are doing. It only shows.

mod view;

use std::sync::Arc;

use askama::Template;
use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::Full;
use jkworkers::{diff, model::StatusWorker};
use tokio::task::spawn_blocking;

use self::view::Page;
use crate::{answer::Answer, http1::Head, snapshot::Snapshot};

const CSS: &str = include_str!("../templates/status.css");
const CSS_QUERY: &str = "css";

/// The command that gives what files say as JSON, as `jkd show --format json` does: for
/// `jkd check --against`.
const CONFIGURATION: &str = "config";

/// Answers a request at the mount of a status worker, whatever its path: only the query counts.
///
/// As in mod_jk the status is 200 also where something is refused. What has to be written may be
/// long: no lane waits for it.
pub(crate) async fn respond(
    snapshot: &Arc<Snapshot>,
    worker: &Arc<StatusWorker>,
    head: &Head,
) -> Response<Answer> {
    let (snapshot, worker) = (snapshot.clone(), worker.clone());
    let query = String::from_utf8_lossy(head.query().unwrap_or_default()).into_owned();
    let write = move || page(&snapshot, &worker, &query);
    let written = spawn_blocking(write).await;
    // A panic was reported when it happened.
    written.unwrap_or_else(|_| failed()).map(Into::into)
}

fn page(snapshot: &Snapshot, worker: &StatusWorker, query: &str) -> Response<Full<Bytes>> {
    if query == CSS_QUERY {
        return answer("text/css; charset=utf-8", CSS.to_owned());
    }
    // Nobody is authenticated here, so a list of users lets nobody in.
    if !worker.users.is_empty() {
        return answer("text/plain; charset=utf-8", "Access denied.\n".to_owned());
    }
    let command = parameter(query, "cmd");
    if command == Some(CONFIGURATION) {
        let document = diff::document(&snapshot.configured);
        return answer("application/json", document.to_string());
    }
    match Page::new(snapshot, worker, command).render() {
        Ok(html) => answer("text/html; charset=utf-8", html),
        Err(error) => {
            tracing::error!(%error, "the status page cannot be rendered");
            failed()
        }
    }
}

fn failed() -> Response<Full<Bytes>> {
    let mut response = answer("text/plain; charset=utf-8", String::new());
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response
}

/// The last value of a parameter, as it was sent.
fn parameter<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    let pairs = query
        .split('&')
        .rev()
        .filter_map(|pair| pair.split_once('='));
    pairs
        .into_iter()
        .find_map(|(key, value)| (key == name).then_some(value))
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
mod tests {
    use super::*;

    #[test]
    fn the_last_value_of_a_parameter_counts() {
        assert_eq!(parameter("cmd=a&x=1&cmd=b", "cmd"), Some("b"));
        assert_eq!(parameter("xcmd=a&cmd", "cmd"), None);
    }

    #[test]
    fn the_style_sheet_is_served_from_the_same_address() {
        // The template links to it by this query alone, so that any mount will do.
        assert!(include_str!("../templates/status.html").contains(r#"href="?css""#));
        assert_eq!(CSS_QUERY, "css");
    }
}
