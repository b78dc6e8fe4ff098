//! The event of `--event`.

use serde_json::Value;
use std::path::Path;

use local_stack::Failure;

use crate::given;

/// The event in `file`, or on standard input if that is `-`.
pub(crate) fn load(file: &Path) -> Result<String, Failure> {
    let text = given::text(file, "the event", "--event")?;
    serde_json::from_str::<Value>(&text)
        .map_err(|error| format!("the event {} is not JSON: {error}", file.display()))?;
    Ok(text)
}

/// The statements that an event names.
pub(crate) fn statements(event: &Value) -> Vec<&str> {
    match event.get("transaction").and_then(Value::as_array) {
        Some(calls) => calls.iter().filter_map(|call| call.get("statement")?.as_str()).collect(),
        None => event.get("statement").and_then(Value::as_str).into_iter().collect(),
    }
}

/// What an event asks for, in a few words without its values.
pub(crate) fn form(event: &Value) -> String {
    let names = statements(event);
    let is = |field: &str| event.get(field).is_some();
    match () {
        () if is("transaction") => format!("transaction of {}", names.join(", ")),
        () if !names.is_empty() => names.join(", "),
        () if is("describe") => "describe".to_owned(),
        () if is("diagnose") => "diagnose".to_owned(),
        () if is("detail-type") => "scheduled event".to_owned(),
        () => "unknown event".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_form_has_no_values() {
        for (event, expected) in [
            (json!({"statement": "a", "params": ["secret"]}), "a"),
            (
                json!({"transaction": [{"statement": "a"}, {"statement": "b"}]}),
                "transaction of a, b",
            ),
            (json!({"diagnose": true}), "diagnose"),
            (json!({"describe": true}), "describe"),
            (json!({"detail-type": "Scheduled Event"}), "scheduled event"),
            (json!({"secret": "secret"}), "unknown event"),
            (json!("secret"), "unknown event"),
        ] {
            assert_eq!(form(&event), expected, "{event}");
        }
    }
}
