//! Applies rules to one request, in mod_rewrite's order.

use std::sync::Arc;

use super::{
    Request, Unknown,
    ending::Rewritten,
    expand::{Found, How},
    map::Maps,
    rule::{RewriteRule, Rewriting},
    section::Spot,
    url::scheme,
};

/// How often `N` may begin anew, unless it says so itself.
pub const MAX_ROUNDS: u32 = 32_000;

/// The longest path that rules may make, bytes: twice the longest request line.
const MAX_PATH: usize = 2 * 8190;

/// How much text rules may go through before they begin anew once more, bytes: what they look at, once
/// for each round, and what they leave in variables and cookies.
const MAX_TEXT: usize = 8 << 20;

/// One request on its way through the rules.
pub(super) struct Run<'r, R> {
    pub(super) request: &'r R,
    pub(super) maps: &'r Maps,
    /// The path before any rule.
    pub(super) uri: &'r [u8],
    /// Where it is, for rules in sections.
    pub(super) spot: Option<Spot<'r>>,
    /// The path, or the file, as far as it is rewritten.
    pub(super) filename: Vec<u8>,
    pub(super) query: Option<Vec<u8>>,
    pub(super) by_rule: Found,
    pub(super) by_condition: Found,
    /// Headers that the condition at hand looked at.
    pub(super) seen_headers: Vec<String>,
    pub(super) result: Rewritten,
    /// The status to redirect with.
    pub(super) status: u16,
    pub(super) changed: Option<Changed>,
    /// `DPI`
    drops_path_info: bool,
    /// A condition's regular expression took too long: it may have been to keep somebody out.
    pub(super) is_uncertain: bool,
    /// How much text rules have gone through, bytes: see [`MAX_TEXT`].
    pub(super) text: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Changed {
    pub(super) no_escape: bool,
    pub(super) anywhere: bool,
    pub(super) pass: bool,
}

/// What a rule does to the others.
enum Then {
    NotAbout,
    Applied,
    /// The answer is this status.
    Status(u16),
}

/// Applies the rules of a server to a request for `path`, as httpd decodes it.
///
/// # Errors
///
/// [`Unknown`]: something has to be looked up first.
pub fn rewrite<R: Request>(
    rules: &Rewriting,
    maps: &Maps,
    request: &R,
    path: &[u8],
    query: Option<&[u8]>,
) -> Result<Rewritten, Unknown> {
    let mut run = Run::new(request, maps, (path, query), None);
    run.tell_own_address();
    let status = run.all(rules.rules())?;
    Ok(run.finish(status, query))
}

/// Applies the rules of sections to a request for `path` that is for the file of `spot`.
///
/// # Errors
///
/// [`Unknown`]: something has to be looked up first.
pub fn rewrite_in<R: Request>(
    spot: Spot<'_>,
    maps: &Maps,
    request: &R,
    path: &[u8],
    query: Option<&[u8]>,
) -> Result<Rewritten, Unknown> {
    let mut run = Run::new(request, maps, (path, query), Some(spot));
    let status = run.all(&spot.rules.said.rules)?;
    Ok(run.finish(status, query))
}

