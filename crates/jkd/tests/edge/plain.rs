//! A reader that knows nothing but the rules, byte by byte.

/// A request as the reader understands it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Plain {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: Option<String>,
    /// Names in lower case, and values.
    pub(crate) fields: Fields,
    pub(crate) body: Vec<u8>,
}

/// All requests up to the first thing that is none.
pub(crate) fn read(mut text: &[u8]) -> Vec<Plain> {
    let mut requests = Vec::new();
    while let Some((request, rest, stays)) = read_one(text) {
        requests.push(request);
        text = rest;
        if !stays {
            break;
        }
    }
    requests
}

fn line(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = text.windows(2).position(|two| two == b"\r\n")?;
    let line = &text[..at];
    (!line.contains(&b'\r') && !line.contains(&b'\n')).then_some((line, &text[at + 2..]))
}

fn is_token(text: &[u8]) -> bool {
    let odd = b"!#$%&'*+-.^_`|~";
    !text.is_empty()
        && text
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || odd.contains(b))
}

/// Names in lower case, and values.
pub(crate) type Fields = Vec<(String, String)>;

/// All values of a name.
pub(crate) fn all<'f>(fields: &'f Fields, name: &str) -> Vec<&'f str> {
    let fields = fields.iter().filter(|(known, _)| known == name);
    fields.map(|(_, value)| value.as_str()).collect()
}

fn read_one(mut text: &[u8]) -> Option<(Plain, &[u8], bool)> {
    while let Some(rest) = text.strip_prefix(b"\r\n") {
        text = rest;
    }
    let (first, rest) = line(text)?;
    let words: Vec<_> = first.split(|b| *b == b' ').collect();
    let [method, target, version] = words[..] else {
        return None;
    };
    let is_one =
        version.len() == 8 && version.starts_with(b"HTTP/1.") && version[7].is_ascii_digit();
    let printable = target.iter().all(|b| *b > b' ' && *b != 0x7f);
    if !is_token(method) || target.is_empty() || !printable || !is_one {
        return None;
    }
    let is_old = version[7] == b'0';
    let (fields, rest) = read_fields(rest)?;
    let (body, rest) = read_body(&fields, rest, is_old)?;
    let options = all(&fields, "connection").join(",").to_ascii_lowercase();
    let has = |option| options.split(',').any(|one| one.trim() == option);
    let stays = !has("close") && (!is_old || has("keep-alive"));
    let (path, query) = path_and_query(&latin1(target));
    let plain = Plain {
        method: latin1(method),
        path,
        query,
        fields,
        body,
    };
    Some((plain, rest, stays))
}

fn read_fields(mut rest: &[u8]) -> Option<(Fields, &[u8])> {
    let mut fields = Vec::new();
    loop {
        let (field, after) = line(rest)?;
        rest = after;
        if field.is_empty() {
            return Some((fields, rest));
        }
        let colon = field.iter().position(|b| *b == b':')?;
        let value = field[colon + 1..].trim_ascii();
        let clean = value.iter().all(|b| *b == b'\t' || !b.is_ascii_control());
        if !is_token(&field[..colon]) || !clean {
            return None;
        }
        fields.push((latin1(&field[..colon]).to_ascii_lowercase(), latin1(value)));
    }
}

fn read_body<'t>(fields: &Fields, rest: &'t [u8], is_old: bool) -> Option<(Vec<u8>, &'t [u8])> {
    let lengths = all(fields, "content-length");
    let codings = all(fields, "transfer-encoding");
    match (&lengths[..], &codings[..]) {
        ([], []) => Some((Vec::new(), rest)),
        ([length], []) if !length.is_empty() && length.bytes().all(|b| b.is_ascii_digit()) => {
            let (body, rest) = rest.split_at_checked(length.parse().ok()?)?;
            Some((body.to_vec(), rest))
        }
        ([], [coding]) if coding.eq_ignore_ascii_case("chunked") && !is_old => chunks(rest),
        _ => None,
    }
}

fn path_and_query(target: &str) -> (String, Option<String>) {
    let of_scheme = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    let behind_scheme = target.trim_start_matches(of_scheme).strip_prefix(':');
    let target = match behind_scheme {
        // As httpd has it: without a name, too, something is behind the scheme.
        Some(rest) => match rest.strip_prefix("//") {
            Some(rest) => rest.find(['/', '?']).map_or("", |at| &rest[at..]),
            None => rest,
        },
        None => target,
    };
    match target.split_once('?') {
        Some((path, query)) => (path.to_owned(), Some(query.to_owned())),
        None => (target.to_owned(), None),
    }
}

fn chunks(mut text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut body = Vec::new();
    loop {
        let (size, rest) = line(text)?;
        let digits: Vec<_> = size
            .iter()
            .copied()
            .take_while(u8::is_ascii_hexdigit)
            .collect();
        let behind = size[digits.len()..].trim_ascii_start();
        if digits.is_empty() || !(behind.is_empty() || behind.starts_with(b";")) {
            return None;
        }
        let size = usize::from_str_radix(&latin1(&digits), 16).ok()?;
        if size == 0 {
            text = rest;
            break;
        }
        let (data, rest) = rest.split_at_checked(size)?;
        body.extend_from_slice(data);
        text = rest.strip_prefix(b"\r\n")?;
    }
    loop {
        let (trailer, rest) = line(text)?;
        text = rest;
        if trailer.is_empty() {
            return Some((body, text));
        }
        let colon = trailer.iter().position(|b| *b == b':')?;
        if !is_token(&trailer[..colon]) {
            return None;
        }
    }
}

/// Bytes as code points.
pub(crate) fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|&byte| char::from(byte)).collect()
}
