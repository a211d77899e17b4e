//! What httpd's expressions look at: the request, as far as it is known.
//!
//! Files are looked at where the expression is evaluated, as httpd does it: only expressions that
//! ask for files pay for that.

mod answered;
mod files;

use std::{borrow::Cow, net::IpAddr, os::unix::ffi::OsStrExt as _};

use http::StatusCode;
use jiff::Zoned;
use jkworkers::{
    expr::{self, Expression, Fault, FileTest, Outcome, Table, Text, Variable},
    model::{Asked, Host, Naming, name_for},
};

pub(crate) use self::answered::Answered;
use crate::{
    access::Claims,
    forward::{self, scheme},
    http1::Head,
    logs::Record,
    peer::Peer,
    rewriting::request_line,
    strict::{self, Target},
    variables::{self, Variables},
};

/// A request, as far as it is known.
#[derive(Clone, Copy)]
pub(crate) struct Subject<'a> {
    pub(crate) host: &'a Host,
    pub(crate) head: &'a Head,
    pub(crate) peer: &'a Peer,
    /// What is set so far.
    pub(crate) variables: Option<&'a Variables<'a>>,
    /// The path, decoded.
    pub(crate) path: &'a [u8],
    /// The file or directory that it leads to; `None` before anybody has looked.
    pub(crate) file: Option<&'a [u8]>,
    /// Who says what the server is called.
    pub(crate) naming: Naming,
    /// Who the client is, if it was asked.
    pub(crate) claims: Option<&'a Claims>,
    /// The status of the answer, as far as there is one.
    pub(crate) status: Option<StatusCode>,
    /// Where notes are.
    pub(crate) record: Option<&'a Record>,
    /// The answer that there is.
    pub(crate) answer: Option<Answered<'a>>,
}

impl<'a> Subject<'a> {
    /// A request that no section is known to be about.
    pub(crate) fn new(host: &'a Host, head: &'a Head, peer: &'a Peer, path: &'a [u8]) -> Self {
        Self {
            host,
            head,
            peer,
            variables: None,
            path,
            file: None,
            naming: host.own_naming(),
            claims: None,
            status: None,
            record: None,
            answer: None,
        }
    }

    /// The same, where sections say who says what the server is called.
    #[must_use]
    pub(crate) fn about(self, asked: Asked<'_>) -> Self {
        let naming = self.host.naming(asked);
        Self { naming, ..self }
    }

    /// The same, where it leads to a file.
    #[must_use]
    pub(crate) fn with_file(self, file: Option<&'a [u8]>) -> Self {
        let file = file.map(|file| name_for(self.path, file)).or(self.file);
        Self { file, ..self }
    }

    /// The same, before anybody has looked where it leads to.
    #[must_use]
    pub(crate) const fn without_file(self) -> Self {
        Self { file: None, ..self }
    }

    /// Whether an expression holds. What cannot be said does not, and is told.
    pub(crate) fn holds(&self, expression: &Expression) -> Option<Outcome> {
        let outcome = self.evaluate(expression).ok();
        outcome.filter(|outcome| outcome.holds)
    }

    /// What an expression comes to.
    ///
    /// # Errors
    ///
    /// It cannot be said, which is told.
    pub(crate) fn evaluate(&self, expression: &Expression) -> Result<Outcome, Fault> {
        let outcome = expression.evaluate(self);
        outcome.inspect_err(|fault| self.tell(expression, *fault))
    }

    /// Tells that it cannot be said whether an expression holds.
    pub(crate) fn tell(&self, expression: &Expression, fault: Fault) {
        let client = &self.peer.ip_text;
        tracing::error!(%client, "Failed to evaluate the expression \"{expression}\": {fault}");
    }

    /// What a text is. What cannot be said is nothing, and is told.
    pub(crate) fn fill(&self, text: &Text) -> Vec<u8> {
        let made = text.evaluate(self);
        let made = made.inspect_err(|fault| {
            let client = &self.peer.ip_text;
            tracing::error!(%client, "Failed to evaluate the text \"{text}\": {fault}");
        });
        made.unwrap_or_default()
    }

    /// Which `<If>` sections are about the request, with what caches have to know of.
    pub(crate) fn choose(&self, asked: Asked<'_>) -> Chosen {
        let (mut chosen, mut vary) = (Chosen::default(), Vec::new());
        let mut too_slow = None;
        if !self.host.said.chooses {
            return chosen;
        }
        chosen.sections = self.host.choose(asked, |expression| {
            let outcome = self.evaluate(expression);
            if outcome == Err(Fault::Pattern) {
                too_slow = Some(expression.clone());
            }
            let outcome = outcome.ok();
            let holds = outcome.as_ref().is_some_and(|outcome| outcome.holds);
            vary.extend(outcome.into_iter().flat_map(|outcome| outcome.vary));
            holds
        });
        (chosen.vary, chosen.too_slow) = (vary, too_slow);
        chosen
    }

