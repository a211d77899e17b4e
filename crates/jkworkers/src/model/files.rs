//! What is said about files: where they are, how they are found, and what they are.

use std::{path::PathBuf, sync::Arc};

use serde::Serialize;

use super::{etag::ETagRule, types::Extensions};
use crate::{
    diag::Origin,
    pattern::{Pattern, Template},
};

/// Where the files of one host are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Roots {
    /// `DocumentRoot`: absolute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document_root: Option<PathBuf>,
    /// `Alias` and its relatives, in the order in which they are tried.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<Alias>,
    /// `AccessFileName`: files that may say more about a directory than this configuration does.
    /// They are not read: where one counts, the directory is closed.
    pub access_files: Vec<String>,
}

/// `Alias`, `AliasMatch`, `ScriptAlias` or `ScriptAliasMatch`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Alias {
    /// Which paths it is about.
    pub from: AliasFrom,
    /// The file or directory, as it was written.
    pub to: Arc<str>,
    /// The same, where it is made of what an expression found.
    #[serde(skip)]
    pub(crate) template: Option<Template>,
    /// The files are programs to be run, which nobody does here: they are never sent.
    pub scripts: bool,
    /// Where it was written.
    pub origin: Origin,
}

/// Which paths an alias is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AliasFrom {
    /// A path and everything below it.
    Path(String),
    /// What an expression finds.
    Pattern(Pattern),
}

/// What one server or section says about files.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FileSettings {
    /// `DirectoryIndex`: names of files, or paths, that stand for a directory. Empty: `disabled`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<Vec<String>>,
    /// `DirectorySlash`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slash: Option<bool>,
    /// `FallbackResource`: the path that stands for what is not there. Empty: `disabled`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fallback: Option<String>,
    /// `AcceptPathInfo`: whether a file stands for paths that go on behind it. `Default` is no for
    /// files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_info: Option<bool>,
    /// `Options`.
    pub options: Options,
    /// `AllowOverride`: whether files in the directories may say more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overrides: Option<bool>,
    /// `AllowOverrideList`: whether they may say single directives.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listed_overrides: Option<bool>,
    /// `ForceType`. Empty: `none`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub force_type: Option<String>,
    /// `AddDefaultCharset`. Empty: `Off`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_charset: Option<String>,
    /// `FileETag`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub etag: Option<ETagRule>,
    /// `MaxRanges` and its relatives.
    #[serde(skip_serializing_if = "RangeLimits::are_usual")]
    pub ranges: RangeLimits,
    /// `AddType` and its relatives.
    #[serde(skip)]
    pub extensions: Arc<Extensions>,
}

/// How many parts of an answer one request may ask for. 0: `none`, `u32::MAX`: `unlimited`, `None`:
/// nothing is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RangeLimits {
    /// `MaxRanges`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parts: Option<u32>,
    /// `MaxRangeOverlaps`: how many may touch the one before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overlaps: Option<u32>,
    /// `MaxRangeReversals`: how many of these may begin in front of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reversals: Option<u32>,
}

/// `Options`, as far as they mean something here. `None`: nothing is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Options {
    /// `FollowSymLinks`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub links: Option<bool>,
    /// `SymLinksIfOwnerMatch`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub own_links: Option<bool>,
}

impl Roots {
    /// What holds in a virtual host that says `self`.
    pub(crate) fn over(&self, base: &Self) -> Self {
        let own_root = self.document_root.as_ref();
        let own_names = Some(&self.access_files).filter(|names| !names.is_empty());
        Self {
            document_root: own_root.or(base.document_root.as_ref()).cloned(),
            aliases: self.aliases.iter().chain(&base.aliases).cloned().collect(),
            access_files: own_names.unwrap_or(&base.access_files).clone(),
        }
    }
}

impl Alias {
    /// The file for `path` (decoded), if the alias is about it: not cleaned.
    pub fn apply(&self, path: &[u8]) -> Option<Vec<u8>> {
        match &self.from {
            AliasFrom::Path(own) => {
                let rest = super::redirects::below(own.as_bytes(), path)?;
                Some([self.to.as_bytes(), rest].concat())
            }
            AliasFrom::Pattern(pattern) => {
                let groups = pattern.find(path)?;
                let filled = self.template.as_ref()?.fill(&groups)?;
                Some(filled.into_owned())
            }
        }
    }
}

impl FileSettings {
    /// Whether nothing was written.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether files in the directories are read. httpd reads them unless `AllowOverride` says `None`:
    /// where it is not written nothing is allowed in them, and what they say is an error.
    pub fn are_overridden(&self) -> bool {
        self.overrides.unwrap_or(true) || self.listed_overrides.unwrap_or(false)
    }

    /// Whether something is allowed in files in the directories.
    pub fn allow_overrides(&self) -> bool {
        self.overrides == Some(true) || self.listed_overrides == Some(true)
    }

