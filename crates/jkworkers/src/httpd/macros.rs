//! mod_macro: `<Macro>`, `Use` and `UndefMacro`.
//!
//! A macro is lines; using it puts them where the `Use` stands, arguments replaced, and they are
//! read there as all others. So a macro may open a section that another one closes.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
    sync::Arc,
};

use aho_corasick::{AhoCorasick, MatchKind};

use super::{Reader, lex, section::Nesting};
use crate::diag::Origin;

/// More than any configuration needs, in bytes of all lines that macros make: bounds what macros
/// in macros can multiply.
const MAX_MADE: usize = 16 << 20;

/// How deep macros may use each other.
const MAX_DEPTH: usize = 50;

/// A line with its place, variables not replaced yet.
pub(super) struct Line {
    pub(super) text: String,
    pub(super) origin: Origin,
}

/// The macros that are defined, by their names in small letters.
pub(super) struct Macros {
    defined: HashMap<String, Arc<Macro>>,
    /// Those whose lines are being read.
    open: Vec<String>,
    /// Bytes that may still be made.
    room: usize,
}

impl Default for Macros {
    fn default() -> Self {
        Self {
            defined: HashMap::new(),
            open: Vec::new(),
            room: MAX_MADE,
        }
    }
}

struct Macro {
    parameters: Vec<String>,
    /// Finds them. As in mod_macro the first that is met, the longest where several fit.
    finder: Option<AhoCorasick>,
    lines: Vec<Line>,
    origin: Origin,
}

impl Macro {
    fn new(parameters: Vec<String>, lines: Vec<Line>, origin: &Origin) -> Self {
        let kind = MatchKind::LeftmostLongest;
        let finder = AhoCorasick::builder().match_kind(kind).build(&parameters);
        Self {
            finder: finder.ok().filter(|_| !parameters.is_empty()),
            parameters,
            lines,
            origin: origin.clone(),
        }
    }

    /// Its lines with these arguments; where they come from names both places.
    /// `None` where they have more than `room` bytes.
    fn made(
        &self,
        name: &str,
        arguments: &[String],
        used: &Origin,
        room: &mut usize,
    ) -> Option<Vec<Line>> {
        let mut made = Vec::with_capacity(self.lines.len());
        let mut last: Option<(Arc<str>, Arc<str>)> = None;
        for line in &self.lines {
            let file = match &last {
                Some((file, label)) if *file == line.origin.file => Arc::clone(label),
                _ => format!("{used}{MARK}{name} of {}", line.origin.file).into(),
            };
            last = Some((Arc::clone(&line.origin.file), Arc::clone(&file)));
            made.push(Line {
                text: self.line(&line.text, arguments, room)?,
                origin: Origin::new(file, line.origin.line),
            });
        }
        Some(made)
    }

    /// Puts arguments in place of parameters. What was put in is not looked at again.
    fn line(&self, text: &str, arguments: &[String], room: &mut usize) -> Option<String> {
        let mut result = String::new();
        let mut end = 0;
        let mut push = |text: &str| {
            // An empty line takes room, too.
            *room = room.checked_sub(text.len().max(1))?;
            result.push_str(text);
            Some(())
        };
        for found in self
            .finder
            .iter()
            .flat_map(move |finder| finder.find_iter(text))
        {
            push(text.get(end..found.start()).unwrap_or_default())?;
            let argument = arguments.get(found.pattern().as_usize());
            let quotes = text
                .get(found.range())
                .is_some_and(|name| name.starts_with('@'));
            let argument = argument.map_or("", String::as_str);
            push(&if quotes {
                quoted(argument)
            } else {
                argument.into()
            })?;
            end = found.end();
        }
        push(text.get(end..).unwrap_or_default())?;
        Some(result)
    }
}

/// What stands in the origin of a line between the place where its macro is used and the file that
/// defines it.
const MARK: &str = ", macro ";

/// The file and the line where the macro is used that a line comes from, if it comes from any.
pub(crate) fn used_at(origin: &Origin) -> Option<(&str, u32)> {
    let (place, _) = origin.file.split_once(MARK)?;
    let (file, line) = place.rsplit_once(':')?;
    Some((file, line.parse().ok()?))
}

