//! Files, where nothing is mounted: `DocumentRoot`, `Alias`, `JkAutoAlias`.
//!
//! In httpd's order: where the file would be, the walk there, who may have it, what stands for a
//! directory, and the file. An index file that a rule of the map covers is the worker's business, as
//! is a directory under `ForwardDirectories`.
//!
//! Everything that touches the file system runs on threads that may block.

mod aliased;
mod content;
mod date;
mod directory;
mod index;
mod kind;
mod place;
mod ranges;
mod send;
mod validators;
mod walk;
mod wanted;

use std::{io, mem, sync::Arc};

use bytes::Bytes;
use http::{Method, Response};
use jkworkers::model::{Asked, Host, Mount, variables::Handler};
use tokio::task::spawn_blocking;

use self::walk::What;
pub(crate) use self::{
    aliased::aliased,
    content::{FileBody, Piece, length},
    date::{is_date_of, parse as parse_date},
    directory::{Learnt, Located},
    index::{MAX_DEPTH, Search},
    place::Pointer,
    ranges::{Part, Wanted as Ranges, wanted as wanted_parts},
    send::{Untagged, boundary},
    wanted::Wanted,
};
use crate::{
    answer::Answer, http1::Outgoing, logging::Printable, mapping, redirect::Elsewhere,
    rescue::Stumble, snapshot::Snapshot,
};

/// What comes of it.
pub(crate) enum Reply<'a> {
    Answer(Response<Answer>),
    /// It is for a worker after all, by this rule; with the path of the file that stands for what
    /// was asked for.
    Worker(&'a Mount, Option<Vec<u8>>),
    /// It is for the worker that a variable names, if one does; with the path of the file that
    /// stands for what was asked for.
    Named(Option<Vec<u8>>),
}

/// Answers a request that no rule maps, whose client may come in.
///
/// # Errors
///
/// 301 for a directory without its slash, 403 for what nobody may see, 404 where there is nothing,
/// 405 and 501 for methods other than GET, HEAD, POST and OPTIONS, 500 where the file system fails.
pub(crate) fn serve(wanted: Wanted<'_>, found: Located) -> Result<Reply<'_>, Stumble> {
    let Wanted { host, head, .. } = wanted;
    let found = found.accepting(host, wanted.asked);
    let asked = found.asked(wanted.path, wanted.asked.chosen);
    let handler = handler_of(host, asked, &found);
    match handler {
        Handler::Other => return Err(Stumble::Unmapped),
        Handler::Jk if wanted.is_for_named() && wanted.handler() != Handler::Jk => {
            return Ok(Reply::Named(found.path));
        }
        Handler::File | Handler::Jk | Handler::Map => {}
    }
    let mapped = found.mapped.as_deref();
    if let Some(mount) = mapped.and_then(|path| host.uri_map.find(path)) {
        return Ok(Reply::Worker(mount, found.path));
    }
    if matches!(found.walked.what, What::Closed) {
        return Err(Stumble::HiddenFile);
    }
    if wanted.is_offered(&found) {
        return Ok(Reply::Named(None));
    }
    if head.method == Method::OPTIONS && !found.redirects() {
        let mut answer = wanted.options(&found);
        let (name, learnt) = (found.walked.name, found.learnt);
        if !name.is_empty() {
            answer.extensions_mut().insert(Sent { name, learnt });
        }
        return Ok(Reply::Answer(answer));
    }
    answer(wanted, found, handler).map(Reply::Answer)
}

/// The handler that a section names, else that of an extension of the file, also of one that is not
/// there.
fn handler_of(host: &Host, asked: Asked<'_>, found: &Located) -> Handler {
    match (host.handler_of(asked), found.name()) {
        (Handler::Map, Some(name)) if !found.is_directory() => {
            let is_for_jk = kind::is_for_jk(name, &host.files_about(asked));
            if is_for_jk { Handler::Jk } else { Handler::Map }
        }
        (handler, _) => handler,
    }
}

fn answer(
    wanted: Wanted<'_>,
    mut found: Located,
    handler: Handler,
) -> Result<Response<Answer>, Stumble> {
    let head = wanted.head;
    let lacks_slash = found.redirects();
    if !lacks_slash {
        check_method(&head.method, wanted.host).inspect_err(|why| wanted.tells_of_method(why))?;
    }
    match mem::replace(&mut found.walked.what, What::Nothing) {
        What::File(file) if !found.is_script => {
            let mut answer = send::file(wanted.by(&found), file, &found.walked.name)?;
            let (name, learnt) = (found.walked.name, found.learnt);
            let sent = Sent { name, learnt };
            answer.extensions_mut().insert(sent);
            Ok(answer)
        }
        What::Directory if lacks_slash => {
            let there = Elsewhere::directory(wanted.decoded, head);
            Err(Stumble::Elsewhere(Box::new(there)))
        }
        What::Directory if head.method == Method::POST || handler == Handler::Jk => {
            Err(Stumble::Unmapped)
        }
        What::Directory => {
            wanted.tells_of_directory(&found);
            Err(Stumble::HiddenFile)
        }
        What::File(_) | What::Closed => Err(Stumble::HiddenFile),
        what @ (What::Nothing | What::Behind { .. }) => {
            wanted.tells_of_nothing(&found, &what);
            Err(Stumble::Unmapped)
        }
        What::Broken(error) => Err(broken(&error, wanted.path)),
    }
}

/// What there is for a path.
pub(crate) enum Look {
    /// The path in the map that stands for it.
    Worker(Vec<u8>),
    /// A file of this name.
    File(Vec<u8>),
    /// A directory that is asked for without its slash.
    Directory,
    Closed,
    Nothing,
}

/// Looks for a file without sending it. Access rules are not asked.
pub(crate) fn look(host: &Host, path: &[u8], pointer: &Pointer, for_jk: bool) -> Look {
    let found = match directory::find(host, path, pointer, for_jk) {
        Ok(found) => found,
        Err(Stumble::HiddenFile) => return Look::Closed,
        Err(_) => return Look::Nothing,
    };
    match (found.walked.what, found.mapped) {
        (_, Some(path)) => Look::Worker(path),
        (What::File(_), None) if !found.is_script => Look::File(found.walked.name),
        (What::Directory, None) if found.lacks_slash => Look::Directory,
        (What::Nothing | What::Behind { .. }, None) => Look::Nothing,
        _ => Look::Closed,
    }
}

/// The file that an answer is made of, for the sections about it.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) name: Vec<u8>,
    /// What is known of it, where it stands for what was asked for.
    pub(crate) learnt: Option<Arc<Learnt>>,
}

