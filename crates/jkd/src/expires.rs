//! mod_expires: until when an answer may be kept.

use std::time::{Duration, SystemTime};

use jkworkers::model::{Asked, Expiry, Host, Since};
use tokio::time::Instant;

use crate::{http_date::http_date, http1::Heading};

/// When a file was changed, for those who say until when it may be kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Modified(pub(crate) SystemTime);

/// Says it, unless the answer does already, or is an error. `began`: when the request came.
pub(crate) fn tell(head: &mut Heading, host: &Host, asked: Asked<'_>, began: Instant) {
    if !host.filtering.expires || head.status.as_u16() >= 400 || head.fields.contains("Expires") {
        return;
    }
    let filters = host.filters_about(asked);
    let content_type = head.values("content-type").next();
    let Some(expiry) = filters.expiry_of(content_type) else {
        return;
    };
    let now = SystemTime::now().checked_sub(began.elapsed());
    let now = now.unwrap_or(SystemTime::UNIX_EPOCH);
    let modified = head.extensions.get().map(|&Modified(time)| time);
    if let Some((until, age)) = times(expiry, now, modified) {
        let age = format!("max-age={age}");
        head.fields.append(b"Cache-Control", age.as_bytes());
        let until = http_date(until);
        head.fields.set(b"Expires", until.as_bytes());
    }
}

/// Until when, and how many seconds that is from now. `None` where that depends on a file, and there
/// is none.
fn times(
    expiry: Expiry,
    now: SystemTime,
    modified: Option<SystemTime>,
) -> Option<(SystemTime, u64)> {
    let base = match expiry.since {
        Since::Access => now,
        Since::Modification => modified?,
    };
    let length = Duration::from_secs(expiry.seconds.unsigned_abs().into());
    let until = if expiry.seconds < 0 {
        base.checked_sub(length)
    } else {
        base.checked_add(length)
    };
    // What lies in the past is now.
    let until = until.unwrap_or(now).max(now);
    let age = until.duration_since(now).unwrap_or_default();
    Some((until, age.as_secs()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::variables::tests::model;

    #[test]
    fn times_begin_with_the_request_or_the_file() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let expiry = |since, seconds| Expiry { since, seconds };
        let (now, modified) = (at(1000), Some(at(400)));
        for (expiry, expected) in [
            (expiry(Since::Access, 60), Some((at(1060), 60))),
            (expiry(Since::Access, 0), Some((now, 0))),
            (expiry(Since::Access, -60), Some((now, 0))),
            (expiry(Since::Access, i32::MIN), Some((now, 0))),
            (expiry(Since::Modification, 700), Some((at(1100), 100))),
            (expiry(Since::Modification, 60), Some((now, 0))),
        ] {
            assert_eq!(times(expiry, now, modified), expected, "{expiry:?}");
        }
        assert_eq!(times(expiry(Since::Modification, 60), now, None), None);
    }

    #[tokio::test]
    async fn a_file_may_claim_to_be_of_any_time() {
        let model = model("ExpiresActive On\nExpiresDefault M60\n", &[]);
        let far = SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 40);
        let mut head = Heading {
            status: http::StatusCode::OK,
            ..Heading::default()
        };
        head.extensions.insert(Modified(far));
        tell(&mut head, &model.hosts[0], Asked::at(b"/"), Instant::now());
        let last = &b"Fri, 31 Dec 9999 23:59:59 GMT"[..];
        assert_eq!(head.fields.get("Expires"), Some(last));
    }

    #[tokio::test]
    async fn what_the_answer_says_stays() {
        let model = model(
            "ExpiresActive On\nExpiresDefault A60\n<Location /off>\nExpiresActive Off\n</Location>\n",
            &[],
        );
        let host = &model.hosts[0];
        let said = |path: &str, status: u16, fields: &[(&str, &str)]| {
            let mut head = Heading {
                status: http::StatusCode::from_u16(status).unwrap(),
                ..Heading::default()
            };
            for (name, value) in fields {
                head.fields.add(name.as_bytes(), value.as_bytes());
            }
            tell(&mut head, host, Asked::at(path.as_bytes()), Instant::now());
            let control = head.fields.get("Cache-Control").map(<[u8]>::to_vec);
            String::from_utf8(control.unwrap_or_default()).unwrap()
        };
        assert_eq!(said("/", 200, &[]), "max-age=60");
        assert_eq!(said("/", 302, &[]), "max-age=60");
        assert_eq!(said("/", 404, &[]), "");
        assert_eq!(said("/off/x", 200, &[]), "");
        assert_eq!(said("/", 200, &[("expires", "0")]), "");
        let private = [("Cache-Control", "private")];
        assert_eq!(said("/", 200, &private), "private, max-age=60");
    }
}
