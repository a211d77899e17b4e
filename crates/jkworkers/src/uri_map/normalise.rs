//! From the request's target to the text that is compared with the rules.
//!
//! Two steps, because two texts are needed: [`decode`] is what httpd does (its result is what is
//! forwarded and searched for a session id), [`clean`] is what mod_jk does on top of it to a copy
//! (its result is what is mapped). Both are pure and neither allocates when there is nothing to
//! change, which is the rule.

use std::borrow::Cow;

use serde::Serialize;

/// What a host does with slashes in a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct UriRules {
    /// `AllowEncodedSlashes`.
    pub encoded_slashes: EncodedSlashes,
    /// `MergeSlashes`: runs of slashes become one. httpd's default is On.
    pub merge_slashes: bool,
}

impl Default for UriRules {
    fn default() -> Self {
        Self {
            encoded_slashes: EncodedSlashes::Refuse,
            merge_slashes: true,
        }
    }
}

/// `AllowEncodedSlashes`: what happens to `%2F`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EncodedSlashes {
    /// `Off`, the default: 404.
    Refuse,
    /// `On`: it becomes a slash.
    Decode,
    /// `NoDecode`: the text `%2F` stays.
    Keep,
}

/// A target that is answered at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadUri {
    /// A `..` leads above the root.
    #[error("the path leads above the root")]
    AboveRoot,
    /// `%2F` where it is not allowed.
    #[error("the path has an encoded slash (%2F)")]
    EncodedSlash,
    /// A `%` without two hexadecimal digits.
    #[error("the path has a % without two hexadecimal digits")]
    Escape,
    /// `%00`.
    #[error("the path has an encoded NUL (%00)")]
    Nul,
    /// Neither a path that begins with `/`, nor a URL, nor `*`.
    #[error("the path does not begin with /")]
    Relative,
}

impl BadUri {
    /// httpd's answer: 404 for what could be meant well, else 400. So it is for `%00`, which httpd
    /// takes for the former, and nobody means well.
    pub const fn status(self) -> u16 {
        match self {
            Self::EncodedSlash => 404,
            Self::AboveRoot | Self::Escape | Self::Nul | Self::Relative => 400,
        }
    }
}

/// Both steps: the text that [`UriMap::find`](super::UriMap::find) wants.
///
/// # Errors
/// [`BadUri`] says which; answer it with [`BadUri::status`].
pub fn normalise(target: &[u8], rules: UriRules) -> Result<Cow<'_, [u8]>, BadUri> {
    Ok(match decode(target, rules)? {
        Cow::Borrowed(path) => clean(path)?,
        Cow::Owned(path) => Cow::Owned(clean(&path)?.into_owned()),
    })
}

/// httpd's step: takes the path out of the target (scheme, authority, query and fragment go),
/// decodes it once, resolves `.` and `..` and merges slashes.
///
/// `*`, as in `OPTIONS *`, stays as it is; no rule matches it.
///
/// # Errors
/// [`BadUri`].
pub fn decode(target: &[u8], rules: UriRules) -> Result<Cow<'_, [u8]>, BadUri> {
    if is_ordinary(target) {
        return Ok(Cow::Borrowed(target));
    }
    let path = path_of(target);
    if path == b"*" {
        return Ok(Cow::Borrowed(path));
    }
    if !path.starts_with(b"/") {
        return Err(BadUri::Relative);
    }
    if is_plain(path, rules) {
        return Ok(Cow::Borrowed(path));
    }
    let plain = decode_unreserved(path);
    // Also in a segment that a `..` takes along.
    if has_bad_escape(&plain) {
        return Err(BadUri::Escape);
    }
    let resolved = resolve(&plain, rules.merge_slashes, |s| s)?;
    let decoded = unescape(&resolved, rules.encoded_slashes)?;
    if rules.encoded_slashes == EncodedSlashes::Decode {
        return resolve(&decoded, rules.merge_slashes, |s| s).map(Cow::Owned);
    }
    Ok(Cow::Owned(decoded))
}

