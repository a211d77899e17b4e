//! Moments as logs show them, in the zone of the machine.

use std::{
    cell::RefCell,
    fmt::Write as _,
    sync::OnceLock,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use jiff::{
    Timestamp, Zoned,
    fmt::strtime::{BrokenDownTime, Config, PosixCustom},
    tz::TimeZone,
};

/// Since 1970; a clock before that counts as 1970.
pub(super) fn since_1970(moment: SystemTime) -> Duration {
    moment.duration_since(UNIX_EPOCH).unwrap_or_default()
}

thread_local! {
    /// The last second that was shown in the common log format: most lines share it.
    static LAST: RefCell<(u64, String)> = const { RefCell::new((u64::MAX, String::new())) };
}

/// Adds `[21/Nov/2026:18:44:00 +0000]`.
pub(super) fn common(line: &mut Vec<u8>, moment: Duration) {
    LAST.with_borrow_mut(|(second, text)| {
        if *second != moment.as_secs() {
            *second = moment.as_secs();
            text.clear();
            strftime(text, "[%d/%b/%Y:%H:%M:%S %z]", moment);
        }
        line.extend_from_slice(text.as_bytes());
    });
}

/// Adds what the C library's `strftime` makes of `format` in the `C` locale. What it does not know
/// stays as it is.
pub(super) fn strftime(text: &mut String, format: &str, moment: Duration) {
    let config = Config::new().custom(PosixCustom::new()).lenient(true);
    let zoned = zoned(moment);
    let shown = BrokenDownTime::from(&zoned).to_string_with_config(&config, format);
    // Lenient: only a moment beyond all measure fails.
    text.push_str(shown.as_deref().unwrap_or("-"));
}

/// Adds a `JkLogStampFormat`: `strftime`, and the first `%Q`, or else the first `%q`, as
/// milliseconds or microseconds.
pub(crate) fn stamp(text: &mut String, format: &str, moment: SystemTime) {
    let moment = since_1970(moment);
    let milliseconds = format.split_once("%Q");
    let parts = milliseconds.or_else(|| format.split_once("%q"));
    let Some((before, after)) = parts else {
        return strftime(text, format, moment);
    };
    strftime(text, before, moment);
    // Writing to a string cannot fail.
    let _ = if milliseconds.is_some() {
        write!(text, "{:03}", moment.subsec_millis())
    } else {
        write!(text, "{:06}", moment.subsec_micros())
    };
    strftime(text, after, moment);
}

fn zoned(moment: Duration) -> Zoned {
    static ZONE: OnceLock<TimeZone> = OnceLock::new();
    let seconds = i64::try_from(moment.as_secs()).unwrap_or_default();
    let nanos = i32::try_from(moment.subsec_nanos()).unwrap_or_default();
    let moment = Timestamp::new(seconds, nanos).unwrap_or_default();
    moment.to_zoned(ZONE.get_or_init(TimeZone::system).clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOMENT: Duration = Duration::new(1_795_286_640, 840_123_456);

    #[test]
    fn fractions_of_a_stamp() {
        let shown = |format| {
            let mut text = String::new();
            stamp(&mut text, format, UNIX_EPOCH + MOMENT);
            text
        };
        assert!(shown("[%a %b %d %H:%M:%S.%Q %Y] ").ends_with(":00.840 2026] "));
        assert_eq!(shown("%q|"), "840123|");
        assert_eq!(shown(""), "");
        assert_eq!(shown("%s.%Q"), "1795286640.840");
    }

    #[test]
    fn what_strftime_does_not_know_stays() {
        let mut text = String::new();
        strftime(&mut text, "%%%O %Y%", MOMENT);
        assert_eq!(text, "%%O 2026%");
    }

    #[test]
    fn the_common_form_is_remembered_for_a_second() {
        let shown = |moment| {
            let mut line = Vec::new();
            common(&mut line, moment);
            String::from_utf8(line).unwrap()
        };
        let first = shown(MOMENT);
        assert_eq!(first.len(), "[21/Nov/2026:18:44:00 +0000]".len());
        assert_eq!(shown(MOMENT + Duration::from_millis(100)), first);
        assert_ne!(shown(MOMENT + Duration::from_secs(1)), first);
    }
}
