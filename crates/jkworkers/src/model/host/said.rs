//! What a host says anything about, so that nobody looks where nothing is.

use super::Host;
use crate::model::{CanonicalName, Covers, Lookups, Section, Settings};

/// Whether something is written here, in a section or outside.
#[derive(Clone, Copy, Debug, Default)]
pub struct Said {
    /// `AddDefaultCharset` that names one.
    pub adds_charset: bool,
    /// `Alias` in a section.
    pub aliases: bool,
    /// `Header`, `RequestHeader`.
    pub changes_headers: bool,
    /// `<If>`.
    pub chooses: bool,
    /// `AddLanguage` and its relatives.
    pub describes_names: bool,
    /// `LimitRequestBody` in a section.
    pub limits_bodies: bool,
    /// `AllowMethods`.
    pub limits_methods: bool,
    /// `HostnameLookups` that wants names.
    pub looks_up_clients: bool,
    /// `UseCanonicalName DNS`.
    pub looks_up_itself: bool,
    /// `UseCanonicalName`, `UseCanonicalPhysicalPort` in a section.
    pub names_itself: bool,
    /// A section whose expression has groups with names.
    pub names_matches: bool,
    /// `SSLRequireSSL`.
    pub requires_tls: bool,
    /// `LogIOTrackTTFB` in a section.
    pub times_first_bytes: bool,
}

impl Said {
    /// What of it is written in this host.
    pub(crate) fn by(host: &Host) -> Self {
        let says = |what: fn(&Settings) -> bool| host.says(what);
        let in_sections = |what: fn(&Settings) -> bool| {
            let mut sections = host.sections.iter();
            sections.any(|section| what(&section.settings))
        };
        Self {
            adds_charset: says(|settings| {
                let charset = settings.files.default_charset.as_deref();
                charset.is_some_and(|charset| !charset.is_empty())
            }),
            aliases: says(|settings| settings.alias.is_some()),
            changes_headers: says(|settings| !settings.headers.is_empty()),
            chooses: (host.sections.iter()).any(|section| matches!(section.covers, Covers::If(_))),
            describes_names: says(|settings| settings.files.extensions.are_described()),
            limits_bodies: in_sections(|settings| settings.max_body.is_some()),
            limits_methods: says(|settings| settings.methods.is_some()),
            looks_up_clients: says(|s| s.lookups.unwrap_or_default() != Lookups::Off),
            looks_up_itself: says(|s| s.canonical_name == Some(CanonicalName::Dns)),
            names_itself: in_sections(|settings| {
                settings.canonical_name.is_some() || settings.physical_port.is_some()
            }),
            names_matches: host.sections.iter().any(Section::has_names),
            requires_tls: says(|settings| settings.tls.required),
            times_first_bytes: says(|settings| settings.first_byte.is_some()),
        }
    }
}

impl Host {
    /// Whether it is written anywhere, in a section or outside.
    pub(crate) fn says(&self, what: impl Fn(&Settings) -> bool) -> bool {
        let sections = self.sections.iter().map(|section| &section.settings);
        sections.chain([&self.settings]).any(what)
    }
}
