//! `mime=xml`: an attribute a line.

use std::{collections::HashSet, fmt::Write as _};

use jkworkers::model::StatusWorker;

use super::report::{Block, Field, Refusal, Report, Shown, Value};

/// The document. `worker` says how elements are called and what stands above them.
pub(super) fn render(worker: &StatusWorker, report: &Result<Report<'_>, Refusal>) -> String {
    let mut page = Page {
        namespace: worker.ns.as_deref().unwrap_or_default(),
        text: "<?xml version=\"1.0\" encoding=\"UTF-8\" ?>\n".to_owned(),
    };
    if let Some(doctype) = &worker.doctype {
        page.text.extend([doctype, "\n"]);
    }
    page.open(0, "status");
    match worker.xmlns.as_deref() {
        None | Some("") => {}
        Some(xmlns) => page.text.extend(["  ", xmlns]),
    }
    page.text.push_str(">\n");
    if let Ok(report) = report {
        page.report(report);
    }
    page.element(2, "result", &super::result_fields(report));
    page.close(0, "status");
    page.text
}

struct Page<'a> {
    namespace: &'a str,
    text: String,
}

impl Page<'_> {
    fn report(&mut self, report: &Report<'_>) {
        for (name, fields) in [
            ("server", &report.server),
            ("time", &report.time),
            ("software", &report.software),
        ] {
            if !fields.is_empty() {
                self.element(0, name, fields);
            }
        }
        match &report.shown {
            Shown::Nothing => {}
            Shown::One(block) => self.block(block),
            Shown::Dump(properties) => self.dump(properties),
            Shown::List { balancers, workers } => {
                self.list("balancers", balancers.as_deref());
                self.list("ajp_workers", workers.as_deref());
            }
        }
    }

    fn list(&mut self, name: &str, blocks: Option<&[Block<'_>]>) {
        let Some(blocks) = blocks else { return };
        self.open(0, name);
        self.attribute(2, "count", &blocks.len().to_string());
        self.text.push_str(">\n");
        for block in blocks {
            self.block(block);
        }
        self.close(0, name);
    }

    /// Names are those of the properties, as far as they can be names.
    fn dump(&mut self, properties: &[(&str, &str)]) {
        self.open(2, "configuration");
        let mut seen = HashSet::new();
        for (name, value) in properties {
            let name = attribute_name(name);
            if seen.insert(name.clone()) {
                self.attribute(4, &name, value);
            }
        }
        self.text.push_str("  />\n");
    }

    /// The maps of a balancer are inside of it, those of another worker behind it.
    fn block(&mut self, block: &Block<'_>) {
        if block.is_balancer {
            self.open(2, "balancer");
            self.attributes(4, &block.fields);
            self.text.push_str("  >\n");
        } else {
            self.element(2, "ajp", &in_order(&block.fields));
        }
        for member in &block.members {
            self.element(6, "member", &in_order(&member.fields));
        }
        for map in &block.maps {
            self.element(6, "map", map);
        }
        if block.is_balancer {
            self.close(2, "balancer");
        }
    }

    fn element(&mut self, indent: usize, name: &str, fields: &[Field<'_>]) {
        self.open(indent, name);
        self.attributes(indent + 2, fields);
        // Writing to a String cannot fail.
        let _ = writeln!(self.text, "{:indent$}/>", "");
    }

    fn open(&mut self, indent: usize, name: &str) {
        let _ = writeln!(self.text, "{:indent$}<{}{name}", "", self.namespace);
    }

    fn close(&mut self, indent: usize, name: &str) {
        let _ = writeln!(self.text, "{:indent$}</{}{name}>", "", self.namespace);
    }

    fn attributes(&mut self, indent: usize, fields: &[Field<'_>]) {
        for Field { name, value } in fields {
            match value {
                Value::Text(text) => self.attribute(indent, name, text),
                other => self.attribute(indent, name, &other.to_string()),
            }
        }
    }

    fn attribute(&mut self, indent: usize, name: &str, value: &str) {
        let _ = write!(self.text, "{:indent$}{name}=\"", "");
        value.chars().for_each(|c| self.escaped(c));
        self.text.push_str("\"\n");
    }

    /// Other than mod_jk, which writes what makes the document unreadable.
    fn escaped(&mut self, c: char) {
        match c {
            '&' => self.text.push_str("&amp;"),
            '<' => self.text.push_str("&lt;"),
            '>' => self.text.push_str("&gt;"),
            '"' => self.text.push_str("&quot;"),
            // XML has no place for most of them, not even escaped.
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => self.text.push('?'),
            c => self.text.push(c),
        }
    }
}

/// What XML has no place for in a name is `_`.
fn attribute_name(name: &str) -> String {
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    let name = name.chars().map(|c| if fits(c) { c } else { '_' });
    let name: String = name.collect();
    if name.starts_with(|c: char| c.is_alphabetic() || c == '_') {
        name
    } else {
        format!("_{name}")
    }
}

/// In XML two attributes of a Tomcat are the other way round.
fn in_order<'a>(fields: &[Field<'a>]) -> Vec<Field<'a>> {
    let mut fields = fields.to_vec();
    if let Some(retries) = fields.iter().position(|field| field.name == "retries")
        && retries + 1 < fields.len()
    {
        fields.swap(retries, retries + 1);
    }
    fields
}
