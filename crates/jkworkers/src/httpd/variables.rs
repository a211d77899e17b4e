//! `Define`, `UnDefine` and `${NAME}`.

use std::{borrow::Cow, collections::BTreeMap};

/// More than any configuration needs, in bytes that are put in for variables: bounds what
/// variables of variables can multiply.
const MAX_INSERTED: usize = 16 << 20;

/// What was defined so far.
#[derive(Debug, Default)]
pub(super) struct Variables {
    defined: BTreeMap<String, String>,
    /// Bytes that were put in so far.
    inserted: usize,
}

impl Variables {
    /// `Define name [value]`, and `-D name`.
    pub(super) fn define(&mut self, name: &str, value: &str) {
        self.defined.insert(name.to_owned(), value.to_owned());
    }

    /// `UnDefine name`.
    pub(super) fn undefine(&mut self, name: &str) {
        self.defined.remove(name);
    }

    /// What `IfDefine` asks.
    pub(super) fn is_defined(&self, name: &str) -> bool {
        self.defined.contains_key(name)
    }

    /// Replaces every `${NAME}`: by what was defined, else by what the environment says, else not
    /// at all. The names that nobody knows are the second part of the answer. What was put in is
    /// not looked at again. `None` when too much has been put in.
    pub(super) fn expand(
        &mut self,
        text: &str,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Option<(String, Vec<String>)> {
        let mut result = String::with_capacity(text.len());
        let mut unknown = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let Some((name, behind)) = after.split_once('}') else {
                break;
            };
            result.push_str(before);
            let defined = self.defined.get(name).map(Cow::from);
            if let Some(value) = defined.or_else(|| env(name).map(Cow::from)) {
                self.inserted = self.inserted.saturating_add(value.len());
                if self.inserted > MAX_INSERTED {
                    return None;
                }
                result.push_str(&value);
            } else {
                unknown.push(name.to_owned());
                result.extend(["${", name, "}"]);
            }
            rest = behind;
        }
        result.push_str(rest);
        Some((result, unknown))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expansion() {
        let mut variables = Variables::default();
        variables.define("A", "a");
        variables.define("LOOP", "${LOOP}");
        variables.define("GONE", "x");
        variables.undefine("GONE");
        let env = |name: &str| (name == "HOME" || name == "A").then(|| "/root".to_owned());
        for (text, expected, unknown) in [
            ("plain $x $(y)", "plain $x $(y)", &[][..]),
            ("${A}${A}", "aa", &[]),
            ("x${HOME}y", "x/rooty", &[]),
            ("${NOPE} ${GONE}", "${NOPE} ${GONE}", &["NOPE", "GONE"]),
            ("${LOOP}", "${LOOP}", &[]),
            ("${A", "${A", &[]),
            ("${}", "${}", &[""]),
        ] {
            let (result, missing) = variables.expand(text, &env).unwrap();
            assert_eq!(result, expected);
            assert_eq!(missing, unknown, "{text}");
        }
    }
}
