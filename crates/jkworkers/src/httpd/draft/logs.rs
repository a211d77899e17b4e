//! What a server says about logs, nicknames not looked up yet.

use crate::{
    diag::Origin,
    error_format::ErrorFormat,
    expr::Expression,
    log_format::LogFormat,
    model::{Levels, LogLevel, LogPlace, LogTarget, OnlyIf, StampFormat},
};

/// What a server says about logs.
#[derive(Debug, Default)]
pub(crate) struct LogsDraft {
    /// Nicknames; of several the last one counts.
    pub(crate) formats: Vec<(String, LogFormat)>,
    /// `LogFormat` without a nickname: for `TransferLog`.
    pub(crate) default_format: Option<LogFormat>,
    pub(crate) access: Vec<AccessLine>,
    pub(crate) error: Option<LogPlace>,
    pub(crate) error_level: Levels,
    /// `ErrorLogFormat`
    pub(crate) error_line: Option<ErrorFormat>,
    pub(crate) error_connection: Option<Vec<ErrorFormat>>,
    pub(crate) error_request: Option<Vec<ErrorFormat>>,
    /// `LogIOTrackTTFB`.
    pub(crate) first_byte: Option<bool>,
    pub(crate) jk_file: Option<LogPlace>,
    pub(crate) jk_level: Option<LogLevel>,
    pub(crate) stamp: Option<StampFormat>,
    pub(crate) requests: RequestsDraft,
}

/// `JkRequestLogFormat`.
#[derive(Clone, Debug, Default)]
pub(crate) enum RequestsDraft {
    #[default]
    Inherited,
    /// It cannot be read: nothing is logged.
    Nothing,
    Own(LogFormat),
}

/// `CustomLog`, `TransferLog` or `GlobalLog`.
#[derive(Debug)]
pub(crate) struct AccessLine {
    pub(crate) to: LogTarget,
    /// A nickname or a format; `None` for `TransferLog`.
    pub(crate) format: Option<String>,
    pub(crate) only: Option<OnlyIf>,
    pub(crate) when: Option<Expression>,
    /// `GlobalLog`: virtual hosts with logs of their own have it, too.
    pub(crate) global: bool,
    pub(crate) origin: Origin,
}
