//! Mounts: of servers, of flags and of workers.

use std::path::Path;

use super::Loader;
use crate::{
    diag::Origin,
    hosts::Own,
    httpd,
    model::{Mount, MountSource},
    mounts::Rule,
    uriworkermap,
    workers_properties::{Source, Workers},
};

impl Loader<'_> {
    /// What a server mounts itself.
    pub(super) fn own(&mut self, server: &httpd::Server) -> Own {
        let file = server.mount_file.as_ref();
        let file = file.map(|(path, origin)| self.mount_file(path, origin));
        Own::new(server, file, &mut self.found)
    }

    fn mount_file(&mut self, path: &Path, origin: &Origin) -> Vec<Mount> {
        let help = "Create the file, or correct its path.";
        let Some(bytes) = self.file(path, origin, help) else {
            return Vec::new();
        };
        let name = path.display().to_string();
        let source = Source {
            name: &name,
            bytes: &bytes,
        };
        let files = self.files;
        uriworkermap::read(&source, &|name| files.env(name), &mut self.found)
    }

    /// `--mount-file` and `--mount`.
    pub(super) fn flag_mounts(&mut self) -> Vec<Mount> {
        let mut result = Vec::new();
        for path in &self.options.mount_files {
            result.extend(self.mount_file(path, &Origin::new("--mount-file", 0)));
        }
        let origin = &Origin::new("--mount", 0);
        for text in &self.options.mounts {
            let (pattern, worker) = text.split_once('=').unwrap_or((text, ""));
            let rule = Rule {
                pattern: pattern.trim(),
                worker: worker.trim(),
                source: MountSource::JkMount,
                origin,
            };
            match rule.expand(&mut self.found) {
                Some(mounts) => result.extend(mounts),
                None => {
                    self.found
                        .error(origin, format!("`{text}` does not begin with /"))
                        .help("Write --mount '/path/*=worker'.");
                }
            }
        }
        result
    }

    /// `worker.NAME.mount`
    pub(super) fn definitions(&mut self, workers: &Workers) -> Vec<Mount> {
        let mut result = Vec::new();
        for mount in &workers.mounts {
            let rule = Rule {
                pattern: &mount.pattern,
                worker: &mount.worker,
                source: MountSource::WorkerDefinition,
                origin: &mount.origin,
            };
            if let Some(mounts) = rule.expand(&mut self.found) {
                result.extend(mounts);
                continue;
            }
            let path = mount.pattern.trim_start_matches(['!', '-', '/']);
            let message = format!("the mount `{}` does not begin with /", mount.pattern);
            self.found
                .error(&mount.origin, message)
                .help(format!("Write /{path}."));
        }
        result
    }
}
