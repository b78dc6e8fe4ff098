//! The values an event binds to a statement's parameters.
//!
//! Numbers keep the digits they were sent with: a decimal that went through a float would come out
//! as another one.

use serde::de::{Deserialize, Deserializer, Error as _};
use serde_json::value::RawValue;

/// One parameter, as JSON gave it.
#[derive(Clone, Debug, PartialEq)]
pub enum Param {
    /// SQL NULL.
    Null,
    /// A boolean.
    Bool(bool),
    /// A number, in the digits of the event.
    Number(String),
    /// A string.
    Text(String),
    /// An array: a PostgreSQL array. MySQL has none and refuses it.
    Array(Vec<Param>),
}

/// The most dimensions of a PostgreSQL array (`MAXDIM` in its source). Each is one call deeper here,
/// and an event of 6 MB could have three million.
const MAX_DIMENSIONS: usize = 6;

/// How deep the arrays in `json`, which is valid, are nested.
fn depth(json: &str) -> usize {
    let (mut depth, mut deepest, mut in_string) = (0, 0, false);
    let mut bytes = json.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => in_string = !in_string,
            // What follows in a string does not end it.
            b'\\' => drop(bytes.next()),
            b'[' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' if !in_string => depth -= 1,
            _ => {}
        }
    }
    deepest
}

impl<'de> Deserialize<'de> for Param {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Param, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        let text = raw.get();
        // RawValue holds valid JSON without blanks around it: its first byte tells its type.
        let param = match text.as_bytes()[0] {
            b'n' => Param::Null,
            b't' => Param::Bool(true),
            b'f' => Param::Bool(false),
            b'"' => Param::Text(serde_json::from_str(text).map_err(D::Error::custom)?),
            b'[' if depth(text) > MAX_DIMENSIONS => {
                return Err(D::Error::custom(format!(
                    "an array has at most {MAX_DIMENSIONS} dimensions, as PostgreSQL's have"
                )));
            }
            b'[' => Param::Array(serde_json::from_str(text).map_err(D::Error::custom)?),
            b'{' => {
                return Err(D::Error::custom(
                    "a parameter is null, a boolean, a number, a string or an array, not an \
                     object (send JSON documents as strings)",
                ));
            }
            _ => Param::Number(text.to_owned()),
        };
        Ok(param)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_json_type_but_objects_is_a_parameter() {
        let params: Vec<Param> = serde_json::from_str(
            r#"[null, true, false, -0.10, 9007199254740993, 1e400, "é\n\u0000", [1, [null]]]"#,
        )
        .unwrap();
        let number = |digits: &str| Param::Number(digits.into());
        assert_eq!(
            params,
            [
                Param::Null,
                Param::Bool(true),
                Param::Bool(false),
                number("-0.10"),
                number("9007199254740993"),
                number("1e400"),
                Param::Text("é\n\0".into()),
                Param::Array(vec![number("1"), Param::Array(vec![Param::Null])]),
            ]
        );
        assert!(serde_json::from_str::<Param>(r#"{"a":1}"#).is_err());
    }

    #[test]
    fn brackets_in_strings_are_no_dimensions() {
        for (json, expected) in
            [("[]", 1), ("[[1],[[]]]", 3), (r#"["[[", "\"[", "\\", []]"#, 2), (r#"["]]"]"#, 1)]
        {
            assert_eq!(depth(json), expected, "{json}");
        }
    }
}
