//! What variables say about the two ends of a request's connection, over what the socket says.

use jkworkers::model::Host;

use crate::{number::atoi, variables::Variables};

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
    /// `JkEnvVar`: attributes and their values.
    pub(super) attributes: Vec<(&'a str, &'a [u8])>,
    /// A length that the client has announced does not count.
    pub(crate) ignores_length: bool,
}

impl<'a> Indicated<'a> {
    /// What the variables of a request say on `host`.
    pub(crate) fn by(host: &'a Host, variables: &'a Variables<'_>) -> Self {
        if variables.is_empty() && host.env_vars.is_empty() {
            return Self::default();
        }
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
            attributes: attributes(host, variables),
            ignores_length: variables.has(&names.ignore_length),
        }
    }
}

fn attributes<'a>(host: &'a Host, variables: &'a Variables<'_>) -> Vec<(&'a str, &'a [u8])> {
    let vars = host.env_vars.iter();
    vars.filter_map(|var| {
        let default = var.default.as_ref().map(|text| text.as_bytes());
        Some((&*var.name, variables.get(&var.name).or(default)?))
    })
    .collect()
}

/// As mod_jk makes a port of a text: what is none is 0, and two bytes of the number are sent.
fn port(text: &[u8]) -> u16 {
    u16::try_from(atoi(text) & 0xFFFF).unwrap_or(0)
}
