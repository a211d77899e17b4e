//! What is done with bodies of answers as they leave (`DEFLATE`), and how long clients may keep them
//! (mod_expires).

use std::sync::Arc;

use serde::Serialize;

/// What one server or section says about filters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FilterSettings {
    /// `SetOutputFilter`: whether it names `DEFLATE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deflate: Option<bool>,
    /// `AddOutputFilterByType DEFLATE`: the media types. Those of an inner section replace others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deflate_types: Option<Arc<Vec<String>>>,
    /// `ExpiresActive`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<bool>,
    /// `ExpiresDefault`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_default: Option<Expiry>,
    /// `ExpiresByType`: media types, or `text/*`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub expires_types: Vec<(String, Expiry)>,
}

/// When an answer expires: so many seconds after it was given, or after its file was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Expiry {
    /// After what.
    pub since: Since,
    /// Seconds; httpd counts with 32 bits, and what would lie in the past is now.
    pub seconds: i32,
}

/// What the time of an [`Expiry`] is counted from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Since {
    /// `A`, `access`, `now`
    Access,
    /// `M`, `modification`: nothing is said about what is no file.
    Modification,
}

/// What filters do at one host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Filtering {
    /// How answers are compressed.
    #[serde(flatten)]
    pub deflate: Deflate,
    /// Whether any answer may be compressed.
    #[serde(skip)]
    pub deflates: bool,
    /// Whether that may depend on the name of a file: `AddOutputFilter`.
    #[serde(skip)]
    pub deflates_by_name: bool,
    /// Whether any answer may be told when it expires.
    #[serde(skip)]
    pub expires: bool,
}

/// What one host says about compressing. Unlike most settings a virtual host that says anything of
/// it inherits nothing, as in httpd.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Deflate {
    /// `DeflateCompressionLevel`: 1 (fast) to 9 (small).
    pub level: u32,
    /// `DeflateAlterETag`.
    pub etag: AlterETag,
    /// `DeflateFilterNote Input`: the note with the length before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_note: Option<String>,
    /// `DeflateFilterNote Output`: the note with the length after, without what gzip puts around.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_note: Option<String>,
    /// `DeflateFilterNote Ratio`: the note with the second in percent of the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ratio_note: Option<String>,
}

impl Default for Deflate {
    fn default() -> Self {
        Self {
            level: Self::LEVEL,
            etag: AlterETag::AddSuffix,
            input_note: None,
            output_note: None,
            ratio_note: None,
        }
    }
}

/// `DeflateAlterETag`: what becomes of the `ETag` of an answer that is compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AlterETag {
    /// `-gzip` is put behind it.
    #[default]
    AddSuffix,
    /// It stays.
    NoChange,
    /// It goes.
    Remove,
}

impl Deflate {
    /// The level unless one is said: what zlib takes for a good compromise.
    pub const LEVEL: u32 = 6;
}

impl Filtering {
    pub(crate) fn is_usual(&self) -> bool {
        self.deflate == Deflate::default()
    }
}

impl FilterSettings {
    /// Whether nothing was written.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether any answer may be compressed for it.
    pub(crate) fn deflates(&self) -> bool {
        self.deflate == Some(true) || self.deflate_types.is_some()
    }

    /// What holds where `self` is said inside of what says `base`.
    pub(crate) fn over(&self, base: &Self) -> Self {
        let known = |kind: &str| {
            let mut own = self.expires_types.iter();
            own.any(|(own, _)| own.eq_ignore_ascii_case(kind))
        };
        let others = base.expires_types.iter().filter(|(kind, _)| !known(kind));
        let types = self.expires_types.iter().chain(others);
        Self {
            deflate: self.deflate.or(base.deflate),
            deflate_types: (self.deflate_types.clone()).or_else(|| base.deflate_types.clone()),
            expires: self.expires.or(base.expires),
            expires_default: self.expires_default.or(base.expires_default),
            expires_types: types.cloned().collect(),
        }
    }

    /// Whether `AddOutputFilterByType DEFLATE` names this type, whose parameters do not count.
    pub fn deflates_type(&self, content_type: &[u8]) -> bool {
        let mut parts = content_type.split(|b| matches!(b, b';' | b' ' | b'\t'));
        let bare = parts.next().unwrap_or_default();
        let mut types = self.deflate_types.iter().flat_map(|types| types.iter());
        types.any(|kind| kind.as_bytes() == bare)
    }

    /// When an answer of this type expires.
    pub fn expiry_of(&self, content_type: Option<&[u8]>) -> Option<Expiry> {
        if self.expires != Some(true) {
            return None;
        }
        let by_type = content_type.and_then(|kind| {
            let bare = kind.split(|b| *b == b';').next()?.trim_ascii_end();
            let class = || {
                let slash = kind.iter().position(|b| *b == b'/')?;
                self.expiry_named(&[kind.get(..=slash)?, b"*"].concat())
            };
            self.expiry_named(bare).or_else(class)
        });
        by_type.or(self.expires_default)
    }

    fn expiry_named(&self, kind: &[u8]) -> Option<Expiry> {
        let mut types = self.expires_types.iter();
        let found = types.find(|(name, _)| name.as_bytes().eq_ignore_ascii_case(kind));
        found.map(|(_, expiry)| *expiry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn after(seconds: i32) -> Expiry {
        Expiry {
            since: Since::Access,
            seconds,
        }
    }

    #[test]
    fn types_are_compared_without_their_parameters() {
        let settings = FilterSettings {
            deflate_types: Some(Arc::new(vec!["text/html".into()])),
            expires: Some(true),
            expires_default: Some(after(1)),
            expires_types: vec![("text/*".into(), after(2)), ("Text/HTML".into(), after(3))],
            ..FilterSettings::default()
        };
        for (kind, deflates, expires) in [
            ("text/html", true, 3),
            ("text/html;charset=x", true, 3),
            ("text/html ; a=b", true, 3),
            ("TEXT/html", false, 3),
            ("text/htm", false, 2),
            ("text/plain; x", false, 2),
            ("image/png", false, 1),
        ] {
            assert_eq!(settings.deflates_type(kind.as_bytes()), deflates, "{kind}");
            let expiry = settings.expiry_of(Some(kind.as_bytes()));
            assert_eq!(expiry, Some(after(expires)), "{kind}");
        }
        assert_eq!(settings.expiry_of(None), Some(after(1)));
    }

    #[test]
    fn inner_settings_replace_or_join() {
        let base = FilterSettings {
            deflate: Some(true),
            deflate_types: Some(Arc::new(vec!["a/b".into()])),
            expires_types: vec![("a/b".into(), after(1)), ("a/c".into(), after(2))],
            ..FilterSettings::default()
        };
        let own = FilterSettings {
            deflate_types: Some(Arc::new(vec!["c/d".into()])),
            expires: Some(true),
            expires_types: vec![("A/B".into(), after(3))],
            ..FilterSettings::default()
        };
        let both = own.over(&base);
        assert_eq!(both.deflate, Some(true));
        assert!(both.deflates_type(b"c/d") && !both.deflates_type(b"a/b"));
        assert_eq!(both.expiry_of(Some(b"a/b")), Some(after(3)));
        assert_eq!(both.expiry_of(Some(b"a/c")), Some(after(2)));
        assert_eq!(base.expiry_of(Some(b"a/b")), None);
    }
}
