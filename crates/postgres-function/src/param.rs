//! JSON values as parameters. They go as text, for the server to read as it reads its own literals.

use bytes::{BufMut, BytesMut};
use sql_function::{Error, Kind, Param, Statement};
use std::error::Error as StdError;
use tokio_postgres::types::{Format, IsNull, Kind as TypeKind, ToSql, Type, to_sql_checked};

/// Refuses an array where the statement takes none: some types would read its text as a value of
/// theirs.
///
/// # Errors
/// [`Kind::Statement`], naming the parameter and its type.
pub(crate) fn check(statement: &Statement, types: &[Type], params: &[Param]) -> Result<(), Error> {
    for (index, (of, param)) in types.iter().zip(params).enumerate() {
        if matches!(param, Param::Array(_)) && !is_array(of) {
            return Err(Error::new(
                Kind::Statement,
                format!(
                    "parameter {} of {:?} is an array, and its type is {of}",
                    index + 1,
                    statement.name
                ),
            )
            .advice("send a value of that type; a JSON document goes as a string"));
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

/// A parameter in the server's text form.
#[derive(Debug)]
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
            Param::Number(text) | Param::Text(text) => out.put_slice(text.as_bytes()),
            Param::Array(elements) => out.put_slice(array(elements, delimiter(of)).as_bytes()),
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

/// What stands between the elements of an array: `box` alone, whose text has commas, differs.
fn delimiter(array: &Type) -> char {
    if *array == Type::BOX_ARRAY { ';' } else { ',' }
}

/// An array in the form of
/// <https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO>.
fn array(elements: &[Param], delimiter: char) -> String {
    let mut text = String::from("{");
    for (index, element) in elements.iter().enumerate() {
        if index > 0 {
            text.push(delimiter);
        }
        match element {
            Param::Null => text.push_str("NULL"),
            Param::Bool(value) => text.push_str(&value.to_string()),
            Param::Number(digits) => text.push_str(digits),
            Param::Text(element) => {
                text.push('"');
                for character in element.chars() {
                    if matches!(character, '"' | '\\') {
                        text.push('\\');
                    }
                    text.push(character);
                }
                text.push('"');
            }
            Param::Array(elements) => text.push_str(&array(elements, delimiter)),
        }
    }
    text.push('}');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_are_quoted() {
        let elements = [
            Param::Number("1".into()),
            Param::Null,
            Param::Text("a \"b\" \\ {c}".into()),
            Param::Array(vec![Param::Bool(true)]),
        ];
        assert_eq!(array(&elements, ','), r#"{1,NULL,"a \"b\" \\ {c}",{true}}"#);
        assert_eq!(array(&elements[..2], delimiter(&Type::BOX_ARRAY)), "{1;NULL}");
    }
}
