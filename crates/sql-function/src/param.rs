//! The parameters of a statement in an event.
//!
//! Numbers keep the digits they were sent with: converting a decimal to a float would change it.

use serde_json::value::RawValue;
use std::fmt;

use crate::json::{each, each_field, text};
use crate::loggable;
use crate::said::Said;

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
    /// The array as JSON.
    pub(crate) fn json(&self) -> &str {
        self.0.get()
    }

    /// The array of these JSON numbers.
    pub(crate) fn of_numbers(numbers: &[String]) -> Option<Elements> {
        RawValue::from_string(format!("[{}]", numbers.join(","))).ok().map(Elements)
    }

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

/// The parameters of an event, as they were sent.
#[derive(PartialEq)]
pub(crate) enum Params {
    /// By position.
    Positions(Vec<Given>),
    /// By name.
    Names(Vec<(String, Given)>),
}

/// A value of an event, for a parameter of a type that is not known yet.
#[derive(Clone)]
pub(crate) enum Given {
    /// One that is a parameter, of whatever type.
    Param(Param),
    /// An object or an array that only a JSON document can be, and why it is no other parameter.
    Document(Box<RawValue>, &'static str),
}

/// The maximum number of parameters: both protocols count them in 16 bits.
const MAX_PARAMS: usize = u16::MAX as usize;

impl Params {
    /// Reads the `params` of an event.
    ///
    /// # Errors
    /// Why they are no parameters.
    pub(crate) fn read(json: &RawValue) -> Result<Params, Said> {
        let too_many = |count: usize| {
            let message = || loggable!("more than {MAX_PARAMS} parameters").into();
            if count >= MAX_PARAMS { Err::<(), Said>(message()) } else { Ok(()) }
        };
        if json.get().starts_with('{') {
            let mut names = vec![];
            let read = each_field(json, |name, value| -> Result<(), Said> {
                too_many(names.len())?;
                let given = Given::read(value)
                    .map_err(|why| Said::from(why).of("a parameter with a name".into()))?;
                names.push((name, given));
                Ok(())
            });
            read.unwrap_or(Err("the name of a parameter is no text".into()))?;
            return Ok(Params::Names(names));
        }
        let mut positions = vec![];
        let read = each(json, |value| -> Result<(), Said> {
            too_many(positions.len())?;
            let at = positions.len() + 1;
            positions.push(Given::read(value).map_err(|why| loggable!("parameter {at}: {why}"))?);
            Ok(())
        });
        read.unwrap_or(Err("params is neither an array nor an object".into()))?;
        Ok(Params::Positions(positions))
    }
}

impl Given {
    fn read(json: &RawValue) -> Result<Given, &'static str> {
        match Param::read(json) {
            Ok(param) => Ok(Given::Param(param)),
            Err(why) if json.get().starts_with(['{', '[']) => {
                Ok(Given::Document(json.to_owned(), why))
            }
            Err(why) => Err(why),
        }
    }
}

impl PartialEq for Given {
    fn eq(&self, other: &Given) -> bool {
        match (self, other) {
            (Given::Param(one), Given::Param(other)) => one == other,
            (Given::Document(one, _), Given::Document(other, _)) => one.get() == other.get(),
            _ => false,
        }
    }
}

/// Their number and types, because neither a name nor a value is logged.
impl fmt::Debug for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Params::Positions(given) => f.debug_list().entries(given).finish(),
            Params::Names(given) => {
                f.debug_set().entries(given.iter().map(|(_, given)| given)).finish()
            }
        }
    }
}

impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Given::Param(param) => param.fmt(f),
            Given::Document(json, _) => write!(f, "Document({} bytes)", json.get().len()),
        }
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
