//! Probes of members in error.

use super::{ajp, settings::Settings};
use crate::{
    directive::{PROBE_INTERVAL, PROBE_STATUS, PROBE_TIMEOUT, PROBE_URI},
    model::ProbeSettings,
};

/// `probe_*` of a worker.
pub(super) fn probe(settings: &mut Settings<'_, '_>) -> ProbeSettings {
    ProbeSettings {
        interval: ajp::some(settings.seconds(&PROBE_INTERVAL)),
        uri: uri(settings),
        statuses: statuses(settings),
        timeout: settings.timeout(&PROBE_TIMEOUT),
    }
}

fn uri(settings: &mut Settings<'_, '_>) -> Option<String> {
    let text = settings.text(&PROBE_URI)?;
    let sound = text.starts_with('/') && text.bytes().all(|b| b.is_ascii_graphic());
    if !sound {
        settings.error(&PROBE_URI, |key| {
            (
                format!("`{key}={text}` is no path"),
                "Write a path such as `/app/health`, without blanks and with other than ASCII characters as %XX.".to_owned(),
            )
        });
    }
    sound.then(|| text.to_owned())
}

fn statuses(settings: &mut Settings<'_, '_>) -> Vec<u16> {
    let written = settings.is_written(&PROBE_STATUS);
    let remedy = "Write codes such as 200.";
    let codes = ajp::statuses(settings, &PROBE_STATUS, remedy, |code| {
        u16::try_from(code).ok().filter(|c| (200..=599).contains(c))
    });
    if written && codes.is_empty() {
        settings.error(&PROBE_STATUS, |key| {
            (
                format!("`{key}` lists no status: no member would ever come back"),
                "Write codes such as 200, or remove the line.".to_owned(),
            )
        });
    }
    codes
}
