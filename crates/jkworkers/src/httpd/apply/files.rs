//! Directives about files: where they are, and how they are found.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{Apply, Call};
use crate::{
    diag::excerpt,
    model::{Alias, AliasFrom, Covers, ETagComponents, FileSettings, SectionAlias},
    pattern::{Pattern, Template},
};

/// `DocumentRoot directory`
pub(in crate::httpd) fn document_root(apply: &mut Apply<'_>, call: &Call<'_>) {
    let directory = apply.path(call.first());
    let origin = call.origin.clone();
    apply.server().roots.document_root = Some(directory.clone());
    let is_main = apply.server == 0;
    apply.draft.directories.push((directory, origin, is_main));
}

/// `Alias path file`; in a `<Location>` `Alias file`
pub(in crate::httpd) fn alias(apply: &mut Apply<'_>, call: &Call<'_>) {
    apply.add_alias(call, false);
}

/// `ScriptAlias path directory`; in a `<Location>` `ScriptAlias file`
pub(in crate::httpd) fn script_alias(apply: &mut Apply<'_>, call: &Call<'_>) {
    apply.tell_of_scripts(call);
    apply.add_alias(call, true);
}

/// `AliasPreservePath On|Off`
pub(in crate::httpd) fn alias_preserve_path(apply: &mut Apply<'_>, call: &Call<'_>) {
    if let Some(on) = apply.on_or_off(call) {
        apply.settings().alias_keeps_path = Some(on);
    }
}

/// `AliasMatch expression file`
pub(in crate::httpd) fn alias_match(apply: &mut Apply<'_>, call: &Call<'_>) {
    apply.add_alias_match(call, false);
}

/// `ScriptAliasMatch expression file`
pub(in crate::httpd) fn script_alias_match(apply: &mut Apply<'_>, call: &Call<'_>) {
    apply.tell_of_scripts(call);
    apply.add_alias_match(call, true);
}

/// `DirectoryIndex disabled|name …`
pub(in crate::httpd) fn directory_index(apply: &mut Apply<'_>, call: &Call<'_>) {
    let index = apply.files().index.get_or_insert_default();
    match call.words {
        [word] if word.eq_ignore_ascii_case("disabled") => index.clear(),
        words => index.extend_from_slice(words),
    }
}

/// `AcceptPathInfo On|Off|Default`
pub(in crate::httpd) fn accept_path_info(apply: &mut Apply<'_>, call: &Call<'_>) {
    let word = call.first().to_ascii_lowercase();
    apply.files().path_info = match &*word {
        "on" => Some(true),
        "off" | "default" => Some(false),
        _ => {
            let message = "AcceptPathInfo must be set to on, off or default".to_owned();
            return apply.error(call.origin, message, "Write On, Off or Default.");
        }
    };
}

/// `DirectorySlash On|Off`
pub(in crate::httpd) fn directory_slash(apply: &mut Apply<'_>, call: &Call<'_>) {
    if let Some(on) = apply.on_or_off(call) {
        apply.files().slash = Some(on);
    }
}

/// `FallbackResource disabled|path`
pub(in crate::httpd) fn fallback_resource(apply: &mut Apply<'_>, call: &Call<'_>) {
    let text = call.first();
    let path = if text.eq_ignore_ascii_case("disabled") {
        ""
    } else {
        text
    };
    if !path.is_empty() && !path.starts_with('/') {
        let message = format!("FallbackResource {} does not begin with /", excerpt(path));
        return apply.error(call.origin, message, "Write a path, or `disabled`.");
    }
    apply.files().fallback = Some(path.to_owned());
}

/// `Options [+|-]name …`
pub(in crate::httpd) fn options(apply: &mut Apply<'_>, call: &Call<'_>) {
    let signed = |word: &&String| word.starts_with(['+', '-']);
    let count = call.words.iter().filter(signed).count();
    if count > 0 && count < call.words.len() {
        let message = "either all Options must start with + or -, or no Option may";
        return apply.error(
            call.origin,
            message.to_owned(),
            "Write signs for all, or none.",
        );
    }
    if count == 0 {
        let options = &mut apply.files().options;
        (options.links, options.own_links) = (Some(false), Some(false));
    }
    for word in call.words {
        let (on, name) = match (word.strip_prefix('+'), word.strip_prefix('-')) {
            (Some(name), _) => (true, name),
            (_, Some(name)) => (false, name),
            _ => (true, word.as_str()),
        };
        apply.set_option(call, name, on);
    }
}

