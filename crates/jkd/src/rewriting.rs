//! mod_rewrite: what `RewriteRule` makes of a request, before anything is mapped.
//!
//! The rules themselves are `jkworkers::rewrite`; here is what they ask about, and what becomes of
//! the request then.

use std::{
    borrow::Cow, ffi::OsStr, fs, os::unix::ffi::OsStrExt as _, os::unix::fs::PermissionsExt as _,
    path::Path,
};

use http::StatusCode;
use jiff::Zoned;
use jkworkers::{
    model::{Host, variables::Handler},
    rewrite::{self, End, Fact, FileTest, Redirect, TimePart, Unknown},
};
use tokio::task::spawn_blocking;

use crate::{
    forward::encode_path,
    forward::scheme,
    http1::Head,
    peer::Peer,
    redirect::Elsewhere,
    rescue::Stumble,
    variables::{self, Variables},
};

/// What rules look at.
#[derive(Clone, Copy)]
pub(crate) struct Subject<'a> {
    pub(crate) host: &'a Host,
    pub(crate) head: &'a Head,
    pub(crate) peer: &'a Peer,
    pub(crate) variables: &'a Variables<'a>,
    pub(crate) server_name: &'a str,
    pub(crate) server_port: u16,
    /// The path as httpd decodes it.
    pub(crate) decoded: &'a [u8],
}

/// What they have made of a request.
#[derive(Debug)]
pub(crate) struct Rewritten {
    /// The head, with the query that there is now.
    pub(crate) head: Head,
    /// The path that is mapped.
    pub(crate) decoded: Vec<u8>,
    /// The file that it is for, unless a rule of the map covers the path.
    pub(crate) file: Option<LocalFile>,
    /// Variables that were set or taken away.
    pub(crate) variables: Vec<(String, Option<Vec<u8>>)>,
    /// `H`
    pub(crate) handler: Option<Handler>,
    /// The value of `Vary` that follows from what was looked at.
    pub(crate) vary: Option<String>,
    /// Why it goes nowhere from here.
    pub(crate) stumble: Option<Stumble>,
}

/// A path below the directory of documents, or in the file system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LocalFile {
    pub(crate) path: Vec<u8>,
    /// Whether it may be one of the file system.
    pub(crate) anywhere: bool,
}

/// Applies the rules of the host, if it has any and the request is for a path.
pub(crate) async fn rewrite(subject: Subject<'_>) -> Option<Box<Rewritten>> {
    if subject.host.rewriting.is_empty() || !subject.decoded.starts_with(b"/") {
        return None;
    }
    // Boxed: most hosts have no rules.
    let rewritten = Box::pin(Inquiry::new(subject).answer()).await;
    Some(Box::new(Rewritten::new(subject, rewritten)))
}

/// The same at once, as if there were no file.
pub(crate) fn rewrite_blindly(subject: Subject<'_>) -> Option<Rewritten> {
    if subject.host.rewriting.is_empty() || !subject.decoded.starts_with(b"/") {
        return None;
    }
    let mut inquiry = Inquiry::new(subject);
    loop {
        match inquiry.ask() {
            Ok(rewritten) => return Some(Rewritten::new(subject, rewritten)),
            Err(Unknown { test, path }) => {
                let holds = look(test, &path);
                inquiry.known.push((test, path, holds));
            }
        }
    }
}

impl Rewritten {
    fn new(subject: Subject<'_>, made: rewrite::Rewritten) -> Self {
        let (mut decoded, mut file, mut stumble) = (subject.decoded.to_vec(), None, None);
        match made.end {
            End::Same => {}
            End::Path(path) => decoded = path,
            End::File { path, anywhere } => file = Some(LocalFile { path, anywhere }),
            End::Status(status) => stumble = Some(said(status)),
            End::Redirect { status, to } => stumble = Some(elsewhere(status, &to)),
        }
        Self {
            head: subject.head.clone().with_query(made.query),
            decoded,
            file,
            variables: made.variables,
            handler: made.handler,
            vary: Some(made.vary.join(", ")).filter(|vary| !vary.is_empty()),
            stumble,
        }
    }
}

fn said(status: u16) -> Stumble {
    let status = StatusCode::from_u16(status);
    Stumble::Said(status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR))
}

fn elsewhere(status: u16, to: &Redirect) -> Stumble {
    let (plain, path) = to.url.split_at(to.plain.min(to.url.len()));
    let mut url = [plain, &*encode_path(path)].concat();
    if let Some(query) = &to.query {
        url.push(b'?');
        if to.plain_query {
            url.extend_from_slice(query);
        } else {
            url.extend_from_slice(&encode_path(query));
        }
    }
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::FOUND);
    Stumble::Elsewhere(Box::new(Elsewhere::to(status, url)))
}

/// The rules' questions about one request, and the answers so far.
struct Inquiry<'a> {
    subject: Subject<'a>,
    now: Zoned,
    /// Files that were looked at.
    known: Vec<(FileTest, Vec<u8>, bool)>,
}

/// How many files are looked at for one request.
const MAX_FILES: usize = 64;

impl<'a> Inquiry<'a> {
    fn new(subject: Subject<'a>) -> Self {
        Self {
            subject,
            now: Zoned::now(),
            known: Vec::new(),
        }
    }

