//! `jkd demo`: the daemon in front of two application servers, with nothing to set up.

mod tomcat;

use std::{
    error::Error,
    fs,
    io::{self, Write as _},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use jkworkers::{
    LoadOptions,
    model::{AjpWorker, LogLevel, Model, WorkerKind},
};
use tempfile::TempDir;
use tokio::{
    runtime::Runtime,
    select,
    signal::unix::{SignalKind, signal},
};

use self::tomcat::Tomcats;
use super::Outcome;
use crate::{
    demo::{Backends, Node},
    logging::Logging,
    serve::{self, Settings},
};

/// The file that the demo runs; it is shipped as `workers.properties.example`.
const EXAMPLE: &str = include_str!("../../../../workers.properties.example");

/// Try it out: the daemon in front of two application servers
///
/// Starts the daemon with the shipped workers.properties.example, in front of two small AJP
/// application servers that are part of this program, or with --tomcat of two real Tomcats that
/// replicate their sessions. Ends with Ctrl-C and leaves nothing behind.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Address to accept HTTP on
    #[arg(short, long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    listen: String,
    /// Start two real Tomcat 10s: those of CATALINA_HOME, or Debian's tomcat10 package
    #[arg(long)]
    tomcat: bool,
    /// Say this much in the log: error, warn, info, debug or trace
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    log_level: super::run::Level,
}

pub(super) fn main(args: &Args) -> Outcome {
    let _logging = Logging::to_standard_error(LogLevel::from(args.log_level));
    let runtime = Runtime::new()?;
    let directory = tempfile::Builder::new().prefix("jkd-demo-").tempdir()?;
    let mut demo = Demo {
        runtime,
        directory,
        servers: Servers::None,
    };
    let ended = demo.run(args);
    demo.stop();
    ended?;
    Ok(ExitCode::SUCCESS)
}

struct Demo {
    runtime: Runtime,
    directory: TempDir,
    servers: Servers,
}

/// What is behind the daemon.
enum Servers {
    None,
    Embedded(Backends),
    Tomcats(Tomcats),
}

/// Why the demo ends without having run.
#[derive(Debug, thiserror::Error)]
#[error("stopped")]
struct Stopped;

impl Demo {
    fn run(&mut self, args: &Args) -> Result<(), Box<dyn Error>> {
        // Before anything is started: from here on Ctrl-C means an orderly end.
        let stop = self.runtime.block_on(async { Stop::listen() })?;
        let mut stop = stop;
        let members = members(&self.load(args, EXAMPLE)?);
        let ports = self.start_servers(args, &members, &mut stop)?;
        let model = self.load(args, &with_ports(EXAMPLE, &members, &ports))?;
        let running = serve::start(model, Settings::default())
            .map_err(|error| format!("{error}\n    remedy: choose another one with --listen"))?;
        self.announce(&running.addresses())?;
        self.runtime.block_on(stop.wait());
        println!("\nstopping");
        running.shutdown();
        Ok(())
    }

    /// Reads the settings as `jkd run` would, from a file.
    fn load(&self, args: &Args, workers: &str) -> Result<Model, Box<dyn Error>> {
        let path = self.path("workers.properties");
        fs::write(&path, workers)?;
        let loaded = jkworkers::load(&LoadOptions {
            workers: Some(path),
            listen: vec![args.listen.clone()],
            ..LoadOptions::default()
        });
        loaded
            .model
            .ok_or_else(|| loaded.diagnostics.to_string().into())
    }

    /// Starts an application server for each member; returns their ports.
    fn start_servers(
        &mut self,
        args: &Args,
        members: &[Arc<AjpWorker>],
        stop: &mut Stop,
    ) -> Result<Vec<u16>, Box<dyn Error>> {
        if args.tomcat {
            let tomcats = Tomcats::prepare(self.directory.path(), members)?;
            let ports = tomcats.ports();
            self.servers = Servers::Tomcats(tomcats);
            self.start_tomcats(stop)?;
            return Ok(ports);
        }
        let nodes = members.iter().map(|member| Node::of(member));
        let backends = self.runtime.block_on(Backends::start(nodes))?;
        for node in backends.nodes().iter().filter(|node| node.moved) {
            println!(
                "the port of {} is in use: it listens on {}",
                node.name, node.address
            );
        }
        let ports = backends
            .nodes()
            .iter()
            .map(|node| node.address.port())
            .collect();
        self.servers = Servers::Embedded(backends);
        Ok(ports)
    }

