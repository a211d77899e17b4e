//! mod_jk's line dialect: bytes to key, value and origin.
//!
//! One `key = value` per physical line, split at the first `=`. In files everything from the
//! first `#` is a comment, also inside values; `JkWorkerProperty` lines have no comments. There is
//! no continuation, no quoting and no escape. mod_jk reads 8191 bytes at a time and takes the
//! rest of a longer line for another line; so does this reader.

use std::{borrow::Cow, sync::Arc};

use crate::{
    blank::{self, is_blank, is_foreign_blank},
    diag::{Diagnostics, Origin, excerpt},
    workers_properties::Source,
};

/// What mod_jk reads of a line at once, its newline included.
const CHUNK: usize = 8191;
/// The longest `JkWorkerProperty` argument that mod_jk takes, in bytes.
const INLINE_LIMIT: usize = 8192;

/// One setting as it was written, trimmed. Neither part is empty.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) key: String,
    pub(crate) value: String,
    pub(crate) origin: Origin,
}

/// Reads a file.
pub(crate) fn read_source(source: &Source<'_>, found: &mut Diagnostics) -> Vec<Line> {
    read_file(source, Reader::new(source.name, found))
}

/// Reads a uriworkermap file: the same lines, but a key may begin with `!`.
pub(crate) fn read_rules(source: &Source<'_>, found: &mut Diagnostics) -> Vec<Line> {
    let mut reader = Reader::new(source.name, found);
    reader.rules = true;
    read_file(source, reader)
}

fn read_file(source: &Source<'_>, mut reader: Reader<'_>) -> Vec<Line> {
    if source.bytes.starts_with(b"\xFF\xFE") || source.bytes.starts_with(b"\xFE\xFF") {
        reader.refuse_utf16();
        return Vec::new();
    }
    let physical = source.bytes.split_inclusive(|byte| *byte == b'\n');
    for (number, bytes) in (1..).zip(physical) {
        reader.physical_line(number, bytes);
    }
    reader.finish()
}

/// Reads the argument of one `JkWorkerProperty` line.
pub(crate) fn read_inline(origin: &Origin, text: &str, found: &mut Diagnostics) -> Option<Line> {
    if text.len() > INLINE_LIMIT {
        found
            .error(
                origin,
                format!("the property is longer than {INLINE_LIMIT} bytes"),
            )
            .help("Write it into a file and name that with JkWorkersFile.");
        return None;
    }
    let mut reader = Reader::new(&origin.file, found);
    reader.entry(text, origin);
    reader.finish().pop()
}

/// As much of a key as may be shown: a line such as `worker.a.secret: c2VjcmV0=` has a key that
/// contains the secret, so a key ends here where no key goes on.
pub(crate) fn shown(key: &str) -> Cow<'_, str> {
    let goes_on = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '!' | ';' | '/');
    match key.find(|c| !goes_on(c)) {
        Some(end) => format!("{}…", key.get(..end).unwrap_or_default()).into(),
        None => key.into(),
    }
}

struct Reader<'a> {
    file: Arc<str>,
    lines: Vec<Line>,
    /// Whether keys are patterns of URIs.
    rules: bool,
    /// The first foreign blank, and on how many further lines there are some.
    foreign: Option<(char, Origin, usize)>,
    found: &'a mut Diagnostics,
}

impl<'a> Reader<'a> {
    fn new(file: &str, found: &'a mut Diagnostics) -> Self {
        Self {
            file: file.into(),
            lines: Vec::new(),
            rules: false,
            foreign: None,
            found,
        }
    }

    fn refuse_utf16(&mut self) {
        self.found
            .error(
                &Origin::new(Arc::clone(&self.file), 0),
                "the file is UTF-16 text",
            )
            .help("Save it as UTF-8 (Windows Notepad: Save as, Encoding UTF-8).");
    }

    fn physical_line(&mut self, number: u32, bytes: &[u8]) {
        let origin = Origin::new(Arc::clone(&self.file), number);
        for (index, chunk) in bytes.chunks(CHUNK).enumerate() {
            if index == 1 && !chunk.trim_ascii().is_empty() {
                self.found
                    .warning(
                        &origin,
                        format!("the line is longer than {CHUNK} bytes: the rest is read as a line of its own"),
                    )
                    .help("Spread a long list over several lines with the same key.");
            }
            self.chunk(chunk, &origin);
        }
    }

    fn chunk(&mut self, bytes: &[u8], origin: &Origin) {
        // mod_jk handles C strings: a NUL ends them.
        let bytes = until(bytes, 0).unwrap_or(bytes);
        let Some(content) = until(bytes, b'#') else {
            return self.entry(&decode(bytes), origin);
        };
        let text = decode(content);
        self.warn_of_cut_value(&text, origin);
        self.entry(&text, origin);
    }

    /// `secret=a#b` is `a`: true to mod_jk, and surprising each time.
    fn warn_of_cut_value(&mut self, text: &str, origin: &Origin) {
        let Some((key, value)) = text.split_once('=') else {
            return;
        };
        if !value.is_empty() && !value.ends_with(is_blank) {
            let key = self.shown(key.trim_matches(is_blank));
            self.found
                .warning(
                    origin,
                    format!("the value of `{key}` ends before the `#`: it begins a comment"),
                )
                .help("Choose a value without `#`; put a blank before a comment.");
        }
    }

