//! From the draft of the servers to hosts: which rules are whose, and what is inherited.

mod expressions;
mod identity;
mod logs;
mod own;
mod variables;

use std::{
    collections::{BTreeSet, HashSet},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use self::own::Copies;
pub(crate) use self::own::Own;

use crate::{
    diag::{Diagnostics, Origin, listing},
    httpd::{Draft, Options, Server},
    model::{
        ClientRules, Covers, Filtering, Host, Listen, Mount, Said, Section, Tls, number_choices,
        variables::{Handler, OwnVariable},
    },
    rewrite::Rewriting,
    uri_map::{UriMap, UriRules},
    workers_properties::Workers,
};

/// Builds the hosts. `own` has the rules of each server of the draft; `more` are rules for the
/// main server only: those of the command line, among them those of `more_files`, and of
/// `worker.NAME.mount`.
pub(crate) fn build(
    draft: &Draft,
    own: &[Own],
    more: &[Mount],
    more_files: &[PathBuf],
) -> Vec<Host> {
    let Some((main, main_own)) = draft.servers.first().zip(own.first()) else {
        return Vec::new();
    };
    let main_map = UriMap::new(main_own.mounts().chain(more).cloned());
    let main_files = [main.files(), more_files.to_vec()].concat();
    let main_rules = Copies::new(main_own);
    let copies = |server: &Server| server.mount_copy.unwrap_or(draft.copy_mounts_by_default);
    let virtual_map = |server: &Server, own: &Own| match (copies(server), own.is_empty()) {
        (true, true) => (main_map.clone(), main_files.clone()),
        (true, false) if server.mount_file.is_none() => (main_rules.added_to(own), main.files()),
        (true, false) => (main_rules.added_to(own), server.files()),
        (false, _) => (UriMap::new(own.mounts().cloned()), server.files()),
    };
    let virtual_hosts = draft.servers.iter().zip(own).skip(1);
    let virtual_hosts = virtual_hosts.map(|(server, own)| Host {
        // As mounts are, it is inherited by those that copy.
        auto_alias: (server.auto_alias.as_ref())
            .or_else(|| main.auto_alias.as_ref().filter(|_| copies(server)))
            .cloned(),
        ..host(main, server, virtual_map(server, own))
    });
    let first = host(main, main, (main_map.clone(), main_files.clone()));
    let hosts = std::iter::once(first).chain(virtual_hosts).enumerate();
    let mounts_first = draft.loads_in_order("jk_module", "alias_module");
    let names_requests = draft.loads("unique_id_module");
    let mirrors_encodings = draft.loads("negotiation_module");
    let closes_directories = draft.loads_in_order("autoindex_module", "jk_module");
    hosts
        .map(|(number, host)| Host {
            number,
            mounts_first,
            names_requests,
            mirrors_encodings,
            methods: draft.methods.clone(),
            clients: registered(&host.clients, &draft.methods),
            closes_directories,
            tls: tls(draft, number, &host.origin),
            ..host
        })
        .collect()
}

/// With the methods that are registered, where no others are let in.
fn registered(rules: &Arc<ClientRules>, more: &BTreeSet<String>) -> Arc<ClientRules> {
    let Some(known) = rules.methods.as_ref().filter(|_| !more.is_empty()) else {
        return rules.clone();
    };
    Arc::new(ClientRules {
        methods: Some(known | more),
        ..(**rules).clone()
    })
}

/// How clients of a server use TLS.
fn tls(draft: &Draft, number: usize, origin: &Origin) -> Tls {
    let (Some(main), Some(server)) = (draft.servers.first(), draft.servers.get(number)) else {
        return Tls::off(origin.clone());
    };
    let base = (number > 0).then_some(&main.tls);
    let ports = server.addresses.iter().filter_map(|(_, port)| *port);
    let https = |port: &u16| draft.https.contains(port);
    let is_https = ports.clone().next().is_some() && ports.clone().all(|port| https(&port));
    server.tls.over(base, origin, is_https)
}

/// Where addresses come from that the command line names.
pub(crate) const FLAG: &str = "--listen";

/// A virtual host on ports that nobody listens on is never used.
pub(crate) fn warn_of_unreachable(draft: &Draft, listen: &[Listen], found: &mut Diagnostics) {
    let ports = listen.iter().map(|l| l.instead_of.unwrap_or(l.port));
    let open: HashSet<u16> = ports.collect();
    let by_flag = listen.iter().any(|listen| &*listen.origin.file == FLAG);
    let listened =
        |port: Option<u16>| port.is_none_or(|port| open.contains(&port) || open.contains(&0));
    for server in draft.servers.iter().skip(1) {
        let ports = server.addresses.iter().map(|(_, port)| *port);
        if !server.addresses.is_empty() && !ports.clone().any(listened) {
            let ports: Vec<_> = ports.flatten().map(|port| port.to_string()).collect();
            let message = format!(
                "this virtual host is never used: nothing listens on port {}",
                ports.join(" or ")
            );
            let help = match (by_flag, server.addresses.first()) {
                (true, Some((_, Some(port)))) => format!(
                    "Start with --listen ADDRESS:PORT={port}, which stands for the port {port} of \
                     the files."
                ),
                _ => "Write a Listen line for the port, or <VirtualHost *> for any port.".into(),
            };
            found.warning(&server.origin, message).help(help);
        }
    }
}

/// Says which hosts serve nothing that anybody mounted; `is_mounted`: there is a mount at all.
pub(crate) fn warn_of_missing_mounts(is_mounted: bool, hosts: &[Host], found: &mut Diagnostics) {
    if is_mounted {
        warn_of_unmounted(hosts, found);
    } else {
        warn_of_nothing_mounted(hosts, found);
    }
}

/// Virtual hosts inherit no mounts: mod_jk's oldest trap.
fn warn_of_unmounted(hosts: &[Host], found: &mut Diagnostics) {
    let Some((main, virtual_hosts)) = hosts.split_first() else {
        return;
    };
    if found.has_errors() {
        // What is wrong may be why.
        return;
    }
    for host in virtual_hosts {
        if host.uri_map.is_empty() && !main.uri_map.is_empty() && !has_handler(host) {
            let message = if host.has_files() {
                "nothing is mounted in this virtual host: it serves its files and nothing else"
            } else {
                "nothing is mounted in this virtual host: its requests are answered with 404"
            };
            found.warning(&host.origin, message).help(
                "Write `JkMountCopy On` into it, or `JkMountCopy All` outside, to use the main \
                 server's mounts, too.",
            );
        }
    }
}

/// A configuration without a single mount, and without a handler in its place.
fn warn_of_nothing_mounted(hosts: &[Host], found: &mut Diagnostics) {
    let Some(main) = hosts.first() else {
        return;
    };
    if found.has_errors() || hosts.iter().any(has_handler) {
        // What is wrong may be why.
        return;
    }
    let message = if hosts.iter().any(Host::has_files) {
        "nothing is mounted: files are served and nothing else"
    } else {
        "nothing is mounted: every request is answered with 404"
    };
    found
        .warning(&main.origin, message)
        .help("Write `JkMount /* WORKER`, or start with --mount '/*=WORKER'.");
}

/// Whether `SetHandler` or `AddHandler` may lead requests to a worker.
fn has_handler(host: &Host) -> bool {
    let sections = host.sections.iter().map(|section| &section.settings);
    sections.chain([&host.settings]).any(|settings| {
        settings.handler == Some(Handler::Jk)
            || settings.files.extensions.has_handler("jakarta-servlet")
    })
}

#[allow(clippy::too_many_lines, reason = "one line for each setting")]
fn host(main: &Server, server: &Server, (map, files): (UriMap, Vec<PathBuf>)) -> Host {
    let is_main = std::ptr::eq(main, server);
    let base = (!is_main).then_some(main);
    let any_address = server.addresses.iter().any(|(ip, _)| ip.is_none());
    let inherited_name = main.name.as_ref().filter(|_| any_address);
    let options = Options::merged(main.options, base.map(|_| server.options));
    let indicators = variables::indicators(base, server);
    let mut host = Host {
        server_name: server.name.as_ref().or(inherited_name).cloned(),
        aliases: server.aliases.clone(),
        addresses: server.addresses.clone(),
        uri_rules: uri_rules(main, server),
        options: options.into(),
        forward_uri: server.forward_uri.or(main.forward_uri).unwrap_or_default(),
        auto_alias: server.auto_alias.clone(),
        rewriting: server.rewriting.merged(base.map(|main| &main.rewriting)),
        rewrite_maps: server.rewriting.maps(base.map(|main| &main.rewriting)),
        max_turns: (server.max_turns.or(main.max_turns)).unwrap_or(Host::MAX_TURNS),
        roots: base.map_or_else(
            || server.roots.clone(),
            |main| server.roots.over(&main.roots),
        ),
        strip_session: (server.strip_session.as_ref())
            .or(main.strip_session.as_ref())
            .filter(|name| !name.is_empty())
            .cloned(),
        request_timeout: request_timeout(main, server),
        identity: identity::of(main, server),
        remote_ip: server.remote_ip.over(base.map(|main| &main.remote_ip)),
        clients: Arc::new(server.clients.over(base.map(|main| &main.clients))),
        uri_map: map.reject_unsafe(options.rejects_unsafe()),
        mount_files: files,
        mount_file_reload: reload_interval(main, server),
        logs: logs::of(base, server),
        settings: base.map_or_else(
            || server.settings.clone(),
            |main| server.settings.over(&main.settings),
        ),
        tls_by_header: OwnVariable::named(&indicators.tls.https).is_some(),
        indicators,
        extracts_tls: server.extract_tls.or(main.extract_tls).unwrap_or(true),
        env_vars: variables::sent(base, server),
        sections: sections(base, server),
        ..Host::new(server.origin.clone())
    };
    let rewrites = |section: &Section| !section.settings.rewriting.is_empty();
    host.rewrites_in_sections = host.sections.iter().any(rewrites);
    if !host.says(|settings| settings.rewriting.engine == Some(true)) {
        host.rewriting = Rewriting::default();
    }
    host.filtering = filtering(main, server, &host);
    host.said = Said::by(&host);
    let remote_ip = host.remote_ip.as_ref();
    host.forwarded = (server.remote_ip).forwarded(base.map(|main| &main.remote_ip), remote_ip);
    rule_fields(&mut host);
    variables::prune(&mut host);
    host
}

/// What filters do here. The main server's `Deflate…` count where there are none.
fn filtering(main: &Server, server: &Server, host: &Host) -> Filtering {
    let deflate = server.deflate.as_ref().or(main.deflate.as_ref());
    let by_name = host.says(|settings| settings.files.extensions.have_filters());
    Filtering {
        deflate: deflate.cloned().unwrap_or_default(),
        deflates: by_name || host.says(|settings| settings.filters.deflates()),
        deflates_by_name: by_name,
        expires: host.says(|settings| settings.filters.expires == Some(true)),
    }
}

/// The fields that rules about requests are about, each once. What mod_remoteip reads or writes is
/// ruled, too, but not said by others.
fn rule_fields(host: &mut Host) {
    let sections = host.sections.iter().map(|section| &section.settings);
    let rules = (sections.chain([&host.settings])).flat_map(|settings| &settings.headers.request);
    let lower = |name: &Arc<str>| name.to_ascii_lowercase();
    let mut names: BTreeSet<_> = rules.map(|rule| lower(&rule.name)).collect();
    let of_proxies = &mut host.forwarded.names;
    of_proxies.retain(|name| !names.contains(&lower(name)));
    names.extend(of_proxies.iter().map(lower));
    host.ruled_fields = names.into_iter().map(Arc::from).collect();
}

/// `JkdRequestTimeout`, inherited; zero is none.
fn request_timeout(main: &Server, server: &Server) -> Option<Duration> {
    let written = server.request_timeout.or(main.request_timeout);
    written.filter(|limit| !limit.is_zero())
}

/// Unlike `MergeSlashes`, `AllowEncodedSlashes` is not inherited.
fn uri_rules(main: &Server, server: &Server) -> UriRules {
    let defaults = UriRules::default();
    let merge_slashes = server.merge_slashes.or(main.merge_slashes);
    UriRules {
        encoded_slashes: server.encoded_slashes.unwrap_or(defaults.encoded_slashes),
        merge_slashes: merge_slashes.unwrap_or(defaults.merge_slashes),
    }
}

/// `JkMountFileReload`, inherited; zero and less mean never.
fn reload_interval(main: &Server, server: &Server) -> Option<Duration> {
    const DEFAULT: i32 = 60;
    let written = server.mount_file_reload.or(main.mount_file_reload);
    let seconds = u64::try_from(written.unwrap_or(DEFAULT)).ok()?;
    (seconds > 0).then(|| Duration::from_secs(seconds))
}

/// The main server's and its own, in the order in which they are applied. A section that says
/// nothing is nothing to ask.
fn sections(base: Option<&Server>, server: &Server) -> Vec<Section> {
    let inherited = base.into_iter().flat_map(|main| &main.sections);
    let all = inherited.chain(&server.sections);
    // An empty `<If>` decides about the `<Else>` behind it.
    let counts = |s: &Section| matches!(s.covers, Covers::If(_)) || s.has_names();
    let says = |s: &&Section| !s.settings.is_empty() || counts(s);
    let mut said: Vec<_> = all.filter(says).cloned().collect();
    said.sort_by_key(|section| section.covers.rank(section.within.as_deref()));
    number_choices(&mut said);
    said
}

/// Whether the workers of some rules exist. `built_in` are names that need no definition.
pub(crate) fn check_workers<'a>(
    mounts: impl IntoIterator<Item = &'a Mount>,
    workers: &'a Workers,
    found: &mut Diagnostics,
) {
    let mut told: Option<&Mount> = None;
    let names = |names: &'a [Arc<str>]| names.iter().map(|name| &**name).collect();
    let listed: HashSet<&str> = names(&workers.listed);
    let unlisted: HashSet<&str> = names(&workers.unlisted);
    for mount in mounts {
        let name = &mount.worker;
        // The two rules of a `|` are one line.
        let again = told.is_some_and(|t| t.origin == mount.origin && t.worker == *name);
        let any = mount.exclusion && &**name == "*";
        if again || any || listed.contains(&**name) {
            continue;
        }
        told = Some(mount);
        let answer = if mount.exclusion {
            ""
        } else {
            ": its requests are answered with 500"
        };
        let message = match &**name {
            "" => format!("the worker's name for {} is missing{answer}", mount.pattern),
            name => format!(
                "there is no worker `{name}` to serve {}{answer}",
                mount.pattern
            ),
        };
        let remedy = if unlisted.contains(&**name) {
            format!("Add `{name}` to worker.list: it is defined, but cannot be mounted.")
        } else {
            remedy(name, workers, found)
        };
        found.warning(&mount.origin, message).help(remedy);
    }
}

fn remedy(name: &str, workers: &Workers, found: &mut Diagnostics) -> String {
    let names = || workers.listed.iter().map(|name| &**name);
    let suggestion = match found.guess(name, names) {
        Some(near) => format!("Did you mean `{near}`? "),
        None => String::new(),
    };
    format!(
        "{suggestion}The workers in worker.list are: {}.",
        listing(names())
    )
}
