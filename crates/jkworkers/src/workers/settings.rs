//! One worker's settings, typed by the table: every accessor takes the directive, applies its
//! range and default, and reports what it could not take as it was written.

use std::time::Duration;

use crate::{
    diag::{Diagnostics, Origin},
    directive::{Directive, Kind, Preset},
    resolve::{Properties, Property},
    values,
};

/// Fewer milliseconds are hardly what an operator wants to wait for a Tomcat.
const SUSPICIOUS: u32 = 100;

/// A view of the properties of one worker. `'p` is the properties' life.
pub(super) struct Settings<'s, 'p> {
    name: Option<&'s str>,
    properties: &'p Properties,
    found: &'s mut Diagnostics,
}

impl<'s, 'p> Settings<'s, 'p> {
    /// Of the worker of this name.
    pub(super) fn of(
        name: &'s str,
        properties: &'p Properties,
        found: &'s mut Diagnostics,
    ) -> Self {
        Self {
            name: Some(name),
            properties,
            found,
        }
    }

    /// Of no worker: `worker.list` and `worker.maintain`.
    pub(super) fn global(properties: &'p Properties, found: &'s mut Diagnostics) -> Self {
        Self {
            name: None,
            properties,
            found,
        }
    }

    /// A number: as written, moved into the directive's range, or the default.
    pub(super) fn int(&mut self, directive: &Directive) -> i32 {
        let preset = Self::preset_int(directive);
        self.written_int(directive).unwrap_or(preset)
    }

    /// The directive's default number, 0 where it is none.
    pub(super) fn preset_int(directive: &Directive) -> i32 {
        match directive.preset() {
            Preset::Int(number) => number,
            _ => 0,
        }
    }

    /// A number that cannot be negative by the directive's range.
    pub(super) fn count(&mut self, directive: &Directive) -> u32 {
        u32::try_from(self.int(directive)).unwrap_or(0)
    }

    /// A number if one is written, moved into the directive's range.
    pub(super) fn written_int(&mut self, directive: &Directive) -> Option<i32> {
        let number = self.raw_int(directive)?;
        let Kind::Int { min, max, .. } = directive.kind else {
            return Some(number);
        };
        let effective = number.clamp(min, max);
        if effective != number {
            self.warn(directive, |key| {
                (
                    format!("`{key}={number}` is out of range: {effective} applies"),
                    match max {
                        i32::MAX => format!("Write a number of at least {min}."),
                        _ => format!("Write a number from {min} to {max}."),
                    },
                )
            });
        }
        Some(effective)
    }

    /// A number if one is written, as it is written.
    pub(super) fn raw_int(&mut self, directive: &Directive) -> Option<i32> {
        let text = self.property(directive)?.text();
        let Some(number) = values::int(text) else {
            self.warn(directive, |key| {
                (
                    format!(
                        "`{key}={text}` is no number: {} applies",
                        directive.preset()
                    ),
                    "Write a whole number.".to_owned(),
                )
            });
            return None;
        };
        if !number.ignored.is_empty() {
            let (value, ignored) = (number.value, number.ignored);
            self.warn(directive, |key| {
                (
                    format!("`{key}={text}` is read as {value}: `{ignored}` is ignored"),
                    "Write a whole number without a unit.".to_owned(),
                )
            });
        }
        Some(number.value)
    }

    /// A number of seconds.
    pub(super) fn seconds(&mut self, directive: &Directive) -> Duration {
        Duration::from_secs(self.count(directive).into())
    }

    /// A number of milliseconds.
    pub(super) fn millis(&mut self, directive: &Directive) -> Duration {
        Duration::from_millis(self.count(directive).into())
    }

    /// A number of milliseconds that something far away may take. Numbers that would do as seconds
    /// are reported: other timeouts are in seconds.
    pub(super) fn timeout(&mut self, directive: &Directive) -> Duration {
        let millis = self.count(directive);
        if (1..SUSPICIOUS).contains(&millis) {
            self.warn(directive, |key| {
                (
                    format!("`{key}={millis}` is {millis} milliseconds"),
                    format!("Write {} if seconds are meant.", u64::from(millis) * 1000),
                )
            });
        }
        Duration::from_millis(millis.into())
    }

    /// A flag as written, or the default.
    pub(super) fn flag(&mut self, directive: &Directive) -> bool {
        let preset = directive.preset() == Preset::Flag(true);
        self.written_flag(directive).unwrap_or(preset)
    }

    fn written_flag(&mut self, directive: &Directive) -> Option<bool> {
        let text = self.property(directive)?.text();
        let flag = values::flag(text);
        if flag.is_none() {
            self.warn_of_bad_value(directive, text, "Write `true` or `false`.".to_owned());
        }
        flag
    }

