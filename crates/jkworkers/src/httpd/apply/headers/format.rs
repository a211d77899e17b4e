//! Values: text with `%t`, `%D`, `%l`, `%{NAME}e`, `%{NAME}s` and `%%` in it.

use super::{Wrong, wrong};
use crate::{
    diag::excerpt,
    expr::Text,
    model::{Format, Piece},
    pattern::Template,
};

const REMEDY: &str = "Write %t, %D, %l, %{VARIABLE}e or %{VARIABLE}s, and %% for a percent sign.";

/// Reads a value. `template` makes the text in it.
pub(super) fn parse(text: &str, template: &dyn Fn(&str) -> Template) -> Result<Format, Wrong> {
    if let Some(expression) = text.strip_prefix("expr=") {
        return match Text::new(expression) {
            Ok(text) => Ok(Format(vec![Piece::Expression(text)])),
            Err(bad) => wrong(format!("{}: {bad}", excerpt(text)), bad.remedy()),
        };
    }
    let mut pieces = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['%', '\\']) {
        let (before, from) = rest.split_at(at);
        plain.push_str(before);
        rest = if from.starts_with('\\') {
            escaped(from, &mut plain)
        } else {
            let (piece, rest) = tag(from)?;
            match piece {
                None => plain.push('%'),
                Some(piece) => {
                    flush(&mut plain, &mut pieces, template);
                    pieces.push(piece);
                }
            }
            rest
        };
    }
    plain.push_str(rest);
    if plain.contains(['\r', '\n', '\0']) {
        return wrong("a value is one line", "Leave \\r and \\n out.");
    }
    flush(&mut plain, &mut pieces, template);
    Ok(Format(pieces))
}

fn flush(plain: &mut String, pieces: &mut Vec<Piece>, template: &dyn Fn(&str) -> Template) {
    if !plain.is_empty() {
        pieces.push(Piece::Text(template(plain)));
        plain.clear();
    }
}

/// A backslash with what follows it. One that escapes nothing stays.
fn escaped<'t>(from: &'t str, plain: &mut String) -> &'t str {
    let known = [("\\\\", '\\'), ("\\r", '\r'), ("\\n", '\n'), ("\\t", '\t')];
    for (text, meaning) in known {
        if let Some(rest) = from.strip_prefix(text) {
            plain.push(meaning);
            return rest;
        }
    }
    plain.push('\\');
    from.get(1..).unwrap_or_default()
}

/// What begins with `%`; `None` is a percent sign.
fn tag(from: &str) -> Result<(Option<Piece>, &str), Wrong> {
    let rest = from.get(1..).unwrap_or_default();
    if rest.is_empty() {
        return Ok((None, rest));
    }
    if let Some(rest) = rest.strip_prefix('%') {
        return Ok((None, rest));
    }
    let (name, rest) = match rest.strip_prefix('{') {
        Some(inner) => inner.split_once('}').unwrap_or((inner, "")),
        None => ("", rest),
    };
    let mut chars = rest.chars();
    let piece = match chars.next() {
        Some('D') => Piece::Duration,
        Some('t') => Piece::Time,
        Some('l') => Piece::Load,
        Some('e') => Piece::Variable(name.into()),
        Some('s') => Piece::Tls(name.into()),
        Some(other @ ('b' | 'i')) => {
            let problem = format!("%{other} counts processes that do not exist here");
            return wrong(problem, "Remove it.");
        }
        other => {
            let other = other.map(String::from).unwrap_or_default();
            return wrong(format!("there is no format %{other}"), REMEDY);
        }
    };
    Ok((Some(piece), chars.as_str()))
}
