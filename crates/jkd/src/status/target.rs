//! Which worker a command is about, and which of its members.

use super::{query::Query, report::Refusal};
use crate::snapshot::{Group, Running, Snapshot};

/// What `w` and `sw` name.
#[derive(Clone, Debug)]
pub(super) struct Target<'a> {
    pub(super) worker: &'a Running,
    /// The indices of the members, if any are named.
    pub(super) members: Option<Vec<usize>>,
}

impl<'a> Target<'a> {
    /// Looks for it. `wildcards`: whether there may be `*` in the member's name.
    ///
    /// # Errors
    ///
    /// In mod_jk's order and words.
    pub(super) fn find(
        snapshot: &'a Snapshot,
        query: &Query,
        wildcards: bool,
    ) -> Result<Self, Refusal> {
        let name = query.worker.as_deref().filter(|name| !name.is_empty());
        let name = name.ok_or("NULL or EMPTY worker param")?;
        let member = query.member.as_deref();
        if member == Some("") {
            return Err("EMPTY sub worker param".into());
        }
        let worker = snapshot.worker(name);
        let worker = worker.ok_or("Could not find given worker")?;
        if !wildcards && member.is_some_and(|member| member.contains('*')) {
            return Err("wildcard not allowed in sub worker for this command".into());
        }
        let members = match (member, worker) {
            (None, _) => None,
            (Some(member), Running::Group(group)) if group.is_balancer => {
                Some(indices(group, member)?)
            }
            (Some(_), _) => return Err("worker type has no sub workers".into()),
        };
        Ok(Self { worker, members })
    }

    /// The one member.
    pub(super) fn member(&self) -> Option<usize> {
        self.members.as_ref()?.first().copied()
    }
}

/// Never none.
fn indices(group: &Group, pattern: &str) -> Result<Vec<usize>, Refusal> {
    let members = group.balancer.config().members.iter();
    let named = members.enumerate();
    let named = named.filter(|(_, member)| fits(&member.worker.name, pattern));
    let found: Vec<_> = named.map(|(index, _)| index).collect();
    if found.is_empty() {
        return Err("could not find sub worker".into());
    }
    Ok(found)
}

/// `*` stands for any text; a `?` never comes so far.
fn fits(name: &str, pattern: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| name.strip_prefix(first)) else {
        return false;
    };
    let Some(last) = parts.next_back() else {
        return rest.is_empty();
    };
    for part in parts {
        let Some((_, behind)) = rest.split_once(part) else {
            return false;
        };
        rest = behind;
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_any_text() {
        for (pattern, names) in [
            ("a1", "a1"),
            ("a*", "a1 a12 ab2"),
            ("*", "a1 a12 ab2 b2"),
            ("*2", "a12 ab2 b2"),
            ("a*2", "a12 ab2"),
            ("*b*", "ab2 b2"),
            ("**a**2", "a12 ab2"),
            ("a1*1", ""),
            ("A*", ""),
            ("a", ""),
        ] {
            let all = ["a1", "a12", "ab2", "b2"];
            let fitting: Vec<_> = all.into_iter().filter(|name| fits(name, pattern)).collect();
            assert_eq!(fitting.join(" "), names, "{pattern}");
        }
    }
}
