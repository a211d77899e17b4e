//! The Prometheus endpoint: `GET /metrics` on an address of its own (`--metrics`).

use std::{io, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, Method, Response, StatusCode, header};
use http_body_util::Full;
use jkworkers::model::ClientRules;
use tokio::{
    net::{TcpListener, TcpStream},
    select,
    time::{interval, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{
    http1::{self, Body, Head, Reply, Service},
    listener::Opened,
    serve::Shared,
    snapshot,
    stats::{self, Exporter},
    strict::Refusal,
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

/// Lets scrapers in.
pub(crate) fn listen(bound: Opened) -> io::Result<TcpListener> {
    let socket = bound.listen()?.pop().ok_or(io::ErrorKind::NotFound)?;
    let listener = TcpListener::from_std(socket)?;
    tracing::info!("metrics on http://{}/metrics", listener.local_addr()?);
    Ok(listener)
}

/// One scraper, one answer.
struct Scraper {
    exporter: Arc<Exporter>,
    shared: Arc<Shared>,
    rules: Arc<ClientRules>,
}

impl Service for Scraper {
    type Answer = Full<Bytes>;

    fn rules(&self) -> Arc<ClientRules> {
        self.rules.clone()
    }

    async fn answer(&self, head: Head, _body: Body) -> Reply<Full<Bytes>> {
        if head.method == Method::GET && head.path() == b"/metrics" {
            return reply(metrics(&self.exporter, &self.shared));
        }
        reply(nothing(StatusCode::NOT_FOUND))
    }

    async fn refuse(&self, _head: Head, refusal: Refusal) -> Reply<Full<Bytes>> {
        tracing::debug!("a scraper was refused: {refusal}");
        reply(nothing(refusal.status()))
    }

    fn panicked(&self) -> Reply<Full<Bytes>> {
        reply(nothing(StatusCode::INTERNAL_SERVER_ERROR))
    }
}

async fn answer(stream: TcpStream, exporter: &Arc<Exporter>, shared: &Arc<Shared>) {
    let scraper = Scraper {
        exporter: exporter.clone(),
        shared: shared.clone(),
        rules: Arc::new(ClientRules {
            keep_alive: false,
            ..ClientRules::default()
        }),
    };
    http1::serve(stream, scraper, CancellationToken::new()).await;
}

fn reply(response: Response<Full<Bytes>>) -> Reply<Full<Bytes>> {
    Reply {
        response: response.into(),
        rules: None,
    }
}

fn nothing(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}

fn metrics(exporter: &Exporter, shared: &Shared) -> Response<Full<Bytes>> {
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
            let name = &endpoint.worker.name;
            let pool = &endpoint.pool;
            stats::report_pool(name, (pool.id(), &pool.stats()), &mut tally);
        }
    }
    shared.retired.report(|name, pool| {
        let mut endpoints = snapshot.groups().flat_map(|group| &group.endpoints);
        let is_back = endpoints.any(|endpoint| *endpoint.worker.name == *name);
        stats::report_retired(name, (pool.id(), &pool.stats()), is_back, &mut tally);
    });
    tally.end();
}
