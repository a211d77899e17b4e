//! Paths of requests, compared with a slow reader that does one thing after the other.

use jkworkers::uri_map::{
    BadUri, EncodedSlashes, UriRules, clean, decode, is_ordinary, normalise, tomcat,
    without_session,
};

/// A byte of rules, then a target.
pub(crate) fn run(input: &[u8]) {
    let Some((&rules, target)) = input.split_first() else {
        return;
    };
    let target = &target[..target.len().min(4000)];
    let rules = UriRules {
        encoded_slashes: match rules % 3 {
            0 => EncodedSlashes::Refuse,
            1 => EncodedSlashes::Decode,
            _ => EncodedSlashes::Keep,
        },
        merge_slashes: rules & 0x80 == 0,
    };
    is_as_slowly(target, rules);
    let normal = normalise(target, rules);
    if is_ordinary(target) {
        assert_eq!(normal.as_deref(), Ok(target));
        assert!(tomcat::reads_as(target, target));
    }
    if let Ok(normal) = normal {
        is_normal(&normal);
    }
}

fn is_as_slowly(target: &[u8], rules: UriRules) {
    let decoded = decode(target, rules);
    let shown = target.escape_ascii().to_string();
    assert_eq!(
        decoded.as_deref(),
        slowly_decoded(target, rules).as_deref(),
        "{shown}"
    );
    let cleaned = clean(target);
    assert_eq!(
        cleaned.as_deref(),
        slowly_cleaned(target).as_deref(),
        "{shown}"
    );
    let normal = normalise(target, rules);
    let steps = decoded.as_deref().map_err(|bad| *bad).and_then(clean);
    assert_eq!(normal.as_deref(), steps.as_deref(), "{shown}");
    if let Ok(decoded) = &decoded {
        let _ = tomcat::reads_as(target, decoded);
        let stripped = without_session(decoded, ";jsessionid");
        assert!(stripped.len() <= decoded.len());
    }
}

/// What is compared with rules cannot mean anything else to anybody.
fn is_normal(path: &[u8]) {
    let shown = path.escape_ascii().to_string();
    assert!(path == b"*" || path.starts_with(b"/"), "{shown}");
    assert!(!path.contains(&b';'), "{shown}");
    let mut segments: Vec<_> = path.split(|b| *b == b'/').skip(1).collect();
    let last = segments.pop().unwrap_or_default();
    assert!(!matches!(last, b"." | b".."), "{shown}");
    assert!(
        !segments
            .iter()
            .any(|segment| matches!(*segment, b"" | b"." | b"..")),
        "{shown}"
    );
    assert_eq!(clean(path).as_deref(), Ok(path), "{shown}");
}

/// What httpd does: takes the path out of the target, decodes what need not be encoded, refuses bad
/// escapes, resolves dots, decodes the rest, and resolves again what `%2F` has brought.
fn slowly_decoded(target: &[u8], rules: UriRules) -> Result<Vec<u8>, BadUri> {
    let target = target
        .split(|b| matches!(b, b'?' | b'#'))
        .next()
        .unwrap_or_default();
    let mut path = match find(target, b"://") {
        Some(scheme) if !target.starts_with(b"/") => {
            let rest = &target[scheme + 3..];
            find(rest, b"/").map_or_else(|| b"/".to_vec(), |start| rest[start..].to_vec())
        }
        _ => target.to_vec(),
    };
    if path == b"*" {
        return Ok(path);
    }
    if !path.starts_with(b"/") {
        return Err(BadUri::Relative);
    }
    if target.starts_with(b"/") {
        while path.starts_with(b"//") {
            path.remove(0);
        }
    }
    path = unreserved(&path);
    if (0..path.len()).any(|at| path[at] == b'%' && escaped(&path[at..]).is_none()) {
        return Err(BadUri::Escape);
    }
    path = without_dots(path, rules.merge_slashes)?;
    path = rest_decoded(&path, rules.encoded_slashes)?;
    if rules.encoded_slashes == EncodedSlashes::Decode {
        path = without_dots(path, rules.merge_slashes)?;
    }
    Ok(path)
}

/// What mod_jk does: parameters go, slashes are merged, dots resolved.
fn slowly_cleaned(path: &[u8]) -> Result<Vec<u8>, BadUri> {
    if path == b"*" {
        return Ok(path.to_vec());
    }
    if !path.starts_with(b"/") {
        return Err(BadUri::Relative);
    }
    let mut bare = Vec::new();
    let mut in_parameter = false;
    for byte in path {
        in_parameter = *byte == b';' || in_parameter && *byte != b'/';
        if !in_parameter {
            bare.push(*byte);
        }
    }
    without_dots(bare, true)
}

/// One rewriting after the other, until there is nothing to rewrite.
fn without_dots(mut path: Vec<u8>, merge_slashes: bool) -> Result<Vec<u8>, BadUri> {
    while let Some(at) = find(&path, b"//").filter(|_| merge_slashes) {
        path.remove(at);
    }
    // What ends in dots ends in a directory.
    let ends_in_dots = path.ends_with(b"/.") || path.ends_with(b"/..");
    if ends_in_dots {
        path.push(b'/');
    }
    while let Some(at) = find(&path, b"/./") {
        path.drain(at..at + 2);
    }
    while let Some(at) = find(&path, b"/../") {
        let before = path[..at].iter().rposition(|b| *b == b'/');
        let before = before.ok_or(BadUri::AboveRoot)?;
        path.drain(before..at + 3);
    }
    Ok(path)
}

fn unreserved(path: &[u8]) -> Vec<u8> {
    let mut result = Vec::new();
    let mut place = 0;
    while place < path.len() {
        let is_plain = |b: &u8| b.is_ascii_alphanumeric() || b"-._~".contains(b);
        let decoded = escaped(&path[place..]).filter(is_plain);
        result.push(decoded.unwrap_or(path[place]));
        place += if decoded.is_some() { 3 } else { 1 };
    }
    result
}

fn rest_decoded(path: &[u8], slashes: EncodedSlashes) -> Result<Vec<u8>, BadUri> {
    let mut result = Vec::new();
    let mut bad = None;
    let mut place = 0;
    while place < path.len() {
        let escape = escaped(&path[place..]);
        match (escape, slashes) {
            (Some(0), _) => bad = bad.or(Some(BadUri::Nul)),
            (Some(b'/'), EncodedSlashes::Refuse) => bad = bad.or(Some(BadUri::EncodedSlash)),
            (Some(b'/'), EncodedSlashes::Keep) => result.extend_from_slice(&path[place..place + 3]),
            (Some(byte), _) => result.push(byte),
            (None, _) => result.push(path[place]),
        }
        place += if escape.is_some() { 3 } else { 1 };
    }
    bad.map_or(Ok(result), Err)
}

fn escaped(text: &[u8]) -> Option<u8> {
    let [b'%', digits @ ..] = text else {
        return None;
    };
    let digits = str::from_utf8(digits.get(..2)?).ok()?;
    let are_digits = digits.bytes().all(|b| b.is_ascii_hexdigit());
    u8::from_str_radix(digits, 16).ok().filter(|_| are_digits)
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}
