//! Test cases as text: servers, configuration, client, expectations.
//!
//! ```text
//! == 4. A refused connect goes to another member
//! a: refuse
//! b: ok
//! lb.recover_time=60
//! JkMount /* lb
//! > GET / | Cookie: JSESSIONID=1.a
//! 200 b
//!   b GET / route=b ACT
//! < the route after a failover
//! 200 b
//!   b GET / route=a ACT
//! > states
//! a ERR, b OK
//! ```
//!
//! - `NAME: PLAYS` is a backend and a member of the balancer `lb` (see `Cast::new` for plays).
//! - `lb.…=…`, `NAME.…=…` and `worker.…=…` are lines of workers.properties; `*.…=…` is one for each
//!   member. `list NAME` mounts a member by itself instead of the balancer.
//! - Lines that begin with a capital are httpd's. Without any, all is mounted at the balancer.
//! - `> …` is a step (see `stage`), and what is seen of it follows: the answer, and then what
//!   backends heard.
//! - `< NAMES` introduces what is seen of the same step with mod_jk where that differs, with the
//!   names of the differences.

/// One test case.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) name: String,
    /// Names and plays.
    pub(crate) servers: Vec<(String, String)>,
    /// Lines of workers.properties about these workers.
    settings: Vec<String>,
    /// Lines in httpd's syntax.
    pub(crate) httpd: String,
    /// The worker that is mounted.
    pub(crate) worker: String,
    pub(crate) steps: Vec<Step>,
}

/// What the client does, and what shall be seen.
#[derive(Clone, Debug, Default)]
pub(crate) struct Step {
    pub(crate) what: String,
    pub(crate) jkd: Vec<String>,
    /// Names of differences, and what is seen with mod_jk.
    pub(crate) mod_jk: Option<(Vec<String>, Vec<String>)>,
}

/// Reads a file of cases.
pub(crate) fn read(text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for line in text
        .lines()
        .filter(|l| !l.trim().is_empty() && !l.starts_with('#'))
    {
        if let Some(name) = line.strip_prefix("== ") {
            cases.push(Case::named(name));
        } else {
            cases.last_mut().expect("a case").read(line.trim_end());
        }
    }
    cases
}

impl Case {
    fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            servers: Vec::new(),
            settings: Vec::new(),
            httpd: String::new(),
            worker: "lb".to_owned(),
            steps: Vec::new(),
        }
    }

    fn read(&mut self, line: &str) {
        if let Some(what) = line.strip_prefix("> ") {
            self.steps.push(Step {
                what: what.to_owned(),
                ..Step::default()
            });
        } else if let Some(step) = self.steps.last_mut() {
            step.read(line);
        } else {
            self.set_up(line);
        }
    }

    fn set_up(&mut self, line: &str) {
        if let Some(worker) = line.strip_prefix("list ") {
            worker.clone_into(&mut self.worker);
        } else if line.starts_with(|first: char| first.is_ascii_uppercase() || first == '<') {
            self.httpd += &format!("{line}\n");
        } else if let Some((name, plays)) = line.split_once(": ") {
            self.servers.push((name.to_owned(), plays.to_owned()));
        } else {
            self.settings.push(line.to_owned());
        }
    }

    /// How many requests it sends.
    pub(crate) fn requests(&self) -> usize {
        self.steps.iter().map(Step::requests).sum()
    }

    /// The text of workers.properties in front of these backends.
    pub(crate) fn workers<'a>(
        &self,
        backends: impl Iterator<Item = (&'a str, std::net::SocketAddr)>,
    ) -> String {
        let names: Vec<_> = self.servers.iter().map(|(name, _)| &**name).collect();
        let mut text = format!(
            "worker.list={},jk-status\nworker.jk-status.type=status\n",
            self.worker
        );
        if self.worker == "lb" {
            text += &format!(
                "worker.lb.type=lb\nworker.lb.balance_workers={}\n",
                names.join(",")
            );
        }
        for (name, address) in backends {
            text += &format!(
                "worker.{name}.host=127.0.0.1\nworker.{name}.port={}\n",
                address.port()
            );
        }
        for line in &self.settings {
            match line.strip_prefix('*') {
                Some(rest) => {
                    text.extend(names.iter().map(|name| format!("worker.{name}{rest}\n")));
                }
                None if line.starts_with("worker.") => text += &format!("{line}\n"),
                None => text += &format!("worker.{line}\n"),
            }
        }
        text
    }

    /// What jkd gets besides: states shall be mod_jk's own.
    pub(crate) fn only_for_jkd(&self) -> String {
        let names = self.servers.iter().map(|(name, _)| name);
        let lines = names.map(|name| format!("worker.{name}.probe_interval=0\n"));
        lines.collect::<Vec<_>>().concat()
    }

    /// The mounts and whatever else is httpd's.
    pub(crate) fn jk_conf(&self) -> String {
        let mut text = self.httpd.clone();
        if !text.contains("JkMount") {
            text += &format!("JkMount /* {}\n", self.worker);
        }
        text + "JkMount /jk-status jk-status\n"
    }
}

impl Step {
    fn requests(&self) -> usize {
        match self.what.split_once(" x ") {
            Some((count, _)) => count.parse().expect("a number"),
            None => usize::from(self.what.contains(" /")),
        }
    }

    fn read(&mut self, line: &str) {
        if let Some(names) = line.strip_prefix("< ") {
            let names = names.split("; ").map(str::to_owned).collect();
            self.mod_jk = Some((names, Vec::new()));
        } else if let Some((_, lines)) = &mut self.mod_jk {
            lines.push(line.to_owned());
        } else {
            self.jkd.push(line.to_owned());
        }
    }
}
