//! httpd's configuration language: files to a tree of directives, the tree to hosts.
//!
//! Two steps. Reading ([`Reader`]) does what httpd does while it reads: joins continued lines,
//! replaces `${NAME}`, follows `Include`, decides `<IfModule>` and its relatives, and nests
//! sections. Applying ([`apply`]) goes through the tree with the [`directive`] table in hand.
//! Neither stops at an error.

mod apply;
mod condition;
mod directive;
mod draft;
mod include;
mod known;
mod lex;
mod loaded;
mod macros;
mod modules;
mod opened;
mod section;
mod variables;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

#[cfg(test)]
pub(crate) use self::directive::{SECTIONS, states};
pub(crate) use self::{
    apply::{apply, listen, remote_ip::read_list, variables::indicators},
    draft::{AccessLine, Draft, LogsDraft, MountLine, Options, RequestsDraft, Server},
    macros::used_at,
};
use self::{
    loaded::Loaded,
    macros::{Line, Macros},
    opened::{Opened, Refused},
    section::Nesting,
    variables::Variables,
};
use crate::{
    blank,
    diag::{Diagnostics, Origin},
    files::{self, Files},
};

/// A directive or a section, variables replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Node {
    /// The name as it was written; without brackets for a section.
    pub(crate) name: String,
    /// Everything behind the name, not split into words yet.
    pub(crate) args: String,
    /// Where it was written; the first line of a continued one.
    pub(crate) origin: Origin,
    /// What a section holds; `None` for a directive.
    pub(crate) children: Option<Vec<Self>>,
}

/// What reading gives.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) nodes: Vec<Node>,
    /// The base of relative paths.
    pub(crate) server_root: PathBuf,
    /// Every file, each once, in reading order.
    pub(crate) files: Vec<PathBuf>,
    pub(crate) diagnostics: Diagnostics,
}

/// Reads a file and what it includes. `server_root` counts until a `ServerRoot` is met;
/// `defines` are `NAME` or `NAME=VALUE`.
pub(crate) fn read(path: &Path, server_root: &Path, defines: &[String], files: &dyn Files) -> Tree {
    let mut reader = Reader {
        files,
        variables: Variables::default(),
        macros: Macros::default(),
        server_root: server_root.to_owned(),
        opened: Opened::default(),
        loaded: Loaded::default(),
        diagnostics: Diagnostics::default(),
    };
    for define in defines {
        let (name, value) = define.split_once('=').unwrap_or((define, ""));
        reader.variables.define(name, value);
    }
    let nodes = reader.file(path, None);
    Tree {
        nodes,
        server_root: reader.server_root,
        files: reader.opened.into_read(),
        diagnostics: reader.diagnostics,
    }
}

/// What looks like `"` and is text.
const TYPOGRAPHIC_QUOTES: &[char] = &['“', '”', '„', '‟', '«', '»'];

/// Whether these bytes are something else altogether; with what to do about it.
fn no_configuration(bytes: &[u8]) -> Option<(&'static str, &'static str)> {
    if bytes.contains(&0) {
        let help = "Name the configuration itself: text in httpd's syntax, such as jk.conf.";
        return Some(("the file is no text: it has bytes of value 0", help));
    }
    let text = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let help = "Name the configuration of httpd, such as jk.conf; of Tomcat's server.xml only the \
                AJP connector's port and secret matter, and they belong into workers.properties.";
    text.trim_ascii_start().starts_with(b"<?xml").then_some((
        "the file is XML, not a configuration in httpd's syntax",
        help,
    ))
}

/// The words of a line, quotes taken off.
pub(crate) fn words(text: &str) -> Vec<String> {
    lex::words(text)
}

struct Reader<'a> {
    files: &'a dyn Files,
    variables: Variables,
    macros: Macros,
    server_root: PathBuf,
    opened: Opened,
    /// The `LoadModule` lines read so far.
    loaded: Loaded,
    diagnostics: Diagnostics,
}

