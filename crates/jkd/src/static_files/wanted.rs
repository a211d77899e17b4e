//! What is asked for.

use http::{HeaderValue, Method, Response, StatusCode, header};
use http_body_util::Full;
use jkworkers::model::{
    Asked, Host, MimeTypes, Severity,
    variables::{Handler, names::NO_JK},
};

use super::{Located, send, walk::What};
use crate::{
    allow,
    answer::{Answer, Visit},
    forward::Facts,
    http1::Head,
    logging::Printable,
    logs::{About, Logs},
    rescue::Stumble,
    variables::Variables,
};

/// A request that no rule maps, and all that is known about it.
#[derive(Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) host: &'a Host,
    pub(super) types: &'a MimeTypes,
    pub(super) head: &'a Head,
    /// The path as httpd decodes it.
    pub(super) decoded: &'a [u8],
    /// The path as it was mapped: without parameters.
    pub(super) path: &'a [u8],
    /// The status of the answer, where the file is a page for an error.
    pub(super) instead_of: Option<StatusCode>,
    /// A variable names a worker.
    pub(super) is_named: bool,
    /// The media type that a rule about rewriting names.
    pub(super) kind: Option<&'a [u8]>,
    pub(super) about: About<'a>,
    pub(super) logs: &'a Logs,
    /// What sections see of it.
    pub(super) asked: Asked<'a>,
}

impl<'a> Wanted<'a> {
    pub(crate) fn new(
        visit: &'a Visit,
        facts: Facts<'a>,
        decoded: &'a [u8],
        instead_of: Option<StatusCode>,
        about: About<'a>,
    ) -> Self {
        let has = |name: &str| about.variables.is_some_and(|variables| variables.has(name));
        Self {
            host: facts.host,
            types: &visit.snapshot.model.global.types,
            head: facts.head,
            decoded,
            path: facts.path,
            instead_of,
            is_named: has(&facts.host.indicators.worker),
            kind: None,
            about,
            logs: &visit.snapshot.logs,
            asked: Asked::at(facts.path).choosing(facts.chosen),
        }
    }

    /// The same, for which this was found.
    pub(super) fn by(self, found: &'a Located) -> Self {
        let path = found.path.as_deref().unwrap_or(self.path);
        let asked = found.asked(self.path, self.asked.chosen);
        Self {
            path,
            asked,
            ..self
        }
    }

    /// The same with a media type that counts more than all others.
    pub(crate) const fn of_kind(self, kind: Option<&'a [u8]>) -> Self {
        Self { kind, ..self }
    }
}

impl Wanted<'_> {
    /// Whether a variable names a worker for it. Where none does, mod_jk leaves it to others.
    pub(super) fn is_for_named(&self) -> bool {
        let forbids = |variables: &Variables<'_>| variables.has(NO_JK);
        self.is_named && !self.about.variables.is_some_and(forbids)
    }

    /// What `SetHandler` says about the path itself.
    pub(super) fn handler(&self) -> Handler {
        self.host.handler_of(self.asked)
    }

    /// A method that nobody knows, in httpd's words; it says nothing of others.
    pub(super) fn tells_of_method(&self, why: &Stumble) {
        if matches!(why, Stumble::UnknownMethod) {
            let line = Printable(self.head.line());
            let what = format_args!("AH00135: Invalid method in request {line}");
            self.about.say(self.logs, "core", Severity::ERROR, what);
        }
    }

    /// In httpd's words.
    pub(super) fn tells_of_directory(&self, found: &Located) {
        let asked = Asked::at(self.path).with_file(found.name());
        let names = self.host.files_about(asked).index;
        let names = names.map_or_else(|| "index.html".to_owned(), |names| names.join(","));
        let directory = Printable(&found.walked.name);
        let text = "found, and server-generated directory index forbidden by Options directive";
        let what = format_args!(
            "AH01276: Cannot serve directory {directory}: No matching DirectoryIndex ({names}) {text}"
        );
        self.about
            .say(self.logs, "autoindex", Severity::ERROR, what);
    }

    /// In httpd's words.
    pub(super) fn tells_of_nothing(&self, found: &Located, what: &What) {
        let Some(missing) = &found.walked.missing else {
            return;
        };
        let number = if matches!(what, What::Behind { .. }) {
            "AH00130"
        } else {
            "AH00128"
        };
        let name = Printable(missing);
        let what = format_args!("{number}: File does not exist: {name}");
        self.about.say(self.logs, "core", Severity::INFO, what);
    }

    /// `ForwardDirectories`: a directory without an index file is for the worker that a variable
    /// names, unless it is for mod_autoindex, which httpd asks first and only reads.
    pub(super) fn is_offered(&self, found: &Located) -> bool {
        let reads = matches!(self.head.method, Method::GET | Method::HEAD);
        self.is_named
            && found.for_jk
            && matches!(found.walked.what, What::Directory)
            && !found.lacks_slash
            && self.host.options.forward_directories
            && !(reads && self.host.closes_directories)
    }

    /// What could be done about a path, or word that the server is there.
    pub(super) fn options(&self, found: &Located) -> Response<Answer> {
        let mut response = Response::new(Answer::from(Full::default()));
        let headers = response.headers_mut();
        if self.path != b"*" {
            headers.insert(header::ALLOW, allow::of_files(self.host.identity.trace));
        }
        match found.walked.what {
            What::Directory => {
                let kind = HeaderValue::from_static("httpd/unix-directory");
                headers.insert(header::CONTENT_TYPE, kind);
            }
            // Nothing is said of what is not sent.
            What::File(_) | What::Behind { .. } if !found.is_script => {
                drop(send::describe(self.by(found), &found.walked.name, headers));
            }
            What::File(_)
            | What::Behind { .. }
            | What::Nothing
            | What::Closed
            | What::Broken(_) => {}
        }
        response
    }
}
