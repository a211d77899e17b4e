//! `Alias` of one argument: a section says where the file for all that it is about would be.

use std::os::unix::ffi::OsStrExt as _;

use http::StatusCode;
use jkworkers::model::{Asked, SectionAlias};

use super::place::{Place, Pointer, is_hidden, segments};
use crate::{expressions::Subject, rescue::Stumble, rewriting::LocalFile};

impl Pointer {
    /// What rules about rewriting have made of its request, and what a section says about the path
    /// that came, which nobody asks about what a worker answers.
    ///
    /// # Errors
    ///
    /// Those of [`aliased`].
    pub(crate) fn of<'a>(
        file: Option<LocalFile>,
        by_section: Option<impl FnOnce() -> Subject<'a>>,
        came: &[u8],
    ) -> Result<Self, Stumble> {
        let alias = by_section.map(|subject| aliased(&subject().without_file(), came));
        Ok(Self {
            file,
            alias: alias.transpose()?.flatten(),
        })
    }
}

/// Where such a line leads. As in httpd the sections about `came` count, the path before any rule
/// has made another one of it, and of these the `<Location>`s: nobody knows of files yet.
///
/// # Errors
///
/// 403 where a client has named what nobody may see, 500 where it cannot be said what the line means.
pub(crate) fn aliased(subject: &Subject<'_>, came: &[u8]) -> Result<Option<Place>, Stumble> {
    let host = subject.host;
    if !host.said.aliases {
        return Ok(None);
    }
    let asked = Asked::at(came);
    let chosen = subject.choose(asked);
    let about = host.alias_about(asked.choosing(&chosen.sections));
    let Some((alias, keeps_path)) = about else {
        return Ok(None);
    };
    let made = filled(alias, subject)?;
    let kept = keeps_path.then(|| alias.rest(subject.path)).flatten();
    let (_, rest) = kept.unwrap_or_default();
    let name = from_root(alias.root.as_os_str().as_bytes(), &[&*made, rest].concat());
    if alias.text().constant().is_none() && segments(&name).any(is_hidden) {
        return Err(Stumble::HiddenFile);
    }
    Ok(Some(Place {
        is_script: alias.scripts,
        is_fixed: alias.text().constant().is_some() && rest.is_empty(),
        context: kept.map(|(path, _)| (made, path.as_bytes().to_vec())),
        ..Place::at(name)
    }))
}

fn filled(alias: &SectionAlias, subject: &Subject<'_>) -> Result<Vec<u8>, Stumble> {
    let text = alias.text();
    text.evaluate(subject).map_err(|fault| {
        let client = &subject.peer.ip_text;
        tracing::error!(%client, "Can't evaluate alias expression \"{text}\": {fault}");
        Stumble::Said(StatusCode::INTERNAL_SERVER_ERROR)
    })
}

/// A name without `.`, `..` and doubled slashes; a relative one begins at `root`. Nothing is above `/`.
fn from_root(root: &[u8], name: &[u8]) -> Vec<u8> {
    let whole = match name {
        [b'/', ..] => name.to_vec(),
        _ => [root, b"/", name].concat(),
    };
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in segments(&whole) {
        match part {
            b"" | b"." => {}
            b".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    let mut short = Vec::with_capacity(whole.len());
    for part in &parts {
        short.push(b'/');
        short.extend_from_slice(part);
    }
    let ends_open = matches!(segments(name).last(), Some(b"" | b"." | b".."));
    if ends_open || parts.is_empty() {
        short.push(b'/');
    }
    if whole.starts_with(b"/") {
        short
    } else {
        // A relative `ServerRoot`.
        short.split_off(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_whole() {
        for (root, name, expected) in [
            ("/srv", "a/b", "/srv/a/b"),
            ("/srv/", "a//b/", "/srv/a/b/"),
            ("/srv", "./a/../b", "/srv/b"),
            ("/srv", "../../../etc", "/etc"),
            ("/srv", "a/..", "/srv/"),
            ("/srv", "/x/./y", "/x/y"),
            ("/srv", "/..", "/"),
            ("/srv", "", "/srv/"),
            ("conf", "a", "conf/a"),
        ] {
            let whole = from_root(root.as_bytes(), name.as_bytes());
            assert_eq!(whole, expected.as_bytes(), "{root} {name}");
        }
    }
}
