//! From the tree to a draft of the model: each directive is looked up in the table, checked for
//! place and arguments, and carried out.

pub(super) mod access;
pub(super) mod jk;
pub(super) mod server;

use std::{
    collections::{BTreeSet, HashMap},
    net::IpAddr,
    path::{Path, PathBuf},
    time::Duration,
};

pub(crate) use self::server::listen_address as listen;
use super::{
    Node,
    directive::{self, Arguments, Directive, Effect, Place},
    known, lex,
};
use crate::{
    diag::{Diagnostics, Origin},
    model::{ForwardUri, Listen, LogLevel, Order, Require, ServerName},
    uri_map::EncodedSlashes,
};

/// Goes through a tree. `server_root` is the base of relative paths; `origin` the main server's.
pub(crate) fn apply(nodes: &[Node], server_root: &Path, origin: &Origin) -> (Draft, Diagnostics) {
    let mut apply = Apply {
        draft: Draft::new(origin),
        server: 0,
        within: None,
        server_root,
        listening: HashMap::new(),
        told: BTreeSet::new(),
        diagnostics: Diagnostics::default(),
    };
    apply.nodes(nodes);
    (apply.draft, apply.diagnostics)
}

/// What the files say, names not resolved yet.
#[derive(Debug)]
pub(crate) struct Draft {
    /// The main server, then the virtual hosts. Never empty.
    pub(crate) servers: Vec<Server>,
    pub(crate) listen: Vec<Listen>,
    pub(crate) workers_file: Option<(PathBuf, Origin)>,
    /// The arguments of `JkWorkerProperty`. They may hold secrets.
    pub(crate) properties: Vec<(Origin, String)>,
    pub(crate) log_file: Option<(PathBuf, Origin)>,
    pub(crate) log_level: LogLevel,
    /// `JkdReload`.
    pub(crate) reload: Option<Duration>,
    /// `JkMountCopy All`.
    pub(crate) copy_mounts_by_default: bool,
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
    places: HashMap<(bool, String), usize>,
    pub(crate) mount_file: Option<(PathBuf, Origin)>,
    /// `JkMountFileReload`, seconds.
    pub(crate) mount_file_reload: Option<i32>,
    pub(crate) mount_copy: Option<bool>,
    pub(crate) reject_unsafe: Switch,
    pub(crate) forward_uri: Option<ForwardUri>,
    pub(crate) request_timeout: Option<Duration>,
    pub(crate) encoded_slashes: Option<EncodedSlashes>,
    pub(crate) merge_slashes: Option<bool>,
    pub(crate) locations: Vec<LocationDraft>,
}

/// An option that was switched on (`+`), off (`-`), or both. Inside one server off wins.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Switch {
    pub(crate) on: bool,
    pub(crate) off: bool,
}

/// `JkMount` or `JkUnMount`, as it was written.
#[derive(Clone, Debug)]
pub(crate) struct MountLine {
    pub(crate) path: String,
    pub(crate) worker: String,
    pub(crate) exclusion: bool,
    pub(crate) origin: Origin,
}

/// `<Location>`.
#[derive(Debug)]
pub(crate) struct LocationDraft {
    pub(crate) path: String,
    pub(crate) origin: Origin,
    pub(crate) require: Vec<Require>,
    pub(crate) order: Option<Order>,
}

impl Draft {
    pub(crate) fn new(origin: &Origin) -> Self {
        Self {
            servers: vec![Server::new(origin)],
            listen: Vec::new(),
            workers_file: None,
            properties: Vec::new(),
            log_file: None,
            log_level: LogLevel::default(),
            reload: None,
            copy_mounts_by_default: false,
        }
    }
}

impl Server {
    /// Its own `JkMountFile`.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let file = self.mount_file.as_ref();
        file.map(|(path, _)| path.clone()).into_iter().collect()
    }

    fn new(origin: &Origin) -> Self {
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
            reject_unsafe: Switch::default(),
            forward_uri: None,
            request_timeout: None,
            encoded_slashes: None,
            merge_slashes: None,
            locations: Vec::new(),
        }
    }
}

