//! A page that takes its time.

use std::time::Duration;

use http::{Request, StatusCode};
use tokio::time::sleep;

use super::application::{Answer, Application};
use super::page;

/// The longest wait, in milliseconds: an hour.
const MAX: u64 = 3_600_000;

pub(super) async fn answer<B>(application: &Application, request: &Request<B>) -> Answer {
    let milliseconds = page::number(request.uri(), "ms").unwrap_or(1000).min(MAX);
    sleep(Duration::from_millis(milliseconds)).await;
    let node = &application.node;
    page::text(StatusCode::OK, format!("{node} took {milliseconds} ms\n"))
}
