//! Instructions in user space for each request: what N requests cost is taken from what 3 N cost,
//! and so the start and the end of the program fall out.

use std::{
    fs,
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
};

use clap::Args;

use crate::{
    conduct::{self, Options, backends},
    peer::{Peer, Start},
    record::{Instructions, Line, Writer},
};

/// What is counted, and how.
#[derive(Args, Clone, Debug)]
pub struct Counting {
    #[command(flatten)]
    options: Options,
    /// Requests of the shorter run; the longer one has three times as many
    #[arg(long, default_value_t = 1000)]
    requests: usize,
}

/// Connections that send their requests in step.
const CONNECTIONS: usize = 8;

/// Counts what the options name, and writes each result as soon as it is there.
///
/// # Errors
/// For names that are none, where valgrind is missing, and when a front end does not work.
pub async fn run(counting: &Counting) -> io::Result<()> {
    let options = &counting.options;
    let peers = options.peers()?;
    let mut writer = Writer::open(&options.out)?;
    writer.write(&Line::Machine(options.describe(&peers)))?;
    let directory = conduct::directory()?;
    let mut backends = backends::Backends::new(options.segments);
    for peer in peers {
        let backend = backends.with(peer.packet_size).await?;
        let place = directory.path().join(peer.name);
        let few = total(
            options,
            peer,
            backend,
            &place.join("few"),
            counting.requests,
        )
        .await?;
        let many = total(
            options,
            peer,
            backend,
            &place.join("many"),
            counting.requests * 3,
        )
        .await?;
        let each = (many as f64 - few as f64) / (counting.requests * 2) as f64;
        println!("{:14} {each:.0} instructions a request", peer.name);
        writer.write(&Line::Instructions(Instructions {
            peer: peer.name.into(),
            instructions: each,
        }))?;
    }
    Ok(())
}

/// All instructions of a run with so many requests.
async fn total(
    options: &Options,
    peer: &Peer,
    backend: &backends::Running,
    place: &Path,
    requests: usize,
) -> io::Result<u64> {
    let out = format!("--callgrind-out-file={}/callgrind.%p", place.display());
    let under = [
        "valgrind",
        "--tool=callgrind",
        "--trace-children=yes",
        "-q",
        &out,
    ];
    let start = Start {
        few_threads: true,
        core: None,
        cores: 1,
        under: under.map(str::to_owned).to_vec(),
        ..options.start(backend, place)
    };
    let mut front = peer.start(&start).await?;
    ask(front.address, requests)?;
    front.process.end();
    let mut sum = 0;
    for entry in fs::read_dir(place)? {
        let path = entry?.path();
        if path.file_stem().is_some_and(|stem| stem == "callgrind") {
            sum += counted(&String::from_utf8_lossy(&fs::read(path)?));
        }
    }
    if sum == 0 {
        return Err(io::Error::other(format!(
            "callgrind has not counted: {}",
            front.process.said()
        )));
    }
    Ok(sum)
}

/// The sum that a file of callgrind ends or begins with.
fn counted(text: &str) -> u64 {
    let sum = |name| {
        text.lines()
            .find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
    };
    sum("summary:").or_else(|| sum("totals:")).unwrap_or(0)
}

/// So many requests, in step: each connection sends one, then each reads its answer. What the front
/// end finds in each turn of its loop is then the same in each run.
fn ask(address: SocketAddr, requests: usize) -> io::Result<()> {
    let request = format!(
        "GET /bytes/128 HTTP/1.1\r\nHost: {address}\r\nUser-Agent: jkd-bench\r\nAccept: */*\r\n\r\n"
    );
    let open = || TcpStream::connect(address);
    let mut connections = (0..CONNECTIONS)
        .map(|_| open())
        .collect::<io::Result<Vec<_>>>()?;
    for _ in 0..requests / CONNECTIONS {
        for connection in &mut connections {
            connection.write_all(request.as_bytes())?;
        }
        for connection in &mut connections {
            skip_answer(connection)?;
        }
    }
    Ok(())
}

fn skip_answer(connection: &mut TcpStream) -> io::Result<()> {
    let (mut bytes, mut length) = ([0; 4096], 0);
    loop {
        length += match connection.read(&mut bytes[length..])? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            some => some,
        };
        let body = memchr::memmem::find(&bytes[..length], b"\r\n\r\n").map(|end| length - end - 4);
        // Whole, with or without the frame of a chunk.
        let is_chunked = bytes[..length].ends_with(b"0\r\n\r\n");
        if body.is_some_and(|body| body == 128 || (body > 128 && is_chunked)) {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_found() {
        assert_eq!(counted("events: Ir\nsummary: 4711\n\nfn=(1)\n"), 4711);
        assert_eq!(counted("fn=(1)\n1 5\n\ntotals: 12\n"), 12);
        assert_eq!(counted("nothing"), 0);
    }
}
