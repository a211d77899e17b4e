//! Session ids: which member does a request belong to?
//!
//! An id ends in a dot and a route, `8A2F….tomcat1`. The route is everything behind the *first*
//! dot. The path parameter is looked at first, then the cookies; a path parameter without a route
//! still hides the cookies.

/// The session ids that a request carries, borrowed from it. Empty ones are left out.
///
/// One id needs no allocation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionIds<'a> {
    first: Option<Id<'a>>,
    more: Vec<Id<'a>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Id<'a> {
    Session(&'a [u8]),
    Route(&'a [u8]),
}

impl<'a> SessionIds<'a> {
    /// Looks for ids in the path as it is forwarded, then in the values of all `Cookie` headers.
    ///
    /// `param` is `session_path` with its semicolon, `cookie` is `session_cookie`. Both are
    /// compared to the letter.
    pub fn find<C>(path: &'a [u8], cookies: C, param: &str, cookie: &str) -> Self
    where
        C: IntoIterator<Item = &'a [u8]>,
    {
        let mut ids = Self::default();
        if let Some(id) = path_id(path, param.as_bytes()) {
            ids.push(id);
            return ids;
        }
        for header in cookies {
            cookie_ids(header, cookie.as_bytes(), |id| ids.push(id));
        }
        ids
    }

    /// Steers the request to a route, as the variable `JK_ROUTE` does: path and cookies count no
    /// longer. An empty route steers nowhere.
    pub fn route(route: &'a [u8]) -> Self {
        Self {
            first: Some(Id::Route(route)).filter(|_| !route.is_empty()),
            more: Vec::new(),
        }
    }

    /// Whether the request carries no session id: it may begin a new session.
    pub fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    /// The routes that the ids name, in order. Ids without a dot are skipped; a dot at the end names
    /// the member whose route was taken away.
    pub fn routes(&self) -> impl Iterator<Item = &'a [u8]> {
        (self.first.iter().chain(&self.more)).filter_map(|id| id.to_route())
    }

    fn push(&mut self, id: &'a [u8]) {
        if id.is_empty() {
            return;
        }
        match self.first {
            None => self.first = Some(Id::Session(id)),
            Some(_) => self.more.push(Id::Session(id)),
        }
    }
}

impl<'a> Id<'a> {
    fn to_route(self) -> Option<&'a [u8]> {
        match self {
            Self::Route(route) => Some(route),
            Self::Session(id) => Some(split_at_byte(id, |b| b == b'.')?.1),
        }
    }
}

/// The value of the first `param=` that has at least one more character behind it.
fn path_id<'a>(path: &'a [u8], param: &[u8]) -> Option<&'a [u8]> {
    let mut rest = path;
    loop {
        let (_, found) = split_at(rest, param)?;
        match found.split_first() {
            Some((b'=', value)) if !value.is_empty() => {
                return Some(until(value, |b| matches!(b, b'?' | b';' | b'/')));
            }
            _ => rest = found,
        }
    }
}

/// Every `name=value` of one header, quotes taken off.
fn cookie_ids<'a>(header: &'a [u8], name: &[u8], mut found: impl FnMut(&'a [u8])) {
    let mut rest = header;
    let mut before = None;
    while let Some((skipped, behind)) = split_at(rest, name) {
        let starts = matches!(
            skipped.last().copied().or(before),
            None | Some(b';' | b',' | b' ' | b'\t'..=b'\r')
        );
        before = name.last().copied();
        rest = behind;
        let value = starts.then(|| cookie_value(behind)).flatten();
        if let Some(value) = value {
            found(unquote(until(value, |b| matches!(b, b';' | b','))));
            // The next name may stand within this value, but not at its first byte.
            before = value.first().copied();
            rest = value.get(1..).unwrap_or_default();
        }
    }
}

/// What follows the `=`, if there is one and anything behind it.
fn cookie_value(behind_name: &[u8]) -> Option<&[u8]> {
    match behind_name.trim_ascii_start().split_first() {
        Some((b'=', value)) if !value.is_empty() => Some(value),
        _ => None,
    }
}

fn unquote(value: &[u8]) -> &[u8] {
    (value.strip_prefix(b"\""))
        .and_then(|value| value.strip_suffix(b"\""))
        .unwrap_or(value)
}

fn until(text: &[u8], is_end: impl Fn(u8) -> bool) -> &[u8] {
    split_at_byte(text, is_end).map_or(text, |(value, _)| value)
}

fn split_at_byte(text: &[u8], is_it: impl Fn(u8) -> bool) -> Option<(&[u8], &[u8])> {
    let at = text.iter().position(|b| is_it(*b))?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

/// What stands before and behind the first `needle`. An empty needle is never found.
fn split_at<'a>(text: &'a [u8], needle: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let first = needle.first()?;
    let mut from = 0;
    loop {
        let at = from + text.get(from..)?.iter().position(|b| b == first)?;
        if let Some(behind) = text.get(at..)?.strip_prefix(needle) {
            return Some((text.get(..at)?, behind));
        }
        from = at + 1;
    }
}

#[cfg(test)]
mod tests;
