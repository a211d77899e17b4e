//! A daemon in this process, its configuration, and a raw client.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    num::NonZeroUsize,
    sync::Arc,
    time::Duration,
};

use ajp13::{Pool, PoolOptions, PoolStats};
use jkd::{
    balancer::{MemberState, View},
    serve::{self, Layout, Running, Settings},
    snapshot::{self, Group},
};
use jkd_tests::{Backend, Http, LONG};
use jkworkers::{
    LoadOptions,
    diag::Origin,
    model::{Global, Host, Listen, Model, Mount, MountSource, RuleExtensions, UriMatch},
    uri_map::UriMap,
    workers_properties::{self, Source},
};

/// A daemon that listens on a free port of 127.0.0.1.
pub(crate) struct Daemon {
    pub(crate) running: Running,
    pub(crate) address: SocketAddr,
}

impl Daemon {
    /// Serves `workers` (the text of a workers.properties file) at `mounts` (`URI=WORKER`).
    pub(crate) fn start(workers: &str, mounts: &[&str]) -> Self {
        Self::with(model(workers, mounts), Layout::Lanes)
    }

    /// Serves `conf` (the text of a jk.conf) with `workers`.
    pub(crate) fn configured(workers: &str, conf: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let [config, workers_file] =
            ["jk.conf", "workers.properties"].map(|n| directory.path().join(n));
        fs::write(&config, conf).unwrap();
        fs::write(&workers_file, workers).unwrap();
        let loaded = jkworkers::load(&LoadOptions {
            config: Some(config),
            workers: Some(workers_file),
            listen: vec!["127.0.0.1:0".into()],
            ..LoadOptions::default()
        });
        let model = loaded
            .model
            .unwrap_or_else(|| panic!("{}", loaded.diagnostics));
        Self::with(model, Layout::Lanes)
    }

    pub(crate) fn with(model: Model, layout: Layout) -> Self {
        Self::set(model, layout, LONG)
    }

    /// Waits only so long for requests in flight when it ends.
    pub(crate) fn impatient(model: Model, drain: Duration) -> Self {
        Self::set(model, Layout::Lanes, drain)
    }

    fn set(model: Model, layout: Layout, drain: Duration) -> Self {
        let settings = Settings {
            threads: NonZeroUsize::new(2).unwrap(),
            layout,
            drain,
            ..Settings::default()
        };
        let running = serve::start(model, settings).unwrap();
        let address = running.addresses()[0];
        Self { running, address }
    }

    /// In front of one stand-alone worker, mounted everywhere.
    pub(crate) fn before(backend: &Backend) -> Self {
        Self::before_with(backend, "")
    }

    /// As before, with further lines about the worker `w`.
    pub(crate) fn before_with(backend: &Backend, lines: &str) -> Self {
        let port = backend.address.port();
        let workers =
            format!("worker.list=w\nworker.w.host=127.0.0.1\nworker.w.port={port}\n{lines}\n");
        Self::start(&workers, &["/*=w"])
    }

    /// The state of a member, as the status page names it.
    pub(crate) fn state(&self, balancer: &str, member: usize) -> &'static str {
        self.member(balancer, member, |member| member.state().text())
    }

    pub(crate) fn in_flight(&self, balancer: &str, member: usize) -> u32 {
        self.member(balancer, member, MemberState::in_flight)
    }

    pub(crate) fn view(&self, balancer: &str) -> View {
        self.group(balancer, |group| group.balancer.view(snapshot::now()))
    }

    pub(crate) fn elected(&self, balancer: &str, member: usize) -> u64 {
        self.group(balancer, |group| {
            group.balancer.view(snapshot::now()).members[member]
                .totals
                .elected
        })
    }

    /// How connections to a member are made.
    pub(crate) fn pool_options(&self, balancer: &str, member: usize) -> PoolOptions {
        self.group(balancer, |group| {
            group.endpoints[member].pool.options().clone()
        })
    }

    /// Probes of a member in the background: answered ones, and others.
    pub(crate) fn probes(&self, balancer: &str, member: usize) -> (u64, u64) {
        self.group(balancer, |group| {
            group.balancer.view(snapshot::now()).members[member].probes
        })
    }

    pub(crate) fn pool_stats(&self, balancer: &str, member: usize) -> PoolStats {
        self.group(balancer, |group| group.endpoints[member].pool.stats())
    }

    /// The connections of a member.
    pub(crate) fn pool(&self, balancer: &str, member: usize) -> Pool {
        self.group(balancer, |group| group.endpoints[member].pool.clone())
    }

    fn member<T>(&self, balancer: &str, member: usize, ask: impl Fn(&MemberState) -> T) -> T {
        self.group(balancer, |group| {
            ask(group.balancer.member(member).unwrap())
        })
    }

    fn group<T>(&self, name: &str, ask: impl Fn(&Group) -> T) -> T {
        match self.running.snapshot().worker(name) {
            Some(snapshot::Running::Group(group)) => ask(group),
            _ => panic!("{name} is no balancer"),
        }
    }

    /// A client with a connection for each request.
    pub(crate) fn http(&self) -> Http {
        Http::new(self.address)
    }

    /// A connection to write bytes to.
    pub(crate) fn raw(&self) -> Raw {
        Raw::new(self.address)
    }

    /// Sends `request` on a connection of its own and reads until the end of the stream.
    pub(crate) fn say(&self, request: &str) -> String {
        let mut raw = self.raw();
        raw.write(request);
        raw.rest()
    }
}

