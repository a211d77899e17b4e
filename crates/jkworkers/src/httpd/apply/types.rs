//! What files are, by the extensions of their names.

use std::sync::Arc;

use super::{Apply, Call};
use crate::{diag::excerpt, model::Extension};

/// `ForceType type|none`
pub(in crate::httpd) fn force_type(apply: &mut Apply<'_>, call: &Call<'_>) {
    let text = call.first();
    let kind = if text.eq_ignore_ascii_case("none") {
        ""
    } else {
        text
    };
    if apply.check_value(call, kind) {
        apply.files().force_type = Some(kind.to_owned());
    }
}

/// `AddDefaultCharset On|Off|name`
pub(in crate::httpd) fn add_default_charset(apply: &mut Apply<'_>, call: &Call<'_>) {
    let name = match &*call.first().to_ascii_lowercase() {
        "on" => "iso-8859-1",
        "off" => "",
        _ => call.first(),
    };
    if apply.check_value(call, name) {
        apply.files().default_charset = Some(name.to_owned());
    }
}

/// `TypesConfig file`
pub(in crate::httpd) fn types_config(apply: &mut Apply<'_>, call: &Call<'_>) {
    if apply.server > 0 {
        let message = "TypesConfig has no effect inside <VirtualHost>";
        apply.diagnostics.warning(call.origin, message.to_owned());
        return;
    }
    let file = (apply.path(call.first()), call.origin.clone());
    apply.draft.types_config = Some(file);
}

/// `AddType type extension …`
pub(in crate::httpd) fn add_type(apply: &mut Apply<'_>, call: &Call<'_>) {
    apply.add_to_extensions(call, |said, value| said.kind = Some(value));
}

/// `AddCharset name extension …`
pub(in crate::httpd) fn add_charset(apply: &mut Apply<'_>, call: &Call<'_>) {
    apply.add_to_extensions(call, |said, value| said.charset = Some(value));
}

/// `AddLanguage tag extension …`
pub(in crate::httpd) fn add_language(apply: &mut Apply<'_>, call: &Call<'_>) {
    apply.add_to_extensions(call, |said, value| said.language = Some(value));
}

/// `AddEncoding name extension …`
pub(in crate::httpd) fn add_encoding(apply: &mut Apply<'_>, call: &Call<'_>) {
    apply.add_to_extensions(call, |said, value| said.encoding = Some(value));
}

/// `AddHandler name extension …`
pub(in crate::httpd) fn add_handler(apply: &mut Apply<'_>, call: &Call<'_>) {
    let name = call.first();
    let extensions = call.words.get(1..).unwrap_or_default().join(" ");
    match &*name.to_ascii_lowercase() {
        "default-handler" | "jakarta-servlet" | "none" => {}
        _ => {
            let message = format!(
                "there is no handler {name} here: files of its extensions ({extensions}) are \
                 answered with 404"
            );
            let help = "Remove the line where the files may be sent as they are.";
            apply.warning(call.origin, message, help);
        }
    }
    apply.add_to_extensions(call, |said, value| said.handler = Some(value));
}

/// `RemoveType extension …`
pub(in crate::httpd) fn remove_type(apply: &mut Apply<'_>, call: &Call<'_>) {
    apply.remove_from_extensions(call, |said| &mut said.kind);
}

/// `RemoveCharset extension …`
pub(in crate::httpd) fn remove_charset(apply: &mut Apply<'_>, call: &Call<'_>) {
    apply.remove_from_extensions(call, |said| &mut said.charset);
}

/// `RemoveLanguage extension …`
pub(in crate::httpd) fn remove_language(apply: &mut Apply<'_>, call: &Call<'_>) {
    apply.remove_from_extensions(call, |said| &mut said.language);
}

/// `RemoveEncoding extension …`
pub(in crate::httpd) fn remove_encoding(apply: &mut Apply<'_>, call: &Call<'_>) {
    apply.remove_from_extensions(call, |said| &mut said.encoding);
}

/// `RemoveHandler extension …`
pub(in crate::httpd) fn remove_handler(apply: &mut Apply<'_>, call: &Call<'_>) {
    apply.remove_from_extensions(call, |said| &mut said.handler);
}

impl Apply<'_> {
    pub(super) fn add_to_extensions(&mut self, call: &Call<'_>, set: fn(&mut Extension, Arc<str>)) {
        let Some((value, extensions)) = call.words.split_first() else {
            return;
        };
        if !self.check_value(call, value) {
            return;
        }
        let lower: Arc<str> = value.to_ascii_lowercase().into();
        let own = Arc::make_mut(&mut self.files().extensions);
        for extension in extensions {
            set(own.entry(extension), Arc::clone(&lower));
        }
    }

    pub(super) fn remove_from_extensions(
        &mut self,
        call: &Call<'_>,
        of: fn(&mut Extension) -> &mut Option<Arc<str>>,
    ) {
        let own = Arc::make_mut(&mut self.files().extensions);
        for extension in call.words {
            *of(own.entry(extension)) = Some("".into());
        }
    }

    /// Whether a text can be the value of a header; an error if it cannot.
    fn check_value(&mut self, call: &Call<'_>, value: &str) -> bool {
        let good = value.bytes().all(|b| matches!(b, b' '..=b'~'));
        if !good {
            let message = format!(
                "{}: {} cannot be sent in a header",
                call.name,
                excerpt(value)
            );
            self.error(call.origin, message, "Write ASCII characters.");
        }
        good
    }
}