/// What httpd has of a path with a bad escape, or that leads above the root: dots and slashes are
/// resolved as far as that goes, and nothing more is decoded.
pub fn resolved_at_least(target: &[u8], rules: UriRules) -> Vec<u8> {
    let plain = decode_unreserved(path_of(target));
    let mut resolved = b"/".to_vec();
    let segments = plain.strip_prefix(b"/").unwrap_or(&plain);
    let mut segments = segments.split(|&b| b == b'/').peekable();
    while let Some(segment) = segments.next() {
        match segment {
            b".." if resolved.len() > 1 => {
                let _ = step_back(&mut resolved);
            }
            b"." | b".." => {}
            b"" if rules.merge_slashes => {}
            text => {
                resolved.extend_from_slice(text);
                if segments.peek().is_some() {
                    resolved.push(b'/');
                }
            }
        }
    }
    resolved
}

/// mod_jk's step: removes every path parameter (`;…`), merges slashes, resolves `.` and `..`.
///
/// # Errors
/// [`BadUri::AboveRoot`], and [`BadUri::Relative`] for a text that neither begins with `/` nor is
/// `*`.
pub fn clean(path: &[u8]) -> Result<Cow<'_, [u8]>, BadUri> {
    if is_ordinary(path) {
        return Ok(Cow::Borrowed(path));
    }
    if path == b"*" {
        return Ok(Cow::Borrowed(path));
    }
    if !path.starts_with(b"/") {
        return Err(BadUri::Relative);
    }
    if !path.contains(&b';') && is_plain(path, UriRules::default()) {
        return Ok(Cow::Borrowed(path));
    }
    resolve(path, true, without_parameter).map(Cow::Owned)
}

/// Whether a path is one that nobody on its way reads in another way than it is written, as nearly
/// all are: it begins with `/`, no segment but the last is empty, none begins with a dot, and there
/// are only characters that need no `%` and begin no parameter.
///
/// One look at each byte, which saves every step that follows a closer one.
pub fn is_ordinary(path: &[u8]) -> bool {
    let mut previous = b'/';
    let Some((b'/', rest)) = path.split_first() else {
        return false;
    };
    for &byte in rest {
        if ORDINARY.get(usize::from(byte)) != Some(&true)
            || previous == b'/' && matches!(byte, b'/' | b'.')
        {
            return false;
        }
        previous = byte;
    }
    true
}

/// The bytes of ordinary paths.
#[allow(clippy::indexing_slicing, reason = "computed by the compiler")]
static ORDINARY: [bool; 256] = {
    let mut table = [false; 256];
    let mut rest: &[u8] = b"!$&'()*+,-./:=@_~\
        0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    while let [byte, tail @ ..] = rest {
        table[*byte as usize] = true;
        rest = tail;
    }
    table
};

/// `JkStripSession`: cuts the session id out of a path that went through [`decode`], from the
/// first occurrence of `name` to the next `;` or `/`.
pub fn without_session<'a>(path: &'a [u8], name: &str) -> Cow<'a, [u8]> {
    let length = name.len();
    let found = path
        .windows(length.max(1))
        .position(|part| part == name.as_bytes());
    let Some((before, rest)) = found.and_then(|start| path.split_at_checked(start)) else {
        return Cow::Borrowed(path);
    };
    let value = rest.get(length..).unwrap_or_default();
    let end = value.iter().position(|b| matches!(b, b';' | b'/'));
    let after = end.and_then(|end| value.get(end..)).unwrap_or_default();
    Cow::Owned([before, after].concat())
}

/// The path of `/path?query`, of `scheme://authority/path?query`, or `*`. Of several slashes at the
/// beginning of a target httpd takes one, also where it does not merge others.
fn path_of(target: &[u8]) -> &[u8] {
    let end = target.iter().position(|b| matches!(b, b'?' | b'#'));
    let target = end.and_then(|end| target.get(..end)).unwrap_or(target);
    if target.starts_with(b"/") {
        let slashes = target.iter().take_while(|&&b| b == b'/').count();
        return target.get(slashes - 1..).unwrap_or_default();
    }
    let Some(colon) = target.windows(3).position(|w| w == b"://") else {
        return target;
    };
    let rest = target.get(colon + 3..).unwrap_or_default();
    match rest.iter().position(|&b| b == b'/') {
        Some(slash) => rest.get(slash..).unwrap_or_default(),
        None => b"/",
    }
}

