//! Secrets that stand in files of their own.

use std::{collections::HashMap, path::Path, sync::Arc};

use super::Loader;
use crate::{
    diag::Origin,
    model::{AjpWorker, Secret, Worker, WorkerKind},
    workers_properties::Workers,
};

/// What nobody else may: to read for all, to write for all but the owner.
const CLOSED: u32 = 0o026;

impl Loader<'_> {
    /// Reads what `secret_file` names.
    pub(super) fn read_secrets(&mut self, workers: &mut Workers) {
        let named = std::mem::take(&mut workers.secret_files).into_iter();
        let read = named.map(|(name, file, origin)| {
            let secret = self.secret(Path::new(&file), &origin);
            (name, (secret, origin))
        });
        let read: HashMap<_, _> = read.collect();
        for worker in workers.workers.iter_mut().filter(|_| !read.is_empty()) {
            self.give(&read, Arc::make_mut(worker));
        }
    }

    fn give(&mut self, read: &Read, worker: &mut Worker) {
        match &mut worker.kind {
            WorkerKind::Ajp13(ajp) => self.give_one(read, &worker.name, ajp),
            WorkerKind::Balancer(lb) => {
                let of_all = read.get(&*worker.name);
                for member in &mut Arc::make_mut(lb).members {
                    let name = member.worker.name.clone();
                    match of_all.filter(|_| member.worker.secret.is_none()) {
                        Some((secret, _)) if !read.contains_key(&*name) => {
                            Arc::make_mut(&mut member.worker).secret.clone_from(secret);
                        }
                        _ => self.give_one(read, &name, &mut member.worker),
                    }
                }
            }
            WorkerKind::Status(_) => {}
        }
    }

    fn give_one(&mut self, read: &Read, name: &str, worker: &mut Arc<AjpWorker>) {
        if let Some((secret, _)) = read.get(name) {
            Arc::make_mut(worker).secret.clone_from(secret);
        }
    }

    fn secret(&mut self, file: &Path, origin: &Origin) -> Option<Secret> {
        let path = self.server_root.join(file);
        let help = "Create the file, or correct its name (relative ones start at ServerRoot).";
        let bytes = self.file(&path, origin, help)?;
        let name = path.display();
        let mode = self.files.stamp(&path).map_or(0, |stamp| stamp.access.0);
        let mut refuse = |message: String, help: String| {
            self.found.error(origin, message).help(help);
        };
        if mode & CLOSED != 0 {
            let message = format!("{name}: a secret that others may read or write is none");
            refuse(message, format!("chmod 600 {name}"));
        }
        let text = String::from_utf8(bytes).unwrap_or_default();
        let text = text.trim_end_matches(['\r', '\n']);
        if text.is_empty() || text.contains(|c: char| c.is_control()) {
            let message = format!("{name}: there is no secret in it");
            refuse(
                message,
                "Write the secret into it, as one line of text.".to_owned(),
            );
            return None;
        }
        Some(Secret::new(text))
    }
}

/// What is in the files of workers, and where they are named.
type Read = HashMap<String, (Option<Secret>, Origin)>;
