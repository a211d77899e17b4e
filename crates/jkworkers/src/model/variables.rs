//! Variables: what `SetEnvIf`, `SetEnv` and their relatives say, and what they are for.

mod own;
mod text;

use std::{fmt, sync::Arc};

use serde::{Serialize, Serializer};

pub use self::own::OwnVariable;

use crate::{
    diag::Origin,
    expr::Expression,
    pattern::{Pattern, Template},
};

/// The rules about variables of one server or one `<Location>`.
///
/// Names are compared without regard to case.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct VariableRules {
    /// `SetEnvIf` and its relatives, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// `SetEnv` and `PassEnv`: the last word, whatever the conditions say.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub settings: Vec<Setting>,
    /// `UnsetEnv`: takes out what settings around say; what conditions set stays.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unset: Vec<Arc<str>>,
}

/// One `SetEnvIf`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Condition {
    /// What is looked at.
    pub subject: Subject,
    /// What it has to look like.
    pub pattern: Pattern,
    /// What then happens.
    pub assignments: Vec<Assignment>,
    /// Where it was written.
    pub origin: Origin,
}

/// What a condition looks at. What is not there is empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// `Remote_Addr`, and `Remote_Host`, since names are not looked up.
    RemoteAddr,
    /// `Server_Addr`: the address that the client connected to.
    ServerAddr,
    /// `Request_URI`: the path, without query. Outside of `<Location>` as the client wrote it,
    /// inside decoded.
    RequestUri,
    /// `Request_Method`.
    RequestMethod,
    /// `Request_Protocol`.
    RequestProtocol,
    /// The header of this name; if there is none, the variable.
    Named(Arc<str>),
    /// The last header whose name matches.
    AnyHeader(Pattern),
    /// `SetEnvIfExpr`: it holds, whatever the pattern.
    #[serde(rename = "expr")]
    Expression(Expression),
}

/// `NAME`, `NAME=value` or `!NAME`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Assignment {
    /// The variable.
    pub name: Arc<str>,
    /// Its value; `None` takes it away.
    pub value: Option<Template>,
}

/// `SetEnv` or `PassEnv`.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Setting {
    /// The variable.
    pub name: Arc<str>,
    /// Its value. It may be a secret, and is not shown.
    #[serde(skip)]
    pub value: Arc<str>,
}

impl fmt::Debug for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Setting").field(&self.name).finish()
    }
}

impl VariableRules {
    /// Whether there is no rule.
    pub fn is_empty(&self) -> bool {
        self.conditions.is_empty() && self.settings.is_empty() && self.unset.is_empty()
    }

    /// What holds in a virtual host that says `self`, in a main server that says `base`.
    pub(crate) fn over(&self, base: &Self) -> Self {
        let mut rules = base.clone();
        rules.conditions.extend_from_slice(&self.conditions);
        let unset = |name: &str| self.unset.iter().any(|u| u.eq_ignore_ascii_case(name));
        rules.settings.retain(|setting| !unset(&setting.name));
        for setting in &self.settings {
            rules.set(setting.clone());
        }
        rules.unset.clear(); // nothing is around
        rules
    }

    /// A setting takes the place of an earlier one of the same name.
    pub(crate) fn set(&mut self, setting: Setting) {
        let same = |known: &&mut Setting| known.name.eq_ignore_ascii_case(&setting.name);
        match self.settings.iter_mut().find(same) {
            Some(known) => known.value = setting.value,
            None => self.settings.push(setting),
        }
    }
}

/// `SetHandler`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Handler {
    /// `None`: the map decides.
    Map,
    /// `jakarta-servlet`: the map, else the variable that [`Indicators::worker`] names.
    Jk,
    /// `default-handler`: a file, and no worker, whatever is mounted.
    File,
    /// Any other: nothing is served here.
    Other,
}