impl Reader<'_> {
    /// `<Macro name parameter …>`: takes its lines up to its end.
    pub(super) fn define_macro(
        &mut self,
        args: &str,
        origin: &Origin,
        lines: &mut impl Iterator<Item = Line>,
    ) {
        let (body, ended) = body(lines);
        let mut words = lex::words(args).into_iter();
        let Some(name) = words.next().map(|name| name.to_ascii_lowercase()) else {
            self.diagnostics
                .error(origin, "<Macro>: the macro has no name")
                .help("Write <Macro NAME $parameter …>.");
            return;
        };
        if !ended {
            self.diagnostics
                .error(
                    origin,
                    format!("<Macro {name}> was not closed before the end of the file"),
                )
                .help("Write </Macro> where it ends.");
            return;
        }
        let new = Macro::new(words.collect(), body, origin);
        if self.check_macro(&name, &new) {
            self.macros.defined.insert(name, Arc::new(new));
        }
    }

    /// Whether it can be used. Warns of what mod_macro warns of.
    fn check_macro(&mut self, name: &str, new: &Macro) -> bool {
        let origin = &new.origin;
        if let Some(old) = self.macros.defined.get(name) {
            let message = format!("the macro {name} replaces the one at {}", old.origin);
            let help = "Remove one of the two, or write UndefMacro between them.";
            self.diagnostics.warning(origin, message).help(help);
        }
        for (index, parameter) in new.parameters.iter().enumerate() {
            let before = new.parameters.iter().take(index);
            if before.clone().any(|other| other == parameter) {
                self.diagnostics
                    .error(
                        origin,
                        format!("the macro {name} has the parameter {parameter} twice"),
                    )
                    .help("Choose another name for one of the two.");
                return false;
            }
            let alike =
                |other: &&String| other.starts_with(parameter) || parameter.starts_with(&**other);
            self.warn_of_parameter(name, parameter, origin, before.clone().find(alike));
        }
        self.warn_of_unused(name, new);
        true
    }

    fn warn_of_parameter(
        &mut self,
        name: &str,
        parameter: &str,
        origin: &Origin,
        alike: Option<&String>,
    ) {
        if !parameter.starts_with(['$', '%', '@']) {
            let message = format!("the macro {name} has a parameter without a sign: {parameter}");
            let help = "Begin its name with $, % or @: it is replaced wherever it stands, also within words.";
            self.diagnostics.warning(origin, message).help(help);
        }
        if let Some(other) = alike {
            let message = format!(
                "the macro {name} has parameters that begin alike: {other} and {parameter}"
            );
            let help = "Choose other names: where both fit, the longer one is replaced.";
            self.diagnostics.warning(origin, message).help(help);
        }
    }

    fn warn_of_unused(&mut self, name: &str, new: &Macro) {
        let texts = || new.lines.iter().map(|line| &*line.text);
        let found = texts().flat_map(|text| {
            new.finder
                .iter()
                .flat_map(move |finder| finder.find_iter(text))
        });
        let used: HashSet<usize> = found.map(|found| found.pattern().as_usize()).collect();
        for (index, parameter) in new.parameters.iter().enumerate() {
            if !used.contains(&index) {
                let message = format!("the macro {name} never uses its parameter {parameter}");
                self.diagnostics
                    .warning(&new.origin, message)
                    .help("Use it, or remove it.");
            }
        }
    }

    /// `Use name argument …`: reads the lines of a macro.
    pub(super) fn use_macro(&mut self, args: &str, origin: &Origin, nesting: &mut Nesting) {
        match self.make(args, origin) {
            Ok((name, lines)) => {
                self.macros.open.push(name);
                self.lines(lines, nesting);
                self.macros.open.pop();
            }
            Err((message, help)) => {
                let message = format!("Use: {message}");
                self.diagnostics.error(origin, message).help(help);
            }
        }
    }

    /// A macro's name and its lines; else what is wrong, and what to do about it.
    fn make(
        &mut self,
        args: &str,
        origin: &Origin,
    ) -> Result<(String, Vec<Line>), (String, String)> {
        let mut words = lex::words(args).into_iter();
        let Some(name) = words.next().map(|name| name.to_ascii_lowercase()) else {
            let help = "Write `Use NAME argument …`.".to_owned();
            return Err(("the macro's name is missing".to_owned(), help));
        };
        let arguments: Vec<_> = words.collect();
        let used = self.usable(&name, arguments.len())?;
        if arguments.iter().any(String::is_empty) {
            let message = format!("Use: the macro {name} has an argument that is empty");
            let help = "Write what is to be put in.";
            self.diagnostics.warning(origin, message).help(help);
        }
        let made = used.made(&name, &arguments, origin, &mut self.macros.room);
        made.map(|lines| (name, lines)).ok_or_else(|| {
            let help = "Look for macros that use others again and again.".to_owned();
            ("macros make too much text".to_owned(), help)
        })
    }

    /// The macro of this name, if it may be used with so many arguments.
    fn usable(&mut self, name: &str, given: usize) -> Result<Arc<Macro>, (String, String)> {
        let Some(used) = self.macros.defined.get(name) else {
            let names = || self.macros.defined.keys().map(String::as_str);
            let help = match self.diagnostics.guess(name, names) {
                Some(known) => format!("Did you mean {known}?"),
                None => "Define it above, with <Macro NAME $parameter …>.".to_owned(),
            };
            return Err((format!("there is no macro {name}"), help));
        };
        let (at, wanted) = (&used.origin, used.parameters.len());
        if given != wanted {
            let message = format!("the macro {name} of {at} takes {wanted} arguments, not {given}");
            let line = format!("Use {name} {}", used.parameters.join(" "));
            return Err((message, format!("Write `{}`.", line.trim_end())));
        }
        if self.macros.open.iter().any(|open| open == name) || self.macros.open.len() >= MAX_DEPTH {
            let message = format!("the macro {name} of {at} uses itself, or is used too deep");
            return Err((message, "Remove the Use that closes the circle.".to_owned()));
        }
        Ok(Arc::clone(used))
    }

    /// `UndefMacro name`
    pub(super) fn undefine_macro(&mut self, name: &str, origin: &Origin) {
        let lower = name.to_ascii_lowercase();
        if self.macros.defined.remove(&lower).is_none() {
            self.diagnostics
                .error(origin, format!("UndefMacro: there is no macro {name}"))
                .help("Remove the line.");
        }
    }
}

