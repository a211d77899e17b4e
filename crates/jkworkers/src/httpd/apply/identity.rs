//! What servers say about themselves: `UseCanonicalName` and its relatives.

use super::{Apply, Call};
use crate::model::{CanonicalName, Lookups, Signature, Trace};

/// What is written; what is not is inherited.
#[derive(Clone, Debug, Default)]
pub(crate) struct IdentityDraft {
    pub(crate) admin: Option<String>,
    pub(crate) version: Option<bool>,
    pub(crate) trace: Option<Trace>,
}

impl Apply<'_> {
    /// One of these words, whatever its case; an error if it is none.
    fn one_of<T: Copy>(&mut self, words: &[(&str, T)], call: &Call<'_>) -> Option<T> {
        let mut known = words.iter();
        let found = known.find(|(word, _)| word.eq_ignore_ascii_case(call.first()));
        if found.is_none() {
            let names: Vec<_> = words.iter().map(|(word, _)| *word).collect();
            let message = format!("{} must be one of {}", call.name, names.join(", "));
            self.error(call.origin, message, "Write one of them.");
        }
        found.map(|(_, meaning)| *meaning)
    }
}

/// `UseCanonicalName On|Off|DNS`, also in sections
pub(in crate::httpd) fn canonical_name(apply: &mut Apply<'_>, call: &Call<'_>) {
    let words = [
        ("On", CanonicalName::On),
        ("Off", CanonicalName::Off),
        ("DNS", CanonicalName::Dns),
    ];
    if let Some(canonical) = apply.one_of(&words, call) {
        apply.settings().canonical_name = Some(canonical);
    }
}

/// `UseCanonicalPhysicalPort On|Off`, also in sections
pub(in crate::httpd) fn physical_port(apply: &mut Apply<'_>, call: &Call<'_>) {
    if let Some(on) = apply.on_or_off(call) {
        apply.settings().physical_port = Some(on);
    }
}

/// `ServerAdmin address`
pub(in crate::httpd) fn admin(apply: &mut Apply<'_>, call: &Call<'_>) {
    apply.server().identity.admin = Some(call.first().to_owned());
}

/// `User name|#number`
pub(in crate::httpd) fn user(apply: &mut Apply<'_>, call: &Call<'_>) {
    apply.draft.account.user = Some((call.first().into(), call.origin.clone()));
}

/// `Group name|#number`
pub(in crate::httpd) fn group(apply: &mut Apply<'_>, call: &Call<'_>) {
    apply.draft.account.group = Some((call.first().into(), call.origin.clone()));
}

/// `ServerSignature On|Off|EMail`, also in sections
pub(in crate::httpd) fn signature(apply: &mut Apply<'_>, call: &Call<'_>) {
    let words = [
        ("On", Signature::On),
        ("Off", Signature::Off),
        ("EMail", Signature::Email),
    ];
    if let Some(signature) = apply.one_of(&words, call) {
        apply.settings().signature = Some(signature);
    }
}

/// `ServerTokens Full|OS|Minimal|Minor|Major|Prod`
pub(in crate::httpd) fn tokens(apply: &mut Apply<'_>, call: &Call<'_>) {
    let words = [
        ("Full", true),
        ("OS", true),
        ("Minimal", true),
        ("Min", true),
        ("Minor", true),
        ("Major", true),
        ("Prod", false),
        ("ProductOnly", false),
    ];
    if let Some(version) = apply.one_of(&words, call) {
        apply.server().identity.version = Some(version);
    }
}

/// `TraceEnable On|Off|extended`
pub(in crate::httpd) fn trace(apply: &mut Apply<'_>, call: &Call<'_>) {
    let words = [
        ("On", Trace::On),
        ("Off", Trace::Off),
        ("extended", Trace::Extended),
    ];
    if let Some(trace) = apply.one_of(&words, call) {
        apply.server().identity.trace = Some(trace);
    }
}

/// `HostnameLookups On|Off|Double`, also in sections
pub(in crate::httpd) fn lookups(apply: &mut Apply<'_>, call: &Call<'_>) {
    let words = [
        ("On", Lookups::On),
        ("Off", Lookups::Off),
        ("Double", Lookups::Double),
    ];
    if let Some(lookups) = apply.one_of(&words, call) {
        apply.settings().lookups = Some(lookups);
    }
}
