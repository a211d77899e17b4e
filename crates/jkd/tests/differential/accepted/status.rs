//! Differences of the status pages, as properties.

#![allow(clippy::ptr_arg, reason = "some take lines away")]

/// A difference that shows there.
pub(crate) struct StatusDifference {
    pub(crate) name: &'static str,
    /// Whether it occurs wherever it can, so that no case names it.
    pub(crate) everywhere: bool,
    /// As [`super::Difference::explains`], with the lines of the pages.
    pub(crate) explains: fn(mod_jk: &mut Vec<String>, jkd: &mut Vec<String>) -> bool,
}

/// All of them.
pub(crate) const STATUS: &[StatusDifference] = &[StatusDifference {
    name: "who waits for a connection is busy",
    everywhere: true,
    explains: who_waits_is_busy,
}];

/// mod_jk counts those that have a connection.
fn who_waits_is_busy(mod_jk: &mut Vec<String>, jkd: &mut Vec<String>) -> bool {
    numbers(mod_jk, jkd, &[".max_busy="], |theirs, ours| {
        theirs + 1 == ours
    })
}

/// Takes mod_jk's numbers of these keys for jkd's where `fits`.
fn numbers(
    mod_jk: &mut [String],
    jkd: &mut [String],
    keys: &[&str],
    fits: fn(u64, u64) -> bool,
) -> bool {
    let mut found = false;
    for (mod_jk, jkd) in mod_jk.iter_mut().zip(jkd) {
        let concerns = keys.iter().any(|key| mod_jk.contains(key));
        let pair = number(mod_jk).zip(number(jkd));
        if concerns && pair.is_some_and(|(theirs, ours)| fits(theirs, ours)) {
            mod_jk.clone_from(jkd);
            found = true;
        }
    }
    found
}

fn number(line: &str) -> Option<u64> {
    line.split_once('=')?.1.parse().ok()
}