    fn entry(&mut self, text: &str, origin: &Origin) {
        let text_trimmed = text.trim_matches(is_blank);
        if text_trimmed.chars().all(is_foreign_blank) {
            return self.note_foreign_blanks(text_trimmed, origin);
        }
        let Some((key, value)) = text_trimmed.split_once('=') else {
            return self.warn_of_no_equals(text_trimmed, origin);
        };
        let (key, value) = (key.trim_matches(is_blank), value.trim_matches(is_blank));
        if key.is_empty() {
            self.found
                .warning(origin, "nothing stands before the `=`: the line is ignored")
                .help("Write `key=value`, or remove the line.");
        } else if value.is_empty() {
            self.warn_of_empty_value(key, origin);
        } else {
            self.note_foreign_blanks(text, origin);
            self.warn_of_lost_hopes(key, value, origin);
            self.lines.push(Line {
                key: key.to_owned(),
                value: value.to_owned(),
                origin: origin.clone(),
            });
        }
    }

    fn warn_of_no_equals(&mut self, text: &str, origin: &Origin) {
        // Other text may be a secret that someone continued on a second line.
        let word = text.split(is_blank).next().unwrap_or_default();
        let shown = if self.rules || text.starts_with("worker.") {
            format!(" (`{}`)", self.shown(excerpt(text).as_ref()))
        } else if word.starts_with("Jk") {
            format!(" (`{}`)", shown(word))
        } else {
            String::new()
        };
        let help = match (word.starts_with("Jk"), self.rules) {
            (true, _) => "Directives belong into jk.conf; here, write `key=value` on each line.",
            (_, true) => "Write `/path/*=worker`; comments begin with `#`.",
            (_, false) => "Write `key=value` on one line; comments begin with `#`.",
        };
        self.found
            .warning(origin, format!("the line has no `=` and is ignored{shown}"))
            .help(help);
    }

    fn warn_of_empty_value(&mut self, key: &str, origin: &Origin) {
        let key = self.shown(key);
        self.found
            .warning(
                origin,
                format!("`{key}` has an empty value: the line is ignored"),
            )
            .help("Remove the line, or give it a value; all from `#` on is a comment.");
    }

    /// Syntax of other property files that is plain text here.
    fn warn_of_lost_hopes(&mut self, key: &str, value: &str, origin: &Origin) {
        let (written, key) = (key, self.shown(key));
        if value.len() > 1
            && ['"', '\'']
                .iter()
                .any(|q| value.starts_with(*q) && value.ends_with(*q))
        {
            self.found
                .warning(
                    origin,
                    format!("the quotes around the value of `{key}` are a part of it"),
                )
                .help("Remove them, unless they are meant: nothing is quoted here.");
        }
        if value.ends_with('\\') {
            self.found
                .warning(
                    origin,
                    format!("the `\\` at the end of `{key}` is part of the value: lines are not continued"),
                )
                .help("Write the list on one line, or repeat the key: lists are joined.");
        }
        if !self.rules && (written.starts_with(['!', ';']) || written.starts_with("//")) {
            self.found
                .warning(
                    origin,
                    format!("`{key}` is no comment but sets a variable of that name"),
                )
                .help("Comments begin with `#`.");
        }
        if value.contains('\r') || written.contains('\r') {
            self.found
                .warning(
                    origin,
                    format!("there is a carriage return inside the line of `{key}`"),
                )
                .help("End each line with a line feed; a carriage return alone ends no line.");
        }
    }

    /// A pattern may be shown as it is; a key only as far as it is one.
    fn shown<'t>(&self, key: &'t str) -> Cow<'t, str> {
        if self.rules { key.into() } else { shown(key) }
    }

    fn note_foreign_blanks(&mut self, text: &str, origin: &Origin) {
        let Some(blank) = text.chars().find(|c| is_foreign_blank(*c)) else {
            return;
        };
        match &mut self.foreign {
            Some((_, _, more)) => *more += 1,
            None => self.foreign = Some((blank, origin.clone(), 0)),
        }
    }

    fn finish(self) -> Vec<Line> {
        if let Some((blank, origin, more)) = self.foreign {
            let further = match more {
                0 => String::new(),
                1 => " (such blanks are on 1 more line)".to_owned(),
                n => format!(" (such blanks are on {n} more lines)"),
            };
            self.found
                .warning(
                    &origin,
                    format!(
                        "U+{:04X} looks like a blank and is a part of the text{further}",
                        u32::from(blank)
                    ),
                )
                .help(blank::REMEDY);
        }
        self.lines
    }
}

/// What stands before the first of these bytes.
fn until(bytes: &[u8], end: u8) -> Option<&[u8]> {
    let at = bytes.iter().position(|byte| *byte == end)?;
    bytes.get(..at)
}

/// UTF-8 where it is that, else Latin-1: no byte is ever refused, and comments in Shift_JIS or
/// GBK are cut before they are looked at.
fn decode(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect(),
    }
}

#[cfg(test)]
mod tests;
