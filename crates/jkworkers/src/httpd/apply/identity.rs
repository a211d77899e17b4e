//! What servers say about themselves: `UseCanonicalName` and its relatives.

use super::{Apply, Call};
use crate::model::{Signature, Trace};

/// What is written; what is not is inherited.
#[derive(Clone, Debug, Default)]
pub(crate) struct IdentityDraft {
    pub(crate) canonical_name: Option<bool>,
    pub(crate) physical_port: Option<bool>,
    pub(crate) admin: Option<String>,
    pub(crate) signature: Option<Signature>,
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

/// `UseCanonicalName On|Off|DNS`
pub(in crate::httpd) fn canonical_name(apply: &mut Apply<'_>, call: &Call<'_>) {
    if call.first().eq_ignore_ascii_case("DNS") {
        let message = "UseCanonicalName DNS: addresses are not looked up".to_owned();
        let help = "Write On, and the name in ServerName.";
        return apply.error(call.origin, message, help);
    }
    if let Some(on) = apply.on_or_off(call) {
        apply.server().identity.canonical_name = Some(on);
    }
}

/// `UseCanonicalPhysicalPort On|Off`
pub(in crate::httpd) fn physical_port(apply: &mut Apply<'_>, call: &Call<'_>) {
    if let Some(on) = apply.on_or_off(call) {
        apply.server().identity.physical_port = Some(on);
    }
}

/// `ServerAdmin address`
pub(in crate::httpd) fn admin(apply: &mut Apply<'_>, call: &Call<'_>) {
    apply.server().identity.admin = Some(call.first().to_owned());
}

/// `ServerSignature On|Off|EMail`
pub(in crate::httpd) fn signature(apply: &mut Apply<'_>, call: &Call<'_>) {
    let words = [
        ("On", Signature::On),
        ("Off", Signature::Off),
        ("EMail", Signature::Email),
    ];
    if let Some(signature) = apply.one_of(&words, call) {
        apply.server().identity.signature = Some(signature);
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

/// `HostnameLookups On|Off|Double`
pub(in crate::httpd) fn lookups(apply: &mut Apply<'_>, call: &Call<'_>) {
    let words = [("On", true), ("Off", false), ("Double", true)];
    if apply.one_of(&words, call) == Some(true) {
        let message = format!("{}: names of clients are not looked up", call.name);
        let help = "Tomcat can look them up (enableLookups), or JK_REMOTE_HOST can say them.";
        apply.warning(call.origin, message, help);
    }
}
