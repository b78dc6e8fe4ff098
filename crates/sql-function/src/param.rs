//! The parameters of a statement in an event.
//!
//! Numbers keep the digits they were sent with: converting a decimal to a float would change it.

use serde_json::value::RawValue;
use std::fmt;

use crate::json::{each, text};

/// One parameter.
#[derive(Clone, PartialEq)]
pub enum Param {
    /// SQL NULL.
    Null,
    /// A boolean.
    Bool(bool),
    /// A number, with the digits of the event.
    Number(String),
    /// A string.
    Text(String),
    /// An array, for a PostgreSQL array. MySQL refuses it.
    Array(Elements),
}

/// The elements of an array, as the text of the event: an event may have three million of them.
#[derive(Clone)]
pub struct Elements(Box<RawValue>);

/// The maximum number of dimensions of a PostgreSQL array (`MAXDIM`). Each is a recursive call
/// here, and an event of 6 MB could have three million.
const MAX_DIMENSIONS: usize = 6;

/// The valid types of a parameter.
const KINDS: &str = "a parameter is null, a boolean, a number, a string or an array, not an object \
                     (send JSON documents as strings)";
const TOO_DEEP: &str = "an array has at most 6 dimensions, as in PostgreSQL";
const NO_TEXT: &str = "a string contains an unpaired surrogate";

impl Param {
    /// Reads a value of an event.
    ///
    /// # Errors
    /// Why it is not a parameter, in words that quote nothing.
    pub fn read(json: &RawValue) -> Result<Param, &'static str> {
        // RawValue holds valid JSON without blanks around it: its first byte tells its type.
        Ok(match json.get().as_bytes()[0] {
            b'n' => Param::Null,
            b't' => Param::Bool(true),
            b'f' => Param::Bool(false),
            b'"' => Param::Text(text(json).ok_or(NO_TEXT)?),
            b'[' if depth(json.get()) > MAX_DIMENSIONS => return Err(TOO_DEEP),
            b'[' => {
                each(json, |element| Param::read(element).map(drop)).unwrap_or(Err(KINDS))?;
                Param::Array(Elements(json.to_owned()))
            }
            b'{' => return Err(KINDS),
            _ => Param::Number(json.get().to_owned()),
        })
    }
}

impl Elements {
    /// Passes each element to `take`, up to the first that it refuses.
    ///
    /// # Errors
    /// What `take` returns.
    pub fn each<E>(&self, mut take: impl FnMut(Param) -> Result<(), E>) -> Result<(), E> {
        // All of them were read before, so each is a parameter.
        let read = each(&self.0, |element| Param::read(element).map_or(Ok(()), &mut take));
        read.unwrap_or(Ok(()))
    }
}

impl PartialEq for Elements {
    fn eq(&self, other: &Elements) -> bool {
        self.0.get() == other.0.get()
    }
}

/// How deeply arrays are nested in `json`, which is valid.
fn depth(json: &str) -> usize {
    let (mut depth, mut deepest, mut in_string) = (0, 0, false);
    let mut bytes = json.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => in_string = !in_string,
            // An escaped character does not end the string.
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

/// Its type and length, because a value is never logged.
impl fmt::Debug for Param {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Param::Null => f.write_str("Null"),
            Param::Bool(_) => f.write_str("Bool"),
            Param::Number(digits) => write!(f, "Number({} bytes)", digits.len()),
            Param::Text(text) => write!(f, "Text({} bytes)", text.len()),
            Param::Array(elements) => write!(f, "Array({} bytes)", elements.0.get().len()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Param, &'static str> {
        Param::read(&RawValue::from_string(json.into()).unwrap())
    }

    fn elements(param: &Param) -> Vec<Param> {
        let Param::Array(array) = param else { panic!("it is an array") };
        let mut elements = vec![];
        let keep = |element| {
            elements.push(element);
            Ok::<_, ()>(())
        };
        array.each(keep).unwrap();
        elements
    }

    #[test]
    fn every_json_type_but_objects_is_a_parameter() {
        let params =
            r#"[null, true, false, -0.10, 9007199254740993, 1e400, "é\n\u0000", [1, [null]]]"#;
        let number = |digits: &str| Param::Number(digits.into());
        assert_eq!(
            elements(&read(params).unwrap()),
            [
                Param::Null,
                Param::Bool(true),
                Param::Bool(false),
                number("-0.10"),
                number("9007199254740993"),
                number("1e400"),
                Param::Text("é\n\0".into()),
                read("[1, [null]]").unwrap(),
            ]
        );
        assert_eq!(read(r#"{"a":1}"#), Err(KINDS));
        assert_eq!(read(r#"["\ud800"]"#), Err(NO_TEXT));
    }

    #[test]
    fn brackets_in_strings_are_no_dimensions() {
        let deep = |text: &str| format!("[[[[[{text}]]]]]");
        for json in ["[[", "\"[", "\\\", []"] {
            assert!(read(&deep(&format!("[{}]", serde_json::to_string(json).unwrap()))).is_ok());
        }
        assert_eq!(read(&deep("[[]]")), Err(TOO_DEEP));
    }

    #[test]
    fn debug_shows_no_value() {
        let param = read(r#"["4111", 4111, true]"#).unwrap();
        assert_eq!(format!("{param:?}"), "Array(20 bytes)");
        assert_eq!(format!("{:?}", elements(&param)), "[Text(4 bytes), Number(4 bytes), Bool]");
    }
}
