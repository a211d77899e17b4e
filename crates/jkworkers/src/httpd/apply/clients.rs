//! Limits and timeouts towards clients.

use std::{num::NonZeroU32, str::FromStr, time::Duration};

use super::{Apply, Call};
use crate::{httpd::draft::ClientsDraft, model::Pace};

/// `KeepAlive On|Off`
pub(in crate::httpd) fn keep_alive(apply: &mut Apply<'_>, call: &Call<'_>) {
    if let Some(value) = apply.on_or_off(call) {
        apply.clients().keep_alive = Some(value);
    }
}

/// `KeepAliveTimeout time[unit]`
pub(in crate::httpd) fn keep_alive_timeout(apply: &mut Apply<'_>, call: &Call<'_>) {
    if let Some(time) = time(call.first()) {
        apply.clients().keep_alive_timeout = Some(time);
    } else {
        let message = format!("KeepAliveTimeout {} has wrong format", call.first());
        apply.error(
            call.origin,
            message,
            "Write seconds, or milliseconds: 5, 500ms.",
        );
    }
}

/// `MaxKeepAliveRequests number`
pub(in crate::httpd) fn max_keep_alive_requests(apply: &mut Apply<'_>, call: &Call<'_>) {
    if let Some(number) = apply.count(call, "100 is the default, 0 is no limit.") {
        apply.clients().max_keep_alive_requests = Some(number);
    }
}

/// `Timeout seconds`
pub(in crate::httpd) fn timeout(apply: &mut Apply<'_>, call: &Call<'_>) {
    if let Some(seconds) = apply.count::<u32>(call, "Write seconds; 60 is the default.") {
        let time = Duration::from_secs(u64::from(seconds));
        apply.clients().timeout = Some(time);
    }
}

/// `JkdSendMinRate bytes`: jkd's own.
pub(in crate::httpd) fn send_rate(apply: &mut Apply<'_>, call: &Call<'_>) {
    if let Some(bytes) = apply.count(
        call,
        "Write bytes a second; 100 is the default, 0 is no limit.",
    ) {
        apply.clients().send_rate = Some(bytes);
    }
}

/// `JkdMaxConnections number`: jkd's own.
pub(in crate::httpd) fn max_connections(apply: &mut Apply<'_>, call: &Call<'_>) {
    let help = "0, the default, is as many as the limit of open files leaves room for.";
    if let Some(number) = apply.count(call, help) {
        apply.draft.connections.most = NonZeroU32::new(number);
    }
}

/// `JkdMaxConnectionsPerClient number`: jkd's own.
pub(in crate::httpd) fn max_connections_of_client(apply: &mut Apply<'_>, call: &Call<'_>) {
    if let Some(number) = apply.count(call, "0, the default, is no limit.") {
        apply.draft.connections.of_one_client = NonZeroU32::new(number);
    }
}

/// `LimitRequestLine bytes`
pub(in crate::httpd) fn limit_line(apply: &mut Apply<'_>, call: &Call<'_>) {
    if let Some(bytes) = apply.count(call, "8190 is the default.") {
        apply.clients().max_line = Some(bytes);
    }
}

/// `LimitRequestFields number`
pub(in crate::httpd) fn limit_fields(apply: &mut Apply<'_>, call: &Call<'_>) {
    if let Some(number) = apply.count(call, "100 is the default, 0 is no limit.") {
        let most = if number == 0 { usize::MAX } else { number };
        apply.clients().max_fields = Some(most);
    }
}

/// `LimitRequestFieldSize bytes`
pub(in crate::httpd) fn limit_field_size(apply: &mut Apply<'_>, call: &Call<'_>) {
    if let Some(bytes) = apply.count(call, "8190 is the default.") {
        apply.clients().max_field = Some(bytes);
    }
}

/// `LimitRequestBody bytes`, also in sections
pub(in crate::httpd) fn limit_body(apply: &mut Apply<'_>, call: &Call<'_>) {
    if let Some(bytes) = apply.count(call, "1073741824 is the default, 0 is no limit.") {
        let most = if bytes == 0 { u64::MAX } else { bytes };
        apply.settings().max_body = Some(most);
    }
}

/// `RequestReadTimeout header=first[-most][,MinRate=rate] body=…`
pub(in crate::httpd) fn request_read_timeout(apply: &mut Apply<'_>, call: &Call<'_>) {
    for word in call.words {
        let (stage, text) = word.split_once('=').unwrap_or((word, ""));
        match (&*stage.to_ascii_lowercase(), pace(text)) {
            ("header", Ok(pace)) => apply.clients().head_pace = Some(pace),
            ("body", Ok(pace)) => apply.clients().body_pace = Some(pace),
            // There is no TLS.
            ("handshake", Ok(_)) => {}
            ("header" | "body" | "handshake", Err(why)) => {
                let message = format!("RequestReadTimeout {word}: {why}");
                apply.error(call.origin, message, PACE);
            }
            _ => {
                let message = format!("Unknown RequestReadTimeout parameter: {stage}");
                apply.error(call.origin, message, PACE);
            }
        }
    }
}

const PACE: &str = "Write such as header=20-40,MinRate=500 body=20,MinRate=500; 0 is no limit.";