impl Reader<'_> {
    /// Reads one file. `included` says where it was named.
    fn file(&mut self, path: &Path, included: Option<&Origin>) -> Vec<Node> {
        let name: Arc<str> = path.display().to_string().into();
        let whole = Origin::new(Arc::clone(&name), 0);
        let origin = included.unwrap_or(&whole);
        if !self.may_read(path, origin) {
            return Vec::new();
        }
        let Some(bytes) = self.bytes(path, origin, included.is_some()) else {
            return Vec::new();
        };
        if bytes.starts_with(b"\xFF\xFE") || bytes.starts_with(b"\xFE\xFF") {
            self.diagnostics
                .error(&whole, "the file is UTF-16 text")
                .help("Save it as UTF-8 (Windows Notepad: Save as, Encoding UTF-8).");
            return Vec::new();
        }
        if let Some((what, help)) = no_configuration(&bytes) {
            self.diagnostics.error(&whole, what).help(help);
            return Vec::new();
        }
        if !self.opened.enter(path, bytes.len()) {
            self.diagnostics
                .error(
                    origin,
                    "files are included again and again, too often to be read",
                )
                .help("Look for files that include others more than once, and those again.");
            return Vec::new();
        }
        let nodes = self.content(&name, &String::from_utf8_lossy(&bytes));
        self.opened.leave();
        nodes
    }

    fn bytes(&mut self, path: &Path, origin: &Origin, included: bool) -> Option<Vec<u8>> {
        let error = match self.files.read(path) {
            Ok(bytes) => return Some(bytes),
            Err(error) => error,
        };
        let reason = files::reason(&error);
        let help = if included {
            "Correct the path (relative ones start at ServerRoot, else at the first file's \
             directory), or write IncludeOptional."
        } else {
            "Correct the path of the configuration file."
        };
        self.diagnostics
            .error(origin, format!("cannot read {}: {reason}", path.display()))
            .help(files::remedy(&error).unwrap_or(help));
        None
    }

    /// Whether a file may be read where it is named. Says why not, but for what has been said.
    fn may_read(&mut self, path: &Path, origin: &Origin) -> bool {
        let (how, help) = match self.opened.check(path) {
            Ok(()) => return !self.opened.is_too_often(path),
            Err(Refused::Circle) => (
                "again while it is read",
                "Remove the Include that closes the circle.",
            ),
            Err(Refused::Depth) => (
                "too deep",
                "Let an outer file include it: files include files 19 deep at most.",
            ),
        };
        self.diagnostics
            .error(origin, format!("{} is included {how}", path.display()))
            .help(help);
        false
    }

    fn content(&mut self, file: &Arc<str>, text: &str) -> Vec<Node> {
        let mut nesting = Nesting::default();
        let lines = lex::lines(text).into_iter().map(|line| Line {
            text: line.text,
            origin: Origin::new(Arc::clone(file), line.number),
        });
        self.lines(lines, &mut nesting);
        nesting.finish(&mut self.diagnostics)
    }

    fn lines(&mut self, lines: impl IntoIterator<Item = Line>, nesting: &mut Nesting) {
        let mut lines = lines.into_iter();
        while let Some(Line { text, origin }) = lines.next() {
            let content = lex::trim(&text);
            if content.is_empty() || content.starts_with('#') {
                continue;
            }
            if nesting.is_skipping() {
                nesting.skipped_line(content, &origin, &mut self.diagnostics);
                continue;
            }
            let text = self.expand(&text, &origin);
            let text = lex::trim(&text);
            match lex::word(text) {
                Some((name, _)) if name.trim_end_matches('>').eq_ignore_ascii_case("<Macro") => {
                    let (_, args) = section::split(text, &origin, &mut self.diagnostics);
                    self.define_macro(args, &origin, &mut lines);
                }
                Some((name, args)) if name.eq_ignore_ascii_case("Use") => {
                    self.use_macro(args, &origin, nesting);
                }
                Some(_) => self.line(text, &origin, nesting),
                None => {}
            }
        }
    }

    fn expand(&mut self, text: &str, origin: &Origin) -> String {
        let files = self.files;
        let expanded = self.variables.expand(text, &|name| files.env(name));
        let Some((text, mut unknown)) = expanded else {
            self.diagnostics
                .error(origin, "the variables of all lines put in too much text")
                .help(
                    "Look for a variable that is defined by itself, or by others again and again.",
                );
            return text.to_owned();
        };
        if lex::word(&text).is_some_and(|(name, _)| known::contains(&name)) {
            // The line means nothing here anyway.
            unknown.clear();
        }
        // What has a colon is a look into a map of mod_rewrite.
        unknown.retain(|name| !name.contains(':'));
        for name in unknown {
            self.diagnostics
                .warning(
                    origin,
                    format!("${{{name}}} is not defined: the text stays as it is"),
                )
                .help(format!(
                    "Write `Define {name} VALUE` above, or set it in the environment."
                ));
        }
        self.warn_of_odd_characters(&text, origin);
        text
    }

    fn warn_of_odd_characters(&mut self, text: &str, origin: &Origin) {
        if text.contains(char::REPLACEMENT_CHARACTER) {
            self.diagnostics
                .warning(origin, "the line is not UTF-8 text")
                .help("Save the file as UTF-8.");
        }
        if let Some(quote) = text.chars().find(|c| TYPOGRAPHIC_QUOTES.contains(c)) {
            self.diagnostics
                .warning(
                    origin,
                    format!("the line has a quotation mark of a word processor, {quote}, which quotes nothing"),
                )
                .help("Write a plain \" in its place.");
        }
        if let Some(blank) = lex::foreign_blank(text) {
            let code = u32::from(blank);
            self.diagnostics
                .warning(
                    origin,
                    format!("U+{code:04X} looks like a blank and is a part of the word"),
                )
                .help(blank::REMEDY);
        }
    }

    fn line(&mut self, text: &str, origin: &Origin, nesting: &mut Nesting) {
        let Some((name, args)) = lex::word(text) else {
            return;
        };
        if name.starts_with("</") {
            nesting.close(text, origin, &mut self.diagnostics);
        } else if name.starts_with('<') {
            let (name, args) = section::split(text, origin, &mut self.diagnostics);
            let condition = self.condition(name, args, origin);
            nesting.open(name, args, origin, condition, &mut self.diagnostics);
        } else if let Some(nodes) = self.immediate(&name, args, origin) {
            nesting.extend(nodes);
        } else {
            nesting.extend([Node {
                name,
                args: args.to_owned(),
                origin: origin.clone(),
                children: None,
            }]);
        }
    }

    fn define(&mut self, name: &str, value: &str, origin: &Origin) {
        if name.contains(':') {
            let message = format!("the variable name {name} must not contain `:`");
            self.diagnostics
                .error(origin, message)
                .help("Choose a name of letters, digits and `_`.");
        } else {
            self.variables.define(name, value);
        }
    }

    /// Directives that are carried out while reading. `None`: it is none of them.
    fn immediate(&mut self, name: &str, args: &str, origin: &Origin) -> Option<Vec<Node>> {
        let words = lex::words(args);
        let lower = name.to_ascii_lowercase();
        match (&*lower, &*words) {
            ("include" | "includeoptional", [file]) => {
                return Some(self.include(file, lower == "includeoptional", origin));
            }
            ("define", [name]) => self.define(name, "", origin),
            ("define", [name, value]) => self.define(name, value, origin),
            ("undefine", [name]) => self.variables.undefine(name),
            ("undefmacro", [name]) => self.undefine_macro(name, origin),
            ("serverroot", [root]) => self.server_root = self.server_root.join(root),
            ("loadmodule", [module, ..]) => {
                self.loaded.note(module);
                return None;
            }
            ("error", _) => {
                let text = words.join(" ");
                self.diagnostics
                    .error(origin, format!("the file says: {text}"))
                    .help("This is an Error line: do what it says, or remove it.");
            }
            ("include" | "includeoptional" | "undefine" | "undefmacro" | "serverroot", _) => {
                self.diagnostics
                    .error(
                        origin,
                        format!("{name} takes one argument, not {}", words.len()),
                    )
                    .help("Write one line for each, and put one with blanks in quotes.");
            }
            ("define", _) => {
                self.diagnostics
                    .error(
                        origin,
                        format!("{name} takes one or two arguments: a name and a value"),
                    )
                    .help("Put a value with blanks in quotes.");
            }
            _ => return None,
        }
        Some(Vec::new())
    }
}
