//! What a server or a section says about the requests that it is about, topic by topic.

use std::sync::Arc;

use serde::Serialize;

use super::{
    Access, Auth, CanonicalName, ErrorDocuments, FileSettings, FilterSettings, HeaderRules, Levels,
    Lookups, Methods, Redirects, SectionAlias, Signature, TlsSettings,
    variables::{Handler, VariableRules},
};
use crate::rewrite::SectionRewriting;

/// The settings of one server or one section: each topic has a type of its own, with its own rule
/// for what happens where several sections are about the same request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Settings {
    /// Who may come in.
    pub access: Access,
    /// `Header`, `RequestHeader`.
    #[serde(skip_serializing_if = "HeaderRules::is_empty")]
    pub headers: HeaderRules,
    /// How users prove who they are.
    #[serde(skip_serializing_if = "Auth::is_empty")]
    pub auth: Auth,
    /// Rules about variables, as far as anybody reads what they set.
    #[serde(skip_serializing_if = "VariableRules::is_empty")]
    pub variables: VariableRules,
    /// `AllowMethods`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub methods: Option<Methods>,
    /// `LimitRequestBody`, bytes; `u64::MAX` is no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_body: Option<u64>,
    /// `LogLevel`, in a section.
    #[serde(skip_serializing_if = "Levels::is_empty")]
    pub log_levels: Levels,
    /// `LogIOTrackTTFB`, in a section.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_byte: Option<bool>,
    /// `HostnameLookups`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lookups: Option<Lookups>,
    /// `UseCanonicalName`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canonical_name: Option<CanonicalName>,
    /// `UseCanonicalPhysicalPort`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub physical_port: Option<bool>,
    /// `ServerSignature`: what the variable of this name says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signature: Option<Signature>,
    /// `Alias` and `ScriptAlias`, in a `<Location>`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alias: Option<Arc<SectionAlias>>,
    /// `AliasPreservePath`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alias_keeps_path: Option<bool>,
    /// `SetHandler`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handler: Option<Handler>,
    /// `Redirect` and its relatives.
    #[serde(skip_serializing_if = "Redirects::is_empty")]
    pub redirects: Redirects,
    /// `ErrorDocument`.
    #[serde(skip_serializing_if = "ErrorDocuments::is_empty")]
    pub error_documents: ErrorDocuments,
    /// How files are found, and what they are.
    #[serde(skip_serializing_if = "FileSettings::is_empty")]
    pub files: FileSettings,
    /// What is done with answers as they leave.
    #[serde(skip_serializing_if = "FilterSettings::is_empty")]
    pub filters: FilterSettings,
    /// Rules about rewriting, for sections.
    #[serde(skip_serializing_if = "SectionRewriting::is_empty")]
    pub rewriting: SectionRewriting,
    /// What variables say about TLS, and where it is required.
    #[serde(rename = "tls_options", skip_serializing_if = "TlsSettings::is_empty")]
    pub tls: TlsSettings,
}

impl Settings {
    /// Whether nothing was written.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What holds in a virtual host that says `self`, in a main server that says `base`.
    pub(crate) fn over(&self, base: &Self) -> Self {
        Self {
            access: self.access.clone(),
            headers: self.headers.over(&base.headers),
            auth: self.auth.clone(),
            variables: self.variables.over(&base.variables),
            methods: self.methods.clone().or_else(|| base.methods.clone()),
            max_body: self.max_body.or(base.max_body),
            log_levels: self.log_levels.over(&base.log_levels),
            first_byte: None,
            lookups: self.lookups.or(base.lookups),
            canonical_name: self.canonical_name.or(base.canonical_name),
            physical_port: self.physical_port.or(base.physical_port),
            signature: self.signature.or(base.signature),
            alias: None,
            alias_keeps_path: self.alias_keeps_path.or(base.alias_keeps_path),
            handler: self.handler.or(base.handler),
            redirects: self.redirects.over(&base.redirects),
            error_documents: self.error_documents.over(&base.error_documents),
            files: self.files.over(&base.files),
            filters: self.filters.over(&base.filters),
            rewriting: self.rewriting.over(&base.rewriting),
            tls: self.tls.over(&base.tls),
        }
    }
}
