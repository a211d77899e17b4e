//! From the tree to a draft of the model: each directive is looked up in the table, checked for
//! place and arguments, and carried out.

pub(super) mod access;
pub(super) mod auth;
mod choice;
pub(super) mod clients;
pub(super) mod error_logs;
pub(super) mod files;
pub(super) mod filters;
pub(super) mod headers;
pub(super) mod identity;
pub(super) mod jk;
pub(super) mod jk_options;
pub(super) mod logs;
mod protect;
pub(super) mod ranges;
pub(super) mod redirects;
mod refuse;
pub(super) mod remote_ip;
pub(super) mod rewrite;
mod section;
pub(super) mod server;
pub(super) mod tls;
pub(super) mod types;
pub(super) mod variables;

use std::{
    collections::{BTreeSet, HashMap},
    net::IpAddr,
    path::Path,
};

pub(crate) use self::server::listen_address as listen;
use self::{
    choice::Chains,
    refuse::{IGNORED_SECTIONS, MOUNTING},
    section::Within,
};
use super::{
    Node,
    directive::{self, Arguments, Directive, Effect, Place},
    draft::{Draft, Server},
    known, lex,
};
use crate::{
    diag::{Diagnostics, Origin},
    model::Methods,
};

/// Goes through a tree. `server_root` is the base of relative paths; `origin` the main server's;
/// `env` the environment of the process.
pub(crate) fn apply(
    nodes: &[Node],
    server_root: &Path,
    origin: &Origin,
    env: &dyn Fn(&str) -> Option<String>,
) -> (Draft, Diagnostics) {
    let mut apply = Apply {
        env,
        draft: Draft::new(origin),
        server: 0,
        within: None,
        methods: Methods::all(),
        chains: Chains::default(),
        server_root,
        listening: HashMap::new(),
        told: BTreeSet::new(),
        diagnostics: Diagnostics::default(),
    };
    apply.nodes(nodes);
    (apply.draft, apply.diagnostics)
}

/// The walk through the tree.
pub(super) struct Apply<'a> {
    env: &'a dyn Fn(&str) -> Option<String>,
    draft: Draft,
    /// The server that directives are for.
    server: usize,
    /// The section around.
    within: Option<Within>,
    /// The methods that lines about access are for: those of `<Limit>`.
    methods: Methods,
    /// What `<ElseIf>` and `<Else>` may go on with.
    chains: Chains,
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
            self.note_module(node);
            if self.refuse_lost_protection(node) {
                return;
            }
            self.tell_of_no_effect(node);
        } else {
            self.unknown(node);
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
        if let Some(quote) = lex::open_quote(&node.args).filter(|_| !words.is_empty()) {
            let message = format!("{}: the {quote} is never closed", directive.name);
            let help = "Close it: as it is, all to the end of the line is one argument.";
            self.warning(&node.origin, message, help);
        }
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
                format!("{name} not allowed in <{}> context", section.name),
                "Move the line out of the section.",
            ),
            (Place::Section, None, _) => (format!("{name} not allowed here"), IN_SECTION),
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
            (least, usize::MAX) => format!("{least} or more arguments"),
            (least, most) => format!("{least} to {most} arguments"),
        };
        let help = if words.iter().any(|word| word.starts_with('#')) {
            "A comment needs a line of its own.".to_owned()
        } else if let Some(syntax) = directive::syntax(name).filter(|_| words.len() < least) {
            format!("Write `{name} {syntax}`.")
        } else if words.len() < least {
            "Write what is missing, or remove the line.".to_owned()
        } else {
            "Put an argument with blanks in quotes.".to_owned()
        };
        let message = format!("{name} takes {count}, not {}", words.len());
        self.error(origin, message, help);
    }

    fn section(&mut self, node: &Node, children: &[Node]) {
        match &*node.name.to_ascii_lowercase() {
            "virtualhost" => self.virtual_host(node, children),
            lower @ ("directory" | "directorymatch" | "files" | "filesmatch" | "location"
            | "locationmatch") => {
                self.choosing_section(lower, node, children);
            }
            "requireall" | "requireany" | "requirenone" => self.require_section(node, children),
            "limit" | "limitexcept" => self.limit(node, children),
            lower @ ("if" | "elseif" | "else") => self.choice(lower, node, children),
            lower if IGNORED_SECTIONS.contains(&lower) => {
                self.ignore_section(&node.name, node, children, MOUNTING);
            }
            _ => self.unknown_section(node),
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
}

/// What to do about a line that must stand in a section.
const IN_SECTION: &str = "Write it inside a <Location>.";
