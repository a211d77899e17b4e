//! What a file is, by the extensions of its name: media type, character set, language, encoding.

use std::{borrow::Cow, collections::HashMap, fmt, sync::Arc};

/// `TypesConfig`: media types by extension, in lower case.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct MimeTypes(HashMap<Box<str>, Arc<str>>);

/// What `AddType` and its relatives say, by extension, in lower case and without its dot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extensions(HashMap<Box<str>, Extension>);

/// What is said about one extension. An empty text takes away what is said around.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Extension {
    /// `AddType`.
    pub(crate) kind: Option<Arc<str>>,
    /// `AddCharset`.
    pub(crate) charset: Option<Arc<str>>,
    /// `AddLanguage`.
    pub(crate) language: Option<Arc<str>>,
    /// `AddEncoding`.
    pub(crate) encoding: Option<Arc<str>>,
    /// `AddHandler`.
    pub(crate) handler: Option<Arc<str>>,
    /// `AddOutputFilter`, as far as there is such a filter: `deflate`.
    pub(crate) filter: Option<Arc<str>>,
}

/// What a file is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kind<'a> {
    /// The media type.
    pub media_type: Option<Cow<'a, str>>,
    /// The character set that an extension names.
    pub charset: Option<&'a str>,
    /// The languages, outermost extension last.
    pub languages: Vec<&'a str>,
    /// The encodings, in the order in which they were applied.
    pub encodings: Vec<&'a str>,
    /// The handler that an extension gives the file to.
    pub handler: Option<&'a str>,
}

impl fmt::Debug for MimeTypes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MimeTypes({})", self.0.len())
    }
}

impl MimeTypes {
    /// Reads a file in the format of `mime.types`: a type and its extensions in each line. The last
    /// line about an extension counts.
    pub fn parse(text: &str) -> Self {
        let mut types = HashMap::new();
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        for line in lines {
            let mut words = line.split_ascii_whitespace();
            let Some(kind) = words.next() else { continue };
            let kind: Arc<str> = kind.into();
            for extension in words {
                types.insert(extension.to_ascii_lowercase().into(), Arc::clone(&kind));
            }
        }
        Self(types)
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The type of an extension in lower case.
    fn get(&self, extension: &str) -> Option<&str> {
        self.0.get(extension).map(|kind| &**kind)
    }
}

impl Extensions {
    /// What is said about an extension, with or without its dot.
    pub(crate) fn entry(&mut self, extension: &str) -> &mut Extension {
        let extension = extension.strip_prefix('.').unwrap_or(extension);
        let key = extension.to_ascii_lowercase().into();
        self.0.entry(key).or_default()
    }

    /// What holds where `own` is said inside of what says `base`.
    pub(super) fn over(own: &Arc<Self>, base: &Arc<Self>) -> Arc<Self> {
        if own.0.is_empty() {
            return Arc::clone(base);
        }
        if base.0.is_empty() {
            return Arc::clone(own);
        }
        let mut merged = Self::clone(base);
        for (key, own) in &own.0 {
            let around = merged.0.entry(key.clone()).or_default();
            *around = own.over(around);
        }
        Arc::new(merged)
    }

    /// Whether a language or an encoding is said of any extension.
    pub(crate) fn are_described(&self) -> bool {
        let mut said = self.0.values();
        said.any(|said| said.language.is_some() || said.encoding.is_some())
    }

    /// Whether the handler of some extension is this one.
    pub(crate) fn has_handler(&self, name: &str) -> bool {
        let mut said = self.0.values();
        said.any(|said| said.handler.as_deref() == Some(name))
    }

    /// What a file of this name is. httpd looks at each extension: the name up to the first dot,
    /// and dots in front of it, are none.
    pub fn kind_of<'a>(&'a self, name: &str, types: &'a MimeTypes) -> Kind<'a> {
        let mut kind = Kind::default();
        for extension in extensions(name) {
            let said = self.0.get(&*extension);
            kind.add(types.get(&extension), said);
        }
        kind
    }

    /// Whether `AddOutputFilter DEFLATE` is about an extension of this name.
    pub fn deflates(&self, name: &str) -> bool {
        !self.0.is_empty()
            && extensions(name).any(|extension| {
                let said = self.0.get(&*extension);
                said.is_some_and(|said| said.filter.as_deref() == Some("deflate"))
            })
    }

