//! Queries with texts in and out, for tries with arbitrary input.

use super::query::{Command, Query};

/// What a query asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The command.
    pub command: String,
    /// The form of the answer.
    pub form: String,
    /// Whether it would change something.
    pub changes: bool,
    /// `w`.
    pub worker: Option<String>,
    /// `sw`.
    pub member: Option<String>,
    /// `opt`.
    pub options: i32,
    /// `re`.
    pub refresh: Option<u32>,
    /// Whether a value could not be decoded.
    pub is_broken: bool,
}

/// Reads a query; `wanted` is a parameter whose value is wanted as well.
pub fn asked(query: &[u8], wanted: &str) -> (Asked, Option<String>) {
    let query = Query::read(query);
    let asked = Asked {
        command: format!("{:?}", query.command),
        form: format!("{:?}", query.form),
        changes: Command::changes(query.command),
        worker: query.worker.clone(),
        member: query.member.clone(),
        options: query.options,
        refresh: query.refresh,
        is_broken: query.is_broken,
    };
    (asked, query.get(wanted).map(str::to_owned))
}
