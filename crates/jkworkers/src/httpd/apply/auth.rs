//! `AuthType Basic` and what goes with it.

use std::{path::PathBuf, sync::Arc};

use super::{Apply, Call};
use crate::{diag::excerpt, expr::Text, model::AuthType};

/// `AuthType None|Basic`
pub(in crate::httpd) fn kind(apply: &mut Apply<'_>, call: &Call<'_>) {
    let text = call.first();
    let kind = match &*text.to_ascii_lowercase() {
        "none" => AuthType::None,
        "basic" => AuthType::Basic(text.into()),
        _ => {
            let message = format!("AuthType {text} is not supported: nobody could authenticate");
            return apply.error(call.origin, message, "Write `AuthType Basic`.");
        }
    };
    apply.settings().auth.kind = Some(kind);
}

/// `AuthName realm`
pub(in crate::httpd) fn name(apply: &mut Apply<'_>, call: &Call<'_>) {
    let realm = call.first();
    if realm.contains(|c: char| c.is_control()) {
        let message = "AuthName: the realm has a control character".to_owned();
        return apply.error(call.origin, message, "Write plain text.");
    }
    match Text::new(realm) {
        Ok(text) => apply.settings().auth.name = Some(text),
        Err(bad) => {
            let message = format!("AuthName {}: {bad}", excerpt(realm));
            apply.error(call.origin, message, bad.remedy());
        }
    }
}

/// `AuthUserFile file`
pub(in crate::httpd) fn user_file(apply: &mut Apply<'_>, call: &Call<'_>) {
    if apply.is_literal(call) {
        let file = apply.needed(call);
        apply.settings().auth.user_file = Some(file);
    }
}

/// `AuthGroupFile file`
pub(in crate::httpd) fn group_file(apply: &mut Apply<'_>, call: &Call<'_>) {
    if apply.is_literal(call) {
        let file = apply.needed(call);
        apply.settings().auth.group_file = Some(file);
    }
}

impl Apply<'_> {
    /// A file that is read when somebody wants to come in.
    fn needed(&mut self, call: &Call<'_>) -> Arc<PathBuf> {
        let file = self.path(call.first());
        let needed = (call.name, file.clone(), call.origin.clone());
        self.draft.needed.push(needed);
        Arc::new(file)
    }
}

/// `AuthBasicProvider file`
pub(in crate::httpd) fn provider(apply: &mut Apply<'_>, call: &Call<'_>) {
    let mut others = (call.words.iter()).filter(|word| !word.eq_ignore_ascii_case("file"));
    if let Some(other) = others.next() {
        let message = format!("AuthBasicProvider {other} is not supported");
        let help = "Write `AuthBasicProvider file`, and an AuthUserFile made by htpasswd.";
        apply.error(call.origin, message, help);
    }
}

/// `AuthBasicAuthoritative On|Off`
pub(in crate::httpd) fn authoritative(apply: &mut Apply<'_>, call: &Call<'_>) {
    let value = apply.on_or_off(call);
    apply.settings().auth.authoritative = value;
}

/// `AuthzSendForbiddenOnFailure On|Off`
pub(in crate::httpd) fn forbids(apply: &mut Apply<'_>, call: &Call<'_>) {
    let value = apply.on_or_off(call);
    apply.settings().auth.forbids = value;
}

/// `AuthBasicFake`, `AuthBasicUseDigestAlgorithm`: only `Off` is there.
pub(in crate::httpd) fn off(apply: &mut Apply<'_>, call: &Call<'_>) {
    if !call.first().eq_ignore_ascii_case("off") {
        let message = format!("{} is not supported", call.name);
        apply.error(call.origin, message, "Remove the line, or write Off.");
    }
}

impl Apply<'_> {
    /// Expressions are refused.
    fn is_literal(&mut self, call: &Call<'_>) -> bool {
        let is_literal = !call.first().contains("%{");
        if !is_literal {
            let message = format!("{}: expressions are not supported", call.name);
            self.error(call.origin, message, "Write the text itself.");
        }
        is_literal
    }
}