/// What a parameter with `@` is replaced by: one word, whatever is in it.
fn quoted(argument: &str) -> Cow<'_, str> {
    let escaped = argument.replace('\\', r"\\").replace('"', "\\\"");
    format!("\"{escaped}\"").into()
}

/// The lines up to the `</Macro>` that closes it, without comments, and whether there is one.
fn body(lines: &mut impl Iterator<Item = Line>) -> (Vec<Line>, bool) {
    let mut body = Vec::new();
    let mut depth = 1;
    for line in lines {
        let text = lex::trim(&line.text);
        if text.starts_with('#') {
            continue;
        }
        let (first, _) = lex::word(text).unwrap_or_default();
        if first.eq_ignore_ascii_case("</Macro>") {
            depth -= 1;
        } else if first.eq_ignore_ascii_case("<Macro") {
            depth += 1;
        }
        if depth == 0 {
            return (body, true);
        }
        body.push(line);
    }
    (body, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_take_the_place_of_parameters() {
        let words = |text: &str| lex::words(text);
        for (text, parameters, arguments, expected) in [
            ("JkMount $path $w", "$path $w", "/x a", "JkMount /x a"),
            ("/$xy/$x", "$x $xy", "1 2", "/2/1"),
            ("a$xb", "$x", "$x", "a$xb"),
            ("$a$b", "$a $b", "$b 2", "$b2"),
            ("x marks xx", "x", "y", "y marks yy"),
            ("${x} $(y)", "$(y)", "z", "${x} z"),
            ("'$x'", "$x", "'a b'", "'a b'"),
            ("none", "", "", "none"),
            ("a@xb", "@x", "'b c'", "a\"b c\"b"),
            ("@x", "@x", r#""b\"\\c""#, r#""b\"\\c""#),
        ] {
            let origin = Origin::new("f", 1);
            let this = Macro::new(words(parameters), Vec::new(), &origin);
            let mut room = 20;
            let made = this.line(text, &words(arguments), &mut room).unwrap();
            assert_eq!(made, expected, "{text}");
            assert!(room <= 20 - made.len(), "{text}");
            assert_eq!(this.line(text, &words(arguments), &mut 3), None, "{text}");
        }
    }

    #[test]
    fn macros_in_macros_are_a_part_of_them() {
        let origin = Origin::new("f", 1);
        let line = |text: &str| Line {
            text: text.to_owned(),
            origin: origin.clone(),
        };
        let text = [
            "# </Macro>",
            "<macro in>",
            "x",
            "</MACRO>",
            "y",
            " </Macro> ",
            "z",
        ];
        let mut lines = text.into_iter().map(line);
        let (inside, ended) = body(&mut lines);
        let inside: Vec<_> = inside.iter().map(|line| &*line.text).collect();
        assert_eq!(
            (inside, ended),
            (vec!["<macro in>", "x", "</MACRO>", "y"], true)
        );
        assert_eq!(lines.next().unwrap().text, "z");
        assert!(!body(&mut lines).1);
    }
}
