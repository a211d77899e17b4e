//! What the readers have to say about a file: one [`Diagnostic`] per finding, each naming file,
//! line, offending text and remedy. All findings of all files are collected; nothing stops at the
//! first error.

use std::{borrow::Cow, collections::HashSet, fmt, sync::Arc};

use serde::Serialize;

/// Where something was written: a file and a 1-based line.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Origin {
    /// The file as it was named when it was opened, or a label such as `--mount`.
    pub file: Arc<str>,
    /// The line, counted from 1; 0 where the whole file (or a flag) is meant.
    pub line: u32,
}

impl Origin {
    /// A place in a file.
    pub fn new(file: impl Into<Arc<str>>, line: u32) -> Self {
        Self {
            file: file.into(),
            line,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => f.write_str(&self.file),
            line => write!(f, "{}:{line}", self.file),
        }
    }
}

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The configuration is served, but something in it has no effect or another one than it seems.
    Warning,
    /// The configuration cannot be served.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Diagnostic {
    /// How much it matters.
    pub severity: Severity,
    /// Where it was written.
    pub origin: Origin,
    /// What is wrong, with the offending text. Secrets are never part of it.
    pub message: String,
    /// What to do about it, if there is more to say than the message does.
    pub help: Option<String>,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.origin, self.severity, self.message)?;
        if let Some(help) = &self.help {
            write!(f, "\n    remedy: {help}")?;
        }
        Ok(())
    }
}

/// The findings of one load, in the order in which they were made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Diagnostics {
    items: Vec<Diagnostic>,
    /// How many names were guessed for remedies.
    #[serde(skip)]
    guesses: usize,
}

/// Comparing names takes its time, and nobody reads a hundred remedies: so many are guessed.
const MAX_GUESSES: usize = 100;
/// So many names are compared for one guess.
const MAX_CANDIDATES: usize = 1000;
/// So many names are listed in a remedy.
const MAX_LISTED: usize = 20;
/// So many bytes a word may have: a long path has fewer.
const MAX_WORD: usize = 400;
/// So many characters of a value are shown.
const MAX_SHOWN: usize = 60;

impl Diagnostics {
    /// Adds an error.
    pub fn error(&mut self, origin: &Origin, message: impl Into<String>) -> &mut Diagnostic {
        self.push(Severity::Error, origin, message.into())
    }

    /// Adds a warning.
    pub fn warning(&mut self, origin: &Origin, message: impl Into<String>) -> &mut Diagnostic {
        self.push(Severity::Warning, origin, message.into())
    }

    /// Whether any finding is an error.
    pub fn has_errors(&self) -> bool {
        self.items.iter().any(|d| d.severity == Severity::Error)
    }

    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// How many errors and warnings there are: `1 error, 2 warnings`.
    pub fn summary(&self) -> String {
        let of = |severity, noun| {
            let number = self.iter().filter(|d| d.severity == severity).count();
            let plural = if number == 1 { "" } else { "s" };
            format!("{number} {noun}{plural}")
        };
        let (errors, warnings) = (Severity::Error, Severity::Warning);
        format!("{}, {}", of(errors, "error"), of(warnings, "warning"))
    }

    /// The findings in the order in which they were made.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.items.iter()
    }

    /// Puts the findings in the order of this key; those of equal keys stay in their order.
    pub fn sort_by_key<K: Ord>(&mut self, key: impl Fn(&Origin) -> K) {
        self.items.sort_by_cached_key(|item| key(&item.origin));
    }

    /// Keeps each finding once: workers that inherit a value have the same to say about it.
    pub fn dedup(&mut self) {
        let mut seen = HashSet::new();
        self.items.retain(|item| seen.insert(item.clone()));
    }

    /// Appends the findings of another reader.
    pub fn append(&mut self, mut other: Self) {
        self.items.append(&mut other.items);
        self.guesses += other.guesses;
    }

    /// The name nearest to `given`, for the first findings that want one: see [`nearest`].
    pub(crate) fn guess<'a, I>(&mut self, given: &str, known: impl FnOnce() -> I) -> Option<&'a str>
    where
        I: IntoIterator<Item = &'a str>,
    {
        self.guesses += 1;
        if self.guesses > MAX_GUESSES {
            return None;
        }
        nearest(given, known().into_iter().take(MAX_CANDIDATES))
    }

    fn push(&mut self, severity: Severity, origin: &Origin, message: String) -> &mut Diagnostic {
        self.items.push(Diagnostic {
            severity,
            origin: origin.clone(),
            message: readable(message),
            help: None,
        });
        let last = self.items.len() - 1;
        #[allow(
            clippy::indexing_slicing,
            reason = "the item was pushed in the line above"
        )]
        &mut self.items[last]
    }
}

