//! Hosts and mounts: what httpd's side of the configuration says.

use std::{
    borrow::Cow,
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use serde::Serialize;

use super::{
    Activation, Asked, ClientRules, FileSettings, Identity, JkOptions, Levels, Logs, Lookups,
    Model, RemoteIp, Roots, Section, Settings, Tls, TlsSettings,
    variables::{EnvVar, Handler, Indicators},
};
use crate::{
    diag::Origin,
    rewrite::{InSection, Maps, Rewriting},
    uri_map::{UriMap, UriRules, wildcard},
};

/// The main server or one `<VirtualHost>`.
#[derive(Clone, Debug, Serialize)]
pub struct Host {
    /// Its place in [`Model::hosts`].
    #[serde(skip)]
    pub number: usize,
    /// Where it was written; the main server's origin is the first file.
    pub origin: Origin,
    /// `ServerName`. A virtual host on any address that has none has the main server's.
    pub server_name: Option<ServerName>,
    /// `ServerAlias`: further names; `*` and `?` are wildcards.
    pub aliases: Vec<String>,
    /// The addresses of `<VirtualHost …>`; empty for the main server.
    /// Ports are `None` for `*` (any port), addresses are `None` for `*` and `_default_`.
    pub addresses: Vec<(Option<IpAddr>, Option<u16>)>,
    /// What the host does to a request's path before it is compared.
    pub uri_rules: UriRules,
    /// In which form the path goes to the backend.
    pub forward_uri: ForwardUri,
    /// The other `JkOptions`.
    #[serde(skip_serializing_if = "is_default_options")]
    pub options: JkOptions,
    /// `JkAutoAlias`: the directory of the applications whose files are served where nothing is
    /// mounted.
    pub auto_alias: Option<PathBuf>,
    /// Rules of the map count before `Redirect` outside of sections: mod_jk is loaded before
    /// mod_alias.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub mounts_first: bool,
    /// What stands for a directory without an index file is settled before `ForwardDirectories` is
    /// asked, where the directory is read: mod_autoindex is loaded before mod_jk.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub closes_directories: bool,
    /// `RewriteRule`, where `RewriteEngine` is on.
    #[serde(skip_serializing_if = "Rewriting::has_no_rules")]
    pub rewriting: Rewriting,
    /// `RewriteMap`.
    #[serde(skip_serializing_if = "Maps::is_empty")]
    pub rewrite_maps: Maps,
    /// Whether any section has something to say about rewriting.
    #[serde(skip)]
    pub rewrites_in_sections: bool,
    /// `LimitInternalRecursion`: how often rules in sections may have a request begin anew.
    #[serde(skip_serializing_if = "is_usual")]
    pub max_turns: u32,
    /// Where files are that are served where nothing is mounted.
    pub roots: Roots,
    /// `JkStripSession On`: what begins the session id that is cut out of a path that no rule
    /// maps, `;jsessionid` by default. Files are looked for without path parameters anyway.
    pub strip_session: Option<String>,
    /// `JkdRequestTimeout`: how long all attempts to have a request answered may take together, up
    /// to the head of the answer. `None`: no limit. mod_jk has no such directive.
    pub request_timeout: Option<Duration>,
    /// Where lines go.
    pub logs: Logs,
    /// What it says about itself.
    #[serde(skip_serializing_if = "is_anonymous")]
    pub identity: Identity,
    /// What clients may take.
    pub clients: Arc<ClientRules>,
    /// Who the client is where proxies in between say so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remote_ip: Option<RemoteIp>,
    /// How clients use TLS.
    #[serde(skip_serializing_if = "is_off")]
    pub tls: Tls,
    /// What is mounted here, ready to be asked.
    pub uri_map: UriMap,
    /// The uriworkermap files that the map has rules of (`JkMountFile`, `--mount-file`).
    pub mount_files: Vec<PathBuf>,
    /// `JkMountFileReload`: how often to look whether these files have changed. `None`: never.
    pub mount_file_reload: Option<Duration>,
    /// What holds outside of all sections.
    #[serde(flatten)]
    pub settings: Settings,
    /// Which variables say something about a request.
    #[serde(skip_serializing_if = "is_default")]
    pub indicators: Indicators,
    /// `JkExtractSSL`: whether the backend is told how the client used TLS.
    #[serde(skip_serializing_if = "is_true")]
    pub extracts_tls: bool,
    /// Whether a header may say that the client used TLS: `JkHTTPSIndicator HTTP_…`.
    #[serde(skip)]
    pub tls_by_header: bool,
    /// Whether any section wants TLS: `SSLRequireSSL`.
    #[serde(skip)]
    pub requires_tls: bool,
    /// Whether anything is said about headers here.
    #[serde(skip)]
    pub changes_headers: bool,
    /// Whether any `HostnameLookups` is written here that wants names.
    #[serde(skip)]
    pub looks_up_clients: bool,
    /// Variables that the backend gets.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub env_vars: Vec<EnvVar>,
    /// Sections that say something, in the order in which they are applied: directories, files,
    /// locations; of each kind the main server's first, as httpd merges them into each virtual
    /// host.
    pub sections: Vec<Section>,
}

impl Host {
    /// How often a request may begin anew, unless it is said.
    pub(crate) const MAX_TURNS: u32 = 10;

    /// A host that nothing is said about: every default, nothing mounted.
    pub fn new(origin: Origin) -> Self {
        Self {
            number: 0,
            clients: Arc::default(),
            remote_ip: None,
            tls: Tls::off(origin.clone()),
            origin,
            server_name: None,
            aliases: Vec::new(),
            addresses: Vec::new(),
            uri_rules: UriRules::default(),
            forward_uri: ForwardUri::default(),
            options: JkOptions::default(),
            mounts_first: false,
            closes_directories: false,
            roots: Roots::default(),
            rewriting: Rewriting::default(),
            rewrite_maps: Maps::default(),
            rewrites_in_sections: false,
            max_turns: Self::MAX_TURNS,
            auto_alias: None,
            strip_session: None,
            request_timeout: None,
            logs: Logs::default(),
            identity: Identity::default(),
            uri_map: UriMap::new([]),
            mount_files: Vec::new(),
            mount_file_reload: None,
            settings: Settings::default(),
            indicators: Indicators::default(),
            extracts_tls: true,
            tls_by_header: false,
            requires_tls: false,
            changes_headers: false,
            looks_up_clients: false,
            env_vars: Vec::new(),
            sections: Vec::new(),
        }
    }

    /// `LimitRequestBody` for what is asked for, bytes; `u64::MAX` is no limit.
    pub fn max_body(&self, asked: Asked<'_>) -> u64 {
        const DEFAULT: u64 = 1 << 30;
        let sections = self.sections_about(asked);
        let mut said = sections.filter_map(|section| section.settings.max_body);
        let innermost = said.next_back();
        innermost.or(self.settings.max_body).unwrap_or(DEFAULT)
    }

    /// `HostnameLookups` for what is asked for.
    pub fn lookups(&self, asked: Asked<'_>) -> Lookups {
        if !self.looks_up_clients {
            return Lookups::Off;
        }
        let sections = self.sections_about(asked);
        let mut said = sections.filter_map(|section| section.settings.lookups);
        let innermost = said.next_back();
        innermost.or(self.settings.lookups).unwrap_or_default()
    }

    /// `LogLevel` for what is asked for.
    pub fn log_levels(&self, asked: Asked<'_>) -> Cow<'_, Levels> {
        let sections = self.sections_about(asked);
        let said = sections.filter(|section| !section.settings.log_levels.is_empty());
        said.fold(Cow::Borrowed(&self.logs.error_level), |around, section| {
            Cow::Owned(section.settings.log_levels.over(&around))
        })
    }

    /// What holds about TLS for what is asked for.
    pub fn tls_about(&self, asked: Asked<'_>) -> TlsSettings {
        let sections = self.sections_about(asked).map(|s| &s.settings.tls);
        let sections = sections.filter(|settings| !settings.is_empty());
        sections.fold(self.settings.tls.clone(), |around, own| own.over(&around))
    }

    /// The sections about what is asked for, in the order in which they are applied: the last one
    /// has the last word.
    pub fn sections_about<'h>(
        &'h self,
        asked: Asked<'_>,
    ) -> impl DoubleEndedIterator<Item = &'h Section> + Clone {
        let sections = self.sections.iter();
        sections.filter(move |section| section.covers(asked))
    }

    /// A section of which cannot be said whether it is about what is asked for.
    pub fn uncertain_section(&self, asked: Asked<'_>) -> Option<&Section> {
        let mut sections = self.sections.iter();
        sections.find(|section| !section.is_certain(asked))
    }

    /// What `SetHandler` says about what is asked for: the last section around it counts.
    pub fn handler_of(&self, asked: Asked<'_>) -> Handler {
        let mut sections = self.sections.iter().rev();
        let section = sections.find_map(|s| s.settings.handler.filter(|_| s.covers(asked)));
        section.or(self.settings.handler).unwrap_or(Handler::Map)
    }

    /// Whether the rules outside of sections look at a request for this path. As in httpd
    /// `<Location>` may switch them on and off.
    pub fn rewrites(&self, path: &[u8]) -> bool {
        if self.rewriting.is_empty() || !path.starts_with(b"/") {
            return false;
        }
        let mut engine = self.settings.rewriting.engine;
        if self.rewrites_in_sections {
            let sections = self.sections_about(Asked::at(path)).rev();
            let mut said = sections.filter_map(|section| section.settings.rewriting.engine);
            engine = said.next().or(engine);
        }
        engine == Some(true)
    }

    /// What sections say about rewriting what is asked for, where that is switched on there.
    pub fn rewriting_about(&self, asked: Asked<'_>) -> Option<InSection<'_>> {
        if !self.rewrites_in_sections {
            return None;
        }
        let sections = self.sections_about(asked);
        let mut told = sections.filter(|section| section.settings.rewriting.is_told);
        let last = told.clone().next_back()?;
        let base = self.settings.rewriting.clone();
        let said = told.try_fold(base, |around, section| {
            Some(section.settings.rewriting.over(&around))
        })?;
        if said.engine != Some(true) {
            return None;
        }
        let argument = last.covers.argument();
        let slash = if argument.ends_with('/') { "" } else { "/" };
        Some(InSection {
            said: Cow::Owned(said),
            directory: format!("{argument}{slash}"),
        })
    }

    /// Whether there is any place for files.
    pub fn has_files(&self) -> bool {
        self.auto_alias.is_some() || self.roots != Roots::default()
    }

    /// What holds about files for what is asked for.
    pub fn files_about(&self, asked: Asked<'_>) -> FileSettings {
        let sections = self.sections_about(asked).map(|s| &s.settings.files);
        let said = sections.filter(|files| !files.is_empty());
        said.fold(self.settings.files.clone(), |around, own| own.over(&around))
    }

    /// Whether `name` (without a port) is this host's `ServerName` or one of its aliases.
    pub fn answers_to(&self, name: &str) -> bool {
        let own = self.server_name.as_ref();
        own.is_some_and(|own| own.name.eq_ignore_ascii_case(name))
            || self
                .aliases
                .iter()
                .any(|alias| wildcard::matches_ignoring_case(alias.as_bytes(), name.as_bytes()))
    }

    /// How well the host's addresses fit `local`: the best of them.
    fn fit(&self, local: SocketAddr) -> Option<Fit> {
        let ip = local.ip().to_canonical();
        let fits = |&(address, port): &(Option<IpAddr>, Option<u16>)| {
            (address.is_none_or(|a| a == ip) && port.is_none_or(|p| p == local.port())).then_some(
                Fit {
                    address: address.is_some(),
                    port: port.is_some(),
                },
            )
        };
        self.addresses.iter().filter_map(fits).max()
    }

    fn has(&self, local: SocketAddr, wanted: Fit) -> bool {
        let ip = local.ip().to_canonical();
        let address = wanted.address.then_some(ip);
        let port = wanted.port.then_some(local.port());
        self.addresses.contains(&(address, port))
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
const fn is_true(flag: &bool) -> bool {
    *flag
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_default_options(options: &JkOptions) -> bool {
    *options == JkOptions::default()
}

fn is_anonymous(identity: &Identity) -> bool {
    *identity == Identity::default()
}

const fn is_off(tls: &Tls) -> bool {
    !tls.is_on
}

fn is_default(indicators: &Indicators) -> bool {
    *indicators == Indicators::default()
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
const fn is_usual(turns: &u32) -> bool {
    *turns == Host::MAX_TURNS
}

/// How a virtual host's address fits: an address counts more than a port.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Fit {
    address: bool,
    port: bool,
}

impl Model {
    /// The host that serves a request which came in at `local` and asks for `host_header`.
    ///
    /// As in httpd: the virtual hosts with the best fitting address are candidates (a written
    /// address before `*`, a written port before any); the first of them whose `ServerName` or
    /// `ServerAlias` is the name asked for serves; if none has it, the first candidate; without
    /// candidates the main server. `host_header` may carry a port and a final dot.
    pub fn host_for(&self, local: SocketAddr, host_header: Option<&str>) -> &Host {
        let Some((main, virtual_hosts)) = self.hosts.split_first() else {
            unreachable!("a model has a main server")
        };
        let local = SocketAddr::new(local.ip(), self.configured_port(local.port()));
        let Some(fit) = virtual_hosts.iter().filter_map(|h| h.fit(local)).max() else {
            return main;
        };
        let mut candidates = virtual_hosts.iter().filter(|h| h.has(local, fit));
        let first = candidates.clone().next().unwrap_or(main);
        host_header
            .map(name_of)
            .and_then(|name| candidates.find(|h| h.answers_to(name)))
            .unwrap_or(first)
    }
}

impl Model {
    /// The port that the files mean where a connection came in at this one.
    fn configured_port(&self, port: u16) -> u16 {
        let with = |wanted| self.listen.iter().find(move |listen| listen.port == wanted);
        // A port that the system chose is not known here.
        let listen = with(port).or_else(|| with(0));
        listen.and_then(|listen| listen.instead_of).unwrap_or(port)
    }
}

/// The name in a `Host` header: without port, without a final dot.
fn name_of(header: &str) -> &str {
    let name = match header.rfind(':') {
        Some(colon) if !header.ends_with(']') => header.get(..colon).unwrap_or(header),
        _ => header,
    };
    name.strip_suffix('.').unwrap_or(name)
}

/// `JkOptions +ForwardURI…`: in which form a path goes to the backend. The query always goes as
/// it came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ForwardUri {
    /// `ForwardURIProxy`, the default: decoded, then encoded as httpd's proxy does: upper case
    /// digits.
    #[default]
    Proxy,
    /// `ForwardURICompat`: decoded, nothing encoded again.
    Compat,
    /// `ForwardURICompatUnparsed`: as the client sent it.
    CompatUnparsed,
    /// `ForwardURIEscaped`: decoded, then encoded as httpd escapes file names: lower case digits.
    Escaped,
}

/// `ServerName [scheme://]name[:port]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ServerName {
    /// `https` where it was written so.
    pub scheme: Option<String>,
    /// The name.
    pub name: String,
    /// The port, where one was written.
    pub port: Option<u16>,
}

/// One `Listen` directive or `--listen` flag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Listen {
    /// The address; `None` for all addresses.
    pub address: Option<IpAddr>,
    /// The port. 0 lets the system choose one.
    pub port: u16,
    /// `--listen 8080=80`: the port of the configuration files that this one is used instead of.
    /// It is the one that `<VirtualHost>` sections are compared with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instead_of: Option<u16>,
    /// Where it was written.
    pub origin: Origin,
}

/// One rule: this URI pattern is served by this worker, or excluded from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mount {
    /// The pattern; begins with `/`.
    pub pattern: Arc<str>,
    /// Exact text or wildcards.
    pub kind: UriMatch,
    /// The worker's name; `*` in an exclusion means any worker.
    pub worker: Arc<str>,
    /// `JkUnMount` or a `!` rule.
    pub exclusion: bool,
    /// A `-` rule: shown, never applied.
    pub disabled: bool,
    /// What kind of line it was.
    pub source: MountSource,
    /// What stood behind the worker's name.
    #[serde(skip_serializing_if = "RuleExtensions::is_empty")]
    pub extensions: RuleExtensions,
    /// The extensions `active`, `disabled` and `stopped`, resolved: another activation for members
    /// of the balancer, by their index. Empty when the rule changes none.
    #[serde(skip_serializing_if = "is_empty")]
    pub activations: Arc<[Option<Activation>]>,
    /// Where it was written.
    pub origin: Origin,
}

