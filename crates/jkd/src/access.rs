//! Who may come in: the sections around the request, and whom they want to know.

mod facts;

use std::fmt;

use http::{HeaderValue, StatusCode};
use jkworkers::{
    access::{Client as _, Policy, Step},
    model::{Asked, Host, Severity},
};

use self::facts::Facts;
use crate::{
    auth::{self, Credentials, Outcome},
    http1::{Head, Outgoing},
    logging::Printable,
    logs::{About, Logs, Record},
    peer::Peer,
    rescue::Stumble,
    variables::Variables,
};

/// What sections decide about.
#[derive(Clone, Copy)]
pub(crate) struct Guest<'a> {
    pub(crate) host: &'a Host,
    pub(crate) head: &'a Head,
    pub(crate) peer: &'a Peer,
    /// Those that conditions set: `SetEnv` comes later.
    pub(crate) variables: &'a Variables<'a>,
    /// What the request asks for, as it is mapped.
    pub(crate) asked: Asked<'a>,
    /// The path as httpd decodes it.
    pub(crate) decoded: &'a [u8],
    /// For lines about it.
    pub(crate) logs: Option<(&'a Logs, &'a Record)>,
}

/// What a client says about itself, as far as it was asked.
#[derive(Debug, Default)]
pub(crate) struct Claims {
    /// The name of the user. Nobody may rely on it who was not let in.
    pub(crate) user: Option<Vec<u8>>,
    /// `AuthType` as it was written, where the password was right; `ClientCert` for a name of TLS.
    pub(crate) auth_type: Option<Vec<u8>>,
    /// `WWW-Authenticate` for an answer 401.
    pub(crate) challenge: Option<HeaderValue>,
    /// Fields of the request that expressions have looked at.
    pub(crate) vary: Vec<Vec<u8>>,
}

impl Claims {
    /// The user who has given proof, as text.
    pub(crate) fn proven_user(&self) -> Option<&str> {
        let user = self.user.as_deref().filter(|_| self.auth_type.is_some())?;
        str::from_utf8(user).ok()
    }

    /// Adds to an answer what a client needs to know that has to authenticate.
    pub(crate) fn ask<B>(&self, stumble: &Stumble, mut response: Outgoing<B>) -> Outgoing<B> {
        let asks = *stumble == Stumble::Unauthorized;
        if let Some(challenge) = self.challenge.as_ref().filter(|_| asks) {
            let fields = &mut response.head.fields;
            fields.set(b"WWW-Authenticate", challenge.as_bytes());
        }
        response
    }
}

/// Refuses clients that the sections about the request keep out. `claims` says who the client is,
/// where that was asked.
///
/// # Errors
///
/// 403 for clients, 405 for methods, 401 for users who may not come in, 500 where sections lack what they need, or
/// cannot be said to be about the request.
pub(crate) async fn check(guest: Guest<'_>, claims: &mut Claims) -> Result<(), Stumble> {
    guest.is_certain()?;
    if guest.host.sections.is_empty() {
        return Ok(());
    }
    guest.may_ask_so()?;
    if guest.lacks_tls() {
        return Err(guest.denied(false));
    }
    let Some(policy) = Policy::about(guest.host, guest.asked) else {
        return Ok(());
    };
    let facts = Facts::new(guest);
    match policy.before(&facts) {
        Ok(Step::Allowed) => {
            claims.vary.append(&mut facts.vary.lock());
            Ok(())
        }
        Ok(Step::Forbidden) => Err(guest.denied(policy.is_kept_out_by_order(&facts))),
        _ => Box::pin(ask(&policy, facts, claims)).await,
    }
}

/// `SSLUserName`: who is in already is known by what TLS says.
#[inline]
pub(crate) fn name_by_tls(guest: Guest<'_>, claims: &mut Claims) {
    let Some(session) = guest.peer.tls() else {
        return;
    };
    let Some(variable) = guest.host.tls_about(guest.asked).user_name else {
        return;
    };
    let value = session.value(&variable);
    match value.filter(|value| !value.is_empty()) {
        Some(value) => {
            claims.user = Some(value.into_owned());
            claims.auth_type = Some(b"ClientCert".to_vec());
        }
        None => guest.lacks_name(&variable),
    }
}

