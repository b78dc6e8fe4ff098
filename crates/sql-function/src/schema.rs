//! JSON Schemas ([2020-12](https://json-schema.org/draft/2020-12/schema)) of the values in events
//! and responses, for a description of the statements. Each says what a method of
//! [`Value`](crate::Value) writes.

use serde_json::{Value, json};

pub use serde_json::Value as Schema;

/// What [`Value::bool`](crate::Value::bool) writes.
pub fn boolean() -> Value {
    json!({"type": "boolean"})
}

/// What [`Value::integer`](crate::Value::integer) writes for integers within ±2^53.
pub fn integer() -> Value {
    json!({"type": "integer"})
}

/// What [`Value::integer`](crate::Value::integer) writes for all integers: a string of digits
/// beyond ±2^53.
pub fn long_integer() -> Value {
    matching(&["integer", "string"], "^-?[0-9]+$")
}

/// What [`Value::double`](crate::Value::double) writes for a number.
pub fn number() -> Value {
    json!({"type": "number"})
}

/// What [`Value::double`](crate::Value::double) writes for any float.
pub fn float() -> Value {
    matching(&["number", "string"], "^(NaN|-?Infinity)$")
}

/// What [`Value::text`](crate::Value::text) writes.
pub fn text() -> Value {
    json!({"type": "string"})
}

/// What [`Value::text`](crate::Value::text) writes for one of these texts.
pub fn one_of(texts: &[impl AsRef<str>]) -> Value {
    let texts: Vec<_> = texts.iter().map(AsRef::as_ref).collect();
    json!({"type": "string", "enum": texts})
}

/// Values of these types, of which strings match the regular expression `pattern`.
pub fn matching(types: &[&str], pattern: &str) -> Value {
    match types {
        [only] => json!({"type": only, "pattern": pattern}),
        _ => json!({"type": types, "pattern": pattern}),
    }
}

/// What [`Value::binary`](crate::Value::binary) writes.
pub fn base64() -> Value {
    json!({"type": "string", "contentEncoding": "base64"})
}

/// What [`Value::json`](crate::Value::json) writes: any document.
pub fn any() -> Value {
    json!({})
}

/// What [`Value::null`](crate::Value::null) writes.
pub fn null() -> Value {
    json!({"type": "null"})
}

/// The text of a JSON document, as a parameter.
pub fn document() -> Value {
    json!({"type": "string", "contentMediaType": "application/json"})
}

/// A PostgreSQL array of values that have the schema `element`. The server does not tell how many
/// dimensions it has; with other bounds than 1, it is a string in the server's own form.
pub fn postgres_array(element: Value) -> Value {
    let items = json!({"anyOf": [nullable(element), {"type": "array"}]});
    json!({"type": ["array", "string"], "items": items})
}

/// An array of values that have the schema `items`.
pub fn array_of(items: Value) -> Value {
    json!({"type": "array", "items": items})
}

/// The same, or null.
pub fn nullable(mut schema: Value) -> Value {
    let is_null = schema == null();
    let Some(of) = schema.get_mut("type").filter(|_| !is_null) else { return schema };
    match of {
        Value::Array(types) => types.push("null".into()),
        one => *one = json!([one.take(), "null"]),
    }
    if let Some(Value::Array(texts)) = schema.get_mut("enum") {
        texts.push(Value::Null);
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_is_added_to_what_is_there() {
        assert_eq!(nullable(integer()), json!({"type": ["integer", "null"]}));
        assert_eq!(nullable(float())["type"], json!(["number", "string", "null"]));
        assert_eq!(
            nullable(one_of(&["a"])),
            json!({"type": ["string", "null"], "enum": ["a", null]})
        );
        assert_eq!(nullable(any()), json!({}));
    }
}
