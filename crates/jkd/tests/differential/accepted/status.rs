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
pub(crate) const STATUS: &[StatusDifference] = &[
    StatusDifference {
        name: "bytes of CPings",
        everywhere: true,
        explains: bytes_of_cpings,
    },
    StatusDifference {
        name: "who waits for a connection is busy",
        everywhere: true,
        explains: who_waits_is_busy,
    },
    StatusDifference {
        name: "lists in rules",
        everywhere: true,
        explains: lists_in_rules,
    },
    StatusDifference {
        name: "half a packet",
        everywhere: false,
        explains: half_a_packet,
    },
];

/// mod_jk counts five bytes for each, and the four of the head of a broken packet.
fn bytes_of_cpings(mod_jk: &mut Vec<String>, jkd: &mut Vec<String>) -> bool {
    numbers(mod_jk, jkd, &[".transferred=", ".read="], |theirs, ours| {
        theirs > ours && ((theirs - ours) % 5 == 0 || theirs - ours == 4)
    })
}

/// mod_jk counts those that have a connection.
fn who_waits_is_busy(mod_jk: &mut Vec<String>, jkd: &mut Vec<String>) -> bool {
    numbers(mod_jk, jkd, &[".max_busy="], |theirs, ours| {
        theirs + 1 == ours
    })
}

/// mod_jk shows a list as it was written.
fn lists_in_rules(mod_jk: &mut Vec<String>, jkd: &mut Vec<String>) -> bool {
    let mut found = false;
    for (mod_jk, jkd) in mod_jk.iter_mut().zip(jkd) {
        if mod_jk != jkd && mod_jk.contains(".map.") && mod_jk.replace(' ', ",") == *jkd {
            mod_jk.clone_from(jkd);
            found = true;
        }
    }
    found
}

/// A member that breaks off in the middle of a packet is fine for mod_jk.
fn half_a_packet(mod_jk: &mut Vec<String>, jkd: &mut Vec<String>) -> bool {
    let has = |lines: &[String], line: &str| lines.iter().any(|l| l == line);
    let found = has(mod_jk, "worker.a.state=OK")
        && has(jkd, "worker.a.state=ERR")
        && has(mod_jk, "worker.a.errors=0")
        && has(jkd, "worker.a.errors=1");
    if found {
        let concerns = |line: &str| {
            let key = line.split('=').next().unwrap_or_default();
            let last = key.rsplit('.').next().unwrap_or_default();
            ["good", "bad", "state", "errors", "read"].contains(&last)
                || last.starts_with("error_time_")
        };
        for lines in [mod_jk, jkd] {
            lines.retain(|line| !concerns(line));
        }
    }
    found
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
