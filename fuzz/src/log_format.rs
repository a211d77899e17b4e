//! Formats of logs: what is read keeps its text, and moments in any form have a bounded length.

use std::time::Duration;

use jkworkers::log_format::{Item, LogFormat, TimeForm, Token};

/// A format, of either kind.
pub(crate) fn run(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    for format in [LogFormat::httpd(&text), LogFormat::mod_jk(&text)]
        .into_iter()
        .flatten()
    {
        assert_eq!(format.text(), text);
        let constant =
            |item: &Item| matches!(item.token, Token::Text(_)) && item.statuses.is_none();
        for pair in format.items().windows(2) {
            assert!(!(constant(&pair[0]) && constant(&pair[1])), "{pair:?}");
        }
        for item in format.items() {
            look_at(item, &text);
        }
    }
}

fn look_at(item: &Item, whole: &str) {
    match &item.token {
        Token::Text(text) => assert!(text.len() <= whole.len() && !text.is_empty()),
        Token::Time {
            form: TimeForm::Strftime(form),
            ..
        } => shown(form),
        _ => {}
    }
    if let Some(statuses) = &item.statuses {
        let is_named = |status: &u16| statuses.named.contains(status);
        for status in [0, 200, 404, 999] {
            assert_eq!(
                statuses.allow(status),
                is_named(&status) != statuses.negated
            );
        }
    }
}

fn shown(form: &str) {
    for seconds in [0, 1_700_000_000, 253_402_300_000] {
        let text = jkd::fuzzing::strftime(form, Duration::from_secs(seconds));
        assert!(
            text.len() <= 300 * form.len() + 1,
            "{} bytes of {form:?}",
            text.len()
        );
    }
}
