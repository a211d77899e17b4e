//! Sections: `<Location>`, `<Directory>`, `<Files>`, `<If>` and their relatives.

mod choice;

use std::{fmt, sync::Arc};

use serde::{Serialize, Serializer};

pub(crate) use self::choice::number as number_choices;
pub use self::choice::{Choice, Turn};
use super::Settings;
use crate::{diag::Origin, pattern::Pattern, uri_map::wildcard};

/// One section with what it says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Section {
    /// What it is about.
    pub covers: Covers,
    /// The section of a directory around a `<Files>`: both have to cover a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub within: Option<Arc<Covers>>,
    /// What it says.
    #[serde(flatten)]
    pub settings: Settings,
    /// Where it begins.
    pub origin: Origin,
}

/// Which requests a section is about.
///
/// Locations are about paths of requests (normalised), the others about files. A request that a
/// worker answers has no file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Covers {
    /// `<Directory path>`: the directory and everything below it.
    Directory(Place),
    /// `<DirectoryMatch regex>`, `<Directory ~ regex>`.
    DirectoryMatch(Pattern),
    /// `<Files name>`: files of this name wherever they are.
    Files(Place),
    /// `<FilesMatch regex>`, `<Files ~ regex>`.
    FilesMatch(Pattern),
    /// `<If expression>`, `<ElseIf expression>`, `<Else>`.
    If(Choice),
    /// `<Location path>`: a prefix that ends at a segment boundary, or with wildcards.
    Location(Place),
    /// `<LocationMatch regex>`, `<Location ~ regex>`.
    LocationMatch(Pattern),
}

/// Literal text, or with httpd's wildcards for file names: `*`, `?` and `[…]`, none of which
/// matches a `/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    text: String,
    is_glob: bool,
}

/// What sections look at of a request.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'r> {
    /// The path of the request, normalised.
    pub path: &'r [u8],
    /// The file or directory that the path leads to: absolute, without `..`, whether it exists or
    /// not. `None` for what a worker answers.
    pub file: Option<&'r [u8]>,
    /// Whether `file` is a directory.
    pub is_directory: bool,
    /// Whether somebody has asked for its directory, as for an index file: no expression of a
    /// `<DirectoryMatch>` looks at its name.
    pub is_listed: bool,
    /// Which of the host's `<If>` sections hold, by their numbers; empty where nobody has looked
    /// yet.
    pub chosen: &'r [bool],
}

impl<'r> Asked<'r> {
    /// A path that a worker may answer.
    pub const fn at(path: &'r [u8]) -> Self {
        Self {
            path,
            file: None,
            is_directory: false,
            is_listed: false,
            chosen: &[],
        }
    }
}

impl<'r> Asked<'r> {
    /// The same path with the file or directory that would be served: directories end with a slash,
    /// which is no part of the name where the path has none, either.
    #[must_use]
    pub fn with_file(self, file: Option<&'r [u8]>) -> Self {
        Self {
            file: file.map(|file| name_for(self.path, file)),
            is_directory: file.is_some_and(|file| file.ends_with(b"/")),
            ..self
        }
    }

    /// The same path on the way through this file or directory: directories end with a slash.
    #[must_use]
    pub fn passing(self, file: &'r [u8]) -> Self {
        Self {
            file: Some(file),
            is_directory: file.ends_with(b"/"),
            ..self
        }
    }

    /// The same file, where its directory was asked for.
    #[must_use]
    pub const fn listed(self, is_listed: bool) -> Self {
        Self { is_listed, ..self }
    }

    /// What expressions of directories look at. As in httpd the name of a file may be a part of
    /// what is found.
    fn place(self, file: &[u8]) -> &[u8] {
        let name = if self.is_listed { name(file).len() } else { 0 };
        file.get(..file.len() - name).unwrap_or(file)
    }

    /// The same, where it is known which `<If>` sections hold.
    #[must_use]
    pub const fn choosing(self, chosen: &'r [bool]) -> Self {
        Self { chosen, ..self }
    }
}

impl Section {
    /// Whether the section is about what is asked for.
    pub fn covers(&self, asked: Asked<'_>) -> bool {
        if let Covers::If(choice) = &self.covers {
            // That includes the sections around it.
            return choice.is_among(asked.chosen);
        }
        let around = self.within.as_deref();
        around.is_none_or(|around| around.is_about(asked)) && self.covers.is_about(asked)
    }
}

