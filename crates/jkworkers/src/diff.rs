//! The difference between two configurations, in words.
//!
//! Both sides are compared as what they serialise to, so that no setting can be forgotten: what
//! has no wording of its own is shown by the name of its field. Where something was written makes
//! no difference. Secrets are compared where they are known, and never shown.
#![allow(
    clippy::indexing_slicing,
    reason = "asking a JSON value for what it does not have gives null"
)]

mod document;
mod listed;
mod mounts;
mod value;

use std::{borrow::Cow, collections::BTreeMap, fmt};

use serde_json::Value;

pub use self::document::document;
use self::{document::Side, listed::Listed, value::Field};
use crate::model::{Host, Model, Secret, WorkerKind};

/// What is different, one line for each change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes(Vec<String>);

/// The changes that lead from `old` to `new`.
pub fn models(old: &Model, new: &Model) -> Changes {
    let mut changes = Changes::default();
    changes.sides(&Side::of_model(old), &Side::of_model(new));
    let (before, after) = (settings(old), settings(new));
    for (place, value) in &after {
        if before.get(place).is_some_and(|old| old != value) {
            changes.add(format!("variable {}: value changed", place.2));
        }
    }
    let (before, after) = (env_defaults(old), env_defaults(new));
    for (place, value) in &after {
        if before.get(place).is_some_and(|old| old != value) {
            changes.add(format!("JkEnvVar {}: default changed", place.1));
        }
    }
    let (old, new) = (secrets(old), secrets(new));
    for (name, secret) in new {
        if let (Some(Some(before)), Some(after)) = (old.get(name), secret)
            && *before != after
        {
            changes.add(format!("{name}: secret changed"));
        }
    }
    changes
}

/// As [`models`], of what [`document`] gave, perhaps in another process. Whether two secrets are
/// equal cannot be seen there.
pub fn documents(old: &Value, new: &Value) -> Changes {
    let mut changes = Changes::default();
    changes.sides(&Side::of_document(old), &Side::of_document(new));
    changes
}

/// Whether a JSON value looks like what [`document`] gives.
pub fn is_document(value: &Value) -> bool {
    ["hosts", "listen", "workers"]
        .iter()
        .all(|list| value.get(list).is_some_and(Value::is_array))
}

/// Host, section and name of a variable.
type Place<'m> = (String, String, &'m str);

/// The values of `SetEnv`, which may be secrets. Hosts and sections may have equal names.
fn settings(model: &Model) -> BTreeMap<Place<'_>, Vec<&str>> {
    let mut all = BTreeMap::<_, Vec<_>>::new();
    for (name, host) in named_hosts(model) {
        let sections = host.sections.iter();
        let sections = sections.map(|s| (s.covers.to_string(), &s.settings.variables));
        let outside = (String::new(), &host.settings.variables);
        for (covers, rules) in std::iter::once(outside).chain(sections) {
            for setting in &rules.settings {
                let place = (name.clone(), covers.clone(), &*setting.name);
                all.entry(place).or_default().push(&*setting.value);
            }
        }
    }
    all
}

/// The defaults of `JkEnvVar`, which may be secrets, too.
fn env_defaults(model: &Model) -> BTreeMap<(String, &str), Vec<&str>> {
    let mut all = BTreeMap::<_, Vec<_>>::new();
    for (name, host) in named_hosts(model) {
        for var in &host.env_vars {
            if let Some(default) = var.default.as_deref() {
                let place = (name.clone(), &*var.name);
                all.entry(place).or_default().push(default);
            }
        }
    }
    all
}

/// The hosts, each by what stays the same when others come and go before it.
fn named_hosts(model: &Model) -> impl Iterator<Item = (String, &Host)> {
    model.hosts.iter().enumerate().map(|(number, host)| {
        let name = match (number, &host.server_name) {
            (0, _) => String::new(),
            (_, Some(name)) => name.name.clone(),
            (_, None) => format!("{:?}", host.addresses),
        };
        (name, host)
    })
}

