//! Sections about directories and files. They are ignored, as nothing is served from a directory:
//! with `JkAutoAlias` something is, and then what they protect must not be open, nor must the source
//! of what a handler would run.

use std::path::{Path, PathBuf};

use super::Apply;
use crate::{
    diag::Origin,
    httpd::{Node, lex},
    uri_map::wildcard,
};

/// A section that keeps somebody out, or a line or section that gives files to a handler.
pub(super) struct Protection {
    /// As it was written.
    text: String,
    /// The directory that it is about; `None` where that takes a pattern.
    directory: Option<PathBuf>,
    origin: Origin,
}

impl Apply<'_> {
    /// Remembers a section if it keeps somebody out of files.
    pub(super) fn note_protection(&mut self, node: &Node, children: &[Node]) {
        let words = lex::words(&node.args);
        let directory = match (&*node.name.to_ascii_lowercase(), &*words) {
            ("directory", [path]) if !wildcard::is_glob(path.as_bytes()) => Some(path.into()),
            ("files" | "filesmatch", words) if covers_ht_files(words) => return,
            ("directory" | "directorymatch" | "files" | "filesmatch", _) => None,
            _ => return,
        };
        if restricts(children) {
            self.protected.push(Protection {
                text: format!("<{} {}>", node.name, lex::trim(&node.args)),
                directory,
                origin: node.origin.clone(),
            });
        }
    }

    /// Remembers a line that is ignored if it gives files to a handler.
    pub(super) fn note_handler(&mut self, node: &Node) {
        if node.name.eq_ignore_ascii_case("AddHandler") {
            self.protected.push(Protection {
                text: format!("{} {}", node.name, lex::trim(&node.args)),
                directory: None,
                origin: node.origin.clone(),
            });
        }
    }

    /// Refuses sections that protect what is served.
    pub(super) fn refuse_ignored_protection(&mut self) {
        let served = (self.draft.servers.iter()).filter_map(|server| server.auto_alias.clone());
        let served: Vec<_> = served.collect();
        for protection in std::mem::take(&mut self.protected) {
            if served
                .iter()
                .any(|directory| protection.concerns(directory))
            {
                let message = format!(
                    "{} is about files that JkAutoAlias serves, and is ignored here",
                    protection.text
                );
                let help = "Write access rules and SetHandler into a <Location>, AllowOverride None into \
                            the section, or remove JkAutoAlias.";
                self.error(&protection.origin, message, help);
            }
        }
    }
}

impl Protection {
    /// What is written about `/` is the basis from which other sections open directories, as
    /// JkAutoAlias does here.
    fn concerns(&self, served: &Path) -> bool {
        self.directory.as_deref().is_none_or(|own| {
            own != Path::new("/") && (own.starts_with(served) || served.starts_with(own))
        })
    }
}

/// `.ht*` is never served.
fn covers_ht_files(words: &[String]) -> bool {
    matches!(words.last().map(String::as_str), Some(r"^\.ht" | ".ht*"))
}

/// Whether files are not simply sent to everybody: `.htaccess` files may say so, too.
fn restricts(nodes: &[Node]) -> bool {
    let mut ordered = false;
    let mut opened = false;
    for node in nodes {
        let args = node.args.to_ascii_lowercase();
        let words: Vec<_> = args.split_ascii_whitespace().collect();
        match (&*node.name.to_ascii_lowercase(), &*words) {
            ("require", ["all", "granted"]) | ("allowoverride" | "sethandler", ["none"]) => {}
            (
                "addhandler" | "allowoverride" | "authtype" | "deny" | "require" | "sethandler",
                _,
            ) => return true,
            ("allow", ["from", "all"]) => opened = true,
            ("order", _) => ordered = true,
            _ if node.children.as_deref().is_some_and(restricts) => return true,
            _ => {}
        }
    }
    ordered && !opened
}
