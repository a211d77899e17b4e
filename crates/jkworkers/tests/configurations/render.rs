//! A model in few lines: what is not as in the plainest configuration.

use std::fmt::Write as _;

use jkworkers::{LoadOptions, diff, load_with, model::Model};
use serde_json::Value;

use super::{
    case::{Content, HERE},
    memory::Memory,
};

/// Everything that matters, line by line.
pub(crate) fn render(model: &Model) -> String {
    let (plain, model) = (plain(), tidied(diff::document(model)));
    let mut out = String::new();
    for listen in items(&model["listen"]) {
        let address = listen["address"].as_str().unwrap_or("*");
        writeln!(out, "listen {address}:{}", listen["port"]).unwrap();
    }
    settings(&model["global"], &plain["global"], &[], "", &mut out);
    for host in items(&model["hosts"]) {
        self::host(host, &plain["hosts"][0], &mut out);
    }
    for worker in items(&model["workers"]) {
        self::worker(worker, &plain["workers"], &mut out);
    }
    out.replace(HERE, "")
}

/// A configuration that says nothing beyond what every one says.
fn plain() -> Value {
    let workers = "worker.list=b,s\nworker.b.type=lb\nworker.b.balance_workers=a\nworker.s.type=status\n\
                   worker.a.host=h\n";
    let files = [
        ("w", workers),
        ("f", "Listen 80\nJkWorkersFile w\nJkMount / b\n"),
    ];
    let files = files.map(|(name, text)| (name.to_owned(), Content::Bytes(text.into())));
    let options = LoadOptions {
        config: Some(format!("{HERE}f").into()),
        ..LoadOptions::default()
    };
    let model = load_with(&options, &Memory::new(&files, &[])).model;
    tidied(diff::document(&model.unwrap()))
}

fn host(host: &Value, plain: &Value, out: &mut String) {
    let addresses = items(&host["addresses"]).map(|address| {
        let part = |at: usize| match &address[at] {
            Value::Null => "*".to_owned(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        format!("{}:{}", part(0), part(1))
    });
    let addresses: Vec<_> = addresses.collect();
    match &*addresses {
        [] => out.push_str("main server"),
        _ => write!(out, "virtual host {}", addresses.join(" ")).unwrap(),
    }
    let name = |value: &Value| value.as_str().map(|name| format!(" {name}"));
    out.extend(name(&host["server_name"]["name"]));
    out.extend(items(&host["aliases"]).filter_map(name));
    out.push('\n');
    for mount in items(&host["uri_map"]) {
        self::mount(mount, out);
    }
    let shown = ["addresses", "aliases", "server_name", "uri_map", "sections"];
    settings(host, plain, &shown, "  ", out);
    for section in items(&host["sections"]) {
        writeln!(out, "  {}", section["covers"].as_str().unwrap()).unwrap();
        settings(section, &Value::Null, &["covers"], "    ", out);
    }
}

fn mount(mount: &Value, out: &mut String) {
    let verb = if mount["exclusion"] == true {
        "unmount"
    } else {
        "mount"
    };
    let text = |key: &str| mount[key].as_str().unwrap_or_default();
    write!(out, "  {verb} {} {}", text("pattern"), text("worker")).unwrap();
    if mount["disabled"] == true {
        out.push_str(" (disabled)");
    }
    let shown = [
        "pattern",
        "worker",
        "disabled",
        "exclusion",
        "kind",
        "source",
    ];
    let mut more = String::new();
    settings(mount, &Value::Null, &shown, " ", &mut more);
    writeln!(out, "{}", more.replace('\n', "")).unwrap();
}

fn worker(worker: &Value, plain: &Value, out: &mut String) {
    let (name, kind) = (worker["name"].as_str().unwrap(), &worker["kind"]);
    let what = kind["type"].as_str().unwrap();
    let like = |what| {
        items(plain)
            .map(|plain| &plain["kind"])
            .find(move |kind| kind["type"] == what)
    };
    let plain_member = &like("lb").unwrap()["members"][0];
    write!(out, "{what} {name}").unwrap();
    if what == "ajp13" {
        return ajp(kind, &plain_member["worker"], "", out);
    }
    out.push('\n');
    settings(
        kind,
        like(what).unwrap(),
        &["type", "members", "name"],
        "  ",
        out,
    );
    for member in items(&kind["members"]) {
        self::member(member, plain_member, out);
    }
}

fn member(member: &Value, plain: &Value, out: &mut String) {
    let (name, route) = (&member["worker"]["name"], &member["route"]);
    write!(out, "  {}", flow(name)).unwrap();
    let mut more = String::new();
    if route != name {
        write!(more, " route: {}", flow(route)).unwrap();
    }
    settings(member, plain, &["worker", "route"], " ", &mut more);
    ajp(&member["worker"], &plain["worker"], &more, out);
}

/// The address and everything that is special, in one line.
fn ajp(ajp: &Value, plain: &Value, before: &str, out: &mut String) {
    let host = ajp["host"].as_str().unwrap_or("?");
    let mut more = before.to_owned();
    settings(
        ajp,
        plain,
        &["type", "name", "host", "port"],
        " ",
        &mut more,
    );
    writeln!(out, " {host}:{}{}", ajp["port"], more.replace('\n', "")).unwrap();
}

/// One line for each field that is not as in the plain one.
fn settings(value: &Value, plain: &Value, but: &[&str], indent: &str, out: &mut String) {
    let Some(map) = value.as_object() else {
        return;
    };
    for (key, value) in map {
        if !but.contains(&key.as_str()) && *value != plain[key] {
            let value = flow(&without(value, &plain[key]));
            writeln!(out, "{indent}{key}: {value}").unwrap();
        }
    }
}

/// The fields that are not as in the plain one.
fn without(value: &Value, plain: &Value) -> Value {
    match (value, plain) {
        (Value::Object(map), Value::Object(plain)) => {
            let differs = |(key, value): &(&String, &Value)| plain.get(*key) != Some(*value);
            let fields = map.iter().filter(differs);
            let null = Value::Null;
            let fields = fields
                .map(|(key, value)| (key.clone(), without(value, plain.get(key).unwrap_or(&null))));
            Value::Object(fields.collect())
        }
        _ => value.clone(),
    }
}

/// A value without the marks that JSON needs.
fn flow(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(flow).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(map) => {
            let fields = map
                .iter()
                .map(|(key, value)| format!("{key}: {}", flow(value)));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// Without places in files, and without what says nothing.
fn tidied(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let fields = map
                .into_iter()
                .filter(|(key, _)| key != "origin" && key != "files");
            let fields = fields.map(|(key, value)| (key, tidied(value)));
            let says = |(key, value): &(String, Value)| key == "who" || says_something(value);
            Value::Object(fields.filter(says).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(tidied).collect()),
        other => other,
    }
}

fn says_something(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::Array(items) => !items.is_empty(),
        Value::Object(map) => !map.is_empty(),
        _ => true,
    }
}
