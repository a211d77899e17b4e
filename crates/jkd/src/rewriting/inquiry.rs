//! What rules ask about, found out.

use std::{
    borrow::Cow,
    ffi::OsStr,
    fs,
    os::unix::{ffi::OsStrExt as _, fs::PermissionsExt as _},
    path::{Path, PathBuf},
};

use jiff::Zoned;
use jkworkers::{
    expr::{Expression, Fault, Outcome},
    rewrite::{self, Ahead, Fact, FileTest, Seen, SoFar, Spot, TimePart, Unknown},
};
use tokio::task::spawn_blocking;

use super::{Subject, expressions::Underway, maps};
use crate::{
    access::Claims,
    forward::{encode_path, in_url, scheme, server_name, server_port},
    http1::Head,
    variables,
};

/// The rules' questions about one request, and the answers so far.
pub(super) struct Inquiry<'a> {
    subject: Subject<'a>,
    /// For rules in sections.
    spot: Option<Spot<'a>>,
    now: Zoned,
    /// Files that were looked at.
    files: Vec<(FileTest, Vec<u8>, bool)>,
    /// Keys that were looked up.
    values: Vec<(PathBuf, Vec<u8>, Option<Vec<u8>>)>,
    /// Requests that might be made.
    seen: Vec<(Ahead, Seen)>,
}

/// How many questions are answered for one request.
const MAX_QUESTIONS: usize = 64;

impl<'a> Inquiry<'a> {
    pub(super) fn new(subject: Subject<'a>, spot: Option<Spot<'a>>) -> Self {
        Self {
            subject,
            spot,
            now: Zoned::now(),
            files: Vec::new(),
            values: Vec::new(),
            seen: Vec::new(),
        }
    }

    /// Finds out one thing after the other until the rules come to an end.
    pub(super) async fn answer(mut self) -> rewrite::Rewritten {
        loop {
            match self.ask() {
                Ok(rewritten) => return rewritten,
                Err(Unknown::Ahead(ahead)) => {
                    let seen = super::ahead::look(self.subject, &ahead).await;
                    self.seen.push((ahead, seen));
                }
                Err(unknown) => {
                    let found = spawn_blocking(move || found_out(unknown)).await;
                    let Ok(found) = found else {
                        return failed();
                    };
                    self.knows(found);
                }
            }
        }
    }

    /// The same at once, without looking ahead.
    pub(super) fn answer_blindly(mut self) -> rewrite::Rewritten {
        loop {
            match self.ask() {
                Ok(rewritten) => return rewritten,
                Err(Unknown::Ahead(ahead)) => {
                    let seen = Seen {
                        is_made: true,
                        status: 200,
                        ..Seen::default()
                    };
                    self.seen.push((ahead, seen));
                }
                Err(unknown) => self.knows(found_out(unknown)),
            }
        }
    }

    fn knows(&mut self, found: Found) {
        match found {
            Found::File(test, path, holds) => self.files.push((test, path, holds)),
            Found::Value(file, key, value) => self.values.push((file, key, value)),
        }
    }

    fn is_tired(&self) -> bool {
        self.files.len() + self.values.len() + self.seen.len() >= MAX_QUESTIONS
    }

    fn ask(&self) -> Result<rewrite::Rewritten, Unknown> {
        let Subject {
            host,
            head,
            decoded,
            ..
        } = self.subject;
        let maps = &host.rewrite_maps;
        match self.spot {
            Some(spot) => rewrite::rewrite_in(spot, maps, self, decoded, head.query()),
            None => rewrite::rewrite(&host.rewriting, maps, self, decoded, head.query()),
        }
    }
}

/// What a thread that may block has found out.
enum Found {
    File(FileTest, Vec<u8>, bool),
    Value(PathBuf, Vec<u8>, Option<Vec<u8>>),
}

fn found_out(unknown: Unknown) -> Found {
    match unknown {
        Unknown::File { test, path } => {
            let holds = look(test, &path);
            Found::File(test, path, holds)
        }
        Unknown::Map { file, key } => {
            let value = maps::value(&file, &key);
            Found::Value(file, key, value)
        }
        Unknown::Ahead(ahead) => Found::File(FileTest::Exists, ahead.target, false),
    }
}