    fn start_tomcats(&mut self, stop: &mut Stop) -> Result<(), Box<dyn Error>> {
        let Servers::Tomcats(tomcats) = &mut self.servers else {
            return Ok(());
        };
        self.runtime.block_on(async {
            select! {
                started = tomcats.start() => Ok(started?),
                () = stop.wait() => Err(Stopped.into()),
            }
        })
    }

    fn announce(&self, addresses: &[SocketAddr]) -> io::Result<()> {
        let mut out = io::stdout().lock();
        let pages: &[(&str, &str)] = match &self.servers {
            Servers::Tomcats(_) => &[("/", "session counter, a JSP that names its Tomcat")],
            _ => &[
                ("/", "what there is"),
                (
                    "/counter",
                    "session counter, which names the server it came from",
                ),
                ("/echo", "everything the server was told about the request"),
                ("/slow?ms=2000", "an answer that takes its time"),
                ("/upload", "counts what arrives"),
                ("/download?bytes=1000000", "as many bytes as asked"),
            ],
        };
        let status = ("/jk-status", "balancer, members and their states");
        for address in addresses {
            writeln!(out)?;
            for (path, what) in pages.iter().chain([&status]) {
                let url = format!("http://{address}{path}");
                writeln!(out, "  {url:<48} {what}")?;
            }
        }
        writeln!(out, "\nCtrl-C stops everything.")?;
        out.flush()
    }

    /// Ends what was started; also after an error half-way.
    fn stop(self) {
        match self.servers {
            Servers::None => {}
            Servers::Embedded(backends) => self.runtime.block_on(backends.shutdown()),
            Servers::Tomcats(tomcats) => tomcats.stop(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        Path::new(self.directory.path()).join(name)
    }
}

/// Ctrl-C, SIGTERM, and the end of the terminal.
struct Stop([tokio::signal::unix::Signal; 3]);

impl Stop {
    fn listen() -> io::Result<Self> {
        Ok(Self([
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
            signal(SignalKind::hangup())?,
        ]))
    }

    async fn wait(&mut self) {
        let [interrupt, terminate, hangup] = &mut self.0;
        select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}

/// The members of all balancers.
fn members(model: &Model) -> Vec<Arc<AjpWorker>> {
    let balancers = model
        .workers
        .iter()
        .filter_map(|worker| match &worker.kind {
            WorkerKind::Balancer(balancer) => Some(balancer),
            _ => None,
        });
    let members = balancers.flat_map(|balancer| &balancer.members);
    members.map(|member| Arc::clone(&member.worker)).collect()
}

/// The file with the ports where the application servers really listen.
fn with_ports(text: &str, members: &[Arc<AjpWorker>], ports: &[u16]) -> String {
    let changes = members.iter().zip(ports);
    changes.fold(text.to_owned(), |text, (member, port)| {
        let written = format!("worker.{}.port={}", member.name, member.port);
        text.replace(&written, &format!("worker.{}.port={port}", member.name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_is_valid_and_its_ports_can_be_moved() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("workers.properties");
        let load = |text: &str| {
            fs::write(&path, text).unwrap();
            let options = LoadOptions {
                workers: Some(path.clone()),
                ..LoadOptions::default()
            };
            let loaded = jkworkers::load(&options);
            assert!(loaded.diagnostics.is_empty(), "{}", loaded.diagnostics);
            members(&loaded.model.unwrap())
        };
        let before = load(EXAMPLE);
        let names: Vec<_> = before.iter().map(|member| &*member.name).collect();
        assert_eq!(names, ["tomcat1", "tomcat2"]);
        let after = load(&with_ports(EXAMPLE, &before, &[1, 2]));
        let ports: Vec<_> = after.iter().map(|member| member.port).collect();
        assert_eq!(ports, [1, 2]);
    }
}