impl Diagnostic {
    /// Says what to do about it.
    pub fn help(&mut self, text: impl Into<String>) -> &mut Self {
        self.help = Some(readable(text.into()));
        self
    }
}

/// The text as it may go to a terminal and be read there: control characters are written out, and
/// words that no line can hold are cut.
fn readable(text: String) -> String {
    let fits = |word: &str| word.len() <= MAX_WORD;
    if !text.contains(char::is_control) && text.split(' ').all(fits) {
        return text;
    }
    let words = text.split(' ').map(|word| {
        let shown = if fits(word) {
            word.into()
        } else {
            excerpt(word)
        };
        shown.chars().fold(String::new(), |mut line, c| {
            if c.is_control() {
                line.extend(c.escape_default());
            } else {
                line.push(c);
            }
            line
        })
    });
    words.collect::<Vec<_>>().join(" ")
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.items.iter().try_for_each(|d| writeln!(f, "{d}"))
    }
}

/// The name in `known` nearest to `given`, if one is near enough to be a slip of the pen.
///
/// Names that differ only in their digits, such as `tomcat1` and `tomcat2`, are siblings, not slips.
pub fn nearest<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let given = given.to_ascii_lowercase();
    let length = given.chars().count();
    let limit = match length {
        0..=2 => 0,
        length => (length / 3).max(1),
    };
    known
        .into_iter()
        // Each edit changes the length by one at most; comparing lengths is cheaper.
        .filter(|name| name.chars().count().abs_diff(length) <= limit)
        .map(|name| {
            (
                strsim::damerau_levenshtein(&given, &name.to_ascii_lowercase()),
                name,
            )
        })
        .filter(|(distance, name)| *distance <= limit && !are_siblings(&given, name))
        .min()
        .map(|(_, name)| name)
}

/// Names for a remedy: the first ones, and how many more there are.
pub(crate) fn listing<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let mut names = names.into_iter();
    let mut text = names
        .by_ref()
        .take(MAX_LISTED)
        .collect::<Vec<_>>()
        .join(", ");
    let more = names.count();
    if more > 0 {
        text = format!("{text} and {more} more");
    }
    text
}

/// A value for a message: its beginning, if it is long.
pub(crate) fn excerpt(value: &str) -> Cow<'_, str> {
    match value.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => format!("{}…", value.get(..end).unwrap_or_default()).into(),
        None => value.into(),
    }
}

fn are_siblings(one: &str, other: &str) -> bool {
    let letters = |c: &char| !c.is_ascii_digit();
    !one.eq_ignore_ascii_case(other)
        && one
            .chars()
            .filter(letters)
            .eq(other.to_ascii_lowercase().chars().filter(letters))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_and_lists_are_cut() {
        let names: Vec<String> = (0..23).map(|n| format!("w{n}")).collect();
        let listed = listing(names.iter().map(String::as_str));
        assert!(listed.starts_with("w0, w1, "), "{listed}");
        assert!(listed.ends_with(", w19 and 3 more"), "{listed}");
        assert_eq!(listing(["a", "b"]), "a, b");
        assert_eq!(excerpt("short"), "short");
        assert_eq!(excerpt(&"ä".repeat(61)), format!("{}…", "ä".repeat(60)));
    }

    #[test]
    fn whatever_files_hold_can_be_read_on_a_terminal() {
        let mut found = Diagnostics::default();
        let text = format!("no \u{1b}[2J, {} here", "x".repeat(500));
        let origin = Origin::new("a", 1);
        found.error(&origin, text.clone()).help(text);
        let shown = format!("no \\u{{1b}}[2J, {}… here", "x".repeat(60));
        let expected = format!("a:1: error: {shown}\n    remedy: {shown}\n");
        assert_eq!(found.to_string(), expected);
        assert_eq!(found.summary(), "1 error, 0 warnings");
    }

    #[test]
    fn guessing_ends() {
        let mut found = Diagnostics::default();
        let guesses = (0..200).filter(|_| found.guess("prot", || ["port"]).is_some());
        assert_eq!(guesses.count(), MAX_GUESSES);
    }

    #[test]
    fn slips_of_the_pen_are_recognised() {
        for (given, known, meant) in [
            ("prot", &["port", "host"][..], Some("port")),
            ("LB", &["lb", "ajp13"], Some("lb")),
            ("retreis", &["retries", "lb_retries"], Some("retries")),
            ("a", &["b"], None),
            ("ab", &["ac"], None),
            ("tomcat1", &["tomcat2"], None),
            ("tomact1", &["tomcat2", "tomcat1"], Some("tomcat1")),
            ("Tomcat1", &["tomcat1"], Some("tomcat1")),
            ("x", &[], None),
        ] {
            assert_eq!(nearest(given, known.iter().copied()), meant, "{given}");
        }
    }
}
