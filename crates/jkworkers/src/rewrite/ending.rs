//! What rules come to in the end.

use super::{
    Request,
    effects::Cookie,
    engine::{Changed, Run},
    section::Spot,
    text::Fact,
    url::{plain_length, scheme, with_prefix},
};
use crate::model::variables::Handler;

/// What the rules come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rewritten {
    /// What becomes of the request.
    pub end: End,
    /// The query, where the request goes on.
    pub query: Option<Vec<u8>>,
    /// Variables that were set, or taken away (`None`), in order.
    pub variables: Vec<(String, Option<Vec<u8>>)>,
    /// `CO`, in order; the first one of a name counts.
    pub cookies: Vec<Cookie>,
    /// Headers that conditions looked at: caches have to know.
    pub vary: Vec<String>,
    /// `H`
    pub handler: Option<Handler>,
    /// `T`, in lower case.
    pub kind: Option<Vec<u8>>,
    /// `END`: no rule looks at the request any more, here or elsewhere.
    pub is_last: bool,
}

/// What becomes of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum End {
    /// It goes on as it came.
    #[default]
    Same,
    /// `PT`: it goes on with this path, as if the client had asked for it.
    Path(Vec<u8>),
    /// It begins anew with this path: rules in sections have changed it.
    Anew(Vec<u8>),
    /// It is for a file: this path below the directory of documents, or in the file system. What is
    /// mapped and protected is the path that the client has asked for.
    File {
        /// The path.
        path: Vec<u8>,
        /// Whether it may be one of the file system: its first part is the rule's own.
        anywhere: bool,
    },
    /// It is answered with this status.
    Status(u16),
    /// It is sent elsewhere.
    Redirect {
        /// The status.
        status: u16,
        /// The whole URL; its path and its query are still to be encoded, where they are `Some`.
        to: Redirect,
    },
}

/// Where a client is sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Redirect {
    /// Scheme and host, sent as they are; without `NE` the path is encoded.
    pub url: Vec<u8>,
    /// How many bytes of `url` need no encoding: scheme and host, or all.
    pub plain: usize,
    /// The query.
    pub query: Option<Vec<u8>>,
    /// Whether the query needs no encoding.
    pub plain_query: bool,
}

impl<'r, R: Request> Run<'r, R> {
    pub(super) fn finish(mut self, status: Option<u16>, original: Option<&[u8]>) -> Rewritten {
        self.result.end = match (status, self.changed) {
            (Some(status), _) => End::Status(status),
            (None, None) => End::Same,
            (None, Some(changed)) => self.changed_end(changed, original),
        };
        self.result.query = self.query;
        self.result
    }

    fn changed_end(&mut self, changed: Changed, original: Option<&[u8]>) -> End {
        let path = std::mem::take(&mut self.filename);
        let scheme = scheme(&path).map(|scheme| scheme.length);
        if changed.pass && scheme.is_some() {
            return End::Status(400);
        }
        if let Some(length) = scheme {
            let path = self.with_base(path, length);
            let plain_query = changed.no_escape || self.query.as_deref() == original;
            return End::Redirect {
                status: self.status,
                to: Redirect {
                    plain: plain_length(&path, length, changed.no_escape),
                    url: path,
                    query: self.query.clone(),
                    plain_query,
                },
            };
        }
        let is_bad = |b: &u8| *b <= b' ' || *b == 0x7F;
        if self.query.iter().flatten().any(is_bad) {
            return End::Status(403);
        }
        if let Some(spot) = self.spot {
            return self.anew(spot, path);
        }
        if changed.pass {
            return End::Path(path);
        }
        End::File {
            path,
            anywhere: changed.anywhere,
        }
    }

    /// `RewriteBase` in the path of a URL that stands for the directory.
    fn with_base(&self, url: Vec<u8>, scheme: usize) -> Vec<u8> {
        let base = self
            .spot
            .and_then(|spot| Some((spot, spot.rules.said.base.as_deref()?)));
        let Some((spot, base)) = base else { return url };
        let rest = url.get(scheme..).unwrap_or_default();
        let Some(slash) = rest.iter().position(|&b| b == b'/') else {
            return url;
        };
        let (host, path) = url.split_at(scheme + slash + 1);
        let own = spot.rules.directory.as_bytes();
        let own = own.strip_prefix(b"/").unwrap_or(own);
        let base = base.strip_prefix('/').unwrap_or(base).as_bytes();
        match with_prefix(path, own, base) {
            Some(path) => [host, &path].concat(),
            None => url,
        }
    }

    /// From the name of a file back to a path, for a request that begins anew.
    fn anew(&self, spot: Spot<'r>, path: Vec<u8>) -> End {
        if !path.starts_with(b"/") {
            return End::Status(400);
        }
        if path == spot.filename {
            return End::Same;
        }
        let root = self.request.fact(Fact::DocumentRoot);
        let own = spot.rules.directory.as_bytes();
        let found = match spot.rules.said.base.as_deref() {
            Some(base) => with_prefix(&path, own, base.as_bytes()),
            None if root.is_empty() => None,
            None => {
                let root = root.strip_suffix(b"/").unwrap_or(&root);
                let rest = path.strip_prefix(root);
                rest.filter(|rest| rest.starts_with(b"/"))
                    .map(<[u8]>::to_vec)
            }
        };
        let uses_context = !spot.rules.said.options.unwrap_or_default().ignore_context;
        let by_context = || {
            let (root, prefix) = spot.context.filter(|_| uses_context)?;
            with_prefix(&path, root, prefix)
        };
        End::Anew(found.or_else(by_context).unwrap_or(path))
    }
}
