//! A client as a tower service.

use std::pin::Pin;
use std::task::{Context, Poll};

use http::{Request, Response};

use super::Client;
use crate::body::Body;
use crate::error::{BoxError, Error};

/// Always ready: a pool with a maximum lets requests wait in the call, where the time they wait
/// is limited.
impl<B> tower_service::Service<Request<B>> for Client
where
    B: http_body::Body + Unpin + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let client = self.clone();
        Box::pin(async move { client.send(request).await })
    }
}
