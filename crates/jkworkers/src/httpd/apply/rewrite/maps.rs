//! `RewriteMap`

use std::path::PathBuf;

use crate::{
    diag::excerpt,
    httpd::apply::{Apply, Call},
    rewrite::Map,
};

/// `RewriteMap name [type:]source`
pub(in crate::httpd) fn map(apply: &mut Apply<'_>, call: &Call<'_>) {
    let [name, source, ..] = call.words else {
        return;
    };
    if let Some(map) = read(apply, call, source) {
        apply.rewriting();
        apply.server().rewriting.maps.add(name.clone(), map);
    }
}

fn read(apply: &mut Apply<'_>, call: &Call<'_>, source: &str) -> Option<Map> {
    let (kind, rest) = source.split_once(':').unwrap_or(("txt", source));
    Some(match &*kind.to_ascii_lowercase() {
        "txt" => Map::Text(apply.file_of(call, rest)),
        "rnd" => Map::Random(apply.file_of(call, rest)),
        "int" => return internal(apply, call, rest),
        lower if is_elsewhere(lower) => {
            let message = format!("RewriteMap: {}: there are no such maps here", excerpt(kind));
            let help = "Write the keys and values into a file of text, and txt: before its name.";
            apply.error(call.origin, message, help);
            return None;
        }
        // A colon in the name of a file.
        _ => Map::Text(apply.file_of(call, source)),
    })
}

/// Databases and programs.
fn is_elsewhere(kind: &str) -> bool {
    matches!(kind, "prg" | "dbm" | "dbd" | "fastdbd") || kind.starts_with("dbm=")
}

fn internal(apply: &mut Apply<'_>, call: &Call<'_>, name: &str) -> Option<Map> {
    Some(match name {
        "toupper" => Map::ToUpper,
        "tolower" => Map::ToLower,
        "escape" => Map::Escape,
        "unescape" => Map::Unescape,
        _ => {
            let message = format!("RewriteMap: internal map not found: {}", excerpt(name));
            let help = "Write int:toupper, int:tolower, int:escape or int:unescape.";
            apply.error(call.origin, message, help);
            return None;
        }
    })
}

impl Apply<'_> {
    /// A file that has to be there.
    fn file_of(&mut self, call: &Call<'_>, name: &str) -> PathBuf {
        let file = self.path(name);
        let needed = (call.name, file.clone(), call.origin.clone());
        self.draft.needed.push(needed);
        file
    }
}
