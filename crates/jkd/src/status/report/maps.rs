//! The rules that lead to a worker, and those that keep requests from it.

use jkworkers::model::{Host, Model, Mount, MountSource, RuleExtensions, UriMatch, WrittenLists};

use super::{Field, Fields};

/// The rules about a worker in matching order, host by host: the main server, then the virtual
/// hosts from the last one to the first, as httpd keeps them.
pub(super) fn of<'a>(model: &'a Model, worker: &str) -> Vec<Fields<'a>> {
    let main = model.hosts.first();
    let others = model.hosts.iter().skip(1).rev();
    let hosts = main.into_iter().chain(others);
    let rules = hosts.enumerate().flat_map(|(place, host)| {
        let name = name_of(host, place == 0);
        let about = host
            .uri_map
            .iter()
            .filter(|mount| *mount.worker == *worker || &*mount.worker == "*");
        about.map(move |mount| (name.clone(), mount))
    });
    let numbered = (1_u32..).zip(rules);
    numbered
        .map(|(number, (host, mount))| fields(number, host, mount))
        .collect()
}

fn fields(number: u32, host: String, mount: &Mount) -> Fields<'_> {
    let extensions = &mount.extensions;
    let written = extensions.written.as_deref();
    let list = |list: fn(&WrittenLists) -> &str| written.map_or("", list);
    vec![
        Field::number("id", number),
        Field::text("server", host),
        Field::text("uri", &*mount.pattern),
        Field::text("type", kind(mount)),
        Field::text("source", source(mount.source)),
        Field::number("reply_timeout", reply_timeout(extensions)),
        Field::number("sticky_ignore", u8::from(extensions.sticky_ignore)),
        Field::number("stateless", u8::from(extensions.stateless)),
        Field::text("fail_on_status", list(|written| &written.fail_on_status)),
        Field::text("active", list(|written| &written.active)),
        Field::text("disabled", list(|written| &written.disabled)),
        Field::text("stopped", list(|written| &written.stopped)),
        Field::number(
            "use_server_errors",
            extensions.use_server_errors.unwrap_or(0),
        ),
    ]
}

/// httpd's name of a server: a virtual host with its first address behind it, the main server with
/// its port if it has one.
fn name_of(host: &Host, is_main: bool) -> String {
    let own = host.server_name.as_ref();
    let name = own.map(|own| &*own.name);
    if is_main {
        let name = name.unwrap_or("localhost");
        let port = own.and_then(|own| own.port);
        return port.map_or_else(|| name.to_owned(), |port| format!("{name}:{port}"));
    }
    let (ip, port) = host.addresses.first().copied().unwrap_or_default();
    let ip = ip.map_or_else(|| "*".to_owned(), |ip| ip.to_string());
    let port = port.map_or_else(String::new, |port| format!(":{port}"));
    format!("{} [{ip}{port}]", name.unwrap_or(&ip))
}

fn kind(mount: &Mount) -> String {
    let disabled = if mount.disabled { "Disabled " } else { "" };
    let exclusion = if mount.exclusion { "Unmount " } else { "" };
    let kind = match mount.kind {
        UriMatch::Exact => "Exact",
        UriMatch::Wildcard => "Wildchar",
    };
    format!("{disabled}{exclusion}{kind}")
}

const fn source(source: MountSource) -> &'static str {
    match source {
        MountSource::JkMount => "JkMount",
        MountSource::UriWorkerMap => "uriworkermap",
        MountSource::WorkerDefinition => "worker definition",
    }
}

/// Milliseconds; -1 where the rule has none.
fn reply_timeout(extensions: &RuleExtensions) -> i64 {
    let millis = extensions.reply_timeout.map(|time| time.as_millis());
    millis.map_or(-1, |millis| i64::try_from(millis).unwrap_or(i64::MAX))
}