fn secrets(model: &Model) -> BTreeMap<&str, Option<&Secret>> {
    let mut all = BTreeMap::new();
    for worker in &model.workers {
        match &worker.kind {
            WorkerKind::Ajp13(ajp) => {
                all.insert(&*ajp.name, ajp.secret.as_ref());
            }
            WorkerKind::Balancer(lb) => {
                let members = lb.members.iter().map(|member| &member.worker);
                all.extend(members.map(|ajp| (&*ajp.name, ajp.secret.as_ref())));
            }
            WorkerKind::Status(_) => {}
        }
    }
    all
}

impl Changes {
    /// Whether there is no difference.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many changes there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// One line for each change, without a line end. No control characters.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Names may come from somebody else's file: nothing in them breaks out of its line.
    fn add(&mut self, line: String) {
        if !line.contains(char::is_control) {
            return self.0.push(line);
        }
        let escape = |c: char| {
            if c.is_control() {
                c.escape_default().to_string()
            } else {
                c.to_string()
            }
        };
        self.0.push(line.chars().map(escape).collect());
    }

    fn sides(&mut self, old: &Side<'_>, new: &Side<'_>) {
        self.listeners(&old.document["listen"], &new.document["listen"]);
        self.workers(&old.document["workers"], &new.document["workers"]);
        self.hosts(old, new);
        let but = ["hosts", "listen", "workers", "files"];
        self.fields("", &old.document, &new.document, &but);
    }

    fn listeners(&mut self, old: &Value, new: &Value) {
        let key = |listen: &Value| {
            let address = bracketed(listen["address"].as_str().unwrap_or("*"));
            format!("{address}:{}", listen["port"])
        };
        let lists = Listed::of(old, new, key);
        for listen in &lists.removed {
            self.add(format!("listen {} removed", key(listen)));
        }
        for listen in &lists.added {
            self.add(format!("listen {} added", key(listen)));
        }
        for (old, new) in &lists.kept {
            let subject = format!("listen {}", key(new));
            self.fields(&subject, old, new, &["address", "port"]);
        }
    }

    fn workers(&mut self, old: &Value, new: &Value) {
        let lists = Listed::of(old, new, |worker| text(&worker["name"]));
        for worker in &lists.removed {
            self.add(format!("{} removed", title(worker)));
        }
        for worker in &lists.added {
            self.add(format!("{} added{}", title(worker), description(worker)));
        }
        for (old, new) in &lists.kept {
            self.worker(old, new);
        }
        if lists.reordered {
            self.add("worker.list: the order changed".into());
        }
        let (old, new) = (document::ajp_workers(old), document::ajp_workers(new));
        for (name, new) in new {
            if let Some(old) = old.get(name) {
                self.fields(name, old, new, &["name"]);
            }
        }
    }

    fn worker(&mut self, old: &Value, new: &Value) {
        let (from, to) = (&old["kind"], &new["kind"]);
        if from["type"] != to["type"] {
            let kinds = format!("{} -> {}", text(&from["type"]), text(&to["type"]));
            return self.add(format!("worker {}: type {kinds}", text(&new["name"])));
        }
        let subject = title(new);
        self.fields(&subject, old, new, &["kind", "name"]);
        // One Tomcat may be in several balancers; what it is comes once, at the end.
        if to["type"] != "ajp13" {
            self.fields(&subject, from, to, &["members", "type"]);
            self.members(&subject, &from["members"], &to["members"]);
        }
    }

    fn members(&mut self, balancer: &str, old: &Value, new: &Value) {
        let lists = Listed::of(old, new, |member| text(&member["worker"]["name"]));
        for member in &lists.removed {
            let name = text(&member["worker"]["name"]);
            self.add(format!("{balancer}: member {name} removed"));
        }
        for member in &lists.added {
            let ajp = &member["worker"];
            let (name, address) = (text(&ajp["name"]), address(ajp));
            let lbfactor = &member["lbfactor"];
            let line = format!("{balancer}: member {name} added ({address}, lbfactor {lbfactor})");
            self.add(line);
        }
        for (old, new) in &lists.kept {
            let name = text(&new["worker"]["name"]);
            // Its number is not its own: others come and go before it.
            self.fields(
                &format!("{balancer}: member {name}"),
                old,
                new,
                &["configured", "worker"],
            );
        }
        if lists.reordered {
            self.add(format!("{balancer}: the order of its members changed"));
        }
    }

