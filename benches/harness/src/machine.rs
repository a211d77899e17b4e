//! What results were measured on and with.

use std::{fs, path::Path, process::Command};

use crate::{peer::Peer, record::Machine};

/// Looks at the machine, and asks each program for its version.
pub fn describe(peers: &[&Peer], jkd: &Path) -> Machine {
    let mut programs = Vec::new();
    let packages: Vec<_> = peers.iter().flat_map(|peer| peer.packages).collect();
    for (package, name, arguments) in VERSIONS {
        if packages.iter().any(|&&known| known == package) {
            programs.push((name.to_owned(), version(&said(arguments)).to_owned()));
        }
    }
    let own = said(&[&jkd.to_string_lossy(), "--version"]);
    programs.push(("jkd".into(), version(&own).to_owned()));
    Machine {
        processor: line("/proc/cpuinfo", "model name"),
        cores: crate::account::cores().len(),
        memory_gib: gib(&line("/proc/meminfo", "MemTotal")),
        kernel: said(&["uname", "-sr"]),
        rustc: said(&["rustc", "--version"]),
        programs,
        ..Machine::default()
    }
}

/// Package, name and how to ask.
const VERSIONS: [(&str, &str, &[&str]); 4] = [
    ("apache2", "Apache httpd", &["/usr/sbin/apache2", "-v"]),
    (
        "libapache2-mod-jk",
        "mod_jk",
        &["dpkg-query", "-W", "-f", "${Version}", "libapache2-mod-jk"],
    ),
    ("nginx", "nginx", &["/usr/sbin/nginx", "-v"]),
    ("haproxy", "HAProxy", &["/usr/sbin/haproxy", "-v"]),
];

/// The first line that a program prints.
fn said(words: &[&str]) -> String {
    let output = Command::new(words[0]).args(&words[1..]).output();
    let Ok(output) = output else {
        return "unknown".into();
    };
    let said = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&said);
    text.lines().next().unwrap_or("unknown").trim().to_owned()
}

/// What follows a name and a colon.
fn line(path: &str, name: &str) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    let value = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.split_once(':'));
    value
        .map_or("unknown", |(_, value)| value.trim())
        .to_owned()
}

fn gib(text: &str) -> f64 {
    let kib = text
        .split_whitespace()
        .next()
        .and_then(|number| number.parse().ok());
    kib.unwrap_or(0.0) / f64::from(1 << 20)
}

/// The first word that looks like one.
fn version(said: &str) -> &str {
    let is_version =
        |word: &&str| word.contains('.') && word.contains(|c: char| c.is_ascii_digit());
    let word = said.split_whitespace().find(is_version).unwrap_or(said);
    word.rsplit('/').next().unwrap_or(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found() {
        for (said, expected) in [
            ("Server version: Apache/2.4.71 (Debian)", "2.4.71"),
            ("nginx version: nginx/1.22.1", "1.22.1"),
            (
                "HAProxy version 2.6.12-1+deb12u4 2026/10/17 - https://haproxy.example/",
                "2.6.12-1+deb12u4",
            ),
            ("1:1.2.48-2", "1:1.2.48-2"),
            ("unknown", "unknown"),
        ] {
            assert_eq!(version(said), expected);
        }
    }
}