/// Which variables say something about a request: the `Jk…Indicator` directives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Indicators {
    /// `JkWorkerIndicator`: the worker, where `SetHandler jakarta-servlet` asks for it.
    pub worker: Arc<str>,
    /// `JkRemoteAddrIndicator`.
    pub remote_addr: Arc<str>,
    /// `JkRemotePortIndicator`.
    pub remote_port: Arc<str>,
    /// `JkRemoteHostIndicator`.
    pub remote_host: Arc<str>,
    /// `JkRemoteUserIndicator`.
    pub remote_user: Arc<str>,
    /// `JkAuthTypeIndicator`.
    pub auth_type: Arc<str>,
    /// `JkLocalNameIndicator`.
    pub local_name: Arc<str>,
    /// `JkLocalAddrIndicator`.
    pub local_addr: Arc<str>,
    /// `JkLocalPortIndicator`.
    pub local_port: Arc<str>,
    /// `JkIgnoreCLIndicator`: a `Content-Length` does not count.
    pub ignore_length: Arc<str>,
    /// `JkRequestIdIndicator`: what lines in the log begin with.
    pub request_id: Arc<str>,
    /// What is said about TLS.
    pub tls: TlsIndicators,
}

/// Which variables say how a client used TLS. They count where [`https`](Self::https) is `on`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TlsIndicators {
    /// `JkHTTPSIndicator`.
    pub https: Arc<str>,
    /// `JkSSLPROTOCOLIndicator`.
    pub protocol: Arc<str>,
    /// `JkCERTSIndicator`: the client's certificate, as PEM text.
    pub certificate: Arc<str>,
    /// `JkCERTCHAINPrefix`: how the names begin of the variables that hold its chain.
    pub chain_prefix: Arc<str>,
    /// `JkCIPHERIndicator`.
    pub cipher: Arc<str>,
    /// `JkSESSIONIndicator`.
    pub session: Arc<str>,
    /// `JkKEYSIZEIndicator`: bits.
    pub key_size: Arc<str>,
}

impl Default for TlsIndicators {
    fn default() -> Self {
        Self {
            https: "HTTPS".into(),
            protocol: "SSL_PROTOCOL".into(),
            certificate: "SSL_CLIENT_CERT".into(),
            chain_prefix: "SSL_CLIENT_CERT_CHAIN_".into(),
            cipher: "SSL_CIPHER".into(),
            session: "SSL_SESSION_ID".into(),
            key_size: "SSL_CIPHER_USEKEYSIZE".into(),
        }
    }
}

impl Default for Indicators {
    fn default() -> Self {
        Self {
            worker: "JK_WORKER_NAME".into(),
            remote_addr: "JK_REMOTE_ADDR".into(),
            remote_port: "JK_REMOTE_PORT".into(),
            remote_host: "JK_REMOTE_HOST".into(),
            remote_user: "JK_REMOTE_USER".into(),
            auth_type: "JK_AUTH_TYPE".into(),
            local_name: "JK_LOCAL_NAME".into(),
            local_addr: "JK_LOCAL_ADDR".into(),
            local_port: "JK_LOCAL_PORT".into(),
            ignore_length: "JK_IGNORE_CL".into(),
            request_id: "UNIQUE_ID".into(),
            tls: TlsIndicators::default(),
        }
    }
}

impl Indicators {
    /// The directives whose names are not the default, with these names.
    pub fn changed(&self) -> Vec<(&'static str, Arc<str>)> {
        let (mut own, mut defaults) = (self.clone(), Self::default());
        let pairs = own.by_directive().into_iter().zip(defaults.by_directive());
        pairs
            .filter(|((_, own), (_, default))| own != default)
            .map(|((directive, own), _)| (directive, own.clone()))
            .collect()
    }

