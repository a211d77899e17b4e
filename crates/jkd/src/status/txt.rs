//! `mime=txt`: a line for each thing.

use std::fmt::Write as _;

use super::report::{Block, Field, Refusal, Report, Shown};

/// Values of these names are in quotation marks, and so are all of maps.
const QUOTED: [&str; 5] = ["domain", "message", "redirect", "route", "web_server"];

/// All lines.
pub(super) fn render(report: &Result<Report<'_>, Refusal>) -> String {
    let mut page = Page(String::new());
    if let Ok(report) = report {
        page.report(report);
    }
    page.line("Result", &super::result_fields(report), false);
    page.0
}

struct Page(String);

impl Page {
    fn report(&mut self, report: &Report<'_>) {
        for (title, fields) in [
            ("Server", &report.server),
            ("Time", &report.time),
            ("Software", &report.software),
        ] {
            if !fields.is_empty() {
                self.line(title, fields, false);
            }
        }
        match &report.shown {
            Shown::Nothing => {}
            Shown::One(block) => self.block(block),
            Shown::Dump(properties) => {
                self.0.push_str("Configuration:\n");
                super::dumped(&mut self.0, properties);
            }
            Shown::List { balancers, workers } => {
                self.list("Balancer Workers", balancers.as_deref());
                self.list("AJP Workers", workers.as_deref());
            }
        }
    }

    fn list(&mut self, title: &str, blocks: Option<&[Block<'_>]>) {
        let Some(blocks) = blocks else { return };
        // Writing to a String cannot fail.
        let _ = writeln!(self.0, "{title}: count={}", blocks.len());
        for block in blocks {
            self.block(block);
        }
    }

    fn block(&mut self, block: &Block<'_>) {
        let title = if block.is_balancer {
            "Balancer Worker"
        } else {
            "AJP Worker"
        };
        self.line(title, &block.fields, false);
        for member in &block.members {
            self.line("Member", &member.fields, false);
        }
        for map in &block.maps {
            self.line("Map", map, true);
        }
    }

    fn line(&mut self, title: &str, fields: &[Field<'_>], is_map: bool) {
        let start = self.0.len();
        let _ = write!(self.0, "{title}:");
        for Field { name, value } in fields {
            let is_quoted = QUOTED.contains(name) || (is_map && *name != "id");
            let mark = if is_quoted { "\"" } else { "" };
            let _ = write!(self.0, " {name}={mark}{value}{mark}");
        }
        super::one_line(&mut self.0, start);
        self.0.push('\n');
    }
}