    /// Whether it is about any extension.
    pub(crate) fn have_filters(&self) -> bool {
        let mut said = self.0.values();
        said.any(|said| said.filter.as_deref() == Some("deflate"))
    }

    /// The handler that the last extension with one gives a file of this name to.
    pub fn handler_of(&self, name: &str) -> Option<&str> {
        if self.0.is_empty() {
            return None;
        }
        let said = extensions(name).filter_map(|extension| self.0.get(&*extension));
        let handlers = said.filter_map(|said| said.handler.as_deref());
        handlers.filter(|handler| !handler.is_empty()).last()
    }
}

/// The extensions of a name, in lower case.
fn extensions(name: &str) -> impl Iterator<Item = String> + '_ {
    let extensions = name.trim_start_matches('.').split('.').skip(1);
    let extensions = extensions.filter(|extension| !extension.is_empty());
    extensions.map(str::to_ascii_lowercase)
}

impl Extension {
    fn over(&self, base: &Self) -> Self {
        let pick = |own: &Option<Arc<str>>, base: &Option<Arc<str>>| {
            own.as_ref().or(base.as_ref()).map(Arc::clone)
        };
        Self {
            kind: pick(&self.kind, &base.kind),
            charset: pick(&self.charset, &base.charset),
            language: pick(&self.language, &base.language),
            encoding: pick(&self.encoding, &base.encoding),
            handler: pick(&self.handler, &base.handler),
            filter: pick(&self.filter, &base.filter),
        }
    }
}

impl<'a> Kind<'a> {
    /// Takes over what is known about one more extension.
    fn add(&mut self, by_table: Option<&'a str>, said: Option<&'a Extension>) {
        let text = |value: &'a Option<Arc<str>>| value.as_deref().filter(|text| !text.is_empty());
        let own = said.and_then(|said| text(&said.kind));
        if let Some(media_type) = own.or(by_table) {
            self.media_type = Some(Cow::Borrowed(media_type));
        }
        let Some(said) = said else { return };
        self.charset = text(&said.charset).or(self.charset);
        self.handler = text(&said.handler).or(self.handler);
        self.languages.extend(text(&said.language));
        self.encodings.extend(text(&said.encoding));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn types() -> MimeTypes {
        MimeTypes::parse(
            "# x\ntext/html\thtml htm\ntext/plain txt\n\nimage/x\nfont/a A\nfont/b a\n",
        )
    }

    fn said() -> Extensions {
        let mut said = Extensions::default();
        said.entry(".fr").language = Some("fr".into());
        said.entry("gz").encoding = Some("x-gzip".into());
        said.entry("TXT").kind = Some("text/special".into());
        said.entry("utf8").charset = Some("UTF-8".into());
        said.entry("cgi").handler = Some("cgi-script".into());
        said
    }

    #[test]
    fn each_extension_says_something() {
        let (types, said) = (types(), said());
        let kind = |name| said.kind_of(name, &types);
        let media_type = |name| kind(name).media_type.map(Cow::into_owned);
        for (name, expected) in [
            ("x.html", Some("text/html")),
            ("x.HTM", Some("text/html")),
            ("x.html.bak", Some("text/html")),
            ("x.html.txt", Some("text/special")),
            ("x.a", Some("font/b")),
            ("html", None),
            (".html", None),
            ("..x.html", Some("text/html")),
            ("x.", None),
            ("x..html", Some("text/html")),
            ("", None),
        ] {
            assert_eq!(media_type(name).as_deref(), expected, "{name}");
        }
        let found = kind("x.html.fr.utf8.gz");
        assert_eq!(found.media_type.as_deref(), Some("text/html"));
        assert_eq!(found.charset, Some("UTF-8"));
        assert_eq!(found.languages, ["fr"]);
        assert_eq!(found.encodings, ["x-gzip"]);
        assert_eq!(kind("x.cgi.html").handler, Some("cgi-script"));
    }

    #[test]
    fn inner_lines_replace_and_remove() {
        let mut own = Extensions::default();
        own.entry("fr").language = Some("".into());
        own.entry("txt").charset = Some("x".into());
        let merged = Extensions::over(&Arc::new(own), &Arc::new(said()));
        let types = types();
        let kind = merged.kind_of("a.txt.fr", &types);
        assert!(kind.languages.is_empty());
        assert_eq!(kind.charset, Some("x"));
        assert_eq!(kind.media_type.as_deref(), Some("text/special"));
    }
}