/// Whether both steps but the removal of parameters would leave a path alone. May say no too
/// often, never yes.
fn is_plain(path: &[u8], rules: UriRules) -> bool {
    let mut previous = 0;
    for &byte in path {
        match byte {
            b'%' => return false,
            b'/' if previous == b'/' && rules.merge_slashes => return false,
            b'.' if previous == b'/' => return false,
            _ => previous = byte,
        }
    }
    true
}

/// Decodes the characters that mean the same with and without a `%` (RFC 3986, 2.3), so that
/// `%2e%2e` is seen as `..`.
fn decode_unreserved(path: &[u8]) -> Vec<u8> {
    let mut result = Vec::with_capacity(path.len());
    let mut rest = path;
    while let Some((&byte, tail)) = rest.split_first() {
        match escape(rest) {
            Some(value) if is_unreserved(value) => {
                result.push(value);
                rest = rest.get(3..).unwrap_or_default();
            }
            _ => {
                result.push(byte);
                rest = tail;
            }
        }
    }
    result
}

fn has_bad_escape(path: &[u8]) -> bool {
    let mut escapes = memchr::memchr_iter(b'%', path);
    escapes.any(|at| path.get(at..).and_then(escape).is_none())
}

/// Decodes the rest. The whole path is looked at, as a bad escape counts more than a forbidden
/// character.
fn unescape(path: &[u8], slashes: EncodedSlashes) -> Result<Vec<u8>, BadUri> {
    let mut result = Vec::with_capacity(path.len());
    let mut forbidden = None;
    let mut rest = path;
    while let Some((&byte, tail)) = rest.split_first() {
        if byte != b'%' {
            result.push(byte);
            rest = tail;
            continue;
        }
        let value = escape(rest).ok_or(BadUri::Escape)?;
        let (text, tail) = rest.split_at_checked(3).ok_or(BadUri::Escape)?;
        rest = tail;
        match (value, slashes) {
            (0, _) => forbidden = forbidden.or(Some(BadUri::Nul)),
            (b'/', EncodedSlashes::Refuse) => {
                forbidden = forbidden.or(Some(BadUri::EncodedSlash));
            }
            (b'/', EncodedSlashes::Keep) => result.extend_from_slice(text),
            _ => result.push(value),
        }
    }
    forbidden.map_or(Ok(result), Err)
}

/// The value of `%XX` at the beginning of `text`.
pub(super) fn escape(text: &[u8]) -> Option<u8> {
    let [b'%', high, low, ..] = text else {
        return None;
    };
    let digit = |b: u8| char::from(b).to_digit(16);
    u8::try_from(digit(*high)? * 16 + digit(*low)?).ok()
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// Goes through the segments, each shortened by `segment_of`: `.` goes, `..` takes the segment
/// before it along, empty ones go when slashes are merged.
pub(super) fn resolve(
    path: &[u8],
    merge_slashes: bool,
    segment_of: impl Fn(&[u8]) -> &[u8],
) -> Result<Vec<u8>, BadUri> {
    let mut result = Vec::with_capacity(path.len());
    result.push(b'/');
    let mut segments = path
        .strip_prefix(b"/")
        .unwrap_or(path)
        .split(|&b| b == b'/')
        .peekable();
    while let Some(segment) = segments.next() {
        match segment_of(segment) {
            b"." => {}
            b".." => step_back(&mut result)?,
            b"" if merge_slashes => {}
            text => {
                result.extend_from_slice(text);
                if segments.peek().is_some() {
                    result.push(b'/');
                }
            }
        }
    }
    Ok(result)
}

/// Removes the last segment of `path`, which ends with a `/`.
fn step_back(path: &mut Vec<u8>) -> Result<(), BadUri> {
    path.pop();
    let slash = path.iter().rposition(|&b| b == b'/');
    let slash = slash.ok_or(BadUri::AboveRoot)?;
    path.truncate(slash + 1);
    Ok(())
}

pub(super) fn without_parameter(segment: &[u8]) -> &[u8] {
    let end = segment.iter().position(|&b| b == b';');
    end.and_then(|end| segment.get(..end)).unwrap_or(segment)
}

#[cfg(test)]
mod tests;
