//! What may stand for something else, and what it comes to.

use http::StatusCode;
use tokio::task::spawn_blocking;

use crate::{
    rescue::Stumble,
    static_files::directory::{self, Located},
};

/// The request for a candidate.
pub(super) struct Request<'a> {
    /// What rules have made of its path.
    pub(super) path: Vec<u8>,
    /// The same with parameters.
    pub(super) shown: Vec<u8>,
    /// Variables that they have set, or taken away.
    pub(super) changes: Vec<(String, Option<Vec<u8>>)>,
    /// The directory that it stands for.
    pub(super) around: Option<&'a [u8]>,
}

/// What a candidate has come to.
pub(super) enum Candidate {
    /// A rule of the map covers this path.
    Mapped(Vec<u8>),
    /// A file; a rule of the map may cover its path.
    File(Located),
    Nothing,
}

/// Whether no other name is tried after this.
pub(super) fn is_last_word(stumble: &Stumble, names: &[String]) -> bool {
    let status = stumble.status();
    status.is_redirection()
        || (status == StatusCode::UNAUTHORIZED && names.len() == 1)
        || matches!(stumble, Stumble::Anew(_))
}

/// A path that a rule covers: mod_jk looks for its file in the directory that is asked for.
pub(super) async fn mapped(path: Vec<u8>, directory: Option<&[u8]>) -> Candidate {
    match directory.and_then(|directory| directory::file_in(directory, &path)) {
        Some(name) => {
            let looked_for = spawn_blocking(move || directory::mapped_file(name, path));
            let found = looked_for.await;
            found
                .unwrap_or_else(|_| Err(Vec::new()))
                .map_or_else(Candidate::Mapped, Candidate::File)
        }
        None => Candidate::Mapped(path),
    }
}
