//! Rules in sections: they look at the file of a request whose client may come in, and may have
//! it begin anew with another path.

use jkworkers::{
    model::{Asked, Host},
    rewrite::Spot,
};

use super::{Rewritten, Subject, Trail, rewrite_in};
use crate::{rescue::Stumble, static_files::Located};

/// What rules in sections have made of a request.
pub(crate) type InSections = Option<Box<Rewritten>>;

/// Where a request leads.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    filename: &'a [u8],
    path_info: &'a [u8],
    context: Option<(&'a [u8], &'a [u8])>,
}

impl<'a> Place<'a> {
    /// Of a request for this path, that a worker answers or that leads to a file.
    pub(crate) fn of(path: &'a [u8], located: Option<&'a Located>) -> Self {
        let Some(located) = located else {
            // mod_jk leaves no more of it.
            let filename = path.rsplit(|&b| b == b'/').next();
            return Self {
                filename: filename.unwrap_or_default(),
                path_info: b"",
                context: None,
            };
        };
        let (filename, path_info) = located.parts(path);
        Self {
            filename,
            path_info,
            context: located.context(),
        }
    }

    pub(crate) const fn filename(&self) -> &'a [u8] {
        self.filename
    }

    pub(crate) const fn path_info(&self) -> &'a [u8] {
        self.path_info
    }
}

/// Applies the rules of the sections about what is asked for. They may say instead how it ends, which
/// is for the caller to ask.
///
/// # Errors
///
/// 403 where links are not followed, which such rules need.
pub(crate) async fn in_sections(
    subject: Subject<'_>,
    trail: &Trail,
    asked: Asked<'_>,
    place: Place<'_>,
) -> Result<InSections, Stumble> {
    if trail.is_last() {
        return Ok(None);
    }
    let made = unnoticed(subject, asked, place).await?;
    if let Some(made) = &made {
        trail.leave(made);
        if made.stumble.is_some() && subject.on_behalf_of.is_none() {
            trail.is_ended_by_rule();
        }
    }
    Ok(made)
}

/// The same for a request that is not made: it leaves no trail.
///
/// # Errors
///
/// 403 where links are not followed, which such rules need.
pub(super) async fn unnoticed(
    subject: Subject<'_>,
    asked: Asked<'_>,
    place: Place<'_>,
) -> Result<InSections, Stumble> {
    let Some(rules) = subject.host.rewriting_about(asked) else {
        return Ok(None);
    };
    if !rules.is_about(place.filename) {
        return Ok(None);
    }
    check_links(subject.host, asked)?;
    let spot = Spot {
        rules: &rules,
        filename: place.filename,
        path_info: place.path_info,
        context: place.context,
    };
    Ok(Some(rewrite_in(subject.about(asked), spot).await))
}

fn check_links(host: &Host, asked: Asked<'_>) -> Result<(), Stumble> {
    let options = host.files_about(asked).options;
    if options.follows_links() || options.follows_own_links() {
        return Ok(());
    }
    tracing::error!(
        "RewriteRule in a section needs Options FollowSymLinks or SymLinksIfOwnerMatch there: 403"
    );
    Err(Stumble::Forbidden)
}
