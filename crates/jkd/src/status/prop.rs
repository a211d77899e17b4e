//! `mime=prop`: lines as in workers.properties.
//!
//! mod_jk's names, whatever one may think of them: what a member says about resets and errors stands
//! under its balancer's name, and two names have a blank in them.

use std::fmt::{Display, Write as _};

use super::report::{Block, Fields, Refusal, Report, Shown};

/// All lines. `prefix` is the first word of each name.
pub(super) fn render(prefix: &str, report: &Result<Report<'_>, Refusal>) -> String {
    let mut page = Page {
        prefix,
        text: String::new(),
    };
    if let Ok(report) = report {
        page.report(report);
    }
    let (kind, message) = super::result(report);
    page.line(Some("result"), "type", kind);
    page.line(Some("result"), "message", message);
    page.text
}

struct Page<'a> {
    prefix: &'a str,
    text: String,
}

impl Page<'_> {
    fn report(&mut self, report: &Report<'_>) {
        for (topic, fields) in [
            ("server_", &report.server),
            ("time_", &report.time),
            ("", &report.software),
        ] {
            for field in fields {
                self.line(None, format_args!("{topic}{}", field.name), &field.value);
            }
        }
        match &report.shown {
            Shown::Nothing => {}
            Shown::One(block) => self.block(block),
            Shown::Dump(properties) => super::dumped(&mut self.text, properties),
            Shown::List { balancers, workers } => {
                self.list("lb_count", balancers.as_deref());
                self.list("ajp_count", workers.as_deref());
            }
        }
    }

    fn list(&mut self, count: &str, blocks: Option<&[Block<'_>]>) {
        let Some(blocks) = blocks else { return };
        self.line(None, count, blocks.len());
        for block in blocks {
            self.block(block);
        }
    }

    fn block(&mut self, block: &Block<'_>) {
        let own = (!block.is_balancer).then_some(block.name);
        self.line(own, "list", block.name);
        self.fields(block.name, block.name, &block.fields);
        for member in &block.members {
            self.line(Some(block.name), "balance_workers", member.name);
            self.fields(member.name, block.name, &member.fields);
        }
        for (number, fields) in (1..).zip(&block.maps) {
            let fields = fields.iter().filter(|field| field.name != "id");
            for field in fields {
                let name = format_args!("map.{number}.{}", field.name);
                self.line(Some(block.name), name, &field.value);
            }
        }
    }

    /// What one worker says. `list` is the one in worker.list of which it is a part.
    fn fields(&mut self, worker: &str, list: &str, fields: &Fields<'_>) {
        for field in fields {
            match field.name {
                "name" => {}
                "error_time_unix_seconds" => {
                    self.line(Some(list), "error_time_unix seconds", &field.value);
                }
                "error_time_ago" => {
                    self.line(Some(list), "error_time_ago seconds", &field.value);
                }
                name if name.starts_with("error_time") || name.starts_with("last_reset") => {
                    self.line(Some(list), name, &field.value);
                }
                name => self.line(Some(worker), name, &field.value),
            }
        }
    }

    fn line(&mut self, worker: Option<&str>, name: impl Display, value: impl Display) {
        let start = self.text.len();
        // Writing to a String cannot fail.
        let _ = match worker {
            Some(worker) => write!(self.text, "{}.{worker}.{name}={value}", self.prefix),
            None => write!(self.text, "{}.{name}={value}", self.prefix),
        };
        super::one_line(&mut self.text, start);
        self.text.push('\n');
    }
}
