//! Compares the keys with the table: unknown directives, old names, slips of the pen.

use crate::{
    diag::{Diagnostics, Origin, nearest},
    directive::{self, Directive, Scope, Standing},
    properties::shown,
    resolve::Properties,
};

/// Looks at each key that was written; inherited copies were looked at where they come from.
pub(crate) fn check(properties: &Properties, found: &mut Diagnostics) {
    for (key, property) in properties.iter() {
        let origin = property.origin();
        match directive::split_key(key) {
            _ if property.is_inherited() => {}
            Some((name, word)) => Setting {
                key,
                name,
                word,
                origin,
            }
            .check(properties, found),
            None => variable(key, origin, found),
        }
    }
}

/// A key that begins with `worker.`.
struct Setting<'a> {
    key: &'a str,
    name: Option<&'a str>,
    word: &'a str,
    origin: &'a Origin,
}

impl Setting<'_> {
    fn check(&self, properties: &Properties, found: &mut Diagnostics) {
        let Some(directive) = directive::find(self.word) else {
            return self.refuse_unknown(properties, found);
        };
        let (key, word) = (shown(self.key), self.word);
        match (self.name, is_global(word)) {
            (None, true) => {}
            (None, false) => {
                found
                    .warning(
                        self.origin,
                        format!("`{key}` names no worker and has no effect"),
                    )
                    .help(format!("Write `worker.NAME.{word}`."));
            }
            (Some(_), true) => {
                found
                    .warning(self.origin, format!("`{key}` has no effect"))
                    .help(format!("Write `worker.{word}`, without a worker's name."));
            }
            (Some(_), false) => self.warn_of_retired(directive, properties, found),
        }
    }

    fn refuse_unknown(&self, properties: &Properties, found: &mut Diagnostics) {
        let known = directive::all().filter(|d| is_global(d.name) == self.name.is_none());
        let remedy = match found.guess(self.word, || known.map(|d| d.name)) {
            Some(meant) => format!("Did you mean `{}`?", self.sibling(meant)),
            None if self.name.is_none() && properties.worker_names().contains(&self.word) => {
                format!(
                    "Write what is set: `worker.{}.host=`, for example.",
                    self.word
                )
            }
            None => "Remove the line; a variable must not begin with `worker.`.".to_owned(),
        };
        let (word, key) = (shown(self.word), shown(self.key));
        found
            .error(
                self.origin,
                format!("there is no directive `{word}` (in `{key}`)"),
            )
            .help(remedy);
    }

    fn warn_of_retired(
        &self,
        directive: &Directive,
        properties: &Properties,
        found: &mut Diagnostics,
    ) {
        let key = shown(self.key);
        let (message, remedy) = match directive.standing {
            Standing::Current => return,
            Standing::Ignored => (
                format!("`{key}` has no effect"),
                format!("Remove the line. {}", directive.doc.trim()),
            ),
            Standing::Alias(by) | Standing::Superseded(by)
                if properties.get(&self.sibling(by)).is_some() =>
            {
                (
                    format!(
                        "`{key}` has no effect: `{}` is set as well",
                        self.sibling(by)
                    ),
                    "Remove the line.".to_owned(),
                )
            }
            Standing::Alias(by) => (
                format!("`{key}` is an old name"),
                format!("Write `{}`.", self.sibling(by)),
            ),
            Standing::Superseded(by) => (
                format!("`{key}` is an old form"),
                format!("Write `{}={}`.", self.sibling(by), directive.name),
            ),
        };
        found.warning(self.origin, message).help(remedy);
    }

    /// The key of another directive of the same worker.
    fn sibling(&self, word: &str) -> String {
        match self.name {
            Some(name) => format!("worker.{}.{word}", shown(name)),
            None => format!("worker.{word}"),
        }
    }
}

/// Whether the directive stands without a worker's name.
fn is_global(word: &str) -> bool {
    directive::find(word).is_some_and(|d| d.scope == Scope::GLOBAL)
}

/// Any key may be a variable, so only what looks like a setting is worth a word.
fn variable(key: &str, origin: &Origin, found: &mut Diagnostics) {
    if let Some(meant) = meant_setting(key) {
        found
            .warning(
                origin,
                format!(
                    "`{}` is only a variable: settings begin with `worker.`",
                    shown(key)
                ),
            )
            .help(format!("Did you mean `{}`?", shown(&meant)));
    }
}

fn meant_setting(key: &str) -> Option<String> {
    if !key.starts_with(char::is_alphabetic) {
        return None;
    }
    let Some((first, rest)) = key.split_once('.') else {
        let globals = ["worker.list", "worker.maintain", "worker.resolve_interval"];
        return nearest(key, globals).map(str::to_owned);
    };
    nearest(first, ["worker"])?;
    let word = rest.rsplit('.').next()?.to_ascii_lowercase();
    (directive::find(&word).is_some() && is_global(&word) != rest.contains('.'))
        .then(|| format!("worker.{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_of_the_pen_in_keys_are_recognised() {
        for (key, meant) in [
            ("Worker.a.type", Some("worker.a.type")),
            ("workers.list", Some("worker.list")),
            ("workers.a.port", Some("worker.a.port")),
            ("wroker.a.port", Some("worker.a.port")),
            ("worker_list", Some("worker.list")),
            ("workers.tomcat_home", None),
            ("workers.java_home", None),
            ("ps", None),
            ("tomcat1.port", None),
            ("my.list", None),
            (";worker.list", None),
        ] {
            assert_eq!(meant_setting(key).as_deref(), meant, "{key}");
        }
    }
}
