//! How users prove who they are: `AuthType` and what goes with it.

use std::{path::PathBuf, sync::Arc};

use serde::Serialize;

use crate::expr::Text;

/// What one section says about authentication. What it does not say comes from the sections before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Auth {
    /// `AuthType`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<AuthType>,
    /// `AuthName`: the realm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Text>,
    /// `AuthUserFile`: users and hashes of their passwords.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_file: Option<Arc<PathBuf>>,
    /// `AuthGroupFile`: groups and their members.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group_file: Option<Arc<PathBuf>>,
    /// `AuthBasicAuthoritative`: whether somebody else may know users that the file does not have.
    /// Nobody else is here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authoritative: Option<bool>,
    /// `AuthzSendForbiddenOnFailure`: users who may not come in get 403 rather than another 401.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forbids: Option<bool>,
}

/// `AuthType`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AuthType {
    /// `None`: nobody is asked.
    None,
    /// `Basic`, as it was written: backends are told so.
    Basic(Arc<str>),
}

impl Auth {
    /// Whether nothing was written.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
