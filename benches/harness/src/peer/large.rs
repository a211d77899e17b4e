//! A configuration as large as any that is in use: 10,000 mounts, 500 members, 200 virtual hosts.

use std::{fmt::Write, io, net::SocketAddr, path::Path};

use crate::backend::Addresses;

const MEMBERS: usize = 500;
const HOSTS: usize = 200;
const MOUNTS: usize = 10_000;

/// The first host, which serves what is asked for, has so many of them.
const OWN_MOUNTS: usize = MOUNTS - (HOSTS - 1) * 40;

/// Writes `jkd.conf` and `workers.properties`.
pub(super) fn write(directory: &Path, address: SocketAddr, backend: &Addresses) -> io::Result<()> {
    std::fs::write(directory.join("workers.properties"), workers(backend))?;
    std::fs::write(directory.join("jkd.conf"), hosts(directory, address))
}

fn workers(backend: &Addresses) -> String {
    let mut text = String::from("worker.list=balancer\nworker.balancer.type=lb\n");
    for member in 0..MEMBERS {
        // The sessions that are sent belong to node1 and node2.
        let name = format!("node{}", member + 1);
        let port = backend.ajp[member % 2].port();
        let _ = write!(
            text,
            "worker.balancer.balance_workers={name}\n\
             worker.{name}.type=ajp13\n\
             worker.{name}.host=127.0.0.1\n\
             worker.{name}.port={port}\n"
        );
    }
    text
}

fn hosts(directory: &Path, address: SocketAddr) -> String {
    let mut text = format!(
        "Listen {address}\nMaxKeepAliveRequests 0\nKeepAliveTimeout 600\n\
         JkWorkersFile {}/workers.properties\n",
        directory.display()
    );
    for host in 0..HOSTS {
        let _ = write!(text, "<VirtualHost *:*>\nServerName host{host}.example\n");
        let mounts = if host == 0 { OWN_MOUNTS - 1 } else { 40 };
        for mount in 0..mounts {
            let _ = writeln!(text, "JkMount /bytes{mount}/app/* balancer");
        }
        if host == 0 {
            text.push_str("JkMount /* balancer\n");
        }
        text.push_str("</VirtualHost>\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_as_many_as_it_says() {
        let address = ([127, 0, 0, 1], 8009).into();
        let backend = Addresses {
            ajp: [address; 2],
            http: [address; 2],
        };
        let hosts = hosts(Path::new("/d"), address);
        assert_eq!(hosts.matches("JkMount ").count(), MOUNTS);
        assert_eq!(hosts.matches("<VirtualHost").count(), HOSTS);
        assert_eq!(workers(&backend).matches(".type=ajp13").count(), MEMBERS);
    }
}
