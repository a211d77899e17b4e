//! The Prometheus endpoint: `GET /metrics` on an address of its own (`--metrics`).

use std::{convert::Infallible, io, net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    select,
    time::{interval, sleep, timeout},
};

use crate::{
    serve::Shared,
    snapshot,
    stats::{self, Exporter},
};

/// How often durations are folded into their histograms.
const UPKEEP: Duration = Duration::from_secs(5);

/// How often members that are gone are looked for, whether or not somebody scrapes.
const MINUTE: Duration = Duration::from_secs(60);

/// What one scraper may take for everything.
const PATIENCE: Duration = Duration::from_secs(10);

/// Answers scrapers one after the other: there are few, and none is in a hurry.
pub(crate) async fn serve(listener: TcpListener, exporter: Arc<Exporter>, shared: Arc<Shared>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let answered = answer(stream, &exporter, &shared);
                if timeout(PATIENCE, answered).await.is_err() {
                    tracing::debug!("a scraper was too slow");
                }
            }
            Err(_) => sleep(Duration::from_secs(1)).await,
        }
    }
}

/// Folds durations, and forgets members that are gone, for as long as it runs.
pub(crate) async fn keep_up(exporter: Arc<Exporter>, shared: Arc<Shared>) {
    let (mut ticks, mut minutes) = (interval(UPKEEP), interval(MINUTE));
    loop {
        select! {
            _ = ticks.tick() => exporter.upkeep(),
            _ = minutes.tick() => {
                report(&shared, &exporter);
                drop(exporter.render());
            }
        }
    }
}

/// Opens the endpoint's socket.
pub(crate) async fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address).await?;
    tracing::info!("metrics on http://{}/metrics", listener.local_addr()?);
    Ok(listener)
}

async fn answer(stream: TcpStream, exporter: &Exporter, shared: &Shared) {
    let service = service_fn(|request: Request<Incoming>| async move {
        Ok::<_, Infallible>(respond(&request, exporter, shared))
    });
    let mut http = http1::Builder::new();
    let connection = http
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = connection.await {
        tracing::debug!(%error, "a scraper went away");
    }
}

fn respond<B>(request: &Request<B>, exporter: &Exporter, shared: &Shared) -> Response<Full<Bytes>> {
    if request.method() != Method::GET || request.uri().path() != "/metrics" {
        let mut missing = Response::new(Full::default());
        *missing.status_mut() = StatusCode::NOT_FOUND;
        return missing;
    }
    report(shared, exporter);
    let mut response = Response::new(Full::from(exporter.render()));
    let text = HeaderValue::from_static(Exporter::CONTENT_TYPE);
    response.headers_mut().insert(header::CONTENT_TYPE, text);
    response
}

/// Copies what balancers and pools count for themselves.
fn report(shared: &Shared, exporter: &Exporter) {
    let mut tally = exporter.tally.lock();
    let snapshot = shared.snapshot.load();
    for group in snapshot.groups() {
        group.requests.report();
        if group.is_balancer {
            stats::report_balancer(
                &group.name,
                &group.balancer.view(snapshot::now()),
                &mut tally,
            );
        }
        for endpoint in &group.endpoints {
            stats::report_pool(&endpoint.worker.name, &endpoint.pool.stats(), &mut tally);
        }
    }
    tally.end();
}
