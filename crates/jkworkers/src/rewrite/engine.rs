//! Applies the rules of a server to one request, in mod_rewrite's order.

use super::{
    Request, Unknown,
    expand::Found,
    rule::{Flags, RewriteRule, Rewriting},
    text::{Fact, Text},
};
use crate::model::variables::Handler;

/// How often `N` may begin anew, unless it says so itself.
pub const MAX_ROUNDS: u32 = 32_000;

/// The longest path that rules may make, bytes: twice the longest request line.
const MAX_PATH: usize = 2 * 8190;

/// What the rules come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rewritten {
    /// What becomes of the request.
    pub end: End,
    /// The query, where the request goes on.
    pub query: Option<Vec<u8>>,
    /// Variables that were set, or taken away (`None`), in order.
    pub variables: Vec<(String, Option<Vec<u8>>)>,
    /// Headers that conditions looked at: caches have to know.
    pub vary: Vec<String>,
    /// `H`
    pub handler: Option<Handler>,
}

/// What becomes of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum End {
    /// It goes on as it came.
    #[default]
    Same,
    /// `PT`: it goes on with this path, as if the client had asked for it.
    Path(Vec<u8>),
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

/// One request on its way through the rules.
pub(super) struct Run<'r, R> {
    pub(super) request: &'r R,
    /// The path before any rule.
    pub(super) uri: &'r [u8],
    /// The path as far as it is rewritten.
    pub(super) filename: Vec<u8>,
    pub(super) query: Option<Vec<u8>>,
    pub(super) by_rule: Found,
    pub(super) by_condition: Found,
    /// Headers that the condition at hand looked at.
    pub(super) seen_headers: Vec<String>,
    pub(super) result: Rewritten,
    /// The status to redirect with.
    status: u16,
    changed: Option<Changed>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Changed {
    no_escape: bool,
    anywhere: bool,
    pass: bool,
}

/// What a rule does to the others.
enum Then {
    NotAbout,
    Applied,
    /// The answer is this status.
    Status(u16),
}

/// Applies rules to a request for `path`, as httpd decodes it.
///
/// # Errors
///
/// [`Unknown`]: a file has to be looked at first.
pub fn rewrite<R: Request>(
    rules: &Rewriting,
    request: &R,
    path: &[u8],
    query: Option<&[u8]>,
) -> Result<Rewritten, Unknown> {
    let mut run = Run {
        request,
        uri: path,
        filename: path.to_vec(),
        query: query.map(<[u8]>::to_vec),
        by_rule: Found::default(),
        by_condition: Found::default(),
        seen_headers: Vec::new(),
        result: Rewritten::default(),
        status: 302,
        changed: None,
    };
    run.tell_own_address();
    let status = run.all(rules.rules())?;
    Ok(run.finish(status, query))
}

