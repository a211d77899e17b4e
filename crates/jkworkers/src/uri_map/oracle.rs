//! What a map has to answer, said as plainly as possible and found by trying everything. Shares
//! nothing with the map but the order of sources.

use crate::model::{Mount, MountSource};

/// One rule, in the order of writing.
#[derive(Clone, Debug)]
pub(crate) struct Plain {
    pub(crate) pattern: String,
    pub(crate) worker: String,
    pub(crate) exclusion: bool,
    pub(crate) disabled: bool,
    pub(crate) source: MountSource,
}

impl From<&Mount> for Plain {
    fn from(mount: &Mount) -> Self {
        Self {
            pattern: mount.pattern.to_string(),
            worker: mount.worker.to_string(),
            exclusion: mount.exclusion,
            disabled: mount.disabled,
            source: mount.source,
        }
    }
}

impl Plain {
    /// What a line stands for: prefixes, then the first `|`, except in a worker's definition.
    pub(crate) fn read(pattern: &str, worker: &str, source: MountSource) -> Vec<Self> {
        let (disabled, pattern) = match pattern.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, pattern),
        };
        let (exclusion, pattern) = match pattern.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, pattern),
        };
        let mut patterns = vec![pattern.to_owned()];
        if let Some(bar) = pattern.find('|')
            && source != MountSource::WorkerDefinition
        {
            let whole = format!("{}{}", &pattern[..bar], &pattern[bar + 1..]);
            patterns = vec![pattern[..bar].to_owned(), whole];
        }
        patterns.retain(|pattern| pattern.starts_with('/'));
        let rule = |pattern| Self {
            pattern,
            worker: worker.to_owned(),
            exclusion,
            disabled,
            source,
        };
        patterns.into_iter().map(rule).collect()
    }

    /// Whether this rule, written before `later`, is tried after it.
    fn yields_to(&self, later: &Self) -> bool {
        let slashes = |rule: &Self| rule.pattern.matches('/').count();
        if slashes(self) != slashes(later) {
            return slashes(self) < slashes(later);
        }
        if self.pattern.len() != later.pattern.len() {
            return self.pattern.len() < later.pattern.len();
        }
        self.source < later.source
    }
}

/// The rule that serves a URI.
pub(crate) fn find<'r>(rules: &'r [Plain], uri: &[u8]) -> Option<&'r Plain> {
    if uri.len() > 65_535 {
        return None;
    }
    let applies = |rule: &&Plain| !rule.disabled && matches(rule.pattern.as_bytes(), uri);
    let mut best: Option<&Plain> = None;
    for rule in rules.iter().filter(|rule| !rule.exclusion).filter(applies) {
        if best.is_none_or(|best| best.yields_to(rule)) {
            best = Some(rule);
        }
    }
    let excludes = |rule: &Plain| {
        rule.exclusion && (rule.worker == "*" || best.is_some_and(|b| b.worker == rule.worker))
    };
    let excluded = rules.iter().filter(applies).any(excludes);
    best.filter(|_| !excluded)
}

fn matches(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern, text) {
        ([b'*', rest @ ..], _) => (0..=text.len()).any(|at| matches(rest, &text[at..])),
        ([b'?', pattern @ ..], [_, text @ ..]) => matches(pattern, text),
        ([a, pattern @ ..], [b, text @ ..]) => a == b && matches(pattern, text),
        _ => pattern.is_empty() && text.is_empty(),
    }
}
