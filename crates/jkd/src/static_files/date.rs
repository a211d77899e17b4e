//! Dates in fields of requests, as httpd reads them: it looks at no day of the week, and at nothing
//! behind the time. Libraries are stricter, and a client's date that they refuse would count with
//! httpd.

use std::time::{Duration, SystemTime};

use jiff::{civil, tz::TimeZone};

/// How a date may be written, behind the day of the week: `9` is a digit, `A` and `a` are letters
/// of that case, `_` is a digit or a blank. What follows is not looked at. And where in it the year
/// (as long as there), the month, the day and the time begin.
const FORMS: [(&str, Range, usize, Range, usize); 4] = [
    ("99 Aaa 9999 99:99:99 ", (7, 11), 3, (0, 2), 12),
    ("99-Aaa-99 99:99:99 ", (7, 9), 3, (0, 2), 10),
    ("Aaa _9 99:99:99 9999", (16, 20), 0, (4, 6), 7),
    ("9 Aaa 9999 99:99:99 ", (6, 10), 2, (0, 1), 11),
];

type Range = (usize, usize);

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// The date; `None` where httpd knows none.
pub(crate) fn parse(field: &[u8]) -> Option<SystemTime> {
    let text = std::str::from_utf8(field.trim_ascii_start()).ok()?;
    let (_, text) = text.split_once(' ')?;
    let is_so = |form: &str| form.len() <= text.len() && form.bytes().zip(text.bytes()).all(fits);
    let &(_, year, month, day, time) = FORMS.iter().find(|(form, ..)| is_so(form))?;
    let number = |(from, to): Range| text.get(from..to)?.trim_start().parse::<i16>().ok();
    let year = match (number(year)?, year.1 - year.0) {
        (year @ ..70, 2) => year + 2000,
        (year, 2) => year + 1900,
        (year, _) => year,
    };
    let name = text.get(month..month + 3)?;
    let month = MONTHS.iter().position(|own| *own == name)?;
    let month = i8::try_from(month).ok()? + 1;
    let date = civil::Date::new(year, month, i8::try_from(number(day)?).ok()?).ok()?;
    let [hour, minute, second] = [time, time + 3, time + 6].map(|at| number((at, at + 2)));
    let (hour, minute, second) = (hour?, minute?, second?);
    if hour > 23 || minute > 59 || second > 61 {
        return None;
    }
    let midnight = date.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second();
    let seconds = midnight + (i64::from(hour) * 60 + i64::from(minute)) * 60 + i64::from(second);
    let since = Duration::from_secs(u64::try_from(seconds).ok()?);
    (!since.is_zero()).then(|| SystemTime::UNIX_EPOCH + since)
}

const fn fits((form, byte): (u8, u8)) -> bool {
    match form {
        b'9' => byte.is_ascii_digit(),
        b'_' => byte.is_ascii_digit() || byte == b' ',
        b'A' => byte.is_ascii_uppercase(),
        b'a' => byte.is_ascii_lowercase(),
        _ => byte == form,
    }
}

/// Whether a condition names this `Last-Modified`, and that tells enough: what has changed within a
/// minute may do so again under the same date.
pub(crate) fn is_date_of(condition: &[u8], modified: Option<&[u8]>) -> bool {
    const MINUTE: Duration = Duration::from_secs(60);
    let modified = modified.and_then(parse);
    modified.is_some_and(|modified| {
        parse(condition) == Some(modified) && modified + MINUTE <= SystemTime::now()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_as_httpd_does() {
        for (text, seconds) in [
            ("Sun, 13 Sep 2020 12:26:40 GMT", Some(1_600_000_000)),
            ("Mon, 13 Sep 2020 12:26:40 GMT", Some(1_600_000_000)),
            ("  x 13 Sep 2020 12:26:40 +0200; x", Some(1_600_000_000)),
            ("Sun, 3 Sep 2020 12:26:40 GMT", Some(1_599_136_000)),
            ("Sunday, 13-Sep-20 12:26:40 GMT", Some(1_600_000_000)),
            ("Sunday, 13-Sep-70 12:26:40 GMT", Some(22_076_800)),
            ("Sun Sep 13 12:26:40 2020", Some(1_600_000_000)),
            ("Sun Sep  3 12:26:40 2020", Some(1_599_136_000)),
            ("Sun, 13 Sep 2020 12:26:61 GMT", Some(1_600_000_021)),
            ("Sat, 29 Feb 2020 00:00:00 GMT", Some(1_582_934_400)),
            ("Thu, 01 Jan 1970 00:00:00 GMT", None),
            ("Fri, 01 Jan 1960 00:00:00 GMT", None),
            ("Mon, 29 Feb 2021 00:00:00 GMT", None),
            ("Sun, 31 Sep 2020 12:26:40 GMT", None),
            ("Sun, 32 Oct 2020 12:26:40 GMT", None),
            ("Sun, 00 Oct 2020 12:26:40 GMT", None),
            ("Sun, 13 Sap 2020 12:26:40 GMT", None),
            ("Sun, 13 sep 2020 12:26:40 GMT", None),
            ("Sun, 13 Sep 2020 24:26:40 GMT", None),
            ("Sun, 13 Sep 2020 12:60:40 GMT", None),
            ("Sun, 13 Sep 2020 12:26:62 GMT", None),
            ("Sun, 13 Sep 2020 12:26:40", None),
            ("13 Sep 2020 12:26:40 GMT", None),
            ("Sun, 13-Sep-2020 12:26:40 GMT", None),
            ("Sun, 13 S\u{e9}p 2020 12:26:40 GMT", None),
            ("Sun", None),
            ("", None),
        ] {
            let read = parse(text.as_bytes());
            let since = read.map(|at| at.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs());
            assert_eq!(since, seconds, "{text}");
        }
        assert_eq!(parse(b"\xff \xff"), None);
    }
}