fn is_empty(activations: &Arc<[Option<Activation>]>) -> bool {
    activations.is_empty()
}

/// How a pattern is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum UriMatch {
    /// Byte for byte.
    Exact,
    /// `?` is one byte, `*` any run of bytes, `/` included.
    Wildcard,
}

/// What kind of line a rule was. Between rules that are equally specific the greater one wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MountSource {
    /// `worker.NAME.mount`.
    WorkerDefinition,
    /// `JkMount`, `JkUnMount`, or `--mount`.
    JkMount,
    /// A line of a uriworkermap file (`JkMountFile`, `--mount-file`).
    UriWorkerMap,
}

/// Rule extensions, `worker;reply_timeout=…;…`: what is different for the requests of one rule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RuleExtensions {
    /// `reply_timeout`, instead of the worker's; zero switches it off.
    pub reply_timeout: Option<Duration>,
    /// `sticky_ignore`: session ids are not looked at.
    pub sticky_ignore: bool,
    /// `stateless`: members take turns whatever their load, and the request begins no session.
    pub stateless: bool,
    /// `active`: members that are active for this rule.
    pub active: Vec<String>,
    /// `disabled`: members that are disabled for this rule.
    pub disabled: Vec<String>,
    /// `stopped`: members that are stopped for this rule.
    pub stopped: Vec<String>,
    /// `fail_on_status`: replaces the worker's list, unless it is empty.
    pub fail_on_status: Vec<i32>,
    /// `use_server_errors`: answers with this status or a higher one give way to a page of the
    /// server's own.
    pub use_server_errors: Option<u16>,
    /// `session_cookie`: the cookie to read session ids from. The one that `set_session_cookie`
    /// sets has the name that the worker says.
    pub session_cookie: Option<String>,
    /// `session_path`: the text that stands before `=` and a session id in the path. Its leading
    /// `;` is not a part of it, as in mod_jk.
    pub session_path: Option<String>,
    /// `set_session_cookie`: switches it on where the worker does not.
    pub set_session_cookie: bool,
    /// `session_cookie_path`. As in mod_jk it has no effect: the worker's counts.
    pub session_cookie_path: Option<String>,
    /// The lists as they were written, if any was: status pages show them so.
    #[serde(skip)]
    pub written: Option<Box<WrittenLists>>,
}

/// Lists of a rule as they were written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WrittenLists {
    /// `active`.
    pub active: String,
    /// `disabled`.
    pub disabled: String,
    /// `stopped`.
    pub stopped: String,
    /// `fail_on_status`.
    pub fail_on_status: String,
}

impl RuleExtensions {
    /// Whether nothing was written.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
