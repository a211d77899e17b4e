//! Backends as processes of their own: one for each size of packets.

use std::{
    collections::HashMap,
    io::{self, BufRead, BufReader},
    net::SocketAddr,
    process::{Child, Command, Stdio},
};

use crate::{
    backend::{Addresses, Counts, Segments},
    load,
};

/// Backends that run.
#[derive(Debug)]
pub struct Backends {
    segments: Segments,
    running: HashMap<usize, Running>,
}

/// A backend that runs. It ends with the pipe to its standard input, so also when this process is
/// killed.
#[derive(Debug)]
pub struct Running {
    child: Child,
    /// Where its nodes listen.
    pub addresses: Addresses,
}

impl Backends {
    /// None yet.
    pub fn new(segments: Segments) -> Self {
        Self {
            segments,
            running: HashMap::new(),
        }
    }

    /// The one for packets of that size, which is started when there is none.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn with(&mut self, packet_size: usize) -> io::Result<&Running> {
        use std::collections::hash_map::Entry::{Occupied, Vacant};
        match self.running.entry(packet_size) {
            Occupied(running) => Ok(running.into_mut()),
            Vacant(place) => Ok(place.insert(Running::start(packet_size, self.segments)?)),
        }
    }
}

impl Running {
    fn start(packet_size: usize, segments: Segments) -> io::Result<Self> {
        let segments = match segments {
            Segments::One => "one",
            Segments::Head => "head",
            Segments::Packet => "packet",
        };
        let mut child = Command::new(std::env::current_exe()?)
            .args(["backend", "--packet-size", &packet_size.to_string()])
            .args(["--segments", segments])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let all: Vec<SocketAddr> = serde_json::from_str(&line)?;
        let [ajp1, ajp2, http1, http2] = all[..] else {
            return Err(io::Error::other(format!("a backend that says {line}")));
        };
        let addresses = Addresses {
            ajp: [ajp1, ajp2],
            http: [http1, http2],
        };
        Ok(Self { child, addresses })
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Begins to count anew.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn reset(&self) -> io::Result<()> {
        load::get(self.addresses.http[0], "/counters/reset")
            .await
            .map(drop)
    }

    /// What it has counted.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn counts(&self) -> io::Result<Counts> {
        counts(self.addresses.http[0]).await
    }
}

/// What the backend has counted that listens there.
///
/// # Errors
/// When it does not answer.
pub async fn counts(address: SocketAddr) -> io::Result<Counts> {
    let (_, body) = load::get(address, "/counters").await?;
    Ok(serde_json::from_slice(&body)?)
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