impl Section {
    /// Whether groups of expressions have names here: they set variables.
    pub(crate) fn has_names(&self) -> bool {
        let around = self.within.as_deref();
        self.covers.has_names() || around.is_some_and(Covers::has_names)
    }

    /// What these groups find: variables and their values.
    pub(crate) fn named<'s, 'r>(
        &'s self,
        asked: Asked<'r>,
    ) -> impl Iterator<Item = (&'s str, &'r [u8])> {
        let covers = self.within.as_deref().into_iter().chain([&self.covers]);
        let expressions = covers.filter_map(move |covers| covers.expression(asked));
        expressions.flat_map(|(pattern, text)| pattern.named(text))
    }

    /// Whether it can be said if the section is about what is asked for: its regular expression
    /// does not take too long.
    pub fn is_certain(&self, asked: Asked<'_>) -> bool {
        let around = self.within.as_deref();
        around.is_none_or(|around| around.is_certain(asked)) && self.covers.is_certain(asked)
    }
}

impl Covers {
    /// Whether this is about the path of requests rather than about files.
    pub const fn is_location(&self) -> bool {
        matches!(self, Self::Location(_) | Self::LocationMatch(_))
    }

    fn is_about(&self, asked: Asked<'_>) -> bool {
        match (self, asked.file) {
            (Self::If(choice), _) => choice.is_among(asked.chosen),
            (Self::Location(place), _) => place.is_around(asked.path),
            (Self::LocationMatch(pattern), _) => pattern.is_match(asked.path),
            (Self::Directory(place), Some(file)) => place.holds(file, asked.is_directory),
            (Self::DirectoryMatch(pattern), Some(file)) => pattern.is_match(asked.place(file)),
            (Self::Files(place), Some(file)) => place.is(name(file)),
            (Self::FilesMatch(pattern), Some(file)) => pattern.is_match(name(file)),
            (_, None) => false,
        }
    }

    /// The expression of a `…Match`, and what it looks at.
    fn expression<'r>(&self, asked: Asked<'r>) -> Option<(&Pattern, &'r [u8])> {
        match self {
            Self::LocationMatch(pattern) => Some((pattern, asked.path)),
            Self::DirectoryMatch(pattern) => Some((pattern, asked.file?)),
            Self::FilesMatch(pattern) => Some((pattern, name(asked.file?))),
            _ => None,
        }
    }

    /// Whether groups of its expression have names.
    fn has_names(&self) -> bool {
        let anything = Asked::at(b"").with_file(Some(b""));
        let expression = self.expression(anything);
        expression.is_some_and(|(pattern, _)| pattern.has_names())
    }

    fn is_certain(&self, asked: Asked<'_>) -> bool {
        match (self, asked.file) {
            (Self::LocationMatch(pattern), _) => pattern.decides(asked.path),
            (Self::DirectoryMatch(pattern), Some(file)) => pattern.decides(asked.place(file)),
            (Self::FilesMatch(pattern), Some(file)) => pattern.decides(name(file)),
            (Self::If(choice), _) => choice.around.iter().all(|covers| covers.is_certain(asked)),
            _ => true,
        }
    }

    /// In which order sections are applied: directories, the outer ones first, then those with
    /// regular expressions, then files, then locations. Equal ones keep the order in which they
    /// were written. What holds only sometimes comes last, in the order of the sections around it.
    pub(crate) fn rank(&self, within: Option<&Self>) -> (u8, usize) {
        match (self, within) {
            (Self::If(choice), _) => choice.rank(),
            (Self::Directory(place), _) => (0, place.depth()),
            (Self::DirectoryMatch(_), _) => (1, 0),
            (Self::Files(_) | Self::FilesMatch(_), None) => (2, 0),
            (Self::Files(_) | Self::FilesMatch(_), Some(Self::Directory(place))) => {
                (3, place.depth())
            }
            (Self::Files(_) | Self::FilesMatch(_), Some(_)) => (4, 0),
            (Self::Location(_) | Self::LocationMatch(_), _) => (5, 0),
        }
    }

    /// The section's argument, without quotes.
    pub fn argument(&self) -> String {
        self.parts().1.to_string()
    }

    /// The section's name and its argument.
    const fn parts(&self) -> (&'static str, &dyn fmt::Display) {
        match self {
            Self::Directory(place) => ("Directory", place),
            Self::DirectoryMatch(pattern) => ("DirectoryMatch", pattern),
            Self::Files(place) => ("Files", place),
            Self::FilesMatch(pattern) => ("FilesMatch", pattern),
            Self::If(choice) => (choice.turn.name(), choice),
            Self::Location(place) => ("Location", place),
            Self::LocationMatch(pattern) => ("LocationMatch", pattern),
        }
    }
}

