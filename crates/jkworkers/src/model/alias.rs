//! `Alias` and `ScriptAlias` of one argument, in a `<Location>`.

use std::{path::PathBuf, sync::Arc};

use serde::Serialize;

use crate::{
    diag::Origin,
    expr::{BadExpression, Text},
};

/// The file, or the directory, for all that a `<Location>` is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SectionAlias {
    /// As it was written: variables may be in it.
    pub to: Arc<str>,
    /// The same, to be filled.
    #[serde(skip)]
    text: Text,
    /// `ServerRoot`: where a relative name begins.
    #[serde(skip)]
    pub root: PathBuf,
    /// The path of the `<Location>`; `None` where it is an expression: then no rest of a path is
    /// kept.
    #[serde(skip)]
    path: Option<Arc<str>>,
    /// It is a program, which is never sent: `ScriptAlias`.
    pub scripts: bool,
    /// Where it was written.
    pub origin: Origin,
}

impl SectionAlias {
    /// # Errors
    ///
    /// [`BadExpression`] for variables that are none.
    pub(crate) fn new(
        to: &str,
        root: PathBuf,
        path: Option<&str>,
        scripts: bool,
        origin: &Origin,
    ) -> Result<Self, BadExpression> {
        Ok(Self {
            to: to.into(),
            text: Text::new(to)?,
            root,
            path: path.map(Arc::from),
            scripts,
            origin: origin.clone(),
        })
    }

    /// What its name is made of.
    pub const fn text(&self) -> &Text {
        &self.text
    }

    /// `AliasPreservePath On`: the path of the `<Location>`, and what stands below it in `path`
    /// (decoded).
    pub fn rest<'p>(&self, path: &'p [u8]) -> Option<(&str, &'p [u8])> {
        let own = self.path.as_deref()?;
        Some((own, super::redirects::below(own.as_bytes(), path)?))
    }
}