/// What is decided without asking anybody; `None` where somebody would have to be asked.
pub(crate) fn known(guest: Guest<'_>) -> Option<Step> {
    match Policy::about(guest.host, guest.asked) {
        Some(policy) => policy.before(&Facts::new(guest)).ok(),
        None => Some(Step::Allowed),
    }
}

/// Finds out what has to be known, and decides then.
async fn ask<'a>(
    policy: &Policy<'a>,
    mut facts: Facts<'a>,
    claims: &mut Claims,
) -> Result<(), Stumble> {
    let guest = facts.guest;
    let step = facts.decide(|facts| policy.before(facts)).await;
    claims.vary.append(facts.vary.get_mut());
    match step {
        Step::Allowed => return Ok(()),
        Step::Failed => return Err(Stumble::Misconfigured),
        Step::Authenticate => {}
        Step::Misconfigured => return Err(guest.lacks("a Require line beside AuthType")),
        Step::Forbidden | Step::Unauthorized => {
            return Err(guest.denied(policy.is_kept_out_by_order(&facts)));
        }
    }
    facts.user = Some(authenticate(policy, &facts, claims).await?);
    facts.group_file = policy.group_file();
    let step = facts.decide(|facts| policy.after(facts)).await;
    claims.vary.append(facts.vary.get_mut());
    match step {
        Step::Allowed => Ok(()),
        Step::Failed => Err(Stumble::Misconfigured),
        step => {
            guest.says(AH01631, facts.user.as_deref().unwrap_or_default());
            Err(match step {
                Step::Forbidden => Stumble::Forbidden,
                _ => Stumble::Unauthorized,
            })
        }
    }
}

/// The user, if the password is right.
async fn authenticate(
    policy: &Policy<'_>,
    facts: &Facts<'_>,
    claims: &mut Claims,
) -> Result<Vec<u8>, Stumble> {
    let guest = facts.guest;
    let kind = policy.auth_type().ok_or_else(|| guest.lacks("AuthType"))?;
    let realm = policy.realm().ok_or_else(|| guest.lacks("AuthName"))?;
    let realm = facts.fill(realm);
    claims.challenge = challenge(&String::from_utf8_lossy(&realm));
    let header = guest.head.headers.joined("authorization");
    let header = header.ok_or(Stumble::Unauthorized)?;
    let credentials = Credentials::parse(&header).ok_or_else(|| guest.says_nothing())?;
    claims.user = Some(credentials.user.clone());
    let file = policy
        .user_file()
        .ok_or_else(|| guest.lacks("AuthUserFile"))?;
    match auth::verify(file, &credentials).await {
        Outcome::Right => {}
        Outcome::Unreadable => return Err(guest.lacks("a file of users that can be read")),
        Outcome::Unknown if !policy.is_authoritative() => {
            return Err(guest.lacks("somebody else to ask for users"));
        }
        outcome @ (Outcome::Unknown | Outcome::Wrong) => {
            let is_known = matches!(outcome, Outcome::Wrong);
            let says = if is_known { AH01617 } else { AH01618 };
            guest.says(says, &credentials.user);
            return Err(Stumble::Unauthorized);
        }
    }
    claims.auth_type = Some(kind.as_bytes().to_vec());
    Ok(credentials.user)
}

