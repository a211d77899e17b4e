//! The two web servers.

use std::{fs, net::SocketAddr, num::NonZeroUsize};

use jkd::{
    serve::{self, Layout, Running, Settings},
    snapshot::{self, now},
};
use jkd_tests::{Http, Httpd, LONG};
use jkworkers::{LoadOptions, load};

use super::stage::{Fact, Server};

/// jkd in this process.
pub(crate) struct Jkd {
    running: Running,
    address: SocketAddr,
}

impl Jkd {
    /// Serves these files.
    pub(crate) fn start(workers: &str, jk_conf: &str, files: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let write =
            |name: &str, text: &str| fs::write(directory.path().join(name), text).expect("a file");
        write("workers.properties", &without_probes(workers));
        write(
            "httpd.conf",
            &format!("JkWorkersFile workers.properties\n{jk_conf}"),
        );
        for (name, text) in files {
            write(name, text);
        }
        let loaded = load(&LoadOptions {
            config: Some(directory.path().join("httpd.conf")),
            listen: vec!["127.0.0.1:0".to_owned()],
            ..LoadOptions::default()
        });
        let model = loaded
            .model
            .unwrap_or_else(|| panic!("{}\n{workers}", loaded.diagnostics));
        let settings = Settings {
            threads: NonZeroUsize::MIN,
            layout: Layout::Lanes,
            drain: LONG,
            ..Settings::default()
        };
        let running = serve::start(model, settings).expect("jkd starts");
        let address = running.addresses()[0];
        Self { running, address }
    }
}

/// Requests find out whether members work again, as in mod_jk, unless a case says otherwise.
fn without_probes(workers: &str) -> String {
    let member = |line: &str| Some(line.split_once(".port=")?.0.to_owned());
    let lines = workers.lines().filter_map(member);
    let lines = lines.map(|member| format!("{member}.probe_interval=0\n"));
    if workers.contains("probe_interval") {
        return workers.to_owned();
    }
    format!("{workers}\n{}", lines.collect::<String>())
}

impl Server for Jkd {
    fn address(&self) -> SocketAddr {
        self.address
    }

    fn members(&self, fact: Fact) -> Vec<(String, String)> {
        let snapshot = self.running.snapshot();
        let Some(snapshot::Running::Group(group)) = snapshot.worker("lb") else {
            panic!("no balancer");
        };
        let view = group.balancer.view(now());
        let members = view.members.iter().zip(&view.config.members);
        let pair = |(seen, member): (&jkd::balancer::MemberView, &jkworkers::model::Member)| {
            let fact = match fact {
                Fact::Elected => seen.counts.elected.to_string(),
                Fact::Errors => seen.counts.errors.to_string(),
                Fact::Read => seen.counts.read.to_string(),
                Fact::State => seen.state.text().to_owned(),
            };
            (member.worker.name.to_string(), fact)
        };
        members.map(pair).collect()
    }
}

impl Server for Httpd {
    fn address(&self) -> SocketAddr {
        self.address
    }

    /// From the status page in the form of properties.
    fn members(&self, fact: Fact) -> Vec<(String, String)> {
        let page = Http::new(self.address).get("/jk-status?mime=prop").text();
        let value = |key: &str| {
            let line = page
                .lines()
                .find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
            line.unwrap_or_else(|| panic!("no {key} in {page}"))
                .to_owned()
        };
        let names = page
            .lines()
            .filter_map(|l| l.strip_prefix("worker.lb.balance_workers="));
        let key = match fact {
            Fact::Elected => "elected",
            Fact::Errors => "errors",
            Fact::Read => "read",
            Fact::State => "state",
        };
        names
            .map(|name| (name.to_owned(), value(&format!("worker.{name}.{key}"))))
            .collect()
    }
}
