//! PostgreSQL's values as JSON, and JSON's as parameters. Nothing changes on the way: what JSON
//! cannot hold exactly is a string.
//!
//! Parameters go as text, for the server to read as it reads its own literals. Results come in
//! binary, in the forms of the server's `…send` functions.

use bytes::{BufMut, BytesMut};
use sql_function::{Error, Kind, Param, Row, Statement};
use std::error::Error as StdError;
use tokio_postgres::Column;
use tokio_postgres::types::{
    Format, FromSql, IsNull, Kind as TypeKind, ToSql, Type, to_sql_checked,
};

use crate::number;
use crate::time;

/// A parameter in the server's text form; NULL when `None`.
#[derive(Debug)]
pub(crate) struct AsText(Option<String>);

impl From<&Param> for AsText {
    fn from(param: &Param) -> AsText {
        AsText(match param {
            Param::Null => None,
            Param::Bool(value) => Some(value.to_string()),
            Param::Number(digits) => Some(digits.clone()),
            Param::Text(text) => Some(text.clone()),
            Param::Array(elements) => Some(array_literal(elements)),
        })
    }
}

/// An array in the form of
/// <https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO>.
fn array_literal(elements: &[Param]) -> String {
    let element = |param: &Param| match param {
        Param::Null => "NULL".to_owned(),
        Param::Bool(value) => value.to_string(),
        Param::Number(digits) => digits.clone(),
        Param::Text(text) => {
            format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
        }
        Param::Array(elements) => array_literal(elements),
    };
    format!("{{{}}}", elements.iter().map(element).collect::<Vec<_>>().join(","))
}

impl ToSql for AsText {
    fn to_sql(
        &self,
        _: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        Ok(match &self.0 {
            None => IsNull::Yes,
            Some(text) => {
                out.put_slice(text.as_bytes());
                IsNull::No
            }
        })
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        Format::Text
    }

    to_sql_checked!();
}

/// A value of any type, as the server sent it.
pub(crate) struct Raw<'a>(pub(crate) &'a [u8]);

impl<'a> FromSql<'a> for Raw<'a> {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Raw<'a>, Box<dyn StdError + Sync + Send>> {
        Ok(Raw(raw))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// Refuses a statement whose result has a column that could not be returned exactly, before it runs.
///
/// # Errors
/// [`Kind::Statement`], naming the column and its type.
pub(crate) fn check_columns(statement: &Statement, columns: &[Column]) -> Result<(), Error> {
    match columns.iter().find(|column| !is_known(column.type_())) {
        None => Ok(()),
        Some(column) => Err(Error::new(
            Kind::Statement,
            format!(
                "column {:?} of {:?} has the type {}, which is not returned as it is",
                column.name(),
                statement.name,
                column.type_()
            ),
        )
        .advice(format!("return its text: {}::text", column.name()))),
    }
}

fn is_known(of: &Type) -> bool {
    match of.kind() {
        TypeKind::Domain(inner) => is_known(inner),
        TypeKind::Enum(_) => true,
        TypeKind::Simple => matches!(
            *of,
            Type::BOOL
                | Type::INT2
                | Type::INT4
                | Type::INT8
                | Type::OID
                | Type::FLOAT4
                | Type::FLOAT8
                | Type::NUMERIC
                | Type::TEXT
                | Type::VARCHAR
                | Type::BPCHAR
                | Type::NAME
                | Type::CHAR
                | Type::UNKNOWN
                | Type::XML
                | Type::JSON
                | Type::JSONB
                | Type::BYTEA
                | Type::UUID
                | Type::DATE
                | Type::TIME
                | Type::TIMESTAMP
                | Type::TIMESTAMPTZ
        ),
        TypeKind::Pseudo => *of == Type::VOID,
        _ => false,
    }
}

/// Writes one value. Columns of other types were refused by [`check_columns`].
pub(crate) fn write(json: &mut Row<'_>, column: &Column, raw: Option<&[u8]>) -> Result<(), Error> {
    let Some(raw) = raw else {
        json.null();
        return Ok(());
    };
    write_value(json, column.type_(), raw).map_err(|malformed| {
        Error::new(
            Kind::Query,
            format!("column {:?} holds what is no {}", column.name(), column.type_()),
        )
        .caused_by(malformed.0)
    })?
}

/// A value that does not have the form its type has.
pub(crate) struct Malformed(pub(crate) String);

/// The fixed-size beginning of `raw`.
pub(crate) fn head<const N: usize>(raw: &[u8]) -> Result<[u8; N], Malformed> {
    let head = raw.first_chunk().copied();
    head.ok_or_else(|| Malformed(format!("{} bytes instead of {N}", raw.len())))
}

fn write_value(json: &mut Row<'_>, of: &Type, raw: &[u8]) -> Result<Result<(), Error>, Malformed> {
    if let TypeKind::Domain(inner) = of.kind() {
        return write_value(json, inner, raw);
    }
    match *of {
        Type::BOOL => json.bool(head::<1>(raw)? != [0]),
        Type::INT2 => json.integer(i16::from_be_bytes(head(raw)?)),
        Type::INT4 => json.integer(i32::from_be_bytes(head(raw)?)),
        Type::INT8 => json.integer(i64::from_be_bytes(head(raw)?)),
        Type::OID => json.integer(u32::from_be_bytes(head(raw)?)),
        Type::FLOAT4 => json.float(f32::from_be_bytes(head(raw)?)),
        Type::FLOAT8 => json.double(f64::from_be_bytes(head(raw)?)),
        Type::NUMERIC => json.text(&number::numeric(raw)?),
        Type::BYTEA => json.binary(raw),
        Type::JSON => return Ok(json.json(text(raw)?)),
        Type::JSONB => match raw {
            [1, document @ ..] => return Ok(json.json(text(document)?)),
            _ => return Err(Malformed("jsonb of an unknown version".into())),
        },
        Type::UUID => json.text(&number::uuid(head(raw)?)),
        Type::DATE => json.text(&time::date(i32::from_be_bytes(head(raw)?))),
        Type::TIME => json.text(&time::time(i64::from_be_bytes(head(raw)?))),
        Type::TIMESTAMP => json.text(&time::timestamp(i64::from_be_bytes(head(raw)?), "")),
        Type::TIMESTAMPTZ => json.text(&time::timestamp(i64::from_be_bytes(head(raw)?), "Z")),
        Type::VOID => json.null(),
        // "char" is one byte, and need not be UTF-8.
        Type::CHAR => json.text(&char::from(head::<1>(raw)?[0]).to_string()),
        _ => json.text(text(raw)?),
    }
    Ok(Ok(()))
}

fn text(raw: &[u8]) -> Result<&str, Malformed> {
    str::from_utf8(raw).map_err(|error| Malformed(error.to_string()))
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
        assert_eq!(array_literal(&elements), r#"{1,NULL,"a \"b\" \\ {c}",{true}}"#);
    }
}