/// `AllowOverride All|None|type …`
pub(in crate::httpd) fn allow_override(apply: &mut Apply<'_>, call: &Call<'_>) {
    let known = |word: &String| {
        let lower = word.to_ascii_lowercase();
        let name = lower.split('=').next().unwrap_or_default();
        matches!(
            name,
            "all"
                | "none"
                | "authconfig"
                | "fileinfo"
                | "indexes"
                | "limit"
                | "options"
                | "nonfatal"
        )
    };
    if let Some(word) = call.words.iter().find(|word| !known(word)) {
        let message = format!("Illegal override option {}", excerpt(word));
        return apply.error(call.origin, message, "Write None.");
    }
    let allows = call.words.iter().fold(false, |allows, word| {
        let word = word.to_ascii_lowercase();
        match &*word {
            "none" => false,
            word if word.starts_with("nonfatal") => allows,
            _ => true,
        }
    });
    if apply.may_override(call, allows) {
        apply.files().overrides = Some(allows);
    }
}

/// `AllowOverrideList None|directive …`
pub(in crate::httpd) fn allow_override_list(apply: &mut Apply<'_>, call: &Call<'_>) {
    let is_none = |word: &String| word.eq_ignore_ascii_case("none");
    if call.words.len() > 1 && call.words.iter().any(is_none) {
        let message = "'None' not allowed with other directives in AllowOverrideList";
        return apply.error(call.origin, message.to_owned(), "Write None alone.");
    }
    let allows = !call.words.iter().all(is_none);
    if apply.may_override(call, allows) {
        apply.files().listed_overrides = Some(allows);
    }
}

/// `AccessFileName name …`
pub(in crate::httpd) fn access_file_name(apply: &mut Apply<'_>, call: &Call<'_>) {
    apply.server().roots.access_files = call.words.to_vec();
}

/// `FileETag All|None|[+|-]INode|MTime|Size|Digest …`
pub(in crate::httpd) fn file_etag(apply: &mut Apply<'_>, call: &Call<'_>) {
    let mut rule = apply.files().etag.unwrap_or_default();
    let mut is_first = true;
    for word in call.words {
        let bare = word.strip_prefix(['+', '-']).unwrap_or(word);
        let is_relative = bare.len() < word.len();
        let Some(parts) = apply.etag_parts(call, bare, is_relative) else {
            return;
        };
        match word.as_bytes() {
            [b'+', ..] => rule.add(parts),
            [b'-', ..] => rule.remove(parts),
            _ => {
                rule.set(parts, is_first);
                is_first = false;
            }
        }
    }
    apply.files().etag = Some(rule);
}

/// `EnableSendfile On|Off` and its like: nothing depends on it.
pub(in crate::httpd) fn flag(apply: &mut Apply<'_>, call: &Call<'_>) {
    let _ = apply.on_or_off(call);
}

/// `Action`: what it would have a program do to files is not done, and they would be sent.
pub(in crate::httpd) fn action(apply: &mut Apply<'_>, call: &Call<'_>) {
    let message = format!("{} has no effect here: no programs are run", call.name);
    let help = "Remove the line, and close what it is about by a <Location> or <Files> section.";
    apply.error(call.origin, message, help);
}