    fn hosts(&mut self, old: &Side<'_>, new: &Side<'_>) {
        let lists = Listed::of_keyed(old.hosts(), new.hosts());
        for (name, _) in &lists.removed {
            self.add(format!("{name} removed"));
        }
        for (name, (host, mounts)) in &lists.added {
            let copied = match host["mount_copy"].as_str() {
                None | Some("nothing") => "",
                Some(_) => " and the main server's",
            };
            self.add(format!("{name} added ({} mounts{copied})", mounts.len()));
        }
        for ((name, (old, old_mounts)), (_, (new, new_mounts))) in &lists.kept {
            self.fields(name, old, new, &["sections", "uri_map"]);
            self.sections(name, &old["sections"], &new["sections"]);
            let of = match name.as_str() {
                document::MAIN => String::new(),
                name => format!("{name}: "),
            };
            self.mounts(&of, old_mounts, new_mounts);
        }
        if lists.reordered {
            self.add("the order of the virtual hosts changed".into());
        }
    }

    fn sections(&mut self, host: &str, old: &Value, new: &Value) {
        let covers = |section: &Value| match &section["within"] {
            Value::Null => text(&section["covers"]),
            around => format!("{} in {}", text(&section["covers"]), text(around)),
        };
        let lists = Listed::of(old, new, covers);
        let subject = |section: &Value| format!("{host}: {}", covers(section));
        for section in &lists.removed {
            self.add(format!("{} removed", subject(section)));
        }
        for section in &lists.added {
            let access = value::show(&section["access"]);
            self.add(format!("{} added: {access}", subject(section)));
        }
        for (old, new) in &lists.kept {
            self.fields(&subject(new), old, new, &["covers", "within"]);
        }
        if lists.reordered {
            self.add(format!("{host}: the order of its sections changed"));
        }
    }

    /// One line for each field of two objects that differs.
    fn fields(&mut self, subject: &str, old: &Value, new: &Value, but: &[&str]) {
        let mut differing = Vec::new();
        value::compare(old, new, but, &mut differing);
        let subject = match subject {
            "" => String::new(),
            subject => format!("{subject}: "),
        };
        for Field { name, old, new } in differing {
            self.add(match (&*name, old.is_null(), new.is_null()) {
                ("secret", true, _) => format!("{subject}secret added"),
                ("secret", _, true) => format!("{subject}secret removed"),
                _ => format!(
                    "{subject}{name} {} -> {}",
                    value::show(old),
                    value::show(new)
                ),
            });
        }
    }
}

/// A worker with its kind.
fn title(worker: &Value) -> String {
    let kind = match worker["kind"]["type"].as_str() {
        Some("lb") => "balancer",
        Some("status") => "status worker",
        _ => "worker",
    };
    format!("{kind} {}", text(&worker["name"]))
}

/// What an operator would ask of a new worker.
fn description(worker: &Value) -> String {
    let kind = &worker["kind"];
    match kind["type"].as_str() {
        Some("lb") => {
            let members = kind["members"].as_array().into_iter().flatten();
            let names: Vec<_> = members.map(|m| text(&m["worker"]["name"])).collect();
            format!(" (members {})", names.join(", "))
        }
        Some("ajp13") => format!(" ({})", address(kind)),
        _ => String::new(),
    }
}

fn address(ajp: &Value) -> String {
    let host = text(&ajp["host"]);
    format!("{}:{}", bracketed(&host), ajp["port"])
}

/// An address as it stands before a port.
fn bracketed(address: &str) -> Cow<'_, str> {
    if address.contains(':') {
        Cow::Owned(format!("[{address}]"))
    } else {
        Cow::Borrowed(address)
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => value::show(other),
    }
}

impl fmt::Display for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

#[cfg(test)]
mod tests;