/// `HttpProtocolOptions [Strict|Unsafe] [RegisteredMethods|LenientMethods] [Allow0.9|Require1.0]`
pub(in crate::httpd) fn protocol_options(apply: &mut Apply<'_>, call: &Call<'_>) {
    let is = |name: &str| {
        call.words
            .iter()
            .any(|word| word.eq_ignore_ascii_case(name))
    };
    if is("RegisteredMethods") && is("LenientMethods") {
        let message = "HttpProtocolOptions 'RegisteredMethods' and 'LenientMethods' are mutually \
                       exclusive";
        apply.error(call.origin, message.to_owned(), "Write one of them.");
        return;
    }
    for word in call.words {
        match &*word.to_ascii_lowercase() {
            "strict" | "require1.0" | "allow0.9" => {}
            "lenientmethods" => apply.server().clients.only_registered = Some(false),
            "registeredmethods" => apply.server().clients.only_registered = Some(true),
            "unsafe" => {
                let message = "HttpProtocolOptions Unsafe has no effect: requests that break \
                               HTTP are always refused";
                apply.tell_once(message, call.origin, message.to_owned());
            }
            _ => {
                let message = format!(
                    "HttpProtocolOptions accepts 'Unsafe' or 'Strict' (default), \
                     'RegisteredMethods' or 'LenientMethods' (default), and 'Require1.0' or \
                     'Allow0.9' (default), not '{word}'"
                );
                apply.error(call.origin, message, "Strict is what holds anyway.");
            }
        }
    }
}

/// `RegisterHttpMethod method …`
pub(in crate::httpd) fn register_method(apply: &mut Apply<'_>, call: &Call<'_>) {
    apply.draft.methods.extend(call.words.iter().cloned());
}

/// `Protocols name …`: the others are offers, and who takes none of them speaks HTTP/1.1.
pub(in crate::httpd) fn protocols(apply: &mut Apply<'_>, call: &Call<'_>) {
    let is_other = |word: &&String| !word.eq_ignore_ascii_case("http/1.1");
    let others: Vec<_> = call.words.iter().filter(is_other).map(|w| &**w).collect();
    if !others.is_empty() {
        let others = others.join(" ");
        let message = format!("Protocols {others} is not in effect: clients use HTTP/1.1 instead");
        apply.warning(call.origin, message, "Write `Protocols http/1.1`.");
    }
}

/// `ListenBacklog number`: the queue is as long as the system lets it be.
pub(in crate::httpd) fn backlog(apply: &mut Apply<'_>, call: &Call<'_>) {
    let _: Option<u32> = apply.count(call, "The line is not needed.");
}

impl Apply<'_> {
    fn clients(&mut self) -> &mut ClientsDraft {
        &mut self.server().clients
    }

    /// The first word as a number that is not negative.
    fn count<N: FromStr>(&mut self, call: &Call<'_>, help: &str) -> Option<N> {
        let digits = call.first().bytes().all(|b| b.is_ascii_digit());
        let number = call.first().parse().ok().filter(|_| digits);
        if number.is_none() {
            let message = format!(
                "{} \"{}\" must be a non-negative integer",
                call.name,
                call.first()
            );
            self.error(call.origin, message, help);
        }
        number
    }
}

/// A time as httpd writes it: seconds, or with one of the units ms, s, mi and h.
fn time(text: &str) -> Option<Duration> {
    let end = text.bytes().position(|b| !b.is_ascii_digit());
    let (digits, unit) = text.split_at(end.unwrap_or(text.len()));
    let number: u32 = digits.parse().ok()?;
    let times = |seconds: u32| Some(Duration::from_secs(u64::from(number) * u64::from(seconds)));
    match &*unit.to_ascii_lowercase() {
        "" | "s" => times(1),
        "ms" => Some(Duration::from_millis(u64::from(number))),
        "mi" | "min" => times(60),
        "h" => times(3600),
        _ => None,
    }
}

/// `first[-most][,MinRate=rate]`
fn pace(text: &str) -> Result<Pace, &'static str> {
    let (times, rate) = match text.split_once(',') {
        Some((times, rate)) => (times, Some(rate)),
        None => (text, None),
    };
    let (first, most) = match times.split_once('-') {
        Some((first, most)) => (first, Some(most)),
        None => (times, None),
    };
    let seconds = |text: &str| time(text).ok_or("a time is missing, or is none");
    let first = seconds(first)?;
    let most = most.map(seconds).transpose()?;
    if most.is_some_and(|most| most <= first) {
        return Err("the second time must be longer than the first");
    }
    let rate = rate.map(|rate| {
        let rate = rate
            .split_once('=')
            .filter(|(name, _)| name.eq_ignore_ascii_case("MinRate"));
        let rate = rate.and_then(|(_, rate)| rate.parse::<u32>().ok());
        rate.filter(|rate| *rate > 0)
            .ok_or("MinRate must be a positive number of bytes")
    });
    let rate = rate.transpose()?;
    if most.is_some() && rate.is_none() {
        return Err("with a range of times there must be a MinRate");
    }
    Ok(Pace {
        first,
        most,
        rate: rate.unwrap_or(0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        let millis = |text| time(text).map(|time| time.as_millis());
        for (text, expected) in [
            ("5", Some(5000)),
            ("5s", Some(5000)),
            ("500ms", Some(500)),
            ("2mi", Some(120_000)),
            ("1h", Some(3_600_000)),
            ("0", Some(0)),
            ("", None),
            ("-1", None),
            ("5 s", None),
            ("5x", None),
            ("99999999999", None),
        ] {
            assert_eq!(millis(text), expected, "{text}");
        }
    }

    #[test]
    fn paces_are_read_as_httpd_reads_them() {
        let read =
            |text| pace(text).map(|p| (p.first.as_secs(), p.most.map(|m| m.as_secs()), p.rate));
        assert_eq!(read("20-40,MinRate=500"), Ok((20, Some(40), 500)));
        assert_eq!(read("20,minrate=1"), Ok((20, None, 1)));
        assert_eq!(read("10"), Ok((10, None, 0)));
        assert_eq!(read("0"), Ok((0, None, 0)));
        for bad in [
            "",
            "x",
            "20-",
            "20-10,MinRate=1",
            "20-40",
            "20,MinRate=0",
            "20,Rate=5",
            "20,MinRate",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
