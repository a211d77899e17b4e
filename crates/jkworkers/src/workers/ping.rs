//! CPings: what `ping_mode` and its timeouts add up to.

use std::time::Duration;

use super::settings::Settings;
use crate::{
    directive::{
        CONNECT_TIMEOUT, CONNECTION_PING_INTERVAL, PING_MODE, PING_TIMEOUT, PREPOST_TIMEOUT,
    },
    model::{PingPolicy, PrepostPing},
};

/// mod_jk's `ping_timeout` where it is not written, ms.
const MOD_JK_TIMEOUT: i32 = 10_000;
/// The CPong timeout where no CPing is configured at all.
const SANE_TIMEOUT: Duration = Duration::from_secs(1);
/// A connection that was idle for less is not asked where no CPing is configured at all.
const SANE_IDLE: Duration = Duration::from_secs(1);

/// The letters of `ping_mode`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Mode {
    connect: bool,
    prepost: bool,
    interval: bool,
}

impl Mode {
    const ALL: Self = Self {
        connect: true,
        prepost: true,
        interval: true,
    };

    /// Other letters are ignored; `A` ends the reading. `None` where no letter means anything.
    fn read(text: &str) -> Option<Self> {
        let mut mode = Self::default();
        for letter in text.chars() {
            match letter.to_ascii_lowercase() {
                'c' => mode.connect = true,
                'p' => mode.prepost = true,
                'i' => mode.interval = true,
                'a' => return Some(Self::ALL),
                _ => {}
            }
        }
        (mode != Self::default()).then_some(mode)
    }
}

/// The worker's CPings.
pub(super) fn policy(settings: &mut Settings<'_, '_>) -> PingPolicy {
    let mode = written_mode(settings);
    let timeout = settings.written_int(&PING_TIMEOUT);
    let own = settings.is_written(&CONNECT_TIMEOUT) || settings.is_written(&PREPOST_TIMEOUT);
    let mut policy = if mode.is_none() && !own {
        unconfigured(timeout)
    } else {
        configured(settings, mode.unwrap_or_default(), mod_jk_timeout(timeout))
    };
    policy.interval = interval(settings, mode.unwrap_or_default(), mod_jk_timeout(timeout));
    policy.timeout = mod_jk_timeout(timeout).unwrap_or_default();
    policy
}

fn written_mode(settings: &mut Settings<'_, '_>) -> Option<Mode> {
    let text = settings.text(&PING_MODE)?;
    let mode = Mode::read(text);
    if mode.is_none() {
        settings.warn(&PING_MODE, |key| {
            (
                format!("`{key}={text}` has none of the letters C, P, I and A: it has no effect"),
                "Write `A` for all CPings.".to_owned(),
            )
        });
    }
    mode
}

/// Nothing is said about CPings on connect or before requests: be sane, where mod_jk sends none.
fn unconfigured(ping_timeout: Option<i32>) -> PingPolicy {
    let timeout = some_millis(ping_timeout.unwrap_or(0)).unwrap_or(SANE_TIMEOUT);
    PingPolicy {
        connect: Some(timeout),
        prepost: Some(PrepostPing {
            timeout,
            min_idle: SANE_IDLE,
        }),
        ..PingPolicy::default()
    }
}

/// As mod_jk has it.
fn configured(
    settings: &mut Settings<'_, '_>,
    mode: Mode,
    ping_timeout: Option<Duration>,
) -> PingPolicy {
    let chosen = |written: Duration, on: bool| match (written.is_zero(), on) {
        (false, _) => Some(written),
        (true, true) => ping_timeout,
        (true, false) => None,
    };
    let connect = chosen(settings.timeout(&CONNECT_TIMEOUT), mode.connect);
    let prepost = chosen(settings.timeout(&PREPOST_TIMEOUT), mode.prepost);
    PingPolicy {
        connect: connect.or(prepost),
        prepost: prepost.map(|timeout| PrepostPing {
            timeout,
            min_idle: Duration::ZERO,
        }),
        connect_by_prepost: connect.is_none() && prepost.is_some(),
        ..PingPolicy::default()
    }
}

fn interval(
    settings: &mut Settings<'_, '_>,
    mode: Mode,
    ping_timeout: Option<Duration>,
) -> Option<(Duration, Duration)> {
    let written = settings.seconds(&CONNECTION_PING_INTERVAL);
    let timeout = ping_timeout?;
    if !written.is_zero() {
        return Some((written, timeout));
    }
    let derived = Duration::from_secs(u64::try_from(timeout.as_millis()).unwrap_or(0) / 100);
    mode.interval.then_some((derived, timeout))
}

/// `ping_timeout` where CPings are configured.
fn mod_jk_timeout(written: Option<i32>) -> Option<Duration> {
    some_millis(written.unwrap_or(MOD_JK_TIMEOUT))
}

fn some_millis(millis: i32) -> Option<Duration> {
    let millis = u64::try_from(millis).ok().filter(|ms| *ms > 0)?;
    Some(Duration::from_millis(millis))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(connect: bool, prepost: bool, interval: bool) -> Mode {
        Mode {
            connect,
            prepost,
            interval,
        }
    }

    #[test]
    fn letters_choose_the_cpings() {
        assert_eq!(Mode::read("C"), Some(mode(true, false, false)));
        assert_eq!(Mode::read("pi"), Some(mode(false, true, true)));
        assert_eq!(Mode::read("xCy"), Some(mode(true, false, false)));
        assert_eq!(Mode::read("a"), Some(Mode::ALL));
        assert_eq!(Mode::read("none"), None);
        assert_eq!(Mode::read(""), None);
    }
}
