//! Filters: `DEFLATE`, the only one that there is, and when answers expire.

use std::sync::Arc;

use super::{Apply, Call};
use crate::{
    diag::excerpt,
    model::{AlterETag, Deflate, Expiry, FilterSettings, Since},
    number::atoi,
};

/// `SetOutputFilter name[;name…]`
pub(in crate::httpd) fn set(apply: &mut Apply<'_>, call: &Call<'_>) {
    let deflate = apply.names_deflate(call, call.first());
    apply.filters().deflate = Some(deflate);
}

/// `AddOutputFilter name[;name…] extension …`
pub(in crate::httpd) fn by_extension(apply: &mut Apply<'_>, call: &Call<'_>) {
    let deflates = apply.names_deflate(call, call.first());
    let filter: Arc<str> = if deflates { "deflate" } else { "" }.into();
    let extensions = call.words.get(1..).unwrap_or_default();
    let own = Arc::make_mut(&mut apply.files().extensions);
    for extension in extensions {
        own.entry(extension).filter = Some(Arc::clone(&filter));
    }
}

/// `RemoveOutputFilter extension …`
pub(in crate::httpd) fn remove_by_extension(apply: &mut Apply<'_>, call: &Call<'_>) {
    apply.remove_from_extensions(call, |said| &mut said.filter);
}

/// `AddOutputFilterByType name[;name…] type …`
pub(in crate::httpd) fn by_type(apply: &mut Apply<'_>, call: &Call<'_>) {
    if apply.names_deflate(call, call.first()) {
        let types = apply.filters().deflate_types.get_or_insert_default();
        let more = call.words.get(1..).unwrap_or_default();
        Arc::make_mut(types).extend_from_slice(more);
    }
}

/// `DeflateCompressionLevel 1…9`
pub(in crate::httpd) fn level(apply: &mut Apply<'_>, call: &Call<'_>) {
    if let Some(level) = apply.between(call, 1, 9) {
        apply.deflate().level = level;
    }
}

/// `DeflateBufferSize bytes`: pieces of answers have their own sizes here.
pub(in crate::httpd) fn buffer_size(apply: &mut Apply<'_>, call: &Call<'_>) {
    if apply.between(call, 1, i32::MAX.unsigned_abs()).is_some() {
        apply.deflate();
    }
}

/// `DeflateMemLevel 1…9`: what is remembered is as much as the level needs.
pub(in crate::httpd) fn memory_level(apply: &mut Apply<'_>, call: &Call<'_>) {
    if apply.between(call, 1, 9).is_some() {
        apply.deflate();
    }
}

/// `DeflateWindowSize 1…15`
pub(in crate::httpd) fn window_size(apply: &mut Apply<'_>, call: &Call<'_>) {
    if apply.between(call, 1, 15).is_some() {
        apply.deflate();
    }
}

/// `DeflateAlterETag AddSuffix|NoChange|Remove`
pub(in crate::httpd) fn alter_etag(apply: &mut Apply<'_>, call: &Call<'_>) {
    apply.deflate().etag = match &*call.first().to_ascii_lowercase() {
        "addsuffix" => AlterETag::AddSuffix,
        "nochange" => AlterETag::NoChange,
        "remove" => AlterETag::Remove,
        _ => {
            let word = excerpt(call.first());
            let message = format!("DeflateAlterETag: {word} is none of its values");
            let help = "Write AddSuffix, NoChange or Remove.";
            return apply.error(call.origin, message, help);
        }
    };
}

/// `DeflateFilterNote [Input|Output|Ratio] note`
pub(in crate::httpd) fn note(apply: &mut Apply<'_>, call: &Call<'_>) {
    let (kind, name) = match call.words {
        [kind, name] => (&**kind, name),
        [name] => ("ratio", name),
        _ => return,
    };
    let deflate = apply.deflate();
    let note = match &*kind.to_ascii_lowercase() {
        "input" => &mut deflate.input_note,
        "output" => &mut deflate.output_note,
        "ratio" => &mut deflate.ratio_note,
        _ => {
            let message = format!("DeflateFilterNote: unknown note type {}", excerpt(kind));
            let help = "Write Input, Output or Ratio in front of the name of the note.";
            return apply.error(call.origin, message, help);
        }
    };
    *note = Some(name.clone());
}

/// `ExpiresActive On|Off`
pub(in crate::httpd) fn expires_active(apply: &mut Apply<'_>, call: &Call<'_>) {
    if let Some(on) = apply.on_or_off(call) {
        apply.filters().expires = Some(on);
    }
}

/// `ExpiresDefault code`
pub(in crate::httpd) fn expires_default(apply: &mut Apply<'_>, call: &Call<'_>) {
    if let Some(expiry) = apply.expiry(call, call.first()) {
        apply.filters().expires_default = Some(expiry);
    }
}

/// `ExpiresByType type code`
pub(in crate::httpd) fn expires_by_type(apply: &mut Apply<'_>, call: &Call<'_>) {
    let [kind, code] = call.words else { return };
    if let Some(expiry) = apply.expiry(call, code) {
        let types = &mut apply.filters().expires_types;
        types.retain(|(known, _)| !known.eq_ignore_ascii_case(kind));
        types.push((kind.clone(), expiry));
    }
}

