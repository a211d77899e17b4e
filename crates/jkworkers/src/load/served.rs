//! What is needed to serve files.

use std::{path::Path, sync::Arc};

use super::Loader;
use crate::{httpd::Draft, model::MimeTypes};

/// The media types that the system knows.
const MIME_TYPES: &str = "/etc/mime.types";

impl Loader<'_> {
    /// `TypesConfig`. Without one the system's own file counts, as far as there is one.
    pub(super) fn types(&mut self, draft: &Draft) -> Arc<MimeTypes> {
        self.warn_of_missing_directories(draft);
        let help = "Create the file, or correct its path; Debian has it in /etc/mime.types.";
        let bytes = match &draft.types_config {
            Some((path, origin)) => self.file(path, origin, help),
            None if draft.has_files() => self.files.read(Path::new(MIME_TYPES)).ok(),
            None => None,
        };
        let parsed = bytes.map(|bytes| MimeTypes::parse(&String::from_utf8_lossy(&bytes)));
        Arc::new(parsed.unwrap_or_default())
    }

    fn warn_of_missing_directories(&mut self, draft: &Draft) {
        for (path, origin) in &draft.directories {
            if !self.files.is_directory(path) {
                let message = format!("DocumentRoot {} is not a directory", path.display());
                let help = "Create it, or correct the path; until then nothing in it is found.";
                self.found.warning(origin, message).help(help);
            }
        }
    }
}
