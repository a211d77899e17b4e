//! The application that every node runs: which path is which page.

use std::sync::Arc;

use ajp13::server::RequestBody;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{Either, Full};

use super::download::{self, Download};
use super::sessions::Sessions;
use super::{counter, echo, page, slow, upload};

/// A page is in memory, a download is not.
pub(super) type Answer = Response<Either<Full<Bytes>, Download>>;

/// One node's instance; cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Application {
    pub(super) node: Arc<str>,
    pub(super) sessions: Arc<Sessions>,
}

impl Application {
    pub(super) fn new(node: Arc<str>, sessions: Arc<Sessions>) -> Self {
        Self { node, sessions }
    }

    pub(super) async fn answer(self, request: Request<RequestBody>) -> Answer {
        let path = request.uri().path();
        // A session id in the path is not part of the page's name.
        match path.split(';').next().unwrap_or(path) {
            "/" => page::html(&page::Index { node: &self.node }),
            "/counter" => counter::answer(&self, &request),
            "/download" => download::answer(&request),
            "/slow" => slow::answer(&self, &request).await,
            "/upload" => upload::answer(&self, request).await,
            page if page == "/echo" || page.starts_with("/echo/") => echo::answer(&self, &request),
            _ => page::text(StatusCode::NOT_FOUND, "there is no such page\n"),
        }
    }
}
