//! What the files say, before it is resolved.

mod clients;
mod logs;
mod options;
mod remote_ip;
mod rewriting;
mod tls;

use std::{
    collections::{BTreeSet, HashMap},
    net::IpAddr,
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

pub(crate) use self::{
    clients::ClientsDraft,
    logs::{AccessLine, LogsDraft, RequestsDraft},
    options::{OptionBits, Options},
    remote_ip::RemoteIpDraft,
    rewriting::RewriteDraft,
    tls::TlsDraft,
};
use super::apply::identity::IdentityDraft;
use crate::{
    diag::Origin,
    model::{
        Account, ConnectionLimits, Deflate, ForwardUri, Listen, Roots, Section, ServerName,
        Settings, variables::EnvVar,
    },
    uri_map::EncodedSlashes,
};

/// What the files say, names not resolved yet.
#[derive(Debug)]
pub(crate) struct Draft {
    /// The main server, then the virtual hosts. Never empty.
    pub(crate) servers: Vec<Server>,
    pub(crate) listen: Vec<Listen>,
    pub(crate) workers_file: Option<(PathBuf, Origin)>,
    /// The arguments of `JkWorkerProperty`. They may hold secrets.
    pub(crate) properties: Vec<(Origin, String)>,
    /// `JkdReload`.
    pub(crate) reload: Option<Duration>,
    /// `JkdRequireSecret`.
    pub(crate) require_secret: bool,
    /// `User`, `Group`.
    pub(crate) account: Account,
    /// `JkdMaxConnections`, `JkdMaxConnectionsPerClient`.
    pub(crate) connections: ConnectionLimits,
    /// `TypesConfig`.
    pub(crate) types_config: Option<(PathBuf, Origin)>,
    /// `DocumentRoot` of servers, and whether each is the main server.
    pub(crate) directories: Vec<(PathBuf, Origin, bool)>,
    /// Modules in the order of their `LoadModule` lines.
    pub(crate) modules: Vec<String>,
    /// Methods that somebody registers: `RegisterHttpMethod`, `<Limit>`.
    pub(crate) methods: BTreeSet<String>,
    /// `JkMountCopy All`.
    pub(crate) copy_mounts_by_default: bool,
    /// The ports of `Listen … https`.
    pub(crate) https: Vec<u16>,
    /// Files that requests need, and the directives that name them.
    pub(crate) needed: Vec<(&'static str, PathBuf, Origin)>,
}

/// The main server or a virtual host.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) origin: Origin,
    pub(crate) name: Option<ServerName>,
    pub(crate) aliases: Vec<String>,
    pub(crate) addresses: Vec<(Option<IpAddr>, Option<u16>)>,
    pub(crate) mounts: Vec<MountLine>,
    /// Where in `mounts` each path stands, as an exclusion or not.
    pub(super) places: HashMap<(bool, String), usize>,
    pub(crate) mount_file: Option<(PathBuf, Origin)>,
    /// `JkMountFileReload`, seconds.
    pub(crate) mount_file_reload: Option<i32>,
    pub(crate) mount_copy: Option<bool>,
    pub(crate) options: Options,
    pub(crate) identity: IdentityDraft,
    pub(crate) forward_uri: Option<ForwardUri>,
    pub(crate) auto_alias: Option<PathBuf>,
    pub(crate) roots: Roots,
    pub(crate) rewriting: RewriteDraft,
    /// `LimitInternalRecursion`
    pub(crate) max_turns: Option<u32>,
    /// `Deflate…`, if any is written.
    pub(crate) deflate: Option<Deflate>,
    /// The name; empty for Off.
    pub(crate) strip_session: Option<String>,
    pub(crate) request_timeout: Option<Duration>,
    pub(crate) encoded_slashes: Option<EncodedSlashes>,
    pub(crate) merge_slashes: Option<bool>,
    pub(crate) clients: ClientsDraft,
    pub(crate) remote_ip: RemoteIpDraft,
    pub(crate) tls: TlsDraft,
    pub(crate) logs: LogsDraft,
    /// What is written outside of all sections.
    pub(crate) settings: Settings,
    /// `Jk…Indicator` directives, in the table's spelling, and the names that they give.
    pub(crate) indicators: Vec<(&'static str, Arc<str>)>,
    pub(crate) extract_tls: Option<bool>,
    pub(crate) env_vars: Vec<EnvVar>,
    /// In the order in which they begin.
    pub(crate) sections: Vec<Section>,
}

/// `JkMount` or `JkUnMount`, as it was written.
#[derive(Clone, Debug)]
pub(crate) struct MountLine {
    pub(crate) path: String,
    pub(crate) worker: String,
    pub(crate) exclusion: bool,
    pub(crate) origin: Origin,
}

impl Draft {
    pub(crate) fn new(origin: &Origin) -> Self {
        Self {
            servers: vec![Server::new(origin)],
            listen: Vec::new(),
            workers_file: None,
            properties: Vec::new(),
            reload: None,
            require_secret: false,
            account: Account::default(),
            connections: ConnectionLimits::default(),
            types_config: None,
            directories: Vec::new(),
            modules: Vec::new(),
            methods: BTreeSet::new(),
            copy_mounts_by_default: false,
            https: Vec::new(),
            needed: Vec::new(),
        }
    }
}

impl Draft {
    /// Whether a module is loaded.
    pub(crate) fn loads(&self, name: &str) -> bool {
        self.modules.iter().any(|module| *module == name)
    }

    /// Whether both modules are loaded, and `first` before `second`: it looks at requests before
    /// it.
    pub(crate) fn loads_in_order(&self, first: &str, second: &str) -> bool {
        let mut modules = self.modules.iter();
        let found = modules.find(|module| *module == first || *module == second);
        found.is_some_and(|module| module == first) && modules.any(|module| module == second)
    }

    /// Whether any file is served.
    pub(crate) fn has_files(&self) -> bool {
        let mut servers = self.servers.iter();
        servers.any(|server| server.auto_alias.is_some() || server.roots != Roots::default())
    }
}

impl Server {
    /// Its own `JkMountFile`.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let file = self.mount_file.as_ref();
        file.map(|(path, _)| path.clone()).into_iter().collect()
    }

    pub(super) fn new(origin: &Origin) -> Self {
        Self {
            origin: origin.clone(),
            name: None,
            aliases: Vec::new(),
            addresses: Vec::new(),
            mounts: Vec::new(),
            places: HashMap::new(),
            mount_file: None,
            mount_file_reload: None,
            mount_copy: None,
            options: Options::default(),
            identity: IdentityDraft::default(),
            forward_uri: None,
            auto_alias: None,
            roots: Roots::default(),
            rewriting: RewriteDraft::default(),
            max_turns: None,
            deflate: None,
            strip_session: None,
            request_timeout: None,
            encoded_slashes: None,
            merge_slashes: None,
            clients: ClientsDraft::default(),
            remote_ip: RemoteIpDraft::default(),
            tls: TlsDraft::default(),
            logs: LogsDraft::default(),
            settings: Settings::default(),
            indicators: Vec::new(),
            extract_tls: None,
            env_vars: Vec::new(),
            sections: Vec::new(),
        }
    }
}
