//! Moments, as mod_jk writes them: in local time.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::{Timestamp, Zoned, tz::TimeZone};

use super::{Field, Fields};

/// The time of the server.
pub(super) fn fields(now: SystemTime) -> Fields<'static> {
    let (datetime, zone) = local(now);
    vec![
        Field::text("datetime", datetime),
        Field::text("tz", zone),
        Field::number("unix", unix(now)),
    ]
}

/// `YYYYMMDDhhmmss`, and the distance from UTC as `+hhmm`.
pub(super) fn local(moment: SystemTime) -> (String, String) {
    let timestamp = Timestamp::try_from(moment).unwrap_or_default();
    written(&timestamp.to_zoned(TimeZone::system()))
}

fn written(moment: &Zoned) -> (String, String) {
    let datetime = moment.strftime("%Y%m%d%H%M%S").to_string();
    (datetime, moment.strftime("%z").to_string())
}

/// Whole seconds since 1970.
pub(super) fn unix(moment: SystemTime) -> u64 {
    let since = moment.duration_since(UNIX_EPOCH);
    since.as_ref().map_or(0, Duration::as_secs)
}

/// The moment this long before `now`.
pub(super) fn ago(now: SystemTime, age: Duration) -> SystemTime {
    now.checked_sub(age).unwrap_or(UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_as_mod_jk_does() {
        let moment = |text: &str| text.parse::<Zoned>().unwrap();
        for (text, datetime, zone) in [
            ("2026-03-04T05:06:07+00:00[UTC]", "20260304050607", "+0000"),
            (
                "2026-07-04T23:59:59-03:30[-03:30]",
                "20260704235959",
                "-0330",
            ),
        ] {
            let expected = (datetime.to_owned(), zone.to_owned());
            assert_eq!(written(&moment(text)), expected);
        }
    }

    #[test]
    fn seconds_are_whole() {
        let moment = UNIX_EPOCH + Duration::from_millis(2900);
        assert_eq!(unix(moment), 2);
        assert_eq!(unix(ago(moment, Duration::from_secs(1))), 1);
        assert_eq!(unix(ago(moment, Duration::from_secs(3))), 0);
    }
}
