//! What a status worker has to say, before it takes a form.

mod block;
mod maps;
mod time;

use std::{borrow::Cow, time::SystemTime};

use jkworkers::model::StatusWorker;

pub(super) use self::block::Block;
#[cfg(test)]
pub(super) use self::block::Member;
use self::time::local;
use super::{
    Asked,
    query::{Command, Query, without},
    rating::Rating,
    target::Target,
};
use crate::snapshot::{Running, Snapshot};

/// What both the server and its connector are called.
const SOFTWARE: &str = concat!("jkd/", env!("CARGO_PKG_VERSION"));

/// One name with its value, in the order of mod_jk's properties.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Field<'a> {
    pub(super) name: &'static str,
    pub(super) value: Value<'a>,
}

/// A value by its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value<'a> {
    Flag(bool),
    Number(i128),
    Text(Cow<'a, str>),
}

/// Names with values.
pub(super) type Fields<'a> = Vec<Field<'a>>;

/// All that is shown.
#[derive(Debug, Default)]
pub(super) struct Report<'a> {
    pub(super) server: Fields<'a>,
    pub(super) time: Fields<'a>,
    pub(super) software: Fields<'a>,
    pub(super) shown: Shown<'a>,
}

/// The workers that are shown.
#[derive(Debug, Default)]
pub(super) enum Shown<'a> {
    #[default]
    Nothing,
    /// Balancers, and workers that are mounted by themselves. `None`: there are none, or they are
    /// left out.
    List {
        balancers: Option<Vec<Block<'a>>>,
        workers: Option<Vec<Block<'a>>>,
    },
    One(Block<'a>),
    /// What workers.properties says: names with values.
    Dump(Vec<(&'a str, &'a str)>),
}

/// What shows everything of one snapshot in the same way.
#[derive(Clone, Copy, Debug)]
struct Look<'a> {
    snapshot: &'a Snapshot,
    query: &'a Query,
    rating: Rating,
    now: SystemTime,
}

/// Why a status worker does not do what it is asked for, in mod_jk's words.
pub(super) type Refusal = Cow<'static, str>;

/// Finds out what is to be shown.
pub(super) fn report<'a>(
    snapshot: &'a Snapshot,
    worker: &StatusWorker,
    asked: &'a Asked,
    query: &'a Query,
) -> Result<Report<'a>, Refusal> {
    let look = Look {
        snapshot,
        query,
        rating: Rating::of(worker),
        now: SystemTime::now(),
    };
    let server = vec![
        Field::text("name", &*asked.server_name),
        Field::number("port", asked.server_port),
    ];
    let shown = match query.command {
        Command::Unknown => return Err("Invalid command.".into()),
        Command::Edit => {
            Target::find(snapshot, query, false)?;
            return Ok(Report {
                server,
                ..Report::default()
            });
        }
        Command::Recover | Command::Reset | Command::Update => return Ok(Report::default()),
        Command::Config | Command::Version => Shown::Nothing,
        Command::Dump => Shown::Dump(properties(snapshot)),
        Command::List => look.list(),
        Command::Show => look.one()?,
    };
    Ok(Report {
        server,
        time: time::fields(look.now),
        software: vec![
            Field::text("web_server", SOFTWARE),
            Field::text("jk_version", SOFTWARE),
        ],
        shown,
    })
}

/// What was written in workers.properties, without secrets, in the order in which it came: as it
/// was at the start or the last reload.
pub(super) fn properties(snapshot: &Snapshot) -> Vec<(&str, &str)> {
    let properties = snapshot.configured.global.properties.iter();
    properties
        .map(|(name, value)| (&**name, &**value))
        .collect()
}

impl<'a> Look<'a> {
    fn list(&self) -> Shown<'a> {
        let blocks = |of_balancers: bool, bit: i32| {
            let groups = self.snapshot.groups();
            let groups = groups.filter(|group| group.is_balancer == of_balancers);
            let blocks: Vec<_> = if self.query.leaves_out(bit) {
                Vec::new()
            } else {
                groups.map(|group| self.block(group, None)).collect()
            };
            Some(blocks).filter(|blocks| !blocks.is_empty())
        };
        Shown::List {
            balancers: blocks(true, without::BALANCERS),
            workers: blocks(false, without::WORKERS),
        }
    }

    fn one(&self) -> Result<Shown<'a>, Refusal> {
        let target = Target::find(self.snapshot, self.query, false)?;
        Ok(match target.worker {
            Running::Group(group) => Shown::One(self.block(group, target.member())),
            Running::Status(_) => Shown::Nothing,
        })
    }
}

impl<'a> Field<'a> {
    pub(super) fn text(name: &'static str, value: impl Into<Cow<'a, str>>) -> Self {
        Self {
            name,
            value: Value::Text(value.into()),
        }
    }

    fn number(name: &'static str, value: impl Into<i128>) -> Self {
        Self {
            name,
            value: Value::Number(value.into()),
        }
    }

    const fn flag(name: &'static str, value: bool) -> Self {
        Self {
            name,
            value: Value::Flag(value),
        }
    }
}

impl std::fmt::Display for Value<'_> {
    /// As mod_jk writes it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Flag(true) => f.write_str("True"),
            Self::Flag(false) => f.write_str("False"),
            Self::Number(number) => number.fmt(f),
            Self::Text(text) => text.fmt(f),
        }
    }
}
