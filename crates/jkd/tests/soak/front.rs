//! jkd, what it is told, and how it is disturbed.

use std::{fmt::Write, fs, net::SocketAddr, path::PathBuf};

use jkd_tests::{Http, Jkd, LONG, try_within, within};

use crate::{dice::Dice, figures::Metrics};

/// The daemon.
fn binary() -> String {
    std::env::var("JKD_SOAK_BINARY").unwrap_or_else(|_| env!("CARGO_BIN_EXE_jkd").into())
}

const CONFIGURATION: &str = "\
Listen 127.0.0.1:0
ServerName localhost
JkWorkersFile workers.properties
JkMount /* lb
JkMount /jk status
JkLogFile jk.log
JkLogLevel info
CustomLog access.log \"%{X-Id}i %m %>s %B %X %{X-Node}o %U\"
";

/// jkd over some members.
pub(crate) struct Front {
    pub(crate) jkd: Jkd,
    metrics: SocketAddr,
    members: Vec<(char, u16)>,
    /// Logs that were renamed.
    rotated: usize,
    /// Requests for the status page.
    pub(crate) looks: usize,
    pub(crate) reloads: usize,
}

impl Front {
    pub(crate) fn over(members: &[(char, u16)]) -> Self {
        let jkd = Jkd::builder(&binary())
            .file("jk.conf", CONFIGURATION)
            .file(
                "workers.properties",
                &workers(members, &mut |_| String::new()),
            )
            .start(&["run", "-f", "jk.conf", "--metrics=127.0.0.1:0"]);
        let metrics = within(LONG, "an address of metrics", || {
            let log = fs::read_to_string(jkd.path("jk.log")).ok()?;
            let (_, rest) = log.split_once("metrics on http://")?;
            rest.split_once('/')?.0.parse().ok()
        });
        Self {
            jkd,
            metrics,
            members: members.to_vec(),
            rotated: 0,
            looks: 0,
            reloads: 0,
        }
    }

    pub(crate) fn metrics(&self) -> Metrics {
        Metrics::scrape(self.metrics)
    }

    /// Reads other files: weights, methods, members that come and go; sometimes a bad one.
    pub(crate) fn reload(&mut self, dice: &mut Dice) {
        let members = if dice.per_mille(400) {
            &self.members[..self.members.len() - 1]
        } else {
            &self.members
        };
        let mut text = workers(members, &mut |_| {
            let ping = if dice.per_mille(300) { "A" } else { "" };
            format!("lbfactor={}\nping_mode={ping}\n", 1 + dice.below(4))
        });
        let method = dice.one_of(&["Request", "Traffic", "Busyness", "Next"]);
        let _ = writeln!(text, "worker.lb.method={method}");
        if dice.per_mille(100) {
            text.push_str("worker.lb.type=nonsense\n");
        }
        self.read(&text);
    }

    /// Reads the files with which it began.
    pub(crate) fn reload_plain(&mut self) {
        let text = workers(&self.members, &mut |_| String::new());
        self.read(&text);
    }

    fn read(&mut self, text: &str) {
        self.jkd.write("next", text);
        let _ = fs::rename(self.jkd.path("next"), self.jkd.path("workers.properties"));
        self.jkd.process().signal("HUP");
        self.reloads += 1;
    }

    /// Renames the logs and has them opened anew.
    pub(crate) fn rotate(&mut self) {
        let is_there = || self.jkd.path("access.log").exists() && self.jkd.path("jk.log").exists();
        if try_within(LONG, || is_there().then_some(())).is_none() {
            return;
        }
        for name in ["access.log", "jk.log"] {
            let old = self.jkd.path(&format!("{name}.{}", self.rotated));
            let _ = fs::rename(self.jkd.path(name), old);
        }
        self.rotated += 1;
        self.jkd.process().signal("USR1");
    }

    /// All files of a log, the last one at the end.
    pub(crate) fn logs(&self, name: &str) -> Vec<PathBuf> {
        let old = (0..self.rotated).map(|number| self.jkd.path(&format!("{name}.{number}")));
        old.chain([self.jkd.path(name)]).collect()
    }

    /// What the status page says.
    pub(crate) fn status(&mut self, query: &str) -> String {
        self.looks += 1;
        Http::new(self.jkd.address)
            .get(&format!("/jk?{query}"))
            .text()
    }

    /// The status page, with what it counts.
    pub(crate) fn counts(&mut self) -> String {
        self.status("mime=prop&cmd=list")
    }

    /// Gives a member another activation.
    pub(crate) fn activate(&mut self, member: char, activation: char) -> bool {
        let query = format!("mime=prop&cmd=update&w=lb&sw={member}&vwa={activation}");
        self.status(&query).contains("type=OK")
    }
}

/// The file. `more` gives settings of a member, without its name.
fn workers(members: &[(char, u16)], more: &mut dyn FnMut(char) -> String) -> String {
    let names: Vec<_> = members.iter().map(|(name, _)| name.to_string()).collect();
    let mut text = format!(
        "worker.list=lb,status\nworker.status.type=status\nworker.lb.type=lb\n\
         worker.lb.recover_time=2\nworker.lb.balance_workers={}\n",
        names.join(",")
    );
    for (name, port) in members {
        let _ = write!(
            text,
            "worker.{name}.host=127.0.0.1\nworker.{name}.port={port}\n"
        );
        for line in more(*name).lines().filter(|line| !line.ends_with('=')) {
            let _ = writeln!(text, "worker.{name}.{line}");
        }
    }
    text
}
