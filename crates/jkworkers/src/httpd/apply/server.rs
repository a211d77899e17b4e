//! httpd's own directives about servers: addresses, names, slashes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Apply, Call};
use crate::{
    httpd::{Node, Server, lex},
    model::{Listen, ServerName},
    uri_map::{EncodedSlashes, wildcard},
};

type Address = (Option<IpAddr>, Option<u16>);

impl Apply<'_> {
    /// `<VirtualHost address[:port] …>`
    pub(super) fn virtual_host(&mut self, node: &Node, children: &[Node]) {
        if self.within.is_some() || self.server != 0 {
            let outer = self.within.map_or("VirtualHost", |within| within.name);
            let message = format!("<VirtualHost> cannot occur within <{outer}> section");
            self.error(&node.origin, message, "Close the section before it.");
            return;
        }
        let mut host = Server::new(&node.origin);
        let words = lex::words(&node.args);
        if words.is_empty() {
            let message = "<VirtualHost> directive requires additional arguments".to_owned();
            self.error(
                &node.origin,
                message,
                "Write <VirtualHost *:80>, or an address and a port.",
            );
        }
        for word in &words {
            match virtual_host_address(word, self.default_port()) {
                Ok(address) => host.addresses.push(address),
                Err(problem) => {
                    let message = format!("<VirtualHost {word}>: {problem}");
                    self.error(&node.origin, message, ADDRESS_REMEDY);
                }
            }
        }
        self.draft.servers.push(host);
        self.server = self.draft.servers.len() - 1;
        self.nodes(children);
        self.server = 0;
    }

    /// A virtual host without a port has the one of the main server's name written so far.
    fn default_port(&self) -> Option<u16> {
        let main = self.draft.servers.first()?;
        main.name.as_ref()?.port
    }
}

/// `Listen [address:]port [protocol]`
pub(in crate::httpd) fn listen(apply: &mut Apply<'_>, call: &Call<'_>) {
    let text = call.first();
    let protocol = call.words.get(1).map(String::as_str);
    match listen_address(text) {
        Ok((address, port)) => {
            if protocol.is_some_and(|protocol| protocol.eq_ignore_ascii_case("https")) {
                apply.draft.https.push(port);
            }
            let listen = Listen {
                address,
                port,
                instead_of: None,
                origin: call.origin.clone(),
            };
            add_listener(apply, listen, text);
        }
        Err(problem) => apply.error(
            call.origin,
            format!("Listen {text}: {problem}"),
            LISTEN_REMEDY,
        ),
    }
}

fn add_listener(apply: &mut Apply<'_>, listen: Listen, text: &str) {
    let key = (listen.address, listen.port);
    if let Some(first) = apply.listening.get(&key).filter(|_| listen.port != 0) {
        let message = format!("Listen {text} was written before, at {first}");
        apply.error(&listen.origin, message, "Remove one of the two lines.");
    } else {
        apply.listening.insert(key, listen.origin.clone());
        apply.draft.listen.push(listen);
    }
}

const ADDRESS_REMEDY: &str = "Write *:80, 192.0.2.1:80, [2001:db8::1]:80 or _default_:80.";
const LISTEN_REMEDY: &str = "Write 8080, *:8080, 127.0.0.1:8080 or [::1]:8080.";

/// Reads `[address:]port`, as `Listen` takes it. Port 0 lets the system choose.
pub(crate) fn listen_address(text: &str) -> Result<(Option<IpAddr>, u16), String> {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) => (host, port),
        None => ("*", text),
    };
    if port.is_empty() {
        return Err("the port is missing".to_owned());
    }
    if text.parse::<Ipv6Addr>().is_ok() {
        return Err("an IPv6 address needs brackets, and a port behind them".to_owned());
    }
    let port = port
        .parse()
        .map_err(|_| format!("`{port}` is not a port (0 to 65535)"))?;
    if host.eq_ignore_ascii_case("localhost") {
        return Ok((Some(Ipv4Addr::LOCALHOST.into()), port));
    }
    Ok((address(host)?, port))
}