impl Apply<'_> {
    /// What a word of `FileETag` stands for; an error where it is none.
    fn etag_parts(
        &mut self,
        call: &Call<'_>,
        word: &str,
        is_relative: bool,
    ) -> Option<ETagComponents> {
        let parts = match &*word.to_ascii_lowercase() {
            "all" => ETagComponents::ALL,
            "none" => ETagComponents::NONE,
            "inode" => ETagComponents::INODE,
            "mtime" => ETagComponents::MTIME,
            "size" => ETagComponents::SIZE,
            "digest" => {
                let message = "FileETag Digest is not in effect: tags have MTime and Size instead";
                self.warning(call.origin, message.to_owned(), "Write MTime Size.");
                ETagComponents::DIGEST
            }
            _ => {
                let message = format!("Unknown keyword {} for FileETag directive", excerpt(word));
                self.error(call.origin, message, "Write MTime Size, All or None.");
                return None;
            }
        };
        if is_relative && matches!(parts, ETagComponents::ALL | ETagComponents::NONE) {
            let message = format!("FileETag keyword {word} cannot be used with + or -");
            self.error(call.origin, message, "Write it without a sign.");
            return None;
        }
        Some(parts)
    }

    pub(super) fn files(&mut self) -> &mut FileSettings {
        &mut self.settings().files
    }

    fn tell_of_scripts(&mut self, call: &Call<'_>) {
        let message = format!(
            "{}: programs are not run here; they are answered with 403",
            call.name
        );
        self.tell_once(call.name, call.origin, message);
    }

    fn add_alias(&mut self, call: &Call<'_>, scripts: bool) {
        let name = call.name;
        let ([from, to], None) = (call.words, self.within) else {
            return match (call.words, self.within) {
                ([_], Some(_)) if !self.methods.is_all() => {
                    let message = format!("{name} cannot occur within <Limit> section");
                    self.error(call.origin, message, "Write it outside of the <Limit>.");
                }
                ([to], Some(within)) if within.name.starts_with("Location") => {
                    self.add_section_alias(call, to, scripts);
                }
                ([_], Some(within)) => {
                    let message = format!("{name} cannot occur within <{}> section", within.name);
                    self.error(call.origin, message, "Write it inside a <Location>.");
                }
                ([_], None) => {
                    let message = format!("{name} must have two arguments when used globally");
                    self.error(call.origin, message, "Write `/PATH DIRECTORY` behind it.");
                }
                _ => {
                    let message = format!("{name} cannot occur within directory context");
                    let help = "Leave the path out, or move the line out of the section.";
                    self.error(call.origin, message, help);
                }
            };
        };
        if !from.starts_with('/') {
            let message = format!("{}: {} does not begin with /", call.name, excerpt(from));
            return self.error(
                call.origin,
                message,
                "Write a path of requests, then a directory.",
            );
        }
        let to = self.path(to);
        self.push_alias(call, AliasFrom::Path(from.clone()), &to, scripts);
    }

    fn add_section_alias(&mut self, call: &Call<'_>, to: &str, scripts: bool) {
        let root = self.server_root.to_owned();
        let Some(section) = self.current_section() else {
            return;
        };
        let path = match &section.covers {
            Covers::Location(place) => Some(place.text()),
            _ => None,
        };
        match SectionAlias::new(to, root, path, scripts, call.origin) {
            Ok(alias) => section.settings.alias = Some(Arc::new(alias)),
            Err(bad) => {
                let message = format!("{} {}: {bad}", call.name, excerpt(to));
                self.error(call.origin, message, bad.remedy());
            }
        }
    }

    fn add_alias_match(&mut self, call: &Call<'_>, scripts: bool) {
        let [expression, to] = call.words else { return };
        let to = if to.starts_with('$') {
            PathBuf::from(to)
        } else {
            self.path(to)
        };
        match Pattern::new(expression, false) {
            Ok(pattern) => self.push_alias(call, AliasFrom::Pattern(pattern), &to, scripts),
            Err(bad) => {
                let text = excerpt(expression);
                let message = format!("{} {text}: cannot use the expression: {bad}", call.name);
                self.error(call.origin, message, bad.remedy());
            }
        }
    }

    fn push_alias(&mut self, call: &Call<'_>, from: AliasFrom, to: &Path, scripts: bool) {
        // What was written was text.
        let mut text = to.to_string_lossy().into_owned();
        let written = call.words.get(1).map_or("", String::as_str);
        if written.ends_with('/') && !text.ends_with('/') {
            text.push('/');
        }
        let template = matches!(from, AliasFrom::Pattern(_)).then(|| Template::with_groups(&text));
        self.server().roots.aliases.push(Alias {
            from,
            to: text.into(),
            template,
            scripts,
            origin: call.origin.clone(),
        });
    }

    fn set_option(&mut self, call: &Call<'_>, name: &str, on: bool) {
        let options = &mut self.files().options;
        match &*name.to_ascii_lowercase() {
            "followsymlinks" | "all" => options.links = Some(on),
            "symlinksifownermatch" => options.own_links = Some(on),
            "none" => (options.links, options.own_links) = (Some(false), Some(false)),
            "indexes" | "multiviews" if on => {
                let message = format!(
                    "Options {name} is not in effect: directories are not listed \
                                       and names not completed"
                );
                self.tell_once(&format!("Options {name}"), call.origin, message);
            }
            "execcgi" | "includes" | "includesnoexec" | "includesnoexe" | "indexes"
            | "multiviews" => {}
            _ => {
                let message = format!("Illegal option {}", excerpt(name));
                self.error(call.origin, message, "Write FollowSymLinks or None.");
            }
        }
    }

    /// Whether a line about files in the directories counts: in `<Directory>` without regular
    /// expressions only.
    fn may_override(&mut self, call: &Call<'_>, allows: bool) -> bool {
        let elsewhere = match self.current_section().map(|section| &section.covers) {
            Some(Covers::Directory(_)) => None,
            Some(covers) => Some(covers.to_string()),
            None => {
                let message = format!("{} not allowed here", call.name);
                self.error(call.origin, message, "Write it inside a <Directory>.");
                return false;
            }
        };
        if let Some(covers) = elsewhere {
            let message = format!("{} has no effect inside {covers}", call.name);
            self.diagnostics.warning(call.origin, message);
            return false;
        }
        if allows {
            let message = format!(
                "{} is not in effect: directories with a file that it allows are answered with 403",
                call.name
            );
            self.tell_once(call.name, call.origin, message);
        }
        true
    }
}