impl Apply<'_> {
    fn filters(&mut self) -> &mut FilterSettings {
        &mut self.settings().filters
    }

    fn deflate(&mut self) -> &mut Deflate {
        self.server().deflate.get_or_insert_default()
    }

    /// Whether `DEFLATE` is among the filters that a word names; one warning for each other name.
    fn names_deflate(&mut self, call: &Call<'_>, word: &str) -> bool {
        let mut found = false;
        let names = word.split(';').filter(|name| !name.is_empty());
        for name in names {
            if name.eq_ignore_ascii_case("deflate") {
                found = true;
            } else if !name.eq_ignore_ascii_case("none") {
                let told = format!("{} {name}", call.name);
                let name = excerpt(name);
                let message = format!(
                    "{}: there is no filter {name} here: answers leave without it",
                    call.name
                );
                self.tell_once(&told, call.origin, message);
            }
        }
        found
    }

    /// A number from `least` to `most`; an error if it is none.
    fn between(&mut self, call: &Call<'_>, least: u32, most: u32) -> Option<u32> {
        let number = u32::try_from(atoi(call.first().as_bytes())).ok();
        let number = number.filter(|number| (least..=most).contains(number));
        if number.is_none() {
            let message = format!("{} must be between {least} and {most}", call.name);
            self.error(call.origin, message, "Write such a number.");
        }
        number
    }

    fn expiry(&mut self, call: &Call<'_>, code: &str) -> Option<Expiry> {
        let (since, rest) = match code.split_at_checked(1) {
            Some(("A", rest)) => (Since::Access, rest),
            Some(("M", rest)) => (Since::Modification, rest),
            _ => return self.spelled_expiry(call, code),
        };
        if !rest.starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '+') {
            let message = format!(
                "{}: behind a capital {} httpd reads a number of seconds: {} is 0",
                call.name,
                code.get(..1).unwrap_or_default(),
                excerpt(code)
            );
            let help = "Write the word without capitals, or a number of seconds behind it.";
            self.warning(call.origin, message, help);
        }
        let seconds = atoi(rest.as_bytes());
        Some(Expiry { since, seconds })
    }

    fn spelled_expiry(&mut self, call: &Call<'_>, code: &str) -> Option<Expiry> {
        read_expiry(code)
            .map_err(|problem| {
                let message = format!("{} {}: {problem}", call.name, excerpt(code));
                let help = "Write \"access plus 1 month 2 days\", \"modification plus 3 hours\" \
                            or A60.";
                self.error(call.origin, message, help);
            })
            .ok()
    }
}

/// `base [plus] {number unit}*`: httpd looks at the beginnings of the words.
fn read_expiry(code: &str) -> Result<Expiry, String> {
    let mut words = code.split_ascii_whitespace().peekable();
    let base = words.next().unwrap_or_default();
    let since = match base.bytes().next().map(|b| b.to_ascii_lowercase()) {
        Some(b'n' | b'a') => Since::Access,
        Some(b'm') => Since::Modification,
        _ => {
            let base = excerpt(base);
            return Err(format!("{base} is not access, now or modification"));
        }
    };
    words.next_if(|word| word.starts_with(['p', 'P']));
    let mut seconds = 0_i32;
    while let Some(number) = words.next() {
        if !number.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(format!("{} is no number", excerpt(number)));
        }
        let unit = words.next().ok_or("its unit is missing")?;
        let length = length_of(unit).ok_or_else(|| format!("{} is no unit", excerpt(unit)))?;
        // As httpd counts.
        let part = length.wrapping_mul(atoi(number.as_bytes()));
        seconds = seconds.wrapping_add(part);
    }
    Ok(Expiry { since, seconds })
}

/// A unit in seconds.
fn length_of(unit: &str) -> Option<i32> {
    const MINUTE: i32 = 60;
    const HOUR: i32 = 60 * MINUTE;
    const DAY: i32 = 24 * HOUR;
    let lower = unit.to_ascii_lowercase();
    Some(match lower.as_bytes() {
        [b'y', ..] => 365 * DAY,
        [b'm', b'o', ..] => 30 * DAY,
        [b'w', ..] => 7 * DAY,
        [b'd', ..] => DAY,
        [b'h', ..] => HOUR,
        [b'm', b'i', ..] => MINUTE,
        [b's', ..] => 1,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_spelled() {
        let access = |seconds| {
            Ok(Expiry {
                since: Since::Access,
                seconds,
            })
        };
        for (code, expected) in [
            (
                "access plus 1 month 15 days 2 hours",
                access(45 * 86400 + 7200),
            ),
            ("now 3 weeks", access(21 * 86400)),
            ("access", access(0)),
            ("acc p 1 mins 2 s", access(62)),
            ("access plus 1 year", access(365 * 86400)),
            (
                "modification plus 5 hours 3 minutes",
                Ok(Expiry {
                    since: Since::Modification,
                    seconds: 5 * 3600 + 180,
                }),
            ),
            (
                "x plus 1 day",
                Err("x is not access, now or modification".into()),
            ),
            ("access plus one day", Err("one is no number".into())),
            ("access plus 1", Err("its unit is missing".into())),
            ("access plus 1 m", Err("m is no unit".into())),
            ("", Err(" is not access, now or modification".into())),
        ] {
            assert_eq!(read_expiry(code), expected, "{code}");
        }
        // httpd's numbers have 32 bits.
        assert!(read_expiry("access plus 100 years").unwrap().seconds < 0);
    }
}
