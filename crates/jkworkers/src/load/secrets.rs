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
            give(&read, Arc::make_mut(worker));
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

/// Gives a worker what is in its file, and members what is in their balancer's.
fn give(read: &Read, worker: &mut Worker) {
    match &mut worker.kind {
        WorkerKind::Ajp13(ajp) => give_own(read, ajp),
        WorkerKind::Balancer(lb) => {
            let of_all = read.get(&*worker.name);
            for member in &mut Arc::make_mut(lb).members {
                if let Some((secret, _)) = of_all.filter(|_| member.worker.secret.is_none()) {
                    Arc::make_mut(&mut member.worker).secret.clone_from(secret);
                }
                give_own(read, &mut member.worker);
            }
        }
        WorkerKind::Status(_) => {}
    }
}

fn give_own(read: &Read, worker: &mut Arc<AjpWorker>) {
    if let Some((secret, _)) = read.get(&*worker.name) {
        Arc::make_mut(worker).secret.clone_from(secret);
    }
}

/// What is in the files of workers, and where they are named.
type Read = HashMap<String, (Option<Secret>, Origin)>;