/// A number, and what stands in front of the path and behind it.
type Words = (&'static str, &'static str, &'static str);

// In httpd's words: there are programs that read its log and lock clients out.
const AH01617: Words = (
    "AH01617",
    ": authentication failure for \"",
    "\": Password Mismatch",
);
const AH01618: Words = ("AH01618", " not found: ", "");
const AH01631: Words = ("AH01631", ": authorization failure for \"", "\": ");

impl Guest<'_> {
    /// Where regular expressions take too long nobody knows who may come in: nobody may.
    ///
    /// # Errors
    ///
    /// 500
    fn is_certain(self) -> Result<(), Stumble> {
        let section = self.host.uncertain_section(self.asked);
        let by = section.map(|section| &section.origin);
        let Some(by) = by.or_else(|| self.variables.uncertain()) else {
            return Ok(());
        };
        let path = Printable(self.asked.path);
        self.tell(
            "core",
            format_args!("the regular expression at {by} takes too long for {path}: 500"),
        );
        Err(Stumble::Misconfigured)
    }

    /// `AllowMethods`
    fn may_ask_so(self) -> Result<(), Stumble> {
        let (host, method) = (self.host, self.head.method.as_str());
        if !host.said.limits_methods || host.allows_method(self.asked, method) {
            return Ok(());
        }
        let file = Printable(self.file());
        let why = "AH01623: client method denied by server configuration";
        self.tell("allowmethods", format_args!("{why}: '{method}' to {file}"));
        Err(Stumble::Said(StatusCode::METHOD_NOT_ALLOWED))
    }

    /// The file; for a worker, as mod_jk leaves it there, the last part of the path.
    fn file(&self) -> &[u8] {
        let last = self.asked.path.rsplit(|b| *b == b'/').next();
        let file = self.asked.file.or(last).unwrap_or_default();
        file.strip_suffix(b"/").unwrap_or(file)
    }

    /// `SSLRequireSSL`
    fn lacks_tls(&self) -> bool {
        let may_lack = self.host.said.requires_tls && self.peer.tls().is_none();
        may_lack && self.host.tls_about(self.asked).required
    }

    fn denied(self, by_order: bool) -> Stumble {
        let (module, number) = if by_order {
            ("access_compat", "AH01797")
        } else {
            ("authz_core", "AH01630")
        };
        let file = Printable(self.file());
        self.tell(
            module,
            format_args!("{number}: client denied by server configuration: {file}"),
        );
        Stumble::Forbidden
    }

    /// Why a user may not come in.
    fn says(self, (number, before, after): Words, user: &[u8]) {
        let (path, user) = (Printable(self.decoded), Printable(user));
        let module = if number == AH01631.0 {
            "authz_core"
        } else {
            "auth_basic"
        };
        self.tell(
            module,
            format_args!("{number}: user {user}{before}{path}{after}"),
        );
    }

    /// What the client says about itself is no user with a password.
    fn says_nothing(self) -> Stumble {
        let path = Printable(self.decoded);
        let what = "AH01614: client used wrong authentication scheme";
        self.tell("auth_basic", format_args!("{what}: {path}"));
        Stumble::Unauthorized
    }

    /// Says it in the `ErrorLog`, as one of httpd's modules would.
    fn tell(self, module: &str, what: fmt::Arguments<'_>) {
        let Some((logs, record)) = self.logs else {
            return;
        };
        let about = About {
            host: self.host,
            head: self.head,
            peer: self.peer,
            record,
            variables: Some(self.variables),
            asked: self.asked,
        };
        about.say(logs, module, Severity::ERROR, what);
    }

    fn lacks_name(self, variable: &str) {
        let (ip, port) = (&self.peer.ip_text, &self.peer.port_text);
        tracing::warn!("[client {ip}:{port}] AH02227: Failed to set r->user to '{variable}'");
    }

    fn lacks(self, what: &str) -> Stumble {
        let path = Printable(self.asked.path);
        self.tell(
            "authz_core",
            format_args!("nobody can come in to {path}: the sections about it lack {what}"),
        );
        Stumble::Misconfigured
    }
}

/// As httpd writes it: quotes in the realm get a backslash.
fn challenge(realm: &str) -> Option<HeaderValue> {
    let escaped = realm.replace("\\\"", "\"").replace('"', "\\\"");
    HeaderValue::from_bytes(format!("Basic realm=\"{escaped}\"").as_bytes()).ok()
}
