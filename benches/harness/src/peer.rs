//! The front ends that are measured, and how each is started.

use std::{
    io,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::time::{Instant, sleep};

use crate::{backend::Addresses, load, process::Process};
pub use table::{PEERS, Peer, find};

mod large;
mod table;

/// How a front end is started, apart from what it is.
#[derive(Clone, Debug)]
pub struct Start<'a> {
    /// The binary of jkd.
    pub jkd: PathBuf,
    /// Where the nodes listen.
    pub backend: &'a Addresses,
    /// The core it must stay on.
    pub core: Option<usize>,
    /// How many cores it has.
    pub cores: usize,
    /// A folder that is its own.
    pub directory: PathBuf,
    /// With few threads, for counting what each of them does.
    pub few_threads: bool,
    /// A program that runs it, with arguments.
    pub under: Vec<String>,
}

/// A front end that answers.
#[derive(Debug)]
pub struct Running {
    /// Its processes.
    pub process: Process,
    /// Where it listens.
    pub address: SocketAddr,
}

/// A start takes no longer.
const LONGEST_START: Duration = Duration::from_secs(60);

/// Nor under a tool that makes it fifty times slower.
const LONGEST_START_UNDER: Duration = Duration::from_secs(180);

impl Peer {
    /// Starts it, and waits until it passes a request on.
    ///
    /// # Errors
    /// When it does not start, or does not answer.
    pub async fn start(&self, start: &Start<'_>) -> io::Result<Running> {
        let address = free_address()?;
        let values = self.values(start, address)?;
        let directory = &start.directory;
        make_public(directory)?;
        for (name, text) in self.files {
            std::fs::write(directory.join(name), fill(text, &values))?;
        }
        if self.large {
            large::write(directory, address, start.backend)?;
        }
        let mut command = start.under.clone();
        command.extend(self.command.iter().map(|word| fill(word, &values)));
        let mut process = Process::start(&command, start.core, directory)?;
        let longest = if start.under.is_empty() {
            LONGEST_START
        } else {
            LONGEST_START_UNDER
        };
        let deadline = Instant::now() + longest;
        loop {
            match load::get(address, "/bytes/128").await {
                Ok((200, _)) => break,
                Ok((status, _)) if Instant::now() > deadline => {
                    return Err(io::Error::other(format!("{}: status {status}", self.name)));
                }
                Err(error) if Instant::now() > deadline => return Err(error),
                _ => sleep(Duration::from_millis(50)).await,
            }
            if process.has_ended() {
                return Err(io::Error::other(format!(
                    "{} ended: {}",
                    self.name,
                    process.said()
                )));
            }
        }
        sleep(Duration::from_millis(300)).await;
        Ok(Running { process, address })
    }

    /// What stands for the names in `%…%`.
    fn values(&self, start: &Start<'_>, address: SocketAddr) -> io::Result<Vec<(&str, String)>> {
        let own = std::env::current_exe()?;
        let (threads, processes) = if start.few_threads {
            (64, 1)
        } else {
            (1280, 2)
        };
        let path = |path: &Path| path.to_string_lossy().into_owned();
        let Addresses { ajp, http } = start.backend;
        Ok(vec![
            ("dir", path(&start.directory)),
            ("jkd", path(&start.jkd)),
            ("self", path(&own)),
            ("port", address.port().to_string()),
            ("metrics", free_address()?.to_string()),
            ("cores", start.cores.to_string()),
            ("packet_size", self.packet_size.to_string()),
            ("threads", threads.to_string()),
            ("processes", processes.to_string()),
            ("requests", (threads * processes).to_string()),
            ("ajp1", ajp[0].port().to_string()),
            ("ajp2", ajp[1].port().to_string()),
            ("http1", http[0].port().to_string()),
            ("http2", http[1].port().to_string()),
        ])
    }
}

fn fill(text: &str, values: &[(&str, String)]) -> String {
    let replace =
        |text: String, (name, value): &(&str, String)| text.replace(&format!("%{name}%"), value);
    values.iter().fold(text.to_owned(), replace)
}

/// An address that nobody has at the moment.
fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0")?.local_addr()
}

/// A front end may become another user.
fn make_public(directory: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::create_dir_all(directory)?;
    std::fs::set_permissions(directory, PermissionsExt::from_mode(0o777))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_stays_in_a_file() {
        let backend = Addresses {
            ajp: [([127, 0, 0, 1], 1).into(); 2],
            http: [([127, 0, 0, 1], 2).into(); 2],
        };
        let start = Start {
            jkd: "/jkd".into(),
            backend: &backend,
            core: None,
            cores: 1,
            directory: "/d".into(),
            few_threads: false,
            under: Vec::new(),
        };
        for peer in &PEERS {
            let values = peer.values(&start, backend.ajp[0]).unwrap();
            let files = peer.files.iter().map(|(_, text)| *text);
            for text in files.chain(peer.command.iter().copied()) {
                let filled = fill(text, &values);
                for (name, _) in &values {
                    assert!(
                        !filled.contains(&format!("%{name}%")),
                        "{}: {name}",
                        peer.name
                    );
                }
                let left = filled
                    .split(char::is_whitespace)
                    .find(|word| word.len() > 2 && word.starts_with('%') && word.ends_with('%'));
                assert_eq!(left, None, "{}", peer.name);
            }
        }
    }
}