    /// The full name of the choice as written, or else of the default.
    pub(super) fn choice(&mut self, directive: &Directive) -> Option<&'static str> {
        let text = self.property(directive)?.text();
        let Kind::Choice(choices) = directive.kind else {
            return None;
        };
        let choice = values::choice(text, choices);
        if choice.is_none() {
            let names: Vec<&str> = choices.iter().map(|choice| choice.name).collect();
            let remedy = format!("Write one of {}.", names.join(", "));
            self.warn_of_bad_value(directive, text, remedy);
        }
        choice
    }

    /// A text as written, or the default. Too long a text is an error.
    pub(super) fn text(&mut self, directive: &Directive) -> Option<&'p str> {
        let preset = match directive.preset() {
            Preset::Text(text) => Some(text),
            _ => None,
        };
        self.written_text(directive).or(preset)
    }

    fn written_text(&mut self, directive: &Directive) -> Option<&'p str> {
        let text = self.property(directive)?.text();
        if let Kind::Text {
            max_bytes: Some(max),
        } = directive.kind
        {
            if text.len() > max {
                self.error(directive, |key| {
                    (
                        format!(
                            "`{key}` has {} bytes, at most {max} are allowed",
                            text.len()
                        ),
                        "Shorten it.".to_owned(),
                    )
                });
            }
        }
        Some(text)
    }

    /// The items of a list as written, or of the default.
    pub(super) fn list(&mut self, directive: &Directive) -> Vec<String> {
        match (self.property(directive), directive.preset()) {
            (Some(list), _) => list.items().map(|(item, _)| item.to_owned()).collect(),
            (None, Preset::Text(list)) => list.split(',').map(str::to_owned).collect(),
            (None, _) => Vec::new(),
        }
    }

    /// The property of the directive, or of an old name of it.
    pub(super) fn property(&self, directive: &Directive) -> Option<&'p Property> {
        self.found_property(directive).map(|(_, property)| property)
    }

    /// The property with the key under which it was found. As in mod_jk an old name counts for
    /// sizes and times also where the new one has a negative number or none.
    fn found_property(&self, directive: &Directive) -> Option<(String, &'p Property)> {
        let get = |name| {
            let key = self.key(name);
            self.properties.get(&key).map(|property| (key, property))
        };
        let says_nothing = |property: &Property| {
            matches!(directive.kind, Kind::Int { .. })
                && values::int(property.text()).is_none_or(|number| number.value < 0)
        };
        let own = get(directive.name);
        if let Some((_, property)) = &own
            && !says_nothing(property)
        {
            return own;
        }
        directive.aliases().find_map(get).or(own)
    }

    /// Whether the directive is written, in whatever form.
    pub(super) fn is_written(&self, directive: &Directive) -> bool {
        self.property(directive).is_some()
    }

    /// Reports a warning and a remedy about the directive's value; `say` gets the key.
    pub(super) fn warn(
        &mut self,
        directive: &Directive,
        say: impl FnOnce(&str) -> (String, String),
    ) {
        let (message, remedy) = say(&self.written_key(directive));
        let origin = self.origin(directive);
        self.found.warning(&origin, message).help(remedy);
    }

    /// Reports an error and a remedy about the directive's value; `say` gets the key.
    pub(super) fn error(
        &mut self,
        directive: &Directive,
        say: impl FnOnce(&str) -> (String, String),
    ) {
        let (message, remedy) = say(&self.written_key(directive));
        let origin = self.origin(directive);
        self.found.error(&origin, message).help(remedy);
    }

    /// The key `worker.NAME.word`.
    pub(super) fn key(&self, word: &str) -> String {
        match self.name {
            Some(name) => format!("worker.{name}.{word}"),
            None => format!("worker.{word}"),
        }
    }

    fn warn_of_bad_value(&mut self, directive: &Directive, text: &str, remedy: String) {
        self.warn(directive, |key| {
            let preset = directive.preset();
            (
                format!("`{key}` cannot be `{text}`: {preset} applies"),
                remedy,
            )
        });
    }

    /// The key under which the value was written: perhaps an old name, perhaps a template's.
    fn written_key(&self, directive: &Directive) -> String {
        match self.found_property(directive) {
            Some((key, property)) => property.written_as().map_or(key, str::to_owned),
            None => self.key(directive.name),
        }
    }

    fn origin(&self, directive: &Directive) -> Origin {
        match self.property(directive) {
            Some(property) => property.origin().clone(),
            None => Origin::new(self.key(directive.name), 0),
        }
    }
}
