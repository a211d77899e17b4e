//! Rules of mod_rewrite, applied to a request: they end, and make no more than they may.

use std::{borrow::Cow, path::Path};

use jkworkers::{
    expr::{Expression, Fault, Outcome},
    rewrite::{Ahead, End, Fact, FileTest, Request, Seen, SoFar, TimePart, Unknown, rewrite},
};

use crate::{expression, files::Memory, first_line};

/// In front of the rules.
const HEAD: &[u8] = b"Listen 80\nJkWorkersFile w\nRewriteEngine on\n";
const WORKERS: &[u8] = b"worker.list=w\n";

/// The longest path that rules may make, bytes, and the longest query that may be left.
const LONGEST: usize = 2 * 8190 + 20_000;

/// A line with a target, then lines of a configuration with rules.
pub(crate) fn run(input: &[u8]) {
    let (target, rules) = first_line(input);
    // Longer ones do not get so far.
    let target = &target[..target.len().min(8190)];
    let files = Memory::default()
        .with("jk.conf", HEAD)
        .with("jk.conf", rules)
        .with("w", WORKERS);
    let Some(model) = files.load().model else {
        return;
    };
    let (path, query) = match target.iter().position(|b| *b == b'?') {
        Some(end) => (&target[..end], Some(&target[end + 1..])),
        None => (target, None),
    };
    for host in &model.hosts {
        let request = Asked { path, query };
        let apply = || rewrite(&host.rewriting, &host.rewrite_maps, &request, path, query);
        let made = apply();
        if let Ok(made) = &made {
            is_bounded(&made.end);
            let query = made.query.as_ref().map_or(0, Vec::len);
            assert!(query <= LONGEST + target.len(), "{query} bytes of query");
        }
        assert_eq!(made, apply());
    }
}

fn is_bounded(end: &End) {
    let length = match end {
        End::Same => return,
        End::Path(path) | End::Anew(path) | End::File { path, .. } => path.len(),
        End::Status(status) => {
            assert!((100..=999).contains(status), "{status}");
            return;
        }
        End::Redirect { status, to } => {
            assert!((300..400).contains(status), "{status}");
            assert!(to.plain <= to.url.len());
            to.url.len()
        }
    };
    assert!(length <= LONGEST, "{length} bytes of path");
}

struct Asked<'a> {
    path: &'a [u8],
    query: Option<&'a [u8]>,
}

impl Request for Asked<'_> {
    fn header(&self, name: &str) -> Option<Cow<'_, [u8]>> {
        (!name.len().is_multiple_of(3)).then_some(Cow::Borrowed(self.path))
    }

    fn variable(&self, name: &str) -> Option<Cow<'_, [u8]>> {
        name.len()
            .is_multiple_of(2)
            .then_some(Cow::Borrowed(self.path))
    }

    fn tls(&self, _: &str) -> Option<Cow<'_, [u8]>> {
        None
    }

    fn evaluate(&self, expression: &Expression, _: SoFar<'_>) -> Result<Outcome, Fault> {
        expression.evaluate(&expression::Values(self.path))
    }

    fn fact(&self, fact: Fact) -> Cow<'_, [u8]> {
        Cow::Borrowed(match fact {
            Fact::Query => self.query.unwrap_or_default(),
            Fact::Https | Fact::Ipv6 => b"off",
            Fact::Scheme => b"http",
            Fact::ServerName => b"www.example.com",
            Fact::ServerPort => b"80",
            _ => self.path,
        })
    }

    fn time(&self, _: TimePart) -> String {
        "12".to_owned()
    }

    fn is_own(&self, name: &[u8], _: u16) -> bool {
        name == b"www.example.com"
    }

    fn escape(&self, path: &[u8]) -> Vec<u8> {
        path.escape_ascii().collect()
    }

    fn pick(&self, count: usize) -> usize {
        count / 2
    }

    fn is_subrequest(&self) -> bool {
        false
    }

    fn holds(&self, _: FileTest, path: &[u8]) -> Result<bool, Unknown> {
        Ok(path.len().is_multiple_of(2))
    }

    fn mapped(&self, _: &Path, key: &[u8]) -> Result<Option<Cow<'_, [u8]>>, Unknown> {
        Ok(key
            .len()
            .is_multiple_of(2)
            .then_some(Cow::Borrowed(self.path)))
    }

    fn ahead(&self, target: &Ahead) -> Result<&Seen, Unknown> {
        Err(Unknown::Ahead(target.clone()))
    }
}
