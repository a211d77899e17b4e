//! Directives about files, redirections and pages of errors.

use super::{
    Arguments::Words,
    Directive,
    Effect::{Accepted, Works},
    MANY, ONE, ONE_OR_TWO,
    Place::{Anywhere, Global, Server},
    row,
};
use crate::httpd::apply::{files, redirects, types};

/// One row for each.
#[rustfmt::skip]
pub(super) const FILES: &[Directive] = &[
    row("AccessFileName", Server, MANY, Works(files::access_file_name)),
    row("Action", Anywhere, MANY, Works(files::action)),
    row("AddCharset", Anywhere, Words(2, usize::MAX), Works(types::add_charset)),
    row("AddDefaultCharset", Anywhere, ONE, Works(types::add_default_charset)),
    row("AddEncoding", Anywhere, Words(2, usize::MAX), Works(types::add_encoding)),
    row("AddHandler", Anywhere, Words(2, usize::MAX), Works(types::add_handler)),
    row("AddLanguage", Anywhere, Words(2, usize::MAX), Works(types::add_language)),
    row("AddType", Anywhere, Words(2, usize::MAX), Works(types::add_type)),
    row("Alias", Server, Words(2, 2), Works(files::alias)),
    row("AliasMatch", Server, Words(2, 2), Works(files::alias_match)),
    row("AllowOverride", Anywhere, MANY, Works(files::allow_override)),
    row("AllowOverrideList", Anywhere, MANY, Works(files::allow_override_list)),
    row("DirectoryIndex", Anywhere, MANY, Works(files::directory_index)),
    row("DirectorySlash", Anywhere, ONE, Works(files::directory_slash)),
    row("DocumentRoot", Server, ONE, Works(files::document_root)),
    row("EnableMMAP", Anywhere, ONE, Accepted(files::flag)),
    row("EnableSendfile", Anywhere, ONE, Accepted(files::flag)),
    row("ErrorDocument", Anywhere, Words(2, 2), Works(redirects::error_document)),
    row("FallbackResource", Anywhere, ONE_OR_TWO, Works(files::fallback_resource)),
    row("FileETag", Anywhere, MANY, Works(files::file_etag)),
    row("ForceType", Anywhere, ONE, Works(types::force_type)),
    row("Options", Anywhere, MANY, Works(files::options)),
    row("Redirect", Anywhere, Words(1, 3), Works(redirects::redirect)),
    row("RedirectMatch", Anywhere, Words(1, 3), Works(redirects::redirect_match)),
    row("RedirectPermanent", Anywhere, Words(2, 2), Works(redirects::redirect_permanent)),
    row("RedirectTemp", Anywhere, Words(2, 2), Works(redirects::redirect_temp)),
    row("RemoveCharset", Anywhere, MANY, Works(types::remove_charset)),
    row("RemoveEncoding", Anywhere, MANY, Works(types::remove_encoding)),
    row("RemoveHandler", Anywhere, MANY, Works(types::remove_handler)),
    row("RemoveLanguage", Anywhere, MANY, Works(types::remove_language)),
    row("RemoveType", Anywhere, MANY, Works(types::remove_type)),
    row("ScriptAlias", Server, Words(2, 2), Works(files::script_alias)),
    row("ScriptAliasMatch", Server, Words(2, 2), Works(files::script_alias_match)),
    row("TypesConfig", Global, ONE, Works(types::types_config)),
];