/// Looks for the file of a request on a thread that may block. `None`: a rule maps the request.
///
/// # Errors
///
/// 403 for names that nobody may see, 500 where the file system fails.
pub(crate) async fn locate(
    snapshot: &Arc<Snapshot>,
    host: &Host,
    found: &mapping::Found<'_>,
    decoded: &[u8],
    pointer: Pointer,
) -> Result<Option<Located>, Stumble> {
    if found.is_mapped() {
        return Ok(None);
    }
    let for_jk = found.for_jk;
    if !host.has_files() {
        return Ok(Some(Located::nothing()));
    }
    let literal = literal_path(host, decoded, found).filter(|_| !pointer.is_certain());
    let is_literal = literal.is_some();
    let path = literal.unwrap_or_else(|| found.path.to_vec());
    let (snapshot, number) = (Arc::clone(snapshot), host.number);
    let located = spawn_blocking(move || {
        let host = snapshot.model.hosts.get(number);
        host.map_or_else(
            || Err(Stumble::Unmapped),
            |host| directory::own(host, &path, &pointer, for_jk),
        )
    });
    let located = located.await.unwrap_or(Err(Stumble::File))?;
    let located = if is_literal {
        located.unsent()
    } else {
        located
    };
    Ok(Some(located))
}

/// Looks for a file of the file system, on a thread that may block.
///
/// # Errors
///
/// 500 where that fails.
pub(crate) async fn look_at(
    snapshot: &Arc<Snapshot>,
    host: &Host,
    name: &[u8],
) -> Result<Located, Stumble> {
    let (snapshot, number, name) = (Arc::clone(snapshot), host.number, name.to_vec());
    let located = spawn_blocking(move || {
        let host = snapshot.model.hosts.get(number)?;
        Some(directory::at(host, name))
    });
    located.await.ok().flatten().ok_or(Stumble::File)
}

/// The path to look for where it is another than the one that is mapped: it has parameters. Then it
/// is none of a file that is sent, but sections may be about it. Applications' files are found
/// without parameters, unless mod_jk may not look: a parameter that makes a request none for mod_jk
/// must not lead to the source of what a worker would have run.
fn literal_path(host: &Host, decoded: &[u8], found: &mapping::Found<'_>) -> Option<Vec<u8>> {
    let of_application = found.for_jk && host.auto_alias.is_some();
    let own = found.seen(decoded);
    (!of_application && own.contains(&b';')).then(|| own.to_vec())
}

/// What a worker answers for a directory is of the directory's kind, unless it says what it is.
pub(crate) fn of_kind(is_directory: bool, mut answer: Outgoing<Answer>) -> Outgoing<Answer> {
    if is_directory {
        let kind = || Bytes::from_static(b"httpd/unix-directory");
        answer.head.content_type.get_or_insert_with(kind);
    }
    answer
}

fn check_method(method: &Method, host: &Host) -> Result<(), Stumble> {
    match method.as_str() {
        "GET" | "HEAD" | "POST" => Ok(()),
        "BASELINE-CONTROL" | "CHECKIN" | "CHECKOUT" | "CONNECT" | "COPY" | "DELETE" | "LABEL"
        | "LOCK" | "MERGE" | "MKACTIVITY" | "MKCOL" | "MKWORKSPACE" | "MOVE" | "PATCH"
        | "PROPFIND" | "PROPPATCH" | "PUT" | "REPORT" | "UNCHECKOUT" | "UNLOCK" | "UPDATE"
        | "VERSION-CONTROL" => Err(Stumble::ReadOnly),
        registered if host.methods.contains(registered) => Err(Stumble::ReadOnly),
        _ => Err(Stumble::UnknownMethod),
    }
}

fn broken(error: &io::Error, path: &[u8]) -> Stumble {
    tracing::error!(path = %Printable(path), %error, "file cannot be served");
    Stumble::File
}