/// Nobody knows what the rules would have said.
fn failed() -> rewrite::Rewritten {
    rewrite::Rewritten {
        end: rewrite::End::Status(500),
        ..rewrite::Rewritten::default()
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

    fn evaluate(&self, expression: &Expression, so_far: SoFar<'_>) -> Result<Outcome, Fault> {
        Underway::new(self.subject, so_far).evaluate(expression)
    }

    #[allow(clippy::too_many_lines, reason = "a flat match")]
    fn fact(&self, fact: Fact) -> Cow<'_, [u8]> {
        let Subject {
            host,
            head,
            peer,
            target,
            naming,
            ..
        } = self.subject;
        let borrowed = |text: &'static [u8]| Cow::Borrowed(text);
        let claims = self.subject.claims;
        let of_claims = |what: fn(&Claims) -> Option<&[u8]>| {
            Cow::Borrowed(claims.and_then(what).unwrap_or_default())
        };
        match fact {
            Fact::DocumentRoot => {
                let root = host.roots.document_root.as_deref();
                let root = root.map(|root| root.as_os_str().as_bytes());
                Cow::Borrowed(root.unwrap_or_default())
            }
            Fact::Https if peer.tls().is_none() => borrowed(b"off"),
            Fact::ConnectionAddr => Cow::Borrowed(peer.connection().ip_text.as_bytes()),
            Fact::Ipv6 if peer.connection().ip.is_ipv4() => borrowed(b"off"),
            Fact::Https | Fact::Ipv6 => borrowed(b"on"),
            Fact::RemoteAddr | Fact::RemoteHost => Cow::Borrowed(peer.ip_text.as_bytes()),
            Fact::RemotePort => Cow::Borrowed(peer.port_text.as_bytes()),
            Fact::Method => Cow::Borrowed(head.method.as_str().as_bytes()),
            Fact::Scheme => borrowed(scheme(host).as_bytes()),
            Fact::ServerAddr => Cow::Borrowed(peer.local_text.as_bytes()),
            Fact::ServerName => self.server_name(),
            Fact::ServerPort => {
                let port = server_port(&target, naming, host, peer);
                Cow::Owned(port.to_string().into_bytes())
            }
            Fact::Protocol => borrowed(head.protocol().as_bytes()),
            Fact::TheRequest => Cow::Owned(request_line(head)),
            Fact::RemoteUser => of_claims(|claims| claims.user.as_deref()),
            Fact::AuthType => of_claims(|claims| claims.auth_type.as_deref()),
            Fact::ContextRoot => match self.context() {
                Some((root, _)) => Cow::Borrowed(root),
                None => self.fact(Fact::DocumentRoot),
            },
            Fact::ContextPrefix => {
                let context = self.context();
                Cow::Borrowed(context.map(|(_, prefix)| prefix).unwrap_or_default())
            }
            // The engine knows these itself.
            _ => borrowed(b""),
        }
    }

    fn tls(&self, name: &str) -> Option<Cow<'_, [u8]>> {
        self.subject.peer.tls()?.value(name)
    }

    fn escape(&self, path: &[u8]) -> Vec<u8> {
        encode_path(path).into_owned()
    }

    fn pick(&self, count: usize) -> usize {
        use std::hash::{BuildHasher, RandomState};
        let number = RandomState::new().hash_one(0_u8);
        let count = u64::try_from(count.max(1)).unwrap_or(1);
        usize::try_from(number % count).unwrap_or_default()
    }

    fn is_subrequest(&self) -> bool {
        self.subject.on_behalf_of.is_some()
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
        let mut known = self.files.iter();
        match known.find(|(tested, about, _)| *tested == test && about == path) {
            Some((_, _, holds)) => Ok(*holds),
            None if path.contains(&0) || self.is_tired() => Ok(false),
            None => Err(Unknown::File {
                test,
                path: path.to_vec(),
            }),
        }
    }

    fn mapped(&self, file: &Path, key: &[u8]) -> Result<Option<Cow<'_, [u8]>>, Unknown> {
        let mut known = self.values.iter();
        match known.find(|(about, asked, _)| about == file && asked == key) {
            Some((_, _, value)) => Ok(value.as_deref().map(Cow::Borrowed)),
            None if self.is_tired() => Ok(None),
            None => Err(Unknown::Map {
                file: file.to_owned(),
                key: key.to_vec(),
            }),
        }
    }

    fn ahead(&self, target: &Ahead) -> Result<&Seen, Unknown> {
        let mut known = self.seen.iter();
        match known.find(|(about, _)| about == target) {
            Some((_, seen)) => Ok(seen),
            None if self.is_tired() => Ok(&NOBODY),
            None => Err(Unknown::Ahead(target.clone())),
        }
    }
}

impl<'a> Inquiry<'a> {
    /// The server's name as it stands in a URL.
    fn server_name(&self) -> Cow<'a, [u8]> {
        let Subject {
            host,
            peer,
            target,
            naming,
            ..
        } = self.subject;
        in_url(server_name(&target, naming, host, peer))
    }

    /// The directory and the path of the `Alias` around.
    fn context(&self) -> Option<(&'a [u8], &'a [u8])> {
        self.spot.and_then(|spot| spot.context)
    }
}

/// A request that asks for too much.
static NOBODY: Seen = Seen {
    is_made: false,
    status: 500,
    exists: false,
    filename: Vec::new(),
    path_info: Vec::new(),
    uri: Vec::new(),
    query: None,
    user: None,
    auth_type: None,
    variables: Vec::new(),
    fields: None,
};

/// Whether the process may be asked for such a variable.
fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(['=', '\0'])
}

pub(crate) fn request_line(head: &Head) -> Vec<u8> {
    let written = head.line();
    if !written.is_empty() {
        return written.to_vec();
    }
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
