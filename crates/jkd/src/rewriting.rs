//! mod_rewrite: what `RewriteRule` makes of a request, before anything is mapped.
//!
//! The rules themselves are `jkworkers::rewrite`; here is what they ask about, and what becomes of
//! the request then.

mod ahead;
mod expressions;
mod inquiry;
mod maps;
mod sections;
mod trail;

use std::sync::Arc;

use http::StatusCode;
use jkworkers::{
    model::{Asked, Host, Naming, variables::Handler},
    rewrite::{self, End, Redirect, Spot},
};

use self::inquiry::Inquiry;
pub(crate) use self::inquiry::request_line;
pub(crate) use self::{
    sections::{InSections, Place, in_sections},
    trail::{Reached, Trail, Turn, renamed},
};
use crate::{
    access::Claims, forward::encode_path, http1::Head, peer::Peer, redirect::Elsewhere,
    rescue::Stumble, snapshot::Snapshot, strict::Target, variables::Variables,
};

/// What rules look at.
#[derive(Clone, Copy)]
pub(crate) struct Subject<'a> {
    pub(crate) host: &'a Host,
    pub(crate) head: &'a Head,
    pub(crate) peer: &'a Peer,
    pub(crate) variables: &'a Variables<'a>,
    /// What the client calls the server.
    pub(crate) target: Target<'a>,
    /// Who says what it is called.
    pub(crate) naming: Naming,
    /// The path as httpd decodes it.
    pub(crate) decoded: &'a [u8],
    /// The request that asks, where it is another one: for an index file, or to look ahead.
    pub(crate) on_behalf_of: Option<Asker<'a>>,
    /// Who the client is, where that is known already.
    pub(crate) claims: Option<&'a Claims>,
    /// `None`: nobody looks ahead.
    pub(crate) snapshot: Option<&'a Arc<Snapshot>>,
}

/// A request on whose behalf another one is looked at.
#[derive(Clone, Copy)]
pub(crate) struct Asker<'a> {
    /// Its path.
    path: &'a [u8],
    /// How many requests stand between a client and what is looked at.
    depth: u8,
}

impl<'a> Asker<'a> {
    /// The request of a client.
    pub(crate) const fn of_client(path: &'a [u8]) -> Self {
        Self { path, depth: 1 }
    }
}

/// What they have made of a request.
#[derive(Debug)]
pub(crate) struct Rewritten {
    /// The head, with the query that there is now.
    pub(crate) head: Head,
    /// The path that is mapped.
    pub(crate) decoded: Vec<u8>,
    /// The file that it is for, unless a rule of the map covers the path.
    pub(crate) file: Option<LocalFile>,
    /// Variables that were set or taken away.
    pub(crate) variables: Vec<(String, Option<Vec<u8>>)>,
    /// `H`
    pub(crate) handler: Option<Handler>,
    /// `T`
    pub(crate) kind: Option<Vec<u8>>,
    /// `CO`
    pub(crate) cookies: Vec<rewrite::Cookie>,
    /// `END`
    pub(crate) is_last: bool,
    /// The path with which it begins anew.
    pub(crate) anew: Option<Vec<u8>>,
    /// The value of `Vary` that follows from what was looked at.
    pub(crate) vary: Option<String>,
    /// Why it goes nowhere from here.
    pub(crate) stumble: Option<Stumble>,
}

/// A path below the directory of documents, or in the file system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LocalFile {
    pub(crate) path: Vec<u8>,
    /// Whether it may be one of the file system.
    pub(crate) anywhere: bool,
}

/// Applies the rules of the host, if it has any and the request is for a path.
pub(crate) async fn rewrite(subject: Subject<'_>) -> Option<Box<Rewritten>> {
    if !subject.host.rewrites(subject.decoded) {
        return None;
    }
    // Boxed: most hosts have no rules.
    let rewritten = Box::pin(Inquiry::new(subject, None).answer()).await;
    Some(Box::new(Rewritten::new(subject, rewritten)))
}

/// The same at once, without looking ahead.
pub(crate) fn rewrite_blindly(subject: Subject<'_>) -> Option<Rewritten> {
    if !subject.host.rewrites(subject.decoded) {
        return None;
    }
    let rewritten = Inquiry::new(subject, None).answer_blindly();
    Some(Rewritten::new(subject, rewritten))
}

/// Applies rules in sections.
async fn rewrite_in(subject: Subject<'_>, spot: Spot<'_>) -> Box<Rewritten> {
    let rewritten = Box::pin(Inquiry::new(subject, Some(spot)).answer()).await;
    Box::new(Rewritten::new(subject, rewritten))
}

impl<'a> Subject<'a> {
    /// The same, where sections say who says what the server is called.
    pub(crate) fn about(self, asked: Asked<'_>) -> Self {
        let naming = self.host.naming(asked);
        Self { naming, ..self }
    }

    /// The same as expressions see it, for this path, and for the file that it leads to.
    pub(crate) fn expressing(
        &self,
        path: &'a [u8],
        file: Option<&'a [u8]>,
    ) -> crate::expressions::Subject<'a> {
        crate::expressions::Subject {
            variables: Some(self.variables),
            file,
            naming: self.naming,
            claims: self.claims,
            ..crate::expressions::Subject::new(self.host, self.head, self.peer, path)
        }
    }
}

impl Rewritten {
    fn new(subject: Subject<'_>, made: rewrite::Rewritten) -> Self {
        let (mut decoded, mut file, mut stumble) = (subject.decoded.to_vec(), None, None);
        let mut anew = None;
        match made.end {
            End::Same => {}
            End::Anew(path) => anew = Some(path),
            End::Path(path) => decoded = path,
            End::File { path, anywhere } => file = Some(LocalFile { path, anywhere }),
            End::Status(status) => stumble = Some(said(status)),
            End::Redirect { status, to } => stumble = Some(elsewhere(status, &to)),
        }
        Self {
            head: subject.head.clone().with_query(made.query),
            decoded,
            file,
            variables: made.variables,
            handler: made.handler,
            kind: made.kind,
            cookies: made.cookies,
            is_last: made.is_last,
            anew,
            vary: Some(made.vary.join(", ")).filter(|vary| !vary.is_empty()),
            stumble,
        }
    }
}

fn said(status: u16) -> Stumble {
    let status = StatusCode::from_u16(status);
    Stumble::Said(status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR))
}

fn elsewhere(status: u16, to: &Redirect) -> Stumble {
    let (plain, path) = to.url.split_at(to.plain.min(to.url.len()));
    let mut url = [plain, &*encode_path(path)].concat();
    if let Some(query) = &to.query {
        url.push(b'?');
        if to.plain_query {
            url.extend_from_slice(query);
        } else {
            url.extend_from_slice(&encode_path(query));
        }
    }
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::FOUND);
    Stumble::Elsewhere(Box::new(Elsewhere::to(status, url)))
}
