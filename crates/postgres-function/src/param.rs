//! JSON values as parameters. They are sent as text, which the server parses like its own literals.
//! Bytes are base64, as in a response.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::{BufMut, BytesMut};
use sql_function::{Elements, Error, Kind, Param, Statement, loggable};
use std::error::Error as StdError;
use std::fmt;
use tokio_postgres::types::{Format, IsNull, Kind as TypeKind, ToSql, Type, to_sql_checked};

/// Refuses an array for a parameter of another type, because some types would accept its text.
/// Refuses text for bytes that is neither base64 nor the server's `\x` form, because the server
/// would accept any text.
///
/// # Errors
/// [`Kind::Statement`], naming the parameter and its type.
pub(crate) fn check(statement: &Statement, types: &[Type], params: &[Param]) -> Result<(), Error> {
    for (index, (of, param)) in types.iter().zip(params).enumerate() {
        if matches!(param, Param::Array(_)) && !is_array(of) {
            return Err(Error::new(
                Kind::Statement,
                loggable!(
                    "parameter {} of {:?} is an array, but its type is {of}",
                    index + 1,
                    statement.name
                ),
            )
            .advice("send a value of that type; send a JSON document as a string"));
        }
        // An array may also be a string in the server's own form.
        let own_form = is_array(of) && matches!(param, Param::Text(_));
        if is_bytes(of) && !own_form && !holds_bytes(param) {
            return Err(Error::new(
                Kind::Statement,
                loggable!(
                    "parameter {} of {:?} is not base64, but its type is {of}",
                    index + 1,
                    statement.name
                ),
            )
            .advice(
                "send bytes in padded base64, as in a response, or in the server's own form, \\x and \
                 hexadecimal digits",
            ));
        }
    }
    Ok(())
}

fn is_array(of: &Type) -> bool {
    match of.kind() {
        TypeKind::Array(_) => true,
        TypeKind::Domain(inner) => is_array(inner),
        _ => false,
    }
}

/// Whether the type is bytes, or an array of them.
fn is_bytes(of: &Type) -> bool {
    match of.kind() {
        TypeKind::Array(inner) | TypeKind::Domain(inner) => is_bytes(inner),
        _ => *of == Type::BYTEA,
    }
}

fn holds_bytes(param: &Param) -> bool {
    match param {
        Param::Null => true,
        Param::Text(text) => is_hex(text) || BASE64.decode(text).is_ok(),
        Param::Array(elements) => {
            elements.each(|element| if holds_bytes(&element) { Ok(()) } else { Err(()) }).is_ok()
        }
        Param::Bool(_) | Param::Number(_) => false,
    }
}

/// Whether it is in the server's own form, which is never base64.
fn is_hex(text: &str) -> bool {
    text.starts_with("\\x")
}

/// Bytes in the server's own form.
fn hex(text: &str) -> String {
    let Some(bytes) = BASE64.decode(text).ok().filter(|_| !is_hex(text)) else {
        return text.to_owned();
    };
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    let digits = digits.map(|digit| char::from(b"0123456789abcdef"[usize::from(digit)]));
    "\\x".chars().chain(digits).collect()
}

/// A parameter in the server's text form.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AsText<'a>(pub(crate) &'a Param);

impl ToSql for AsText<'_> {
    fn to_sql(
        &self,
        of: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        match self.0 {
            Param::Null => return Ok(IsNull::Yes),
            Param::Bool(value) => out.put_slice(value.to_string().as_bytes()),
            Param::Text(text) if is_bytes(of) && !is_array(of) => {
                out.put_slice(hex(text).as_bytes())
            }
            Param::Number(text) | Param::Text(text) => out.put_slice(text.as_bytes()),
            Param::Array(elements) => array(out, elements, delimiter(of), is_bytes(of))?,
        }
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        Format::Text
    }

    to_sql_checked!();
}

/// The delimiter of an array's elements. Only `box`, whose text has commas, has another one.
fn delimiter(array: &Type) -> char {
    if *array == Type::BOX_ARRAY { ';' } else { ',' }
}

/// An array in the form of
/// <https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO>.
fn array(
    out: &mut impl fmt::Write,
    elements: &Elements,
    delimiter: char,
    bytes: bool,
) -> fmt::Result {
    out.write_char('{')?;
    let mut first = true;
    elements.each(|element| {
        if !std::mem::take(&mut first) {
            out.write_char(delimiter)?;
        }
        match element {
            Param::Null => out.write_str("NULL"),
            Param::Bool(value) => write!(out, "{value}"),
            Param::Number(digits) => out.write_str(&digits),
            Param::Text(element) => {
                let element = if bytes { hex(&element) } else { element };
                out.write_char('"')?;
                for character in element.chars() {
                    if matches!(character, '"' | '\\') {
                        out.write_char('\\')?;
                    }
                    out.write_char(character)?;
                }
                out.write_char('"')
            }
            Param::Array(elements) => array(out, &elements, delimiter, bytes),
        }
    })?;
    out.write_char('}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::value::RawValue;

    #[test]
    fn arrays_are_quoted() {
        let array = |json: &str, delimiter, bytes| {
            let json = RawValue::from_string(json.into()).unwrap();
            let Ok(Param::Array(elements)) = Param::read(&json) else { panic!("it is an array") };
            let mut text = String::new();
            array(&mut text, &elements, delimiter, bytes).unwrap();
            text
        };
        assert_eq!(
            array(r#"[1, null, "a \"b\" \\ {c}", [true]]"#, ',', false),
            r#"{1,NULL,"a \"b\" \\ {c}",{true}}"#
        );
        assert_eq!(array("[1, null]", delimiter(&Type::BOX_ARRAY), false), "{1;NULL}");
        assert_eq!(array(r#"["AP8=", "\\xABCD"]"#, ',', true), r#"{"\\x00ff","\\xABCD"}"#);
    }

    #[test]
    fn bytes_are_base64() {
        for (text, seen) in [("", Some(r"\x")), ("AP8=", Some(r"\x00ff")), (r"\x1", Some(r"\x1"))] {
            assert!(holds_bytes(&Param::Text(text.into())));
            assert_eq!(Some(&*hex(text)), seen);
        }
        // No padding, bits to spare, another alphabet, the server's old form.
        for text in ["AP8", "AP9=", "-_8=", r"\000\377", "é"] {
            assert!(!holds_bytes(&Param::Text(text.into())), "{text}");
        }
        assert!(!holds_bytes(&Param::Number("7".into())));
    }
}
