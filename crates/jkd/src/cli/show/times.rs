//! Times in JSON: a number of seconds instead of seconds and nanoseconds.

use std::time::Duration;

use serde::Deserialize as _;
use serde_json::Value;

/// Replaces every duration below `value`.
pub(super) fn in_seconds(value: &mut Value) {
    match value {
        Value::Object(fields) if fields.len() == 2 && fields.contains_key("nanos") => {
            if let Ok(time) = Duration::deserialize(&*value) {
                *value = time.as_secs_f64().into();
            }
        }
        Value::Object(fields) => fields.values_mut().for_each(in_seconds),
        Value::Array(items) => items.iter_mut().for_each(in_seconds),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn durations_become_numbers_wherever_they_are() {
        let time = Duration::from_millis(1500);
        let mut value = json!({ "a": [time, { "secs": 1 }], "b": { "c": time } });
        in_seconds(&mut value);
        assert_eq!(
            value,
            json!({ "a": [1.5, { "secs": 1 }], "b": { "c": 1.5 } })
        );
    }
}