/// The walk through the tree.
pub(super) struct Apply<'a> {
    draft: Draft,
    /// The server that directives are for.
    server: usize,
    /// The section around, for messages; `Location` makes its last location the current one.
    within: Option<&'static str>,
    server_root: &'a Path,
    /// Where each `Listen` was written first.
    listening: HashMap<(Option<IpAddr>, u16), Origin>,
    /// Names that had their one warning.
    told: BTreeSet<String>,
    diagnostics: Diagnostics,
}

/// One directive with its arguments.
pub(super) struct Call<'a> {
    pub(super) name: &'static str,
    /// Empty for raw arguments.
    pub(super) words: &'a [String],
    pub(super) raw: &'a str,
    pub(super) origin: &'a Origin,
}

impl Call<'_> {
    /// The first word. There is one wherever the table says so.
    pub(super) fn first(&self) -> &str {
        self.words.first().map_or("", String::as_str)
    }
}

impl Apply<'_> {
    fn nodes(&mut self, nodes: &[Node]) {
        for node in nodes {
            match &node.children {
                Some(children) => self.section(node, children),
                None => self.directive(node),
            }
        }
    }

    fn directive(&mut self, node: &Node) {
        if let Some(directive) = directive::find(&node.name) {
            self.known(directive, node);
        } else if known::contains(&node.name) {
            self.tell_once(
                &node.name,
                &node.origin,
                format!("{} means nothing here and is ignored", node.name),
            );
        } else {
            let message = format!("unknown directive {}", node.name);
            let help = match self.diagnostics.guess(&node.name, directive::names) {
                Some(name) => format!("Did you mean {name}?"),
                None => {
                    "Correct the name, or put the line into an <IfModule> of its module.".into()
                }
            };
            self.error(&node.origin, message, help);
        }
    }

    fn known(&mut self, directive: &Directive, node: &Node) {
        if !self.may_stand_here(directive, &node.origin) {
            return;
        }
        let words = match directive.arguments {
            Arguments::Raw => Vec::new(),
            Arguments::Words(..) => lex::words(&node.args),
        };
        if let Arguments::Words(least, most) = directive.arguments
            && !(least..=most).contains(&words.len())
        {
            return self.refuse_count(directive.name, least, most, &words, &node.origin);
        }
        let call = Call {
            name: directive.name,
            words: &words,
            raw: lex::trim(&node.args),
            origin: &node.origin,
        };
        match directive.effect {
            Effect::Works(set) | Effect::Accepted(set) => set(self, &call),
            Effect::Later(check) => {
                check(self, &call);
                let message = format!("{} is not in effect yet", call.name);
                self.tell_once(call.name, call.origin, message);
            }
        }
    }

    fn may_stand_here(&mut self, directive: &Directive, origin: &Origin) -> bool {
        let name = directive.name;
        let (message, help) = match (directive.place, self.within, self.server) {
            (Place::Global, None, 1..) => (
                format!("{name} cannot occur within <VirtualHost> section"),
                "Move the line out of the <VirtualHost>.",
            ),
            (Place::Global | Place::Server, Some(section), _) => (
                format!("{name} not allowed in <{section}> context"),
                "Move the line out of the section.",
            ),
            (Place::Location, None, _) => (
                format!("{name} not allowed here"),
                "Write it inside a <Location>.",
            ),
            _ => return true,
        };
        self.error(origin, message, help);
        false
    }

    /// The words are looked at, never shown: nobody knows what they are.
    fn refuse_count(
        &mut self,
        name: &str,
        least: usize,
        most: usize,
        words: &[String],
        origin: &Origin,
    ) {
        let count = match (least, most) {
            (1, 1) => "one argument".to_owned(),
            (1, 2) => "one or two arguments".to_owned(),
            (1, usize::MAX) => "one or more arguments".to_owned(),
            (least, most) => format!("{least} to {most} arguments"),
        };
        let help = if words.iter().any(|word| word.starts_with('#')) {
            "A comment needs a line of its own."
        } else {
            "Put an argument with blanks in quotes."
        };
        let message = format!("{name} takes {count}, not {}", words.len());
        self.error(origin, message, help);
    }

    fn section(&mut self, node: &Node, children: &[Node]) {
        match &*node.name.to_ascii_lowercase() {
            "virtualhost" => self.virtual_host(node, children),
            "location" => self.location(node, children),
            "requireall" | "requireany" | "requirenone" => self.require_section(node, children),
            "locationmatch" | "if" | "elseif" | "else" | "limit" | "limitexcept" => {
                self.conditional_on_request(&node.name, node, children);
            }
            "macro" => self.refuse_macro(&node.name, &node.origin),
            lower if IGNORED_SECTIONS.contains(&lower) => {
                self.ignore_section(&node.name, node, children, MOUNTING);
            }
            _ => self.unknown_section(node),
        }
    }

    /// Warns of a section that is ignored, and refuses what must not be lost with it.
    fn ignore_section(&mut self, name: &str, node: &Node, children: &[Node], refused: &[&str]) {
        let message = format!("<{name}> means nothing here and is ignored with its content");
        self.tell_once(&format!("<{name}>"), &node.origin, message);
        self.refuse(refused, name, children);
    }

    fn unknown_section(&mut self, node: &Node) {
        let all = directive::SECTIONS.iter().chain(IGNORED_SECTIONS).copied();
        let help = match self.diagnostics.guess(&node.name, || all) {
            Some(name) => format!("Did you mean <{name}>?"),
            None => "Correct the name, or put the section into an <IfModule> of its module.".into(),
        };
        self.error(
            &node.origin,
            format!("unknown section <{}>", node.name),
            help,
        );
    }

    /// Sections that choose requests by means that are not there: ignoring what they protect
    /// would open it.
    fn conditional_on_request(&mut self, name: &str, node: &Node, children: &[Node]) {
        self.ignore_section(name, node, children, DECIDING);
    }

    fn refuse(&mut self, directives: &[&str], section: &str, nodes: &[Node]) {
        for node in nodes {
            let lower = node.name.to_ascii_lowercase();
            if directives.contains(&&*lower) {
                let message = format!("{} has no effect inside <{section}>", node.name);
                let help = if MOUNTING.contains(&&*lower) {
                    format!("Write `{} PATH WORKER` outside of the section.", node.name)
                } else {
                    IN_LOCATION.to_owned()
                };
                self.error(&node.origin, message, help);
            } else if let Some(children) = &node.children {
                self.refuse(directives, section, children);
            }
        }
    }

    fn error(&mut self, origin: &Origin, message: String, help: impl Into<String>) {
        self.diagnostics.error(origin, message).help(help);
    }

    fn warning(&mut self, origin: &Origin, message: String, help: impl Into<String>) {
        self.diagnostics.warning(origin, message).help(help);
    }

    /// One warning per name.
    fn tell_once(&mut self, name: &str, origin: &Origin, message: String) {
        if self.told.insert(name.to_ascii_lowercase()) {
            self.diagnostics.warning(origin, message);
        }
    }

    fn server(&mut self) -> &mut Server {
        #[allow(
            clippy::indexing_slicing,
            reason = "servers are only added, and `server` is the number of one of them"
        )]
        &mut self.draft.servers[self.server]
    }

    /// The `<Location>` that directives are for.
    fn current_location(&mut self) -> Option<&mut LocationDraft> {
        self.within?;
        self.server().locations.last_mut()
    }
}

/// Directives that must not be lost: they decide who comes in, or where requests go.
const DECIDING: &[&str] = &[
    "allow",
    "authtype",
    "deny",
    "jkmount",
    "jkunmount",
    "order",
    "require",
    "requireall",
    "requireany",
    "requirenone",
    "satisfy",
];

const IN_LOCATION: &str = "Write it inside <Location PATH>: PATH and everything below it, or with \
                           the wildcards * and ?.";

/// Directives that mod_jk takes in any section, with the section's argument for a path.
const MOUNTING: &[&str] = &["jkmount", "jkunmount"];

/// Sections about files, proxies and modules that are not there.
const IGNORED_SECTIONS: &[&str] = &[
    "authnprovideralias",
    "authzprovideralias",
    "directory",
    "directorymatch",
    "files",
    "filesmatch",
    "luahookaccesschecker",
    "luahookauthchecker",
    "luahookcheckuserid",
    "luahookfixups",
    "luahookmaptostorage",
    "luahookpretranslatename",
    "luahooktranslatename",
    "luahooktypechecker",
    "luaquickhandler",
    "mdomain",
    "mdomainset",
    "perl",
    "proxy",
    "proxymatch",
];
