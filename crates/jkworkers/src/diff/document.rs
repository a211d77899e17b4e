//! A configuration as JSON.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize as _, Serialize};
use serde_json::{Map, Value};

use super::{bracketed, mounts::Rule};
use crate::{
    model::{Host, Model},
    uri_map::UriMap,
};

/// How the main server is called.
pub(super) const MAIN: &str = "main server";

/// A model for programs: all settings with their values, times in seconds, no secrets.
///
/// What virtual hosts have of the main server's rules (`mount_copy`) is not repeated in each of
/// them: `uri_map` has the other rules, in matching order.
pub fn document(model: &Model) -> Value {
    let mut value = without_mounts(model);
    for (fields, host) in host_fields(&mut value).zip(&model.hosts) {
        fields.insert("uri_map".into(), of(&model.own_mounts(host).1));
    }
    value
}

/// The same, without any rule.
fn without_mounts(model: &Model) -> Value {
    let bare = |host: &Host| Host {
        uri_map: UriMap::default(),
        ..host.clone()
    };
    let mut value = of(&Model {
        hosts: model.hosts.iter().map(bare).collect(),
        ..model.clone()
    });
    for (fields, host) in host_fields(&mut value).zip(&model.hosts) {
        let rejects = host.uri_map.rejects_unsafe();
        fields.insert("reject_unsafe".into(), rejects.into());
        fields.insert("mount_copy".into(), of(&model.own_mounts(host).0));
    }
    value
}

fn host_fields(document: &mut Value) -> impl Iterator<Item = &mut Map<String, Value>> {
    let hosts = document.get_mut("hosts").and_then(Value::as_array_mut);
    hosts.into_iter().flatten().filter_map(Value::as_object_mut)
}

/// Anything of a model.
pub(super) fn of(part: &impl Serialize) -> Value {
    let mut value = serde_json::to_value(part).unwrap_or_default();
    in_seconds(&mut value);
    value
}

/// A number of seconds for each duration, which serialises as seconds and nanoseconds.
fn in_seconds(value: &mut Value) {
    match value {
        Value::Object(fields) if fields.len() == 2 && fields.contains_key("nanos") => {
            if let Ok(time) = Duration::deserialize(&*value) {
                *value = time.as_secs_f64().into();
            }
        }
        Value::Object(fields) => fields.values_mut().for_each(in_seconds),
        Value::Array(items) => items.iter_mut().for_each(in_seconds),
        _ => {}
    }
}

/// One of the two configurations that are compared.
pub(super) struct Side<'a> {
    /// Without the places where things were written, and without mounts.
    pub(super) document: Value,
    /// The mounts of each host, but for those that it has of the main server.
    mounts: Vec<Vec<Rule<'a>>>,
}

/// A host and its mounts.
type HostParts<'s, 'a> = (&'s Value, &'s [Rule<'a>]);

impl<'a> Side<'a> {
    pub(super) fn of_model(model: &'a Model) -> Self {
        let mut document = without_mounts(model);
        forget_origins(&mut document);
        let rules = |host: &'a Host| {
            let (_, own) = model.own_mounts(host);
            own.into_iter().map(Rule::Model).collect()
        };
        Self {
            document,
            mounts: model.hosts.iter().map(rules).collect(),
        }
    }

    pub(super) fn of_document(whole: &'a Value) -> Self {
        let mut document = whole.clone();
        forget_origins(&mut document);
        let hosts = whole["hosts"].as_array().into_iter().flatten();
        let rules = |host: &'a Value| {
            let rules = host["uri_map"].as_array().into_iter().flatten();
            rules.map(Rule::Document).collect()
        };
        Self {
            document,
            mounts: hosts.map(rules).collect(),
        }
    }

    /// The hosts with the names that an operator would give them.
    pub(super) fn hosts<'s>(&'s self) -> Vec<(String, HostParts<'s, 'a>)> {
        let hosts = self.document["hosts"].as_array().into_iter().flatten();
        let mut named = Vec::new();
        for (index, (host, mounts)) in hosts.zip(&self.mounts).enumerate() {
            let name = match index {
                0 => MAIN.to_owned(),
                _ => format!("host {}", host_name(host)),
            };
            named.push((name, (host, mounts.as_slice())));
        }
        named
    }
}

/// `ServerName`, else the addresses.
fn host_name(host: &Value) -> String {
    if let Some(name) = host["server_name"]["name"].as_str() {
        return name.to_owned();
    }
    let addresses = host["addresses"].as_array().into_iter().flatten();
    let names: Vec<_> = addresses.map(host_address).collect();
    names.join(" ")
}

fn host_address(pair: &Value) -> String {
    let address = bracketed(pair[0].as_str().unwrap_or("*"));
    match pair[1].as_u64() {
        Some(port) => format!("{address}:{port}"),
        None => address.into_owned(),
    }
}

/// All Tomcats by name, members and stand-alone ones.
pub(super) fn ajp_workers(workers: &Value) -> BTreeMap<&str, &Value> {
    let mut all = BTreeMap::new();
    for worker in workers.as_array().into_iter().flatten() {
        let kind = &worker["kind"];
        let alone = Some(kind).filter(|kind| kind["type"] == "ajp13");
        let members = kind["members"].as_array().into_iter().flatten();
        let members = members.map(|member| &member["worker"]);
        let named = alone.into_iter().chain(members);
        all.extend(named.filter_map(|ajp| Some((ajp["name"].as_str()?, ajp))));
    }
    all
}

/// Where something was written is no setting.
fn forget_origins(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.remove("origin");
            fields.remove("uri_map");
            fields.values_mut().for_each(forget_origins);
        }
        Value::Array(items) => {
            items.retain(|item| !is_origin(item));
            items.iter_mut().for_each(forget_origins);
        }
        _ => {}
    }
}

fn is_origin(value: &Value) -> bool {
    let fields = value.as_object();
    fields.is_some_and(|f| f.len() == 2 && f.contains_key("file") && f.contains_key("line"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn durations_become_numbers_wherever_they_are() {
        let time = Duration::from_millis(1500);
        let mut value = json!({ "a": [time, { "secs": 1 }], "b": { "c": time } });
        in_seconds(&mut value);
        assert_eq!(
            value,
            json!({ "a": [1.5, { "secs": 1 }], "b": { "c": 1.5 } })
        );
    }
}
