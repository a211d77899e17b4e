//! Compares the keys with the table: unknown directives, old names, slips of the pen.

use crate::{
    diag::{Diagnostics, Origin, nearest},
    directive::{self, Directive, LIST, MAINTAIN, Standing},
    resolve::Properties,
};

/// Looks at each key that was written; inherited copies were looked at where they come from.
pub(crate) fn check(properties: &Properties, found: &mut Diagnostics) {
    for (key, property) in properties.iter() {
        if property.inherited {
            continue;
        }
        match directive::split_key(key) {
            Some((name, word)) => setting(key, name, word, property.origin(), found),
            None => variable(key, property.origin(), found),
        }
    }
}

fn setting(key: &str, name: Option<&str>, word: &str, origin: &Origin, found: &mut Diagnostics) {
    let Some(directive) = directive::find(word) else {
        return refuse_unknown(key, name, word, origin, found);
    };
    let global = [LIST.name, MAINTAIN.name].contains(&word);
    match name {
        None if global => {}
        None => {
            found
                .warning(origin, format!("`{key}` names no worker and has no effect"))
                .help(format!("Write `worker.NAME.{word}`."));
        }
        Some(_) if global => {
            found
                .warning(origin, format!("`{key}` has no effect"))
                .help(format!("Write `worker.{word}`, without a worker's name."));
        }
        Some(name) => warn_of_retired(key, name, directive, origin, found),
    }
}

fn refuse_unknown(
    key: &str,
    name: Option<&str>,
    word: &str,
    origin: &Origin,
    found: &mut Diagnostics,
) {
    let known = directive::all().filter(|d| match name {
        Some(_) => ![LIST.name, MAINTAIN.name].contains(&d.name),
        None => [LIST.name, MAINTAIN.name].contains(&d.name),
    });
    let prefix = name.map_or_else(|| "worker".to_owned(), |name| format!("worker.{name}"));
    let remedy = match nearest(word, known.map(|d| d.name)) {
        Some(meant) => format!("Did you mean `{prefix}.{meant}`?"),
        None => "Remove the line, or rename the key so that it does not begin with `worker.` if it is a variable.".to_owned(),
    };
    found
        .error(
            origin,
            format!("there is no directive `{word}` (in `{key}`)"),
        )
        .help(remedy);
}

fn warn_of_retired(
    key: &str,
    name: &str,
    directive: &Directive,
    origin: &Origin,
    found: &mut Diagnostics,
) {
    match directive.standing {
        Standing::Current => {}
        Standing::Alias(by) => {
            found
                .warning(origin, format!("`{key}` is an old name"))
                .help(format!("Write `worker.{name}.{by}`."));
        }
        Standing::Superseded(by) => {
            found
                .warning(origin, format!("`{key}` is an old form"))
                .help(format!("Write `worker.{name}.{by}={}`.", directive.name));
        }
        Standing::Ignored => {
            found
                .warning(origin, format!("`{key}` has no effect"))
                .help(directive.doc.trim());
        }
    }
}

/// Any key may be a variable, so only what looks like a setting is worth a word.
fn variable(key: &str, origin: &Origin, found: &mut Diagnostics) {
    if let Some(meant) = meant_setting(key) {
        found
            .warning(
                origin,
                format!("`{key}` is only a variable: settings begin with `worker.`"),
            )
            .help(format!("Did you mean `{meant}`?"));
    }
}

fn meant_setting(key: &str) -> Option<String> {
    let Some((first, rest)) = key.split_once('.') else {
        let globals = ["worker.list", "worker.maintain"];
        return nearest(key, globals).map(str::to_owned);
    };
    nearest(first, ["worker"])?;
    let word = rest.rsplit('.').next()?.to_ascii_lowercase();
    let global = [LIST.name, MAINTAIN.name].contains(&word.as_str());
    (directive::find(&word).is_some() && global != rest.contains('.'))
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
        ] {
            assert_eq!(meant_setting(key).as_deref(), meant, "{key}");
        }
    }
}
