//! The validated model: immutable, every default filled in, every name resolved.
//!
//! A [`Model`] is what all readers produce and the only thing that the daemon sees of a
//! configuration. Values keep the [`Origin`] at which they were written where an operator would
//! ask for it.

mod access;
mod alias;
mod auth;
mod balancer;
mod choice;
mod clients;
mod copied;
mod error_documents;
mod etag;
mod expand;
mod files;
mod filters;
mod forwarded;
mod headers;
mod host;
mod identity;
mod levels;
mod logs;
mod methods;
mod mount;
mod net;
mod options;
mod redirects;
mod remote_ip;
mod section;
mod settings;
mod tls;
mod types;
pub mod variables;
mod worker;

use std::{path::PathBuf, sync::Arc, time::Duration};

use serde::Serialize;

pub(crate) use self::clients::KNOWN_METHODS;
pub use self::{
    access::{Access, AccessRule, Entry, Merging, Named, Order, Require, Whence, Who},
    alias::SectionAlias,
    auth::{Auth, AuthType},
    balancer::{Activation, Balancer, Lock, Member, Method, StickySettings},
    clients::{ClientRules, ConnectionLimits, Pace},
    copied::Copied,
    error_documents::{ErrorDocument, ErrorDocuments, has_page as has_error_page, is_url},
    etag::{ETagParts, ETagRule},
    expand::MAX_ADDRESSES,
    files::{Alias, AliasFrom, FileSettings, Options, RangeLimits, Roots},
    filters::{AlterETag, Deflate, Expiry, FilterSettings, Filtering, Since},
    forwarded::{ForwardedFields, ForwardedHeaders},
    headers::{Format, HeaderAction, HeaderRule, HeaderRules, Piece, When},
    host::{ForwardUri, Host, Listen, Said, ServerName},
    identity::{CanonicalName, Identity, Lookups, Naming, Signature, Trace},
    levels::{Levels, Severity},
    logs::{AccessLog, JkLog, LogLevel, LogPlace, LogTarget, Logs, OnlyIf, StampFormat},
    methods::Methods,
    mount::{Mount, MountSource, RuleExtensions, UriMatch, WrittenLists},
    net::Net,
    options::{ForwardAddress, JkOptions},
    redirects::{From as RedirectFrom, Redirect, Redirected, Redirects},
    remote_ip::{Proxies, RemoteClient, RemoteIp},
    section::{Asked, Choice, Covers, Place, Section, Turn, name_for},
    settings::Settings,
    tls::{
        Pem, PemDirectory, Revocation, RevocationScope, Tls, TlsSettings, TlsVersions, VerifyClient,
    },
    types::{Extensions, Kind, MimeTypes},
    worker::{
        AjpWorker, PingPolicy, PoolSettings, PrepostPing, ProbeSettings, RecoveryOptions, Resolve,
        Retries, Secret, SocketSettings, StatusWorker, Worker, WorkerKind,
    },
};
pub(crate) use self::{etag::ETagComponents, types::Extension};
use crate::diag::Origin;

/// Everything that a daemon needs to know, valid by construction.
#[derive(Clone, Debug, Serialize)]
pub struct Model {
    /// The main server, then the virtual hosts in the order in which they were written.
    /// Never empty.
    pub hosts: Vec<Host>,
    /// Where to accept HTTP, in the order in which it was written.
    pub listen: Vec<Listen>,
    /// The workers that can be mounted (`worker.list`), in list order.
    pub workers: Vec<Arc<Worker>>,
    /// Settings of the whole server.
    pub global: Global,
    /// Every file that was read, in reading order.
    pub files: Vec<PathBuf>,
}

impl Model {
    /// The worker of this name, if it can be mounted.
    pub fn worker(&self, name: &str) -> Option<&Arc<Worker>> {
        self.workers.iter().find(|w| &*w.name == name)
    }
}

/// Settings of the whole server.
#[derive(Clone, Debug, Serialize)]
pub struct Global {
    /// `worker.maintain`: interval between maintenance runs (decay, recovery, pool pruning).
    /// Zero switches maintenance off, as in mod_jk.
    pub maintain: Duration,
    /// `worker.resolve_interval`: how often names are looked up. Zero: not again once they have
    /// been found.
    pub resolve_interval: Duration,
    /// `JkdReload`: how often to look whether any file of the configuration has changed. `None`:
    /// never.
    pub reload: Option<Duration>,
    /// `JkdRequireSecret`: whether each worker on another machine has to have a secret.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub require_secret: bool,
    /// Who serves clients.
    #[serde(skip_serializing_if = "Account::is_nobody")]
    pub account: Account,
    /// How many connections clients may have.
    pub connections: ConnectionLimits,
    /// `JkLogFile`, with where it was written.
    pub log_file: Option<(PathBuf, Origin)>,
    /// `JkLogLevel`.
    pub log_level: LogLevel,
    /// `TypesConfig`.
    #[serde(skip)]
    pub types: Arc<MimeTypes>,
    /// What workers.properties and its like say, in the order in which it came, without secrets.
    #[serde(skip)]
    pub properties: Arc<[(Box<str>, Box<str>)]>,
}

/// `User` and `Group`, as they are written: names, or numbers behind `#`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Account {
    /// `User`, with where it is written.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "name_alone")]
    pub user: Option<(Arc<str>, Origin)>,
    /// `Group`, with where it is written.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "name_alone")]
    pub group: Option<(Arc<str>, Origin)>,
}

/// Another line is no other account.
#[allow(clippy::ref_option, reason = "serde's signature")]
fn name_alone<S: serde::Serializer>(
    written: &Option<(Arc<str>, Origin)>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    written.as_ref().map(|(name, _)| name).serialize(serializer)
}

impl Account {
    fn is_nobody(&self) -> bool {
        *self == Self::default()
    }
}

impl Default for Global {
    fn default() -> Self {
        Self {
            maintain: Duration::from_secs(60),
            resolve_interval: Duration::from_secs(30),
            reload: None,
            require_secret: false,
            account: Account::default(),
            connections: ConnectionLimits::default(),
            log_file: None,
            log_level: LogLevel::default(),
            types: Arc::default(),
            properties: Arc::default(),
        }
    }
}

pub(crate) use self::section::number_choices;
