//! Queries to the status page: nothing that HTML would mind comes out of them, and only a valid
//! command can change anything.

use jkd::fuzzing::asked;

/// A query.
pub(crate) fn run(query: &[u8]) {
    let (read, worker) = asked(query, "w");
    let (values, is_broken) = slowly(query);
    let last = |wanted: &str| {
        let mut found = values
            .iter()
            .rev()
            .filter(|(name, _)| *name == wanted.as_bytes());
        found.next().map(|(_, value)| value.clone())
    };
    assert_eq!(read.is_broken, is_broken);
    assert_eq!((&read.worker, &worker), (&last("w"), &read.worker));
    assert_eq!(read.member, last("sw"));
    let command = last("cmd");
    let command = command.as_deref().unwrap_or("list");
    assert_eq!(
        read.changes,
        ["update", "reset", "recover"].contains(&command)
    );
    let known = ["list", "show", "version", "config", "dump", "edit"];
    let is_known = read.changes || known.contains(&command);
    assert_eq!(is_known, read.command != "Unknown");
    let form = last("mime");
    let forms = ["html", "json", "prop", "txt", "xml"];
    let is_known = form.is_none_or(|form| forms.contains(&form.as_str()));
    assert_eq!(is_known, read.form != "Unknown");
    assert!(
        read.refresh
            .is_none_or(|seconds| seconds > 0 && last("re").is_some())
    );
    assert!(read.options == 0 || last("opt").is_some());
    for value in [read.worker, read.member].into_iter().flatten() {
        assert!(!value.contains(['<', '>', '"', '?', '\0']), "{value:?}");
    }
}

type Values<'a> = Vec<(&'a [u8], String)>;

/// Names and values up to the first one that cannot be decoded, and whether there is such a one.
fn slowly(query: &[u8]) -> (Values<'_>, bool) {
    let mut values = Vec::new();
    for pair in query.split(|b| *b == b'&') {
        let Some(equals) = pair.iter().position(|b| *b == b'=').filter(|at| *at > 0) else {
            continue;
        };
        match decoded(&pair[equals + 1..]) {
            Some(value) => values.push((&pair[..equals], value)),
            None => return (values, true),
        }
    }
    (values, false)
}

fn decoded(value: &[u8]) -> Option<String> {
    let mut bytes = Vec::new();
    let mut place = 0;
    while place < value.len() {
        let byte = if value[place] == b'%' {
            let digits = str::from_utf8(value.get(place + 1..place + 3)?).ok()?;
            let are_digits = digits.bytes().all(|b| b.is_ascii_hexdigit());
            place += 2;
            u8::from_str_radix(digits, 16).ok().filter(|_| are_digits)?
        } else if value[place] == b'+' {
            b' '
        } else {
            value[place]
        };
        place += 1;
        bytes.push(match byte {
            0 => return None,
            b'<' | b'>' | b'"' | b'?' => b'@',
            byte => byte,
        });
    }
    Some(String::from_utf8_lossy(&bytes).into_owned())
}