    /// Looks at one file after the other until the rules come to an end.
    async fn answer(mut self) -> rewrite::Rewritten {
        loop {
            let Unknown { test, path } = match self.ask() {
                Ok(rewritten) => return rewritten,
                Err(unknown) => unknown,
            };
            let wanted = path.clone();
            let holds = spawn_blocking(move || look(test, &wanted)).await;
            self.known.push((test, path, holds.unwrap_or(false)));
        }
    }

    fn ask(&self) -> Result<rewrite::Rewritten, Unknown> {
        let Subject {
            host,
            head,
            decoded,
            ..
        } = self.subject;
        rewrite::rewrite(&host.rewriting, self, decoded, head.query())
    }
}

/// What is true of a file. Nothing is where the file system fails.
fn look(test: FileTest, path: &[u8]) -> bool {
    let path = Path::new(OsStr::from_bytes(path));
    if test == FileTest::Link {
        return fs::symlink_metadata(path).is_ok_and(|about| about.is_symlink());
    }
    fs::metadata(path).is_ok_and(|about| match test {
        FileTest::Regular => about.is_file(),
        FileTest::Directory => about.is_dir(),
        FileTest::NotEmpty => about.is_file() && about.len() > 0,
        FileTest::Executable => about.permissions().mode() & 0o111 != 0,
        FileTest::Exists | FileTest::Link => true,
    })
}

impl rewrite::Request for Inquiry<'_> {
    fn header(&self, name: &str) -> Option<Cow<'_, [u8]>> {
        variables::header(self.subject.head, name.as_bytes())
    }

    fn variable(&self, name: &str) -> Option<Cow<'_, [u8]>> {
        use std::os::unix::ffi::OsStringExt as _;
        let set = self.subject.variables.get(name).map(Cow::Borrowed);
        let of_process = || std::env::var_os(name).filter(|_| is_name(name));
        set.or_else(|| of_process().map(|value| Cow::Owned(value.into_vec())))
    }

    fn fact(&self, fact: Fact) -> Cow<'_, [u8]> {
        let Subject {
            host, head, peer, ..
        } = self.subject;
        let borrowed = |text: &'static [u8]| Cow::Borrowed(text);
        match fact {
            Fact::DocumentRoot => {
                let root = host.roots.document_root.as_deref();
                let root = root.map(|root| root.as_os_str().as_bytes());
                Cow::Borrowed(root.unwrap_or_default())
            }
            Fact::Https if peer.tls().is_none() => borrowed(b"off"),
            Fact::Ipv6 if peer.ip.is_ipv4() => borrowed(b"off"),
            Fact::Https | Fact::Ipv6 => borrowed(b"on"),
            Fact::RemoteAddr | Fact::RemoteHost => Cow::Borrowed(peer.ip_text.as_bytes()),
            Fact::RemotePort => Cow::Borrowed(peer.port_text.as_bytes()),
            Fact::Method => Cow::Borrowed(head.method.as_str().as_bytes()),
            Fact::Scheme => borrowed(scheme(host).as_bytes()),
            Fact::ServerAddr => Cow::Borrowed(peer.local_text.as_bytes()),
            Fact::ServerName if self.subject.server_name.contains(':') => {
                Cow::Owned(format!("[{}]", self.subject.server_name).into_bytes())
            }
            Fact::ServerName => Cow::Borrowed(self.subject.server_name.as_bytes()),
            Fact::ServerPort => Cow::Owned(self.subject.server_port.to_string().into_bytes()),
            Fact::Protocol => borrowed(head.protocol().as_bytes()),
            Fact::TheRequest => Cow::Owned(request_line(head)),
            Fact::IsSubrequest => borrowed(b"false"),
            // The engine knows these itself.
            Fact::Filename | Fact::Uri | Fact::Query => borrowed(b""),
        }
    }

    fn time(&self, part: TimePart) -> String {
        let format = match part {
            TimePart::All => "%Y%m%d%H%M%S",
            TimePart::Year => "%Y",
            TimePart::Month => "%m",
            TimePart::Day => "%d",
            TimePart::Hour => "%H",
            TimePart::Minute => "%M",
            TimePart::Second => "%S",
            TimePart::Weekday => "%w",
        };
        self.now.strftime(format).to_string()
    }

    fn is_own(&self, name: &[u8], port: u16) -> bool {
        let host = self.subject.host;
        let own = host.server_name.as_ref();
        let addressed = host.addresses.first().and_then(|(_, port)| *port);
        let own_port = own.and_then(|own| own.port).or(addressed);
        let name = str::from_utf8(name).unwrap_or_default();
        own_port == Some(port) && host.answers_to(name)
    }

    fn holds(&self, test: FileTest, path: &[u8]) -> Result<bool, Unknown> {
        let mut known = self.known.iter();
        match known.find(|(tested, about, _)| *tested == test && about == path) {
            Some((_, _, holds)) => Ok(*holds),
            None if path.contains(&0) || self.known.len() >= MAX_FILES => Ok(false),
            None => Err(Unknown {
                test,
                path: path.to_vec(),
            }),
        }
    }
}

/// Whether the process may be asked for such a variable.
fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(['=', '\0'])
}

fn request_line(head: &Head) -> Vec<u8> {
    let method = head.method.as_str().as_bytes();
    [
        method,
        b" ",
        head.target(),
        b" ",
        head.protocol().as_bytes(),
    ]
    .concat()
}
