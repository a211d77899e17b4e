//! A value of a setting, and what it is in the model.

use std::{fmt, sync::Arc, time::Duration};

use jkworkers::model::{Lock, Method};

/// A value of a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Flag(bool),
    Lock(Lock),
    Method(Method),
    Number(i64),
    Text(Arc<str>),
}

impl Value {
    pub(super) fn text(text: Option<&str>) -> Self {
        Self::Text(text.unwrap_or_default().into())
    }

    pub(super) fn millis(time: Option<Duration>) -> Self {
        let millis = time.unwrap_or_default().as_millis();
        Self::Number(i64::try_from(millis).unwrap_or(i64::MAX))
    }

    pub(super) fn seconds(time: Option<Duration>) -> Self {
        let seconds = time.unwrap_or_default().as_secs();
        Self::Number(i64::try_from(seconds).unwrap_or(i64::MAX))
    }

    pub(super) fn number(&self) -> u32 {
        match self {
            Self::Number(number) => u32::try_from(*number).unwrap_or_default(),
            _ => 0,
        }
    }

    pub(super) fn flag(&self) -> bool {
        *self == Self::Flag(true)
    }

    pub(super) fn as_text(&self) -> &str {
        match self {
            Self::Text(text) => text,
            _ => "",
        }
    }

    pub(super) fn as_name(&self) -> Option<Arc<str>> {
        let text = self.as_text();
        (!text.is_empty()).then(|| text.into())
    }

    /// Zero is none.
    pub(super) fn some_millis(&self) -> Option<Duration> {
        let time = Duration::from_millis(self.number().into());
        (!time.is_zero()).then_some(time)
    }

    /// The same in seconds.
    pub(super) fn some_seconds(&self) -> Option<Duration> {
        let time = Duration::from_secs(self.number().into());
        (!time.is_zero()).then_some(time)
    }
}

impl fmt::Display for Value {
    /// As mod_jk logs it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => u8::from(*flag).fmt(f),
            Self::Lock(Lock::Optimistic) => f.write_str("Optimistic"),
            Self::Lock(Lock::Pessimistic) => f.write_str("Pessimistic"),
            Self::Method(Method::Busyness) => f.write_str("Busyness"),
            Self::Method(Method::Next) => f.write_str("Next"),
            Self::Method(Method::Request) => f.write_str("Request"),
            Self::Method(Method::Session) => f.write_str("Sessions"),
            Self::Method(Method::Traffic) => f.write_str("Traffic"),
            Self::Number(number) => number.fmt(f),
            Self::Text(text) => text.escape_debug().fmt(f),
        }
    }
}
