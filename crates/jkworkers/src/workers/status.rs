//! Workers of type status.

use super::settings::Settings;
use crate::{
    directive::{
        BAD, CSS, DOCTYPE, Directive, GOOD, NS, PREFIX, READ_ONLY, USER, USER_CASE_INSENSITIVE,
        XMLNS,
    },
    model::StatusWorker,
};

pub(super) fn status(settings: &mut Settings<'_, '_>) -> StatusWorker {
    StatusWorker {
        css: owned(settings, &CSS),
        ns: owned(settings, &NS).filter(is_wanted),
        xmlns: owned(settings, &XMLNS).filter(is_wanted),
        doctype: owned(settings, &DOCTYPE),
        prefix: owned(settings, &PREFIX),
        read_only: settings.flag(&READ_ONLY),
        users: settings.list(&USER),
        user_case_insensitive: settings.flag(&USER_CASE_INSENSITIVE),
        good: settings.list(&GOOD),
        bad: settings.list(&BAD),
    }
}

fn owned(settings: &mut Settings<'_, '_>, directive: &Directive) -> Option<String> {
    settings.text(directive).map(str::to_owned)
}

/// A leading `-` means none.
#[allow(clippy::ptr_arg, reason = "Option::filter hands out what it holds")]
fn is_wanted(text: &String) -> bool {
    !text.starts_with('-')
}
