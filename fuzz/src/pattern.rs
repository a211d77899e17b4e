//! Regular expressions: whoever looks for them, they find what PCRE finds.

use jkworkers::pattern::{Pattern, Template};
use pcre2::bytes::{Captures, RegexBuilder};

use crate::first_line;

/// A value is no longer than what fits in a packet.
const LONGEST: usize = 65_535;

/// A line with an expression, which begins with `!` where case makes no difference; the rest is
/// looked at.
pub(crate) fn run(input: &[u8]) {
    let (text, subject) = first_line(input);
    let Ok(text) = str::from_utf8(text) else {
        return;
    };
    let (ignores_case, text) = match text.strip_prefix('!') {
        Some(text) => (true, text),
        None => (false, text),
    };
    let subject = &subject[..subject.len().min(2000)];
    let Ok(pattern) = Pattern::new(text, ignores_case) else {
        return;
    };
    agrees_with_itself(&pattern, subject);
    // A `$` before a last line feed is another one to PCRE, but not to httpd.
    if !subject.ends_with(b"\n") || !text.contains('$') {
        agrees_with_pcre(&pattern, (text, ignores_case), subject);
    }
}

fn agrees_with_itself(pattern: &Pattern, subject: &[u8]) {
    if let Ok(found) = pattern.search(subject) {
        assert_eq!(pattern.is_match(subject), found.is_some());
        if let Some((_, place)) = pattern.find_at(subject) {
            let whole = found.as_ref().and_then(|found| found.get(0));
            assert_eq!(Some(&subject[place]), whole);
        }
        if let Some(found) = found {
            let template = Template::new("$0-$1$9\\$&", pattern);
            let value = template.fill(&found);
            assert!(value.is_none_or(|value| value.len() <= LONGEST));
        }
    }
}

fn agrees_with_pcre(pattern: &Pattern, (text, ignores_case): (&str, bool), subject: &[u8]) {
    let limited = format!("(*LIMIT_MATCH=200000){text}");
    let mut pcre = RegexBuilder::new();
    let pcre = pcre.dotall(true).caseless(ignores_case).build(&limited);
    let pcre = pcre.unwrap_or_else(|error| panic!("{text:?} is no expression to PCRE: {error}"));
    if let (Ok(found), Ok(expected)) = (pattern.search(subject), pcre.captures(subject)) {
        let group = |captures: &Captures<'_>, number| -> Option<Vec<u8>> {
            captures.get(number).map(|group| group.as_bytes().to_vec())
        };
        for number in 0..10 {
            let found = found
                .and_then(|found| found.get(number))
                .map(<[u8]>::to_vec);
            let expected = expected
                .as_ref()
                .and_then(|captures| group(captures, number));
            assert_eq!(found, expected, "group {number} of {text:?}");
        }
    }
}
