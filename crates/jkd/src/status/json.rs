//! `mime=json`: for scripts. mod_jk has no such form; the names are those of its XML.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer, ser::SerializeMap};

use super::report::{Block, Field, Refusal, Report, Shown, Value};

/// The document.
///
/// # Errors
///
/// None that could be thought of: all keys are texts.
pub(super) fn render(report: &Result<Report<'_>, Refusal>) -> Result<String, serde_json::Error> {
    serde_json::to_string(&Document(report)).map(|text| text + "\n")
}

struct Document<'a>(&'a Result<Report<'a>, Refusal>);

impl Serialize for Document<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if let Ok(report) = self.0 {
            for (name, fields) in [
                ("server", &report.server),
                ("time", &report.time),
                ("software", &report.software),
            ] {
                if !fields.is_empty() {
                    map.serialize_entry(name, &Object(fields))?;
                }
            }
            if let Shown::Dump(properties) = &report.shown {
                let properties: BTreeMap<_, _> = properties.iter().copied().collect();
                map.serialize_entry("configuration", &properties)?;
            }
            let (balancers, workers) = match &report.shown {
                Shown::Nothing | Shown::Dump(_) => (None, None),
                Shown::One(block) if block.is_balancer => (Some(std::slice::from_ref(block)), None),
                Shown::One(block) => (None, Some(std::slice::from_ref(block))),
                Shown::List { balancers, workers } => (balancers.as_deref(), workers.as_deref()),
            };
            for (name, blocks) in [("balancers", balancers), ("ajp_workers", workers)] {
                if let Some(blocks) = blocks {
                    let blocks: Vec<_> = blocks.iter().map(Worker).collect();
                    map.serialize_entry(name, &blocks)?;
                }
            }
        }
        map.serialize_entry("result", &Object(&super::result_fields(self.0)))?;
        map.end()
    }
}

struct Worker<'a>(&'a Block<'a>);

impl Serialize for Worker<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(block) = self;
        let mut map = serializer.serialize_map(None)?;
        entries(&mut map, &block.fields)?;
        if block.is_balancer {
            let members = block.members.iter().map(|member| Object(&member.fields));
            map.serialize_entry("members", &members.collect::<Vec<_>>())?;
        }
        let maps = block.maps.iter().map(|fields| Object(fields));
        map.serialize_entry("maps", &maps.collect::<Vec<_>>())?;
        map.end()
    }
}

struct Object<'a>(&'a [Field<'a>]);

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        entries(&mut map, self.0)?;
        map.end()
    }
}

fn entries<M: SerializeMap>(map: &mut M, fields: &[Field<'_>]) -> Result<(), M::Error> {
    fields
        .iter()
        .try_for_each(|field| map.serialize_entry(field.name, &field.value))
}

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Flag(flag) => serializer.serialize_bool(*flag),
            Self::Number(number) => serializer.serialize_i128(*number),
            Self::Text(text) => serializer.serialize_str(text),
        }
    }
}