/// A client that writes and reads bytes.
pub(crate) struct Raw(BufReader<TcpStream>);

impl Raw {
    fn new(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self(BufReader::new(stream))
    }

    pub(crate) fn write(&mut self, bytes: &str) {
        self.0.get_mut().write_all(bytes.as_bytes()).unwrap();
    }

    /// The next line, without its end.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// The lines up to an empty one.
    pub(crate) fn head(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            match self.line() {
                line if line.is_empty() => return lines,
                line => lines.push(line),
            }
        }
    }

    pub(crate) fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.0.read_exact(&mut bytes).unwrap();
        bytes
    }

    /// Goes away for good, as a client that is killed.
    pub(crate) fn reset(self) {
        let stream = socket2::SockRef::from(self.0.get_ref());
        stream.set_linger(Some(Duration::ZERO)).unwrap();
    }

    /// Everything up to the end of the stream, however it ends.
    pub(crate) fn rest(&mut self) -> String {
        let mut rest = Vec::new();
        let _ = self.0.read_to_end(&mut rest);
        String::from_utf8_lossy(&rest).into_owned()
    }
}

/// Lines for a balancer `lb` in front of these backends, called a, b, c …
pub(crate) fn balancer(backends: &[SocketAddr], lines: &str) -> String {
    let names: Vec<_> = ('a'..='z').take(backends.len()).map(String::from).collect();
    let mut text = format!(
        "worker.list=lb\nworker.lb.type=lb\nworker.lb.balance_workers={}\n{lines}\n",
        names.join(",")
    );
    for (name, backend) in names.iter().zip(backends) {
        text += &format!(
            "worker.{name}.host={}\nworker.{name}.port={}\n",
            backend.ip(),
            backend.port()
        );
    }
    text
}

/// The model of one host with these workers and mounts.
pub(crate) fn model(workers: &str, mounts: &[&str]) -> Model {
    let source = Source {
        name: "workers.properties",
        bytes: workers.as_bytes(),
    };
    let read = workers_properties::read(&[source], &[], "/", &|_| None);
    assert!(!read.diagnostics.has_errors(), "{}", read.diagnostics);
    let origin = Origin::new("test", 0);
    let host = host(mounts, &origin);
    Model {
        hosts: vec![host],
        listen: vec![Listen {
            address: Some([127, 0, 0, 1].into()),
            port: 0,
            instead_of: None,
            origin,
        }],
        workers: read.workers,
        global: Global {
            maintain: read.maintain,
            resolve_interval: read.resolve_interval,
            ..Global::default()
        },
        files: Vec::new(),
    }
}

/// A host with nothing but mounts.
fn host(mounts: &[&str], origin: &Origin) -> Host {
    Host {
        uri_map: UriMap::new(mounts.iter().map(|m| mount(m, origin))),
        ..Host::new(origin.clone())
    }
}

fn mount(rule: &str, origin: &Origin) -> Mount {
    let (pattern, worker) = rule.split_once('=').unwrap();
    Mount {
        pattern: pattern.into(),
        kind: if pattern.contains(['*', '?']) {
            UriMatch::Wildcard
        } else {
            UriMatch::Exact
        },
        worker: Arc::from(worker),
        exclusion: false,
        disabled: false,
        source: MountSource::JkMount,
        extensions: RuleExtensions::default(),
        activations: Arc::default(),
        origin: origin.clone(),
    }
}
