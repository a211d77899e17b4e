//! Sets of request methods: `<Limit>`, `<LimitExcept>`, `Require method`.

use std::{collections::BTreeSet, fmt};

use serde::{Serialize, Serializer};

/// A set of methods. `HEAD` is the same as `GET`, as in httpd.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Methods {
    /// Whether these are the methods that are not meant.
    except: bool,
    names: BTreeSet<String>,
}

impl Methods {
    /// Every method.
    pub const fn all() -> Self {
        Self {
            except: true,
            names: BTreeSet::new(),
        }
    }

    /// No method.
    pub const fn none() -> Self {
        Self {
            except: false,
            names: BTreeSet::new(),
        }
    }

    /// These methods.
    pub fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let names = names.into_iter().map(|name| canonical(name).to_owned());
        Self {
            except: false,
            names: names.collect(),
        }
    }

    /// All others.
    #[must_use]
    pub fn complement(self) -> Self {
        Self {
            except: !self.except,
            ..self
        }
    }

    /// The methods in both sets.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let names = match (self.except, other.except) {
            (false, false) => &self.names & &other.names,
            (false, true) => &self.names - &other.names,
            (true, false) => &other.names - &self.names,
            (true, true) => &self.names | &other.names,
        };
        Self {
            except: self.except && other.except,
            names,
        }
    }

    /// The methods in either set.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let (own, other) = (self.clone().complement(), other.clone().complement());
        own.intersection(&other).complement()
    }

    /// Whether this method is among them.
    pub fn contains(&self, method: &str) -> bool {
        self.names.contains(canonical(method)) != self.except
    }

    /// Whether every method is.
    pub fn is_all(&self) -> bool {
        self.except && self.names.is_empty()
    }

    /// Whether no method is.
    pub fn is_none(&self) -> bool {
        !self.except && self.names.is_empty()
    }
}

fn canonical(method: &str) -> &str {
    match method {
        "HEAD" => "GET",
        other => other,
    }
}

/// `GET POST`, `all but GET`.
impl fmt::Display for Methods {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.except, self.names.is_empty()) {
            (true, true) => return f.write_str("all"),
            (false, true) => return f.write_str("none"),
            (true, false) => f.write_str("all but ")?,
            (false, false) => {}
        }
        let names: Vec<_> = self.names.iter().map(String::as_str).collect();
        f.write_str(&names.join(" "))
    }
}

impl Serialize for Methods {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets() {
        let few = Methods::of(["GET", "POST"]);
        let others = Methods::of(["POST", "PUT"]).complement();
        assert!(few.contains("HEAD") && few.contains("POST") && !few.contains("PUT"));
        assert!(others.contains("X") && others.contains("GET") && !others.contains("PUT"));
        assert_eq!(few.intersection(&others), Methods::of(["GET"]));
        assert_eq!(few.union(&others), Methods::of(["PUT"]).complement());
        assert_eq!(few.intersection(&Methods::all()), few);
        assert_eq!(few.union(&Methods::none()), few);
        assert!(few.union(&Methods::all()).is_all());
        assert!(few.intersection(&few.clone().complement()).is_none());
        assert!(!few.contains("get"), "methods have case");
        assert_eq!(others.to_string(), "all but POST PUT");
    }
}