    /// What holds where `self` is said inside of what says `base`.
    #[must_use]
    pub fn over(&self, base: &Self) -> Self {
        let Options { links, own_links } = self.options;
        Self {
            index: self.index.as_ref().or(base.index.as_ref()).cloned(),
            slash: self.slash.or(base.slash),
            fallback: self.fallback.as_ref().or(base.fallback.as_ref()).cloned(),
            path_info: self.path_info.or(base.path_info),
            options: Options {
                links: links.or(base.options.links),
                own_links: own_links.or(base.options.own_links),
            },
            overrides: self.overrides.or(base.overrides),
            listed_overrides: self.listed_overrides.or(base.listed_overrides),
            force_type: (self.force_type.as_ref())
                .or(base.force_type.as_ref())
                .cloned(),
            default_charset: (self.default_charset.as_ref())
                .or(base.default_charset.as_ref())
                .cloned(),
            etag: match (self.etag, base.etag) {
                (Some(own), Some(base)) => Some(own.over(base)),
                (own, base) => own.or(base),
            },
            ranges: self.ranges.over(base.ranges),
            extensions: Extensions::over(&self.extensions, &base.extensions),
        }
    }
}

impl RangeLimits {
    /// httpd's default of `MaxRanges`.
    pub const PARTS: u32 = 200;
    /// httpd's default of `MaxRangeOverlaps` and `MaxRangeReversals`.
    pub const ODDITIES: u32 = 20;

    /// Whether nothing is said.
    pub fn are_usual(&self) -> bool {
        *self == Self::default()
    }

    /// Whether there are no parts at all: `MaxRanges none`.
    pub fn forbid_parts(self) -> bool {
        self.parts == Some(0)
    }

    /// Whether so many parts may be sent, of which so many were put together.
    pub fn allow(self, parts: usize, overlaps: usize, reversals: usize) -> bool {
        let fits = |count: usize, most: Option<u32>, usual: u32| {
            let most = most.unwrap_or(usual);
            most == u32::MAX || u32::try_from(count).is_ok_and(|count| count <= most)
        };
        fits(parts, self.parts, Self::PARTS)
            && fits(overlaps, self.overlaps, Self::ODDITIES)
            && fits(reversals, self.reversals, Self::ODDITIES)
    }

    fn over(self, base: Self) -> Self {
        Self {
            parts: self.parts.or(base.parts),
            overlaps: self.overlaps.or(base.overlaps),
            reversals: self.reversals.or(base.reversals),
        }
    }
}

impl Options {
    /// Whether symbolic links are followed: httpd's default.
    pub fn follows_links(self) -> bool {
        self.links.unwrap_or(true)
    }

    /// Whether they are followed where link and target belong to the same user.
    pub fn follows_own_links(self) -> bool {
        self.own_links.unwrap_or(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alias(from: AliasFrom, to: &str) -> Alias {
        let template = matches!(from, AliasFrom::Pattern(_)).then(|| Template::with_groups(to));
        Alias {
            from,
            to: to.into(),
            template,
            scripts: false,
            origin: Origin::new("test", 1),
        }
    }

    #[test]
    fn aliases_say_where_files_are() {
        let plain = alias(AliasFrom::Path("/a".into()), "/srv/a");
        assert_eq!(plain.apply(b"/a/b c").as_deref(), Some(&b"/srv/a/b c"[..]));
        assert_eq!(plain.apply(b"/ab"), None);
        let slash = alias(AliasFrom::Path("/a/".into()), "/srv/a/");
        assert_eq!(slash.apply(b"/a/b").as_deref(), Some(&b"/srv/a/b"[..]));
        assert_eq!(slash.apply(b"/a"), None);
        let pattern = Pattern::new(r"^/u/(\w+)\.x$", false).unwrap();
        let matched = alias(AliasFrom::Pattern(pattern), "/srv/$1/f");
        assert_eq!(
            matched.apply(b"/u/me.x").as_deref(),
            Some(&b"/srv/me/f"[..])
        );
        assert_eq!(matched.apply(b"/u/.x"), None);
    }

    #[test]
    fn inner_settings_win_one_by_one() {
        let base = FileSettings {
            index: Some(vec!["a".into()]),
            slash: Some(true),
            options: Options {
                links: Some(true),
                own_links: None,
            },
            ..FileSettings::default()
        };
        let own = FileSettings {
            index: Some(Vec::new()),
            options: Options {
                links: Some(false),
                own_links: None,
            },
            ..FileSettings::default()
        };
        let merged = own.over(&base);
        assert_eq!(merged.index, Some(Vec::new()));
        assert_eq!(merged.slash, Some(true));
        assert!(!merged.options.follows_links());
        assert!(FileSettings::default().options.follows_links());
        assert!(!base.is_empty() && FileSettings::default().is_empty());
    }
}
