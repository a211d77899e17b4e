//! Two values, field by field.

use serde_json::Value;

/// A field that differs.
pub(super) struct Field<'a> {
    /// As an operator knows it, if it is known by another name than its path.
    pub(super) name: String,
    pub(super) old: &'a Value,
    pub(super) new: &'a Value,
}

/// Compares two objects without the fields `but`.
pub(super) fn compare<'a>(old: &'a Value, new: &'a Value, but: &[&str], into: &mut Vec<Field<'a>>) {
    for key in keys(old).chain(keys(new).filter(|key| old.get(*key).is_none())) {
        if !but.contains(&key) {
            field(key.to_owned(), old.get(key), new.get(key), into);
        }
    }
}

fn keys(value: &Value) -> impl Iterator<Item = &str> {
    let fields = value.as_object().into_iter().flatten();
    fields.map(|(key, _)| key.as_str())
}

fn field<'a>(
    path: String,
    old: Option<&'a Value>,
    new: Option<&'a Value>,
    into: &mut Vec<Field<'a>>,
) {
    let (was_there, is_there) = (old.is_some(), new.is_some());
    let (old, new) = (old.unwrap_or(&Value::Null), new.unwrap_or(&Value::Null));
    let absent = |there: bool, other: &Value| !there && is_nothing(other);
    if old == new || absent(was_there, new) || absent(is_there, old) {
        return;
    }
    let objects = (old.is_object() || !was_there) && (new.is_object() || !is_there);
    if objects && (old.is_object() || new.is_object()) {
        for key in keys(old).chain(keys(new).filter(|key| old.get(*key).is_none())) {
            field(format!("{path}.{key}"), old.get(key), new.get(key), into);
        }
        return;
    }
    let name = name(&path).map_or(path, str::to_owned);
    into.push(Field { name, old, new });
}

/// What a field that is left out means.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(on) => !on,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.values().all(is_nothing),
        Value::Number(_) | Value::String(_) => false,
    }
}

/// A value as part of a line. Times are the only numbers with a fraction: seconds.
pub(super) fn show(value: &Value) -> String {
    match value {
        Value::Null => "none".into(),
        Value::Bool(true) => "on".into(),
        Value::Bool(false) => "off".into(),
        Value::String(text) if text.is_empty() => "\"\"".into(),
        Value::String(text) => text.clone(),
        Value::Number(number) => match number.as_f64().filter(|_| number.is_f64()) {
            Some(seconds) if seconds.fract() == 0.0 => format!("{seconds} s"),
            Some(seconds) => format!("{} ms", seconds * 1000.0),
            None => number.to_string(),
        },
        Value::Array(items) if items.is_empty() => "none".into(),
        Value::Array(items) => items.iter().map(show).collect::<Vec<_>>().join(", "),
        Value::Object(fields) => {
            let field = |(key, value): (&String, &Value)| match value {
                Value::Object(_) => format!("{key} ({})", show(value)),
                value => format!("{key} {}", show(value)),
            };
            fields.iter().map(field).collect::<Vec<_>>().join(", ")
        }
    }
}

/// The directive that a field comes from, where the two differ.
fn name(path: &str) -> Option<&'static str> {
    let (_, name) = NAMES.iter().find(|(field, _)| *field == path)?;
    Some(name)
}

const NAMES: &[(&str, &str)] = &[
    ("global.maintain", "worker.maintain"),
    ("logs.access", "CustomLog"),
    ("logs.error", "ErrorLog"),
    ("logs.error_level", "LogLevel"),
    ("logs.jk.file", "JkLogFile"),
    ("logs.jk.level", "JkLogLevel"),
    ("logs.jk.requests", "JkRequestLogFormat"),
    ("logs.jk.stamp", "JkLogStampFormat"),
    ("mount_copy", "JkMountCopy"),
    ("pool.acquire_timeout", "connection_acquire_timeout"),
    ("pool.idle_timeout", "connection_pool_timeout"),
    ("pool.min_size", "connection_pool_minsize"),
    ("pool.size", "connection_pool_size"),
    ("retries.attempts", "retries"),
    ("retries.interval", "retry_interval"),
    ("socket.buffer", "socket_buffer"),
    ("socket.connect_timeout", "socket_connect_timeout"),
    ("socket.keepalive", "socket_keepalive"),
    ("socket.timeout", "socket_timeout"),
    ("sticky.cookie", "session_cookie"),
    ("sticky.cookie_path", "session_cookie_path"),
    ("sticky.enabled", "sticky_session"),
    ("sticky.force", "sticky_session_force"),
    ("sticky.path", "session_path"),
    ("sticky.set_cookie", "set_session_cookie"),
];