impl<R: Request> Run<'_, R> {
    fn tell_own_address(&mut self) {
        let url = self.qualified(self.uri);
        let variables = &mut self.result.variables;
        variables.push(("SCRIPT_URL".to_owned(), Some(self.uri.to_vec())));
        variables.push(("SCRIPT_URI".to_owned(), Some(url)));
    }

    /// Goes through the rules; gives the status, if one of them ends the request.
    fn all(&mut self, rules: &[RewriteRule]) -> Result<Option<u16>, Unknown> {
        let mut rounds = 0;
        let mut at = 0;
        while let Some(rule) = rules.get(at) {
            at += 1;
            match self.apply(rule)? {
                Then::NotAbout => {
                    let chained = rules.get(at - 1..).unwrap_or_default();
                    at += chained.iter().take_while(|rule| rule.flags.chain).count();
                    continue;
                }
                Then::Status(status) => return Ok(Some(status)),
                Then::Applied => {}
            }
            if self.filename.len() > MAX_PATH {
                return Ok(Some(500));
            }
            let flags = &rule.flags;
            if flags.pass {
                self.passes();
                break;
            }
            if flags.last {
                break;
            }
            if let Some(most) = flags.again {
                rounds += 1;
                if rounds >= most {
                    return Ok(Some(500));
                }
                at = 0;
            } else {
                at += flags.skip;
            }
        }
        Ok(None)
    }

    fn passes(&mut self) {
        self.changed = Some(Changed {
            no_escape: false,
            anywhere: false,
            pass: true,
        });
    }

    fn apply(&mut self, rule: &RewriteRule) -> Result<Then, Unknown> {
        let found = rule.pattern.find(&self.filename);
        if found.is_some() == rule.negated {
            return Ok(Then::NotAbout);
        }
        self.by_rule = found.map(|groups| Found::new(&groups)).unwrap_or_default();
        self.by_condition = Found::default();
        if !self.all_hold(&rule.conditions)? {
            return Ok(Then::NotAbout);
        }
        let flags = &rule.flags;
        let made = rule
            .to
            .as_ref()
            .map(|to| self.expand(to, flags.escape.as_ref()));
        if let Some(made) = &made
            && made.mark_is_found
            && !flags.allow_mark
        {
            return Ok(Then::Status(403));
        }
        self.set_variables(&flags.variables);
        self.result.handler = flags.handler.or(self.result.handler);
        if let (Some(made), Some(to)) = (made, &rule.to) {
            self.replace(made.text, flags);
            self.changed = Some(Changed {
                no_escape: flags.no_escape,
                anywhere: flags.allow_any_file || to.begins_as_written(),
                pass: false,
            });
        }
        Ok(flags.status.map_or(Then::Applied, Then::Status))
    }

    /// The path is another one now.
    fn replace(&mut self, made: Vec<u8>, flags: &Flags) {
        self.filename = made;
        if scheme(&self.filename).is_none() && !self.filename.starts_with(b"/") {
            self.filename.insert(0, b'/');
        }
        self.split_query(flags);
        if let Some(status) = flags.redirect {
            if scheme(&self.filename).is_none() {
                self.filename = self.qualified(&self.filename);
            }
            self.status = status;
            return;
        }
        self.reduce();
        if scheme(&self.filename).is_some() {
            self.status = 302;
        }
    }

    /// What stands behind `?` is the new query.
    fn split_query(&mut self, flags: &Flags) {
        if flags.discard_query {
            self.query = None;
        }
        let is_mark = |b: &u8| *b == b'?';
        let mark = if flags.last_mark {
            self.filename.iter().rposition(is_mark)
        } else {
            self.filename.iter().position(is_mark)
        };
        let Some(mark) = mark else { return };
        let mut query = self.filename.split_off(mark);
        query.remove(0);
        if flags.append_query
            && let Some(old) = &self.query
        {
            if !query.is_empty() {
                query.push(b'&');
            }
            query.extend_from_slice(old);
        }
        if query.ends_with(b"&") {
            query.pop();
        }
        self.query = Some(query).filter(|query| !query.is_empty());
    }

    /// A path as a URL of this server.
    fn qualified(&self, path: &[u8]) -> Vec<u8> {
        let scheme = self.request.fact(Fact::Scheme);
        let name = self.request.fact(Fact::ServerName);
        let port = self.request.fact(Fact::ServerPort);
        let (colon, port): (&[u8], &[u8]) = match &*port {
            b"80" if *scheme == *b"http" => (b"", b""),
            b"443" if *scheme == *b"https" => (b"", b""),
            port => (b":", port),
        };
        let slash: &[u8] = if path.starts_with(b"/") { b"" } else { b"/" };
        [&*scheme, b"://", &*name, colon, port, slash, path].concat()
    }

    /// A URL of this server is a path.
    fn reduce(&mut self) {
        let scheme = self.request.fact(Fact::Scheme);
        let rest = self.filename.get(scheme.len()..).unwrap_or_default();
        let is_ours = self.filename.get(..scheme.len());
        let is_ours = is_ours.is_some_and(|start| start.eq_ignore_ascii_case(&scheme));
        let Some(rest) = rest.strip_prefix(b"://").filter(|_| is_ours) else {
            return;
        };
        let end = rest.iter().position(|&b| b == b'/').unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let colon = authority.iter().rposition(|&b| b == b':');
        let (name, port) = authority.split_at(colon.unwrap_or(authority.len()));
        let port = match std::str::from_utf8(port.get(1..).unwrap_or_default()) {
            Ok("") if *scheme == *b"https" => 443,
            Ok("") => 80,
            Ok(port) => port.parse().unwrap_or_default(),
            Err(_) => 0,
        };
        if self.request.is_own(name, port) {
            self.filename = if path.is_empty() {
                b"/".to_vec()
            } else {
                path.to_vec()
            };
        }
    }

    fn set_variables(&mut self, variables: &[Text]) {
        for text in variables {
            let text = self.expand(text, None).text;
            let (name, value) = match text.strip_prefix(b"!") {
                Some(name) => (name, None),
                None => match text.iter().position(|&b| b == b':') {
                    Some(colon) => {
                        let (name, value) = text.split_at(colon);
                        (name, Some(value.get(1..).unwrap_or_default().to_vec()))
                    }
                    None => (&*text, Some(Vec::new())),
                },
            };
            let name = String::from_utf8_lossy(name).into_owned();
            self.result.variables.push((name, value));
        }
    }

    fn finish(mut self, status: Option<u16>, original: Option<&[u8]>) -> Rewritten {
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
        let scheme = scheme(&path);
        if changed.pass && scheme.is_some() {
            return End::Status(400);
        }
        if let Some(length) = scheme {
            let plain_query = changed.no_escape || self.query.as_deref() == original;
            return End::Redirect {
                status: self.status,
                to: Redirect {
                    plain: plain_length(&path, length, changed.no_escape),
                    url: path,
                    query: self.query.take(),
                    plain_query,
                },
            };
        }
        let is_bad = |b: &u8| *b <= b' ' || *b == 0x7F;
        if self.query.iter().flatten().any(is_bad) {
            return End::Status(403);
        }
        if changed.pass {
            return End::Path(path);
        }
        End::File {
            path,
            anywhere: changed.anywhere,
        }
    }
}

/// How much of a URL is never encoded: the scheme, and the host with its slash.
fn plain_length(url: &[u8], scheme: usize, all: bool) -> usize {
    let rest = url.get(scheme..).unwrap_or_default();
    match rest.iter().position(|&b| b == b'/') {
        _ if all => url.len(),
        _ if url.get(scheme.saturating_sub(1)) != Some(&b'/') => scheme,
        Some(slash) => scheme + slash + 1,
        None => url.len(),
    }
}

/// How long the scheme of a URL is, with its `://`. `None`: it is a path.
fn scheme(text: &[u8]) -> Option<usize> {
    const SCHEMES: [&str; 18] = [
        "http://",
        "https://",
        "ajp://",
        "balancer://",
        "fcgi://",
        "ftp://",
        "gopher://",
        "h2://",
        "h2c://",
        "ldap://",
        "ldaps://",
        "mailto:",
        "news:",
        "nntp://",
        "scgi://",
        "uwsgi://",
        "ws://",
        "wss://",
    ];
    let is_it = |scheme: &&&str| {
        let start = text.get(..scheme.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(scheme.as_bytes()))
    };
    SCHEMES.iter().find(is_it).map(|scheme| scheme.len())
}
