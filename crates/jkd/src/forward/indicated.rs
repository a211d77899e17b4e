//! What variables say about a request, over what its connection says.

use std::borrow::Cow;

use jkworkers::{
    model::{ForwardAddress, Host, variables::OwnVariable},
    number::atoi,
};

use super::{Facts, Tls};
use crate::variables::Variables;

/// What a backend is told instead. An empty text says that it is not known.
#[derive(Debug, Default)]
pub(crate) struct Indicated<'a> {
    pub(super) remote_addr: Option<&'a [u8]>,
    pub(super) remote_port: Option<&'a [u8]>,
    pub(super) remote_host: Option<&'a [u8]>,
    pub(super) remote_user: Option<&'a [u8]>,
    pub(super) auth_type: Option<&'a [u8]>,
    pub(super) local_name: Option<&'a [u8]>,
    pub(super) local_addr: Option<&'a [u8]>,
    pub(super) local_port: Option<u16>,
    /// What it is told about TLS, where the client used it.
    pub(super) tls: Option<Box<Tls<'a>>>,
    /// `JkEnvVar`: attributes and their values.
    pub(super) attributes: Vec<(&'a str, Cow<'a, [u8]>)>,
    /// A length that the client has announced does not count.
    pub(crate) ignores_length: bool,
}

impl<'a> Indicated<'a> {
    /// What the variables of a request say.
    pub(crate) fn by(variables: &'a Variables<'_>, facts: &Facts<'a>) -> Self {
        let host = facts.host;
        let mut this = Self::default();
        if !variables.is_empty() {
            this = Self::set(host, variables);
        }
        let name = facts.remote_host();
        this.remote_host = this.remote_host.or_else(|| name.map(str::as_bytes));
        let claims = facts.claims;
        this.remote_user = this.remote_user.or(claims.user.as_deref());
        this.auth_type = this.auth_type.or(claims.auth_type.as_deref());
        let connection = facts.peer.connection();
        let address = match host.options.address {
            ForwardAddress::Client => None,
            // Nobody knows a port that the client has there.
            ForwardAddress::Local => Some((&facts.peer.local_text, "0")),
            ForwardAddress::Physical => Some((&connection.ip_text, &*connection.port_text)),
        };
        if let Some((ip, port)) = address {
            this.remote_addr = this.remote_addr.or(Some(ip.as_bytes()));
            this.remote_port = this.remote_port.or(Some(port.as_bytes()));
        }
        if !variables.is_empty() || host.tls_by_header {
            this.tls = Tls::by(variables, facts).map(Box::new);
        }
        if !host.env_vars.is_empty() {
            this.attributes = attributes(variables, facts);
        }
        this
    }

    fn set(host: &'a Host, variables: &'a Variables<'_>) -> Self {
        let names = &host.indicators;
        Self {
            remote_addr: variables.get(&names.remote_addr),
            remote_port: variables.get(&names.remote_port),
            remote_host: variables.get(&names.remote_host),
            remote_user: variables.get(&names.remote_user),
            auth_type: variables.get(&names.auth_type),
            local_name: variables.get(&names.local_name),
            local_addr: variables.get(&names.local_addr),
            local_port: variables.get(&names.local_port).map(port),
            ignores_length: variables.has(&names.ignore_length),
            ..Self::default()
        }
    }
}

/// What a request has by itself counts before what is set, as it does in httpd.
fn attributes<'a>(
    variables: &'a Variables<'_>,
    facts: &Facts<'a>,
) -> Vec<(&'a str, Cow<'a, [u8]>)> {
    let vars = facts.host.env_vars.iter();
    vars.filter_map(|var| {
        let set = || variables.last(&var.name).map(Cow::Borrowed);
        let own = || var.own.as_ref().and_then(|own| facts.value(own));
        let default = || Some(Cow::Borrowed(var.default.as_ref()?.as_bytes()));
        let yields = var.own.as_ref().is_some_and(OwnVariable::yields);
        let value = if yields {
            variables.get(&var.name).map(Cow::Borrowed).or_else(own)
        } else {
            own().or_else(set)
        };
        Some((&*var.name, value.or_else(default)?))
    })
    .collect()
}

/// As mod_jk makes a port of a text: what is none is 0, and two bytes of the number are sent.
fn port(text: &[u8]) -> u16 {
    u16::try_from(atoi(text) & 0xFFFF).unwrap_or(0)
}