    /// Each directive, and the name that it sets.
    pub(crate) fn by_directive(&mut self) -> [(&'static str, &mut Arc<str>); 18] {
        [
            ("JkWorkerIndicator", &mut self.worker),
            ("JkRemoteAddrIndicator", &mut self.remote_addr),
            ("JkRemotePortIndicator", &mut self.remote_port),
            ("JkRemoteHostIndicator", &mut self.remote_host),
            ("JkRemoteUserIndicator", &mut self.remote_user),
            ("JkAuthTypeIndicator", &mut self.auth_type),
            ("JkLocalNameIndicator", &mut self.local_name),
            ("JkLocalAddrIndicator", &mut self.local_addr),
            ("JkLocalPortIndicator", &mut self.local_port),
            ("JkIgnoreCLIndicator", &mut self.ignore_length),
            ("JkRequestIdIndicator", &mut self.request_id),
            ("JkHTTPSIndicator", &mut self.tls.https),
            ("JkSSLPROTOCOLIndicator", &mut self.tls.protocol),
            ("JkCERTSIndicator", &mut self.tls.certificate),
            ("JkCERTCHAINPrefix", &mut self.tls.chain_prefix),
            ("JkCIPHERIndicator", &mut self.tls.cipher),
            ("JkSESSIONIndicator", &mut self.tls.session),
            ("JkKEYSIZEIndicator", &mut self.tls.key_size),
        ]
    }
}

/// `JkEnvVar`: a variable that the backend gets as a request attribute.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct EnvVar {
    /// The variable, and the attribute.
    pub name: Arc<str>,
    /// What it is, where httpd makes it itself.
    #[serde(skip)]
    pub own: Option<OwnVariable>,
    /// What is sent where there is no such variable; without one nothing is. It may be a secret:
    /// what is shown is only that there is one.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "hide_default"
    )]
    pub default: Option<Arc<str>>,
}

/// What is shown of a text that may be a secret.
const HIDDEN: &str = "<hidden>";

#[allow(clippy::ref_option, reason = "serde's signature")]
fn hide_default<S: Serializer>(_: &Option<Arc<str>>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(HIDDEN)
}

impl fmt::Debug for EnvVar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_tuple("EnvVar");
        shown.field(&self.name);
        if self.default.is_some() {
            shown.field(&format_args!("{HIDDEN}"));
        }
        shown.finish()
    }
}

/// Variables that mod_jk reads under fixed names.
pub mod names {
    /// Set to anything: the request is not for a worker.
    pub const NO_JK: &str = "no-jk";
    /// The route that the request is for.
    pub const ROUTE: &str = "JK_ROUTE";
    /// `reply_timeout`, in milliseconds.
    pub const REPLY_TIMEOUT: &str = "JK_REPLY_TIMEOUT";
    /// `sticky_ignore`.
    pub const STICKY_IGNORE: &str = "JK_STICKY_IGNORE";
    /// `stateless`.
    pub const STATELESS: &str = "JK_STATELESS";
    /// Set to anything: the client's connection ends with the answer. It is httpd's.
    pub const NO_KEEP_ALIVE: &str = "nokeepalive";
    /// The client is treated as one of HTTP/1.0. It is httpd's, as is the next.
    pub const DOWNGRADE: &str = "downgrade-1.0";
    /// A client of HTTP/1.0 is answered in its own version, and its connection ends.
    pub const FORCE_RESPONSE: &str = "force-response-1.0";
    /// All of mod_jk's.
    pub(crate) const ALL: [&str; 5] = [NO_JK, ROUTE, REPLY_TIMEOUT, STICKY_IGNORE, STATELESS];
    /// What begins with `JK_` and is read unless an indicator names another variable.
    pub(crate) const READ: [&str; 14] = [
        ROUTE,
        REPLY_TIMEOUT,
        STICKY_IGNORE,
        STATELESS,
        "JK_WORKER_NAME",
        "JK_REMOTE_ADDR",
        "JK_REMOTE_PORT",
        "JK_REMOTE_HOST",
        "JK_REMOTE_USER",
        "JK_AUTH_TYPE",
        "JK_LOCAL_NAME",
        "JK_LOCAL_ADDR",
        "JK_LOCAL_PORT",
        "JK_IGNORE_CL",
    ];
}