/// As it is written: `<Location /x>`.
impl fmt::Display for Covers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::If(choice) = self {
            return choice.fmt(f);
        }
        let (name, argument) = self.parts();
        write!(f, "<{name} {argument}>")
    }
}

impl Serialize for Covers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Place {
    /// Takes wildcards for what they are.
    pub fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        let is_glob = wildcard::is_glob(text.as_bytes());
        Self { text, is_glob }
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Without wildcards: the path itself and everything below it. With wildcards: the whole path.
    fn is_around(&self, path: &[u8]) -> bool {
        if self.is_glob {
            wildcard::glob(self.text.as_bytes(), path)
        } else {
            is_prefix(self.text.as_bytes(), path)
        }
    }

    /// A directory and everything below it. Wildcards are compared with as many segments as there
    /// are here.
    fn holds(&self, file: &[u8], is_directory: bool) -> bool {
        let own = self.text.as_bytes();
        let own = own.strip_suffix(b"/").unwrap_or(own);
        let segments = own.split(|&b| b == b'/').count();
        let mut ends = (0..file.len()).filter(|&at| file.get(at) == Some(&b'/'));
        let end = ends
            .nth(segments.saturating_sub(1))
            .or_else(|| is_directory.then_some(file.len()));
        let directory = end.and_then(|end| file.get(..end)).unwrap_or_default();
        if self.is_glob {
            wildcard::glob(own, directory)
        } else {
            own == directory
        }
    }

    fn is(&self, name: &[u8]) -> bool {
        if self.is_glob {
            wildcard::glob(self.text.as_bytes(), name)
        } else {
            name == self.text.as_bytes()
        }
    }

    /// How many segments a path has.
    fn depth(&self) -> usize {
        self.text.split('/').filter(|part| !part.is_empty()).count()
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn is_prefix(own: &[u8], path: &[u8]) -> bool {
    path.strip_prefix(own)
        .is_some_and(|rest| own.ends_with(b"/") || rest.is_empty() || rest.starts_with(b"/"))
}

/// The name of the file or directory that `path` leads to, as httpd has it: a directory ends with a
/// slash where the path does.
pub fn name_for<'f>(path: &[u8], file: &'f [u8]) -> &'f [u8] {
    let is_bare = !path.is_empty() && !path.ends_with(b"/");
    let bare = file.strip_suffix(b"/").filter(|name| !name.is_empty());
    bare.filter(|_| is_bare).unwrap_or(file)
}

/// The name of a file: what stands behind the last slash.
fn name(file: &[u8]) -> &[u8] {
    file.rsplit(|&b| b == b'/').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_of_directories_see_names_of_files_unless_their_directory_was_asked_for() {
        let covers = Covers::DirectoryMatch(Pattern::new("/www/[^/]+$", false).unwrap());
        let asked = Asked::at(b"/x").with_file(Some(b"/www/x"));
        assert!(covers.is_about(asked));
        assert!(!covers.is_about(asked.listed(true)));
        assert!(covers.is_certain(asked.listed(true)));
        let directory = Asked::at(b"/").with_file(Some(b"/www/"));
        assert!(!covers.is_about(directory));
    }

    #[test]
    fn a_directory_has_its_slash_where_the_path_has_it() {
        let covers = Covers::DirectoryMatch(Pattern::new("/www/[^/]+/", false).unwrap());
        let bare = Asked::at(b"/app").with_file(Some(b"/www/app/"));
        assert!(!covers.is_about(bare));
        assert!(covers.is_about(Asked::at(b"/app/").with_file(Some(b"/www/app/"))));
        assert!(covers.is_about(Asked::at(b"/app").passing(b"/www/app/")));
        let files = Covers::Files(Place::new("app"));
        assert!(files.is_about(bare));
        for around in ["/", "/www", "/www/app/"] {
            assert!(
                Covers::Directory(Place::new(around)).is_about(bare),
                "{around}"
            );
        }
        assert!(!Covers::Directory(Place::new("/www/ap")).is_about(bare));
    }
}
