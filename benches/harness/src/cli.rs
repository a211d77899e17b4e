//! The command line.

use std::{io, net::SocketAddr, time::Duration};

use ajp13::wire::PacketSize;
use clap::{Args, Parser, Subcommand};
use tokio::io::AsyncReadExt;

use crate::{
    backend::{self, Backend},
    calls, conduct,
    floor::Floor,
    instructions,
    load::{self, Timing},
    peer::PEERS,
    report,
    scenario::{self, SCENARIOS},
};

/// Measures jkd beside other front ends.
#[derive(Debug, Parser)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Measure: each scenario on each front end
    Run(conduct::Options),
    /// Count system calls under load, with perf
    Calls(conduct::Options),
    /// Count instructions in user space, with valgrind
    Instructions(instructions::Counting),
    /// Write tables and plots of results
    Report(report::Options),
    /// Say which front ends and scenarios there are
    List,
    /// Print the Debian packages that front ends need
    Packages(conduct::Options),
    /// Be the synthetic backend, until standard input ends
    Backend(backend::Options),
    /// Be the floor
    Floor(FloorArgs),
    /// Load an address, and print what came of it
    Load(LoadArgs),
}

#[derive(Args, Debug)]
struct FloorArgs {
    /// Address to listen on
    #[arg(long)]
    listen: SocketAddr,
    /// Name and address of a node: node1=127.0.0.1:8009
    #[arg(long, value_parser = node)]
    node: Vec<(String, SocketAddr)>,
    /// Threads, each with a runtime of its own
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// Bytes of the largest AJP packet
    #[arg(long, default_value_t = PacketSize::DEFAULT.max_packet())]
    packet_size: usize,
}

#[derive(Args, Debug)]
struct LoadArgs {
    /// Where to
    address: SocketAddr,
    /// What: one of the scenarios
    #[arg(long, default_value = "c64")]
    scenario: String,
    /// Seconds that are measured
    #[arg(long, default_value_t = 4.0)]
    seconds: f64,
    /// Seconds of load before that
    #[arg(long, default_value_t = 1.0)]
    warm_up: f64,
}

fn node(text: &str) -> Result<(String, SocketAddr), String> {
    let (name, address) = text.split_once('=').ok_or("needs NAME=ADDRESS")?;
    let address = address
        .parse()
        .map_err(|error| format!("{address}: {error}"))?;
    Ok((name.into(), address))
}

impl Cli {
    /// Does what the command line says.
    ///
    /// # Errors
    /// When that fails.
    pub fn run(self) -> io::Result<()> {
        match self.command {
            Command::Floor(args) => floor(&args),
            Command::List => {
                list();
                Ok(())
            }
            Command::Packages(options) => packages(&options),
            Command::Report(options) => report::write(&options),
            Command::Calls(options) => {
                calls::prepare()?;
                block_on(until_signal(calls::run(&options)))
            }
            Command::Instructions(counting) => block_on(until_signal(instructions::run(&counting))),
            Command::Run(options) => block_on(until_signal(conduct::run(&options))),
            Command::Backend(options) => block_on(serve_backend(options)),
            Command::Load(args) => block_on(load(&args)),
        }
    }
}

fn block_on<T>(work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    raise_descriptors()?;
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(work)
}

/// Ends what was started also when somebody ends this.
async fn until_signal(work: impl Future<Output = io::Result<()>>) -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    tokio::select! {
        done = work => done,
        _ = tokio::signal::ctrl_c() => Err(io::Error::other("interrupted")),
        _ = terminate.recv() => Err(io::Error::other("terminated")),
        _ = hang_up.recv() => Err(io::Error::other("hung up")),
    }
}

/// As many descriptors as one may have: for thousands of connections.
fn raise_descriptors() -> io::Result<()> {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    Ok(setrlimit(Resource::Nofile, limit)?)
}

fn list() {
    println!("front ends (those with * are measured unless others are named):");
    for peer in &PEERS {
        let mark = if peer.is_default { '*' } else { ' ' };
        println!("{mark} {:15} {}", peer.name, peer.title);
    }
    println!("\nscenarios:");
    for scenario in &SCENARIOS {
        println!("  {:15} {}", scenario.name, scenario.title);
    }
}

fn packages(options: &conduct::Options) -> io::Result<()> {
    let mut packages: Vec<_> = options
        .peers()?
        .iter()
        .flat_map(|peer| peer.packages)
        .collect();
    packages.sort();
    packages.dedup();
    packages.iter().for_each(|package| println!("{package}"));
    Ok(())
}

async fn serve_backend(options: backend::Options) -> io::Result<()> {
    let backend = Backend::bind(options)?;
    let addresses = backend.addresses()?;
    let all: Vec<_> = addresses.ajp.into_iter().chain(addresses.http).collect();
    println!("{}", serde_json::to_string(&all)?);
    let (mut input, mut byte) = (tokio::io::stdin(), [0]);
    tokio::select! {
        () = backend.serve() => Ok(()),
        ended = input.read(&mut byte) => ended.map(drop),
    }
}

fn floor(args: &FloorArgs) -> io::Result<()> {
    raise_descriptors()?;
    let nodes: Vec<_> = args
        .node
        .iter()
        .map(|(name, address)| (&**name, *address))
        .collect();
    let size = PacketSize::rounded(args.packet_size);
    let one = || -> io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(async {
            Floor::bind(args.listen, &nodes, size)?.serve().await;
            Ok(())
        })
    };
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..args.threads).map(|_| scope.spawn(one)).collect();
        one()?;
        others.into_iter().try_for_each(|other| {
            other
                .join()
                .map_err(|_| io::Error::other("a thread panicked"))?
        })
    })
}

async fn load(args: &LoadArgs) -> io::Result<()> {
    let scenario = scenario::find(&args.scenario)
        .ok_or_else(|| io::Error::other("there is no such scenario: `list` prints them"))?;
    let timing = Timing {
        warm_up: Duration::from_secs_f64(args.warm_up),
        measured: Duration::from_secs_f64(args.seconds),
    };
    let outcome = load::run(args.address, &scenario.plan, timing, |_| ()).await?;
    println!("{}", serde_json::to_string_pretty(&outcome)?);
    Ok(())
}
