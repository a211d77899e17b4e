//! One rule, carried out on a list of fields.

use bytes::Bytes;
use jkworkers::{
    model::{HeaderAction, HeaderRule},
    pattern::{Groups, Pattern},
};

use super::Context;
use crate::{http1::Fields, response};

/// The longest value that is made, bytes: no packet holds more.
const MAX_VALUE: usize = 65_535;

/// Carries out a rule about any field.
pub(super) fn apply(rule: &HeaderRule, fields: &mut Fields, cx: &Context<'_>) {
    let name = rule.name.as_bytes();
    let plain = || {
        let format = rule.action.format();
        format.map_or_else(Vec::new, |format| cx.fill(format, &Groups::default()))
    };
    match &rule.action {
        HeaderAction::Append(_) => fields.append(name, &plain()),
        HeaderAction::Merge(_) => {
            let value = plain();
            let known = fields.get(name);
            if !known.is_some_and(|list| has(list, &value)) {
                fields.append(name, &value);
            }
        }
        HeaderAction::Set(_) => fields.set(name, &plain()),
        HeaderAction::SetIfEmpty(_) if fields.contains(name) => {}
        HeaderAction::Add(_) | HeaderAction::SetIfEmpty(_) => fields.add(name, &plain()),
        HeaderAction::Unset => fields.remove(name),
        HeaderAction::Echo(names) => {
            for (name, value) in cx.head.fields().filter(|(name, _)| names.is_match(name)) {
                fields.add(name, value);
            }
        }
        HeaderAction::Edit { .. } => edit_all(rule, fields, cx),
        HeaderAction::Note(_) => {
            if let Some((record, value)) = cx.record.zip(fields.get(name)) {
                record.has_note(&plain(), value);
            }
        }
    }
}

/// Carries out a rule about an answer, whose type is kept apart: `set`, `edit` and `unset` change it,
/// too.
pub(super) fn apply_to_answer(
    rule: &HeaderRule,
    fields: &mut Fields,
    content_type: &mut Option<Bytes>,
    cx: &Context<'_>,
) {
    if !rule.name.eq_ignore_ascii_case("Content-Type") {
        return apply(rule, fields, cx);
    }
    let new = match &rule.action {
        HeaderAction::Unset => {
            *content_type = None;
            None
        }
        HeaderAction::Set(format) => Some(cx.fill(format, &Groups::default())),
        HeaderAction::SetIfEmpty(format) if !fields.contains("content-type") => {
            Some(cx.fill(format, &Groups::default()))
        }
        HeaderAction::Edit { .. } => content_type.as_ref().map(|known| edited(rule, known, cx)),
        _ => None,
    };
    if let Some(new) = new.filter(|new| response::is_text(new)) {
        *content_type = Some(new.into());
    }
    apply(rule, fields, cx);
}

/// Changed fields move behind all others.
fn edit_all(rule: &HeaderRule, fields: &mut Fields, cx: &Context<'_>) {
    let is_one = |name: &[u8]| name.eq_ignore_ascii_case(rule.name.as_bytes());
    let all = fields.iter().filter(|(name, _)| is_one(name));
    let changed = all.map(|(name, value)| (name.to_vec(), edited(rule, value, cx)));
    let changed: Vec<_> = changed.collect();
    fields.remove(rule.name.as_bytes());
    for (name, value) in changed {
        fields.add(&name, &value);
    }
}

/// A value after `edit`; as it was where it would become too long.
fn edited(rule: &HeaderRule, value: &[u8], cx: &Context<'_>) -> Vec<u8> {
    let HeaderAction::Edit {
        pattern,
        value: format,
        everywhere,
    } = &rule.action
    else {
        return value.to_vec();
    };
    let made = replaced(pattern, value, *everywhere, |groups| {
        cx.fill(format, groups)
    });
    made.unwrap_or_else(|| value.to_vec())
}

/// What an expression finds is replaced. As in httpd what is left after a place begins anew, so
/// that `^` matches there, too.
fn replaced(
    pattern: &Pattern,
    value: &[u8],
    everywhere: bool,
    fill: impl Fn(&Groups<'_>) -> Vec<u8>,
) -> Option<Vec<u8>> {
    let mut result = Vec::new();
    let mut rest = value;
    while let Some((groups, place)) = pattern.find_at(rest) {
        result.extend_from_slice(rest.get(..place.start)?);
        result.extend_from_slice(&fill(&groups));
        rest = rest.get(place.end..)?;
        // Nothing would be found again and again.
        if !everywhere || place.is_empty() {
            break;
        }
        if result.len() > MAX_VALUE {
            return None;
        }
    }
    result.extend_from_slice(rest);
    (result.len() <= MAX_VALUE).then_some(result)
}

/// Whether a list has a value; commas in quotes separate nothing.
fn has(list: &[u8], value: &[u8]) -> bool {
    let mut quoted = false;
    let mut items = list.split(|byte| {
        quoted ^= *byte == b'"';
        !quoted && *byte == b','
    });
    items.any(|item| item.trim_ascii_start() == value)
}
