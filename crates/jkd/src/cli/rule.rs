//! A rule of the map as the directive that says it.

use std::fmt::{self, Display};

use jkworkers::model::Mount;

/// `JkMount /app/* lb;stopped=t1`
pub(super) struct Rule<'a>(pub(super) &'a Mount);

impl Display for Rule<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Mount {
            pattern,
            worker,
            exclusion,
            extensions,
            ..
        } = self.0;
        let directive = if *exclusion { "JkUnMount" } else { "JkMount" };
        write!(f, "{directive} {pattern} {worker}{extensions}")
    }
}
