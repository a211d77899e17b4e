//! Dates as answers say them (RFC 9110, section 5.6.7).

use std::time::{Duration, SystemTime};

/// The last second of the year 9999, after 1970: the form has no room for more.
const LAST: Duration = Duration::from_secs(253_402_300_799);

/// The date. What lies before 1970 is 1970, as httpd says it, and what lies behind 9999 the end of
/// 9999: files may claim to be of any time.
pub(crate) fn http_date(moment: SystemTime) -> String {
    let since = moment.duration_since(SystemTime::UNIX_EPOCH);
    let since = since.unwrap_or_default().min(LAST);
    httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + since)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_has_a_date() {
        let (epoch, seconds) = (SystemTime::UNIX_EPOCH, Duration::from_secs);
        for (moment, expected) in [
            (epoch - seconds(1), "Thu, 01 Jan 1970 00:00:00 GMT"),
            (epoch - seconds(1 << 61), "Thu, 01 Jan 1970 00:00:00 GMT"),
            (epoch, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (
                epoch + seconds(1_600_000_000),
                "Sun, 13 Sep 2020 12:26:40 GMT",
            ),
            (epoch + LAST, "Fri, 31 Dec 9999 23:59:59 GMT"),
            (epoch + LAST + seconds(1), "Fri, 31 Dec 9999 23:59:59 GMT"),
            (epoch + seconds(1 << 61), "Fri, 31 Dec 9999 23:59:59 GMT"),
        ] {
            assert_eq!(http_date(moment), expected, "{moment:?}");
        }
    }
}
