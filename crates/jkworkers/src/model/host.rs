//! Hosts: what httpd's side of the configuration says.

mod said;

use std::{
    borrow::Cow, collections::BTreeSet, net::IpAddr, path::PathBuf, sync::Arc, time::Duration,
};

use serde::Serialize;

pub use self::said::Said;
use super::{
    Asked, ClientRules, FileSettings, FilterSettings, Filtering, ForwardedFields, Identity,
    JkOptions, Levels, Logs, Lookups, Naming, RemoteIp, Roots, Section, SectionAlias, Settings,
    Signature, Tls, TlsSettings,
    variables::{EnvVar, Handler, Indicators},
};
use crate::{
    diag::Origin,
    rewrite::{InSection, Maps, Rewriting},
    uri_map::{UriMap, UriRules},
};

/// The main server or one `<VirtualHost>`.
#[derive(Clone, Debug, Serialize)]
pub struct Host {
    /// Its place in [`Model::hosts`](super::Model::hosts).
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
    /// Every request has a name of its own, in the variable `UNIQUE_ID`: mod_unique_id is loaded.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub names_requests: bool,
    /// Methods that httpd knows because somebody names them: `RegisterHttpMethod`, `<Limit>`.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub methods: BTreeSet<String>,
    /// `Content-Encoding` has the spelling of a request that accepts it, `gzip` or `x-gzip`:
    /// mod_negotiation is loaded.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub mirrors_encodings: bool,
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
    /// Whose word about earlier connections backends get.
    #[serde(skip_serializing_if = "ForwardedFields::is_usual")]
    pub forwarded: ForwardedFields,
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
    /// What anything is said about.
    #[serde(skip)]
    pub said: Said,
    /// How answers are compressed, and whether filters are about any.
    #[serde(rename = "deflate", skip_serializing_if = "Filtering::is_usual")]
    pub filtering: Filtering,
    /// The fields of requests that rules have a say in: `RequestHeader`, `RemoteIPHeader`,
    /// `RemoteIPProxiesHeader`. They reach backends as the rules leave them, whatever clients say in
    /// `Connection`.
    #[serde(skip)]
    pub ruled_fields: Vec<Arc<str>>,
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
    #[allow(clippy::too_many_lines, reason = "a flat list of fields")]
    pub fn new(origin: Origin) -> Self {
        Self {
            number: 0,
            clients: Arc::default(),
            remote_ip: None,
            forwarded: ForwardedFields::default(),
            tls: Tls::off(origin.clone()),
            origin,
            server_name: None,
            aliases: Vec::new(),
            addresses: Vec::new(),
            uri_rules: UriRules::default(),
            forward_uri: ForwardUri::default(),
            options: JkOptions::default(),
            mounts_first: false,
            names_requests: false,
            methods: BTreeSet::new(),
            mirrors_encodings: false,
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
            said: Said::default(),
            filtering: Filtering::default(),
            ruled_fields: Vec::new(),
            env_vars: Vec::new(),
            sections: Vec::new(),
        }
    }

    /// `AllowMethods`: whether what is asked for may be asked for by this method.
    pub fn allows_method(&self, asked: Asked<'_>, method: &str) -> bool {
        let said = self.innermost(asked, |settings| settings.methods.as_ref());
        said.is_none_or(|methods| methods.contains(method))
    }

    /// What the innermost of the sections about what is asked for says that says anything.
    fn innermost<'a, T>(
        &'a self,
        asked: Asked<'a>,
        said: impl Fn(&'a Settings) -> Option<T>,
    ) -> Option<T> {
        let mut sections = self.sections_about(asked).rev();
        sections.find_map(|section| said(&section.settings))
    }

    /// `LimitRequestBody` for what is asked for, bytes; `u64::MAX` is no limit.
    pub fn max_body(&self, asked: Asked<'_>) -> u64 {
        let said = self.innermost(asked, |settings| settings.max_body);
        said.unwrap_or_else(|| self.own_max_body())
    }

    /// `LimitRequestBody` outside of all sections, bytes.
    pub fn own_max_body(&self) -> u64 {
        const DEFAULT: u64 = 1 << 30;
        self.settings.max_body.unwrap_or(DEFAULT)
    }

    /// `LogIOTrackTTFB` for what is asked for.
    pub fn times_first_byte(&self, asked: Asked<'_>) -> bool {
        let said = self.innermost(asked, |settings| settings.first_byte);
        said.unwrap_or(self.logs.first_byte)
    }

    /// `HostnameLookups` for what is asked for.
    pub fn lookups(&self, asked: Asked<'_>) -> Lookups {
        if !self.said.looks_up_clients {
            return Lookups::Off;
        }
        let said = self.innermost(asked, |settings| settings.lookups);
        said.or(self.settings.lookups).unwrap_or_default()
    }

    /// `UseCanonicalName` and `UseCanonicalPhysicalPort` outside of sections.
    pub fn own_naming(&self) -> Naming {
        Naming {
            name: self.settings.canonical_name.unwrap_or_default(),
            physical_port: self.settings.physical_port.unwrap_or_default(),
        }
    }

    /// `UseCanonicalName` and `UseCanonicalPhysicalPort` for what is asked for.
    #[inline]
    pub fn naming(&self, asked: Asked<'_>) -> Naming {
        if !self.said.names_itself {
            return self.own_naming();
        }
        let sections = self.sections_about(asked);
        sections.fold(self.own_naming(), |around, section| Naming {
            name: section.settings.canonical_name.unwrap_or(around.name),
            physical_port: (section.settings.physical_port).unwrap_or(around.physical_port),
        })
    }

    /// `ServerSignature` for what is asked for.
    pub fn signature(&self, asked: Asked<'_>) -> Signature {
        let said = self.innermost(asked, |settings| settings.signature);
        said.or(self.settings.signature).unwrap_or_default()
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

    /// Variables that the regular expressions of sections set, in the order in which they are
    /// applied: `MATCH_NAME` is what the group `name` has found.
    pub fn named_matches<'h, 'r>(
        &'h self,
        asked: Asked<'r>,
    ) -> impl Iterator<Item = (&'h str, &'r [u8])> {
        self.sections_about(asked)
            .flat_map(move |section| section.named(asked))
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
        self.auto_alias.is_some() || self.said.aliases || self.roots != Roots::default()
    }

    /// The `Alias` of the sections about what is asked for, and whether it keeps the rest of the path.
    pub fn alias_about(&self, asked: Asked<'_>) -> Option<(&SectionAlias, bool)> {
        if !self.said.aliases {
            return None;
        }
        let sections = || self.sections_about(asked).rev().map(|s| &s.settings);
        let alias = sections().find_map(|said| said.alias.as_deref())?;
        let keeps = sections().find_map(|said| said.alias_keeps_path);
        let keeps = keeps.or(self.settings.alias_keeps_path);
        Some((alias, keeps.unwrap_or_default()))
    }

    /// What holds about filters for what is asked for.
    pub fn filters_about(&self, asked: Asked<'_>) -> Cow<'_, FilterSettings> {
        let sections = self.sections_about(asked).map(|s| &s.settings.filters);
        let said = sections.filter(|filters| !filters.is_empty());
        said.fold(Cow::Borrowed(&self.settings.filters), |around, own| {
            Cow::Owned(own.over(&around))
        })
    }

    /// What holds about files for what is asked for.
    pub fn files_about(&self, asked: Asked<'_>) -> FileSettings {
        let sections = self.sections_about(asked).map(|s| &s.settings.files);
        let said = sections.filter(|files| !files.is_empty());
        said.fold(self.settings.files.clone(), |around, own| own.over(&around))
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