impl<'r, R: Request> Run<'r, R> {
    fn new(
        request: &'r R,
        maps: &'r Maps,
        (uri, query): (&'r [u8], Option<&[u8]>),
        spot: Option<Spot<'r>>,
    ) -> Self {
        Self {
            request,
            maps,
            uri,
            filename: spot.map_or(uri, |spot| spot.filename).to_vec(),
            spot,
            query: query.map(<[u8]>::to_vec),
            by_rule: Found::default(),
            by_condition: Found::default(),
            seen_headers: Vec::new(),
            result: Rewritten::default(),
            status: 302,
            changed: None,
            drops_path_info: false,
            is_uncertain: false,
            text: 0,
        }
    }

    /// What was asked for first, however often it begins anew.
    fn tell_own_address(&mut self) {
        let first = if self.request.is_subrequest() {
            self.request.variable("SCRIPT_URL")
        } else {
            self.request.variable("REDIRECT_SCRIPT_URL")
        };
        let path = first.map_or_else(|| self.uri.to_vec(), std::borrow::Cow::into_owned);
        let url = self.qualified(&path);
        let variables = &mut self.result.variables;
        variables.push(("SCRIPT_URL".to_owned(), Some(path)));
        variables.push(("SCRIPT_URI".to_owned(), Some(url)));
    }

    /// Goes through the rules; gives the status, if one of them ends the request.
    fn all(&mut self, rules: &[Arc<RewriteRule>]) -> Result<Option<u16>, Unknown> {
        let mut rounds = 0;
        let mut at = 0;
        while let Some(rule) = rules.get(at) {
            at += 1;
            let flags = &rule.flags;
            if self.request.is_subrequest() && (flags.not_ahead || flags.not_on_behalf) {
                continue;
            }
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
            if flags.pass {
                self.passes();
                break;
            }
            self.result.is_last |= flags.end;
            if flags.last || flags.end {
                break;
            }
            if let Some(most) = flags.again {
                rounds += 1;
                if rounds >= most || self.has_gone_far() {
                    return Ok(Some(500));
                }
                at = 0;
            } else {
                at += flags.skip;
            }
        }
        Ok(None)
    }

    /// Whether rules that are about to begin anew have gone through too much text: each round looks
    /// at all that there is.
    fn has_gone_far(&mut self) -> bool {
        let query = self.query.as_ref().map_or(0, Vec::len);
        self.text += self.filename.len() + query + 1;
        self.text > MAX_TEXT
    }

    fn passes(&mut self) {
        self.changed = Some(Changed {
            no_escape: false,
            anywhere: false,
            pass: true,
        });
    }

    fn apply(&mut self, rule: &RewriteRule) -> Result<Then, Unknown> {
        let subject = self.subject();
        // A rule may keep somebody out.
        let Ok(found) = rule.pattern.search(&subject) else {
            return Ok(Then::Status(500));
        };
        if found.is_some() == rule.negated {
            return Ok(Then::NotAbout);
        }
        self.begin_rule(found.map(|groups| Found::new(&groups)));
        let all_hold = self.all_hold(&rule.conditions)?;
        if self.is_uncertain {
            return Ok(Then::Status(500));
        }
        if !all_hold {
            return Ok(Then::NotAbout);
        }
        let flags = &rule.flags;
        let how = How {
            escape: flags.escape.as_ref(),
            last_mark: flags.last_mark,
        };
        let made = match &rule.to {
            Some(to) => Some(self.fill(to, how)?),
            None => None,
        };
        if let Some(made) = &made
            && made.mark_is_found
            && !flags.allow_mark
        {
            return Ok(Then::Status(403));
        }
        self.leave_marks(rule)?;
        if let Some(made) = made {
            self.replace(made.text, rule);
        }
        self.force(rule)?;
        Ok(flags.status.map_or(Then::Applied, Then::Status))
    }

    /// What patterns are compared with: in sections without the directory.
    fn subject(&self) -> Vec<u8> {
        let Some(spot) = &self.spot else {
            return self.filename.clone();
        };
        let whole = [&*self.filename, self.path_info()].concat();
        let own = spot.rules.directory.as_bytes();
        match whole.strip_prefix(own) {
            Some(rest) => rest.to_vec(),
            None => whole,
        }
    }

    pub(super) fn path_info(&self) -> &[u8] {
        let info = self.spot.as_ref().map(|spot| spot.path_info);
        info.filter(|_| !self.drops_path_info).unwrap_or_default()
    }

    /// What `%{LA-U:…}` and `%{LA-F:…}` are about, and whether it is a file.
    pub(super) fn target_ahead(&self, is_file: bool) -> (Vec<u8>, bool) {
        let subject = self.subject();
        let Some(spot) = self.spot.filter(|_| !subject.starts_with(b"/")) else {
            return (subject, is_file && self.spot.is_none());
        };
        let base = spot.rules.said.base.as_deref().filter(|_| !is_file);
        let base = base.unwrap_or(&spot.rules.directory).as_bytes();
        ([base, &subject].concat(), is_file)
    }

    /// The path is another one now.
    fn replace(&mut self, made: Vec<u8>, rule: &RewriteRule) {
        let flags = &rule.flags;
        self.filename = made;
        let mut is_completed = false;
        if scheme(&self.filename).is_none() && !self.filename.starts_with(b"/") {
            let directory = self.spot.as_ref().map(|spot| &*spot.rules.directory);
            let directory = directory.unwrap_or("/").as_bytes();
            self.filename = [directory, &self.filename].concat();
            is_completed = true;
        }
        self.drops_path_info |= flags.no_path_info;
        self.split_query(flags);
        let to = rule.to.as_ref();
        self.changed = Some(Changed {
            no_escape: flags.no_escape,
            anywhere: flags.allow_any_file || to.is_some_and(super::Text::begins_as_written),
            pass: false,
        });
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
            return;
        }
        let keeps = flags.keeps_slashes || to.is_some_and(super::Text::begins_with_slashes);
        while !keeps && !is_completed && self.filename.starts_with(b"//") {
            self.filename.remove(0);
        }
    }
}