    fn target(&self) -> Target<'a> {
        strict::named_anyway(self.head, || scheme(self.host))
    }

    fn server_name(&self) -> Cow<'a, [u8]> {
        let name = forward::server_name(&self.target(), self.naming, self.host, self.peer);
        forward::in_url(name)
    }

    /// The file's name; of what a worker answers, the last part of the path.
    fn filename(&self) -> Option<&'a [u8]> {
        self.file
    }

    fn remote_host(&self) -> &'a str {
        let name = &self.peer.name;
        let lookups = || self.host.lookups(Asked::at(self.path));
        let known = name.is_known().then(|| name.by(lookups())).flatten();
        known.unwrap_or(&self.peer.ip_text)
    }

    fn status(&self) -> String {
        let answered = self.answer.map(|answer| answer.status);
        let status = answered.or(self.status).unwrap_or(StatusCode::OK);
        status.as_str().to_owned()
    }
}

/// Which `<If>` sections are about a request.
#[derive(Debug, Default)]
pub(crate) struct Chosen {
    /// By their numbers.
    pub(crate) sections: Vec<bool>,
    /// The fields of the request that were looked at.
    pub(crate) vary: Vec<Vec<u8>>,
    /// One of which it cannot be said: its regular expression takes too long.
    pub(crate) too_slow: Option<Expression>,
}

const fn switch(on: bool) -> Cow<'static, [u8]> {
    Cow::Borrowed(if on { b"on" } else { b"off" })
}

impl expr::Request for Subject<'_> {
    fn address(&self) -> IpAddr {
        self.peer.ip
    }

    #[allow(clippy::too_many_lines, reason = "one line for each variable")]
    fn variable(&self, variable: &Variable) -> Option<Cow<'_, [u8]>> {
        let Self {
            host, head, peer, ..
        } = *self;
        let borrowed = |text: &'static [u8]| Some(Cow::Borrowed(text));
        match variable {
            // MODULE_MAGIC_NUMBER_MAJOR of httpd 2.4.
            Variable::ApiVersion => borrowed(b"20120211"),
            Variable::AuthType => self.claims?.auth_type.as_deref().map(Cow::Borrowed),
            Variable::ConnectionAddr => Some(Cow::Borrowed(peer.connection().ip_text.as_bytes())),
            Variable::RemoteAddr => Some(Cow::Borrowed(peer.ip_text.as_bytes())),
            Variable::ContentType => self.answer?.content_type.map(Cow::Borrowed),
            Variable::DocumentRoot => {
                let root = host.roots.document_root.as_deref()?;
                Some(Cow::Borrowed(root.as_os_str().as_bytes()))
            }
            Variable::Filename => self.filename().map(Cow::Borrowed),
            Variable::Header(name) => variables::header(head, name.as_bytes()),
            Variable::Http2 => Some(switch(false)),
            Variable::Https => Some(switch(peer.tls().is_some())),
            Variable::Ipv6 => Some(switch(peer.ip.to_canonical().is_ipv6())),
            Variable::IsSubrequest => borrowed(b"false"),
            Variable::Method => Some(Cow::Borrowed(head.method.as_str().as_bytes())),
            Variable::Protocol => borrowed(head.protocol().as_bytes()),
            Variable::Query => head.query().map(Cow::Borrowed),
            Variable::RemoteHost => Some(Cow::Borrowed(self.remote_host().as_bytes())),
            Variable::RemotePort => Some(Cow::Borrowed(peer.port_text.as_bytes())),
            Variable::RemoteUser => self.claims?.user.as_deref().map(Cow::Borrowed),
            Variable::Scheme => Some(Cow::Borrowed(scheme(host).as_bytes())),
            Variable::ServerAdmin => {
                let admin = host.identity.admin.as_deref();
                let admin = admin.unwrap_or("[no address given]");
                Some(Cow::Borrowed(admin.as_bytes()))
            }
            Variable::ServerName => Some(self.server_name()),
            Variable::ServerPort => {
                let port = forward::server_port(&self.target(), self.naming, host, peer);
                Some(Cow::Owned(port.to_string().into_bytes()))
            }
            Variable::ServerSoftware => Some(Cow::Borrowed(forward::software(host).as_bytes())),
            Variable::Status => Some(Cow::Owned(self.status().into_bytes())),
            Variable::TheRequest => Some(Cow::Owned(request_line(head))),
            Variable::Time(format) => {
                let text = Zoned::now().strftime(format).to_string();
                Some(Cow::Owned(text.into_bytes()))
            }
            Variable::Tls(name) => peer.tls()?.value(name),
            Variable::Uri => Some(Cow::Borrowed(self.path)),
            // No file has a path behind it here, and nobody is asked who a client is.
            _ => None,
        }
    }

    fn entry(&self, table: Table, name: &[u8]) -> Option<Cow<'_, [u8]>> {
        match table {
            Table::Environment => {
                let name = str::from_utf8(name).ok()?;
                self.variables?.get(name).map(Cow::Borrowed)
            }
            Table::Notes => {
                let name = str::from_utf8(name).ok()?;
                self.record?.note(name).map(Cow::Owned)
            }
            Table::Process => files::of_process(name),
            Table::Request => variables::header(self.head, name),
            Table::Response => self.answer?.field(name),
            _ => None,
        }
    }

    fn holds(&self, test: FileTest, path: &[u8]) -> bool {
        files::holds(test, path)
    }

    fn content(&self, path: &[u8]) -> Option<Vec<u8>> {
        files::content(path)
    }

    fn size(&self, path: &[u8]) -> u64 {
        files::size(path)
    }
}