/// Reads `address[:port]`, as `<VirtualHost>` takes it.
fn virtual_host_address(text: &str, default_port: Option<u16>) -> Result<Address, String> {
    if text.bytes().all(|b| b.is_ascii_digit()) {
        return Err("the address is missing".to_owned());
    }
    if text.parse::<Ipv6Addr>().is_ok() {
        return Err("an IPv6 address needs brackets".to_owned());
    }
    let (host, port) = match text.rsplit_once(':') {
        Some((host, "*")) => (host, None),
        Some((host, port)) if !port.ends_with(']') => {
            let number = port.parse::<u16>().ok().filter(|&p| p != 0);
            (
                host,
                Some(number.ok_or_else(|| format!("`{port}` is not a port"))?),
            )
        }
        _ => (text, default_port),
    };
    if host.eq_ignore_ascii_case("_default_") {
        return Ok((None, port));
    }
    Ok((address(host)?, port))
}

/// `*`, an IPv4 address, or an IPv6 address in brackets.
fn address(host: &str) -> Result<Option<IpAddr>, String> {
    if host == "*" {
        return Ok(None);
    }
    let inner = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
    let parsed = match inner {
        Some(inner) => inner.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        None => host.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
    };
    match parsed {
        Some(ip) => Ok(Some(ip.to_canonical())),
        None => Err(format!(
            "`{host}` is not an IP address; host names are not looked up"
        )),
    }
}

/// `ServerName [scheme://]name[:port]`
pub(in crate::httpd) fn server_name(apply: &mut Apply<'_>, call: &Call<'_>) {
    match parse_server_name(call.first()) {
        Ok(name) => apply.server().name = Some(name),
        Err(problem) => {
            let help = "Write a name such as www.example.com or www.example.com:8080; patterns \
                        belong into ServerAlias.";
            apply.error(
                call.origin,
                format!("ServerName {}: {problem}", call.first()),
                help,
            );
        }
    }
}

fn parse_server_name(text: &str) -> Result<ServerName, String> {
    if wildcard::is_glob(text.as_bytes()) && !text.contains(':') {
        return Err("it is a pattern".to_owned());
    }
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) => (Some(scheme.to_ascii_lowercase()), rest),
        None => (None, text),
    };
    let (name, port) = match rest.rsplit_once(':') {
        Some((name, port)) if !rest.ends_with(']') => {
            let number = port.parse::<u16>().ok().filter(|&p| p != 0);
            let port = number.ok_or_else(|| format!("`{port}` is not a port (1 to 65535)"))?;
            (name, Some(port))
        }
        _ => (rest, None),
    };
    if name.is_empty() {
        return Err("the name is empty".to_owned());
    }
    Ok(ServerName {
        scheme,
        name: name.to_owned(),
        port,
    })
}

/// `ServerAlias name …`
pub(in crate::httpd) fn server_alias(apply: &mut Apply<'_>, call: &Call<'_>) {
    apply.server().aliases.extend_from_slice(call.words);
}

/// `AllowEncodedSlashes On|Off|NoDecode`
pub(in crate::httpd) fn allow_encoded_slashes(apply: &mut Apply<'_>, call: &Call<'_>) {
    let value = match &*call.first().to_ascii_lowercase() {
        "on" => EncodedSlashes::Decode,
        "off" => EncodedSlashes::Refuse,
        "nodecode" => EncodedSlashes::Keep,
        _ => {
            let message = "AllowEncodedSlashes must be On, Off, or NoDecode".to_owned();
            return apply.error(call.origin, message, "Off is the default.");
        }
    };
    apply.server().encoded_slashes = Some(value);
}

/// `MergeSlashes On|Off`
pub(in crate::httpd) fn merge_slashes(apply: &mut Apply<'_>, call: &Call<'_>) {
    if let Some(value) = apply.on_or_off(call) {
        apply.server().merge_slashes = Some(value);
    }
}

impl Apply<'_> {
    /// The first word as a flag; an error if it is none.
    pub(super) fn on_or_off(&mut self, call: &Call<'_>) -> Option<bool> {
        match &*call.first().to_ascii_lowercase() {
            "on" => Some(true),
            "off" => Some(false),
            _ => {
                let message = format!("{} must be On or Off", call.name);
                self.error(call.origin, message, "Write one of the two.");
                None
            }
        }
    }
}
