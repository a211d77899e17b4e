//! Listeners, hosts, mounts and access rules as text, in httpd's words.

use std::{
    fmt::{self, Display},
    io::{self, Write},
    net::{IpAddr, SocketAddr},
};

use jkworkers::{
    model::{
        ForwardUri, ForwardedHeaders, Global, Host, Listen, Logs, Model, Mount, Section,
        ServerName, Settings, UriMatch, variables::VariableRules,
    },
    uri_map::{EncodedSlashes, UriRules},
};

use super::logs;
use crate::cli::rule::Rule;

/// Everything but the workers.
pub(super) fn print(model: &Model, out: &mut impl Write) -> io::Result<()> {
    for Listen {
        address,
        port,
        instead_of: _,
        origin,
    } in &model.listen
    {
        line(
            out,
            "",
            &format!("Listen {}", Address(*address, Some(*port))),
            origin,
        )?;
    }
    let main = model.hosts.first().map(|main| &main.logs);
    if let Some(main) = main {
        logs::print(main, None, "", out)?;
    }
    global(&model.global, out)?;
    (model.hosts.iter()).try_for_each(|each| host(each, main.unwrap_or(&each.logs), out))
}

fn global(global: &Global, out: &mut impl Write) -> io::Result<()> {
    match global.reload {
        Some(interval) => writeln!(out, "JkdReload {}", interval.as_secs()),
        None => writeln!(out, "JkdReload Off"),
    }
}

fn host(host: &Host, base: &Logs, out: &mut impl Write) -> io::Result<()> {
    writeln!(out)?;
    let addresses: Vec<_> = (host.addresses.iter())
        .map(|(address, port)| Address(*address, *port).to_string())
        .collect();
    let title = if addresses.is_empty() {
        "# main server".to_owned()
    } else {
        format!("<VirtualHost {}>", addresses.join(" "))
    };
    line(out, "", &title, &host.origin)?;
    if let Some(name) = &host.server_name {
        writeln!(out, "  ServerName {}", Name(name))?;
    }
    if !host.aliases.is_empty() {
        writeln!(out, "  ServerAlias {}", host.aliases.join(" "))?;
    }
    if let Some(limit) = host.request_timeout {
        writeln!(out, "  JkdRequestTimeout {}ms", limit.as_millis())?;
    }
    logs::print(&host.logs, Some(base), "  ", out)?;
    mount_files(host, out)?;
    options(host, out)?;
    if host.uri_map.is_empty() {
        writeln!(out, "  # nothing is mounted here")?;
    }
    for mount in host.uri_map.iter() {
        line(out, "  ", &Mounted(mount).to_string(), &mount.origin)?;
    }
    for (directive, name) in host.indicators.changed() {
        writeln!(out, "  {directive} {name}")?;
    }
    for variable in &host.env_vars {
        writeln!(out, "  {variable}")?;
    }
    variables(&host.settings, "  ", out)?;
    host.sections.iter().try_for_each(|each| section(each, out))
}

fn forwarded(host: &Host, out: &mut impl Write) -> io::Result<()> {
    match host.forwarded.headers {
        ForwardedHeaders::Trusted => Ok(()),
        said => writeln!(out, "  JkdForwardedHeaders {}", said.text()),
    }
}

fn mount_files(host: &Host, out: &mut impl Write) -> io::Result<()> {
    for file in &host.mount_files {
        writeln!(out, "  JkMountFile {}", file.display())?;
    }
    if !host.mount_files.is_empty() {
        let seconds = host.mount_file_reload.unwrap_or_default().as_secs();
        writeln!(out, "  JkMountFileReload {seconds}")?;
    }
    Ok(())
}

/// What differs from the defaults.
fn options(host: &Host, out: &mut impl Write) -> io::Result<()> {
    forwarded(host, out)?;
    let defaults = UriRules::default();
    if host.uri_rules.encoded_slashes != defaults.encoded_slashes {
        let value = match host.uri_rules.encoded_slashes {
            EncodedSlashes::Refuse => "Off",
            EncodedSlashes::Decode => "On",
            EncodedSlashes::Keep => "NoDecode",
        };
        writeln!(out, "  AllowEncodedSlashes {value}")?;
    }
    if host.uri_rules.merge_slashes != defaults.merge_slashes {
        writeln!(out, "  MergeSlashes Off")?;
    }
    if host.forward_uri != ForwardUri::default() {
        writeln!(out, "  JkOptions +ForwardURI{:?}", host.forward_uri)?;
    }
    let options = host.options.written();
    if !options.is_empty() {
        writeln!(out, "  JkOptions {}", options.join(" "))?;
    }
    if !host.extracts_tls {
        writeln!(out, "  JkExtractSSL Off")?;
    }
    if let Some(directory) = &host.auto_alias {
        writeln!(out, "  JkAutoAlias {}", directory.display())?;
    }
    if let Some(name) = &host.strip_session {
        writeln!(out, "  JkStripSession On {name}")?;
    }
    Ok(())
}

fn section(section: &Section, out: &mut impl Write) -> io::Result<()> {
    let title = match &section.within {
        Some(around) => format!("{} in {around}", section.covers),
        None => section.covers.to_string(),
    };
    line(out, "  ", &title, &section.origin)?;
    let Settings { access, auth, .. } = &section.settings;
    super::access::print(access, out)?;
    super::access::print_auth(auth, out)?;
    variables(&section.settings, "    ", out)
}

/// In the order in which they are applied; settings without their values, which may be secrets.
fn variables(settings: &Settings, indent: &str, out: &mut impl Write) -> io::Result<()> {
    let Settings {
        handler,
        variables: rules,
        ..
    } = settings;
    let VariableRules {
        conditions,
        settings,
        unset,
    } = rules;
    for condition in conditions {
        line(out, indent, &condition.to_string(), &condition.origin)?;
    }
    for name in unset {
        writeln!(out, "{indent}UnsetEnv {name}")?;
    }
    for setting in settings {
        writeln!(out, "{indent}{setting}")?;
    }
    match handler {
        Some(handler) => writeln!(out, "{indent}SetHandler {handler}"),
        None => Ok(()),
    }
}

/// A line, and behind it where it was written.
pub(super) fn line(
    out: &mut impl Write,
    indent: &str,
    text: &str,
    origin: &dyn Display,
) -> io::Result<()> {
    let text = format!("{indent}{text}");
    writeln!(out, "{text:<48} # {origin}")
}

/// A mount, and what cannot be written in a directive.
struct Mounted<'a>(&'a Mount);

impl Display for Mounted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Rule(self.0).fmt(f)?;
        if self.0.kind == UriMatch::Exact {
            f.write_str(" (exact)")?;
        }
        if self.0.disabled {
            f.write_str(" (disabled)")?;
        }
        Ok(())
    }
}

/// `address:port` with `*` for any.
struct Address(Option<IpAddr>, Option<u16>);

impl Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0, self.1) {
            (Some(address), Some(port)) => write!(f, "{}", SocketAddr::new(address, port)),
            (None, Some(port)) => write!(f, "*:{port}"),
            (Some(IpAddr::V6(address)), None) => write!(f, "[{address}]"),
            (Some(address), None) => write!(f, "{address}"),
            (None, None) => f.write_str("*"),
        }
    }
}

struct Name<'a>(&'a ServerName);

impl Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ServerName { scheme, name, port } = self.0;
        if let Some(scheme) = scheme {
            write!(f, "{scheme}://")?;
        }
        f.write_str(name)?;
        port.iter().try_for_each(|port| write!(f, ":{port}"))
    }
}
