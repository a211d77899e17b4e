//! What is needed to serve files.

use std::{path::Path, sync::Arc};

use super::Loader;
use crate::{httpd::Draft, model::MimeTypes};

/// The media types that the system knows.
const MIME_TYPES: &str = "/etc/mime.types";

impl Loader<'_> {
    /// `TypesConfig`. Without one the system's own file counts, as far as there is one.
    pub(super) fn types(&mut self, draft: &Draft) -> Arc<MimeTypes> {
        self.look_for_directories(draft);
        let help = "Create the file, or correct its path; Debian has it in /etc/mime.types.";
        let bytes = match &draft.types_config {
            Some((path, origin)) => self.file(path, origin, help),
            None if draft.has_files() => self.files.read(Path::new(MIME_TYPES)).ok(),
            None => None,
        };
        let parsed = bytes.map(|bytes| MimeTypes::parse(&String::from_utf8_lossy(&bytes)));
        Arc::new(parsed.unwrap_or_default())
    }

    /// As in httpd the main server does not start without its directory; virtual hosts do.
    fn look_for_directories(&mut self, draft: &Draft) {
        for (path, origin, is_main) in &draft.directories {
            if self.files.is_directory(path) {
                continue;
            }
            let message = format!("DocumentRoot {} is not a directory", path.display());
            let (finding, help) = if *is_main {
                let help = "Create it, or correct the path.";
                (self.found.error(origin, message), help)
            } else {
                let help = "Create it, or correct the path; until then nothing in it is found.";
                (self.found.warning(origin, message), help)
            };
            finding.help(help);
        }
    }
}
