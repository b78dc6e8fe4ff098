//! PostgreSQL's values as JSON, without loss: a value that JSON cannot represent exactly is a
//! string.
//!
//! Results are in binary. Values of the common types are converted here; for all other types,
//! including those of extensions, the server converts them to text.

use postgres_protocol::types as form;
use sql_function::schema::{self, Schema};
use sql_function::{Error, Kind, Said, Statement, Value, loggable, quote_short};
use tokio_postgres::Column;
use tokio_postgres::fallible_iterator::FallibleIterator;
use tokio_postgres::types::{FromSql, Kind as TypeKind, Type};

use crate::binary::{Malformed, array, network, number, time};
use crate::server_text::Questions;

/// A value of any type, as the server sent it.
pub(crate) struct Raw<'a>(pub(crate) &'a [u8]);

impl<'a> FromSql<'a> for Raw<'a> {
    fn from_sql(
        _: &Type,
        raw: &'a [u8],
    ) -> Result<Raw<'a>, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Raw(raw))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// Refuses a statement with a column that cannot be returned exactly, before it runs: anonymous
/// rows (`ROW(1, 2)`), which the server does not accept back.
///
/// # Errors
/// [`Kind::Statement`], naming the column and its type.
pub(crate) fn check_columns(statement: &Statement, columns: &[Column]) -> Result<(), Error> {
    match columns.iter().find(|column| !is_concrete(column.type_())) {
        None => Ok(()),
        Some(column) => Err(Error::new(
            Kind::Statement,
            loggable!(
                "a column of {:?} has the type {}, which cannot be returned",
                statement.name,
                type_name(column.type_())
            ),
        )
        .says(Said::name(column.name()))
        .advice("cast it with ::text")),
    }
}

fn is_concrete(of: &Type) -> bool {
    match of.kind() {
        TypeKind::Domain(inner) | TypeKind::Array(inner) => is_concrete(inner),
        TypeKind::Pseudo => matches!(*of, Type::VOID | Type::UNKNOWN),
        _ => true,
    }
}

/// Whether the server has to convert values of these columns to text, not counting rare values of
/// common types.
pub(crate) fn asks(columns: &[Column]) -> bool {
    !columns.iter().all(|column| is_read_here(column.type_()))
}

fn is_read_here(of: &Type) -> bool {
    match of.kind() {
        TypeKind::Domain(inner) | TypeKind::Array(inner) => return is_read_here(inner),
        TypeKind::Enum(_) => return true,
        _ => {}
    }
    matches!(
        *of,
        Type::BOOL
            | Type::INT2
            | Type::INT4
            | Type::INT8
            | Type::OID
            | Type::XID
            | Type::CID
            | Type::XID8
            | Type::FLOAT4
            | Type::FLOAT8
            | Type::NUMERIC
            | Type::BIT
            | Type::VARBIT
            | Type::UUID
            | Type::BYTEA
            | Type::JSON
            | Type::JSONB
            | Type::DATE
            | Type::TIME
            | Type::TIMETZ
            | Type::TIMESTAMP
            | Type::TIMESTAMPTZ
            | Type::INTERVAL
            | Type::INET
            | Type::CIDR
            | Type::MACADDR
            | Type::MACADDR8
            | Type::CHAR
            | Type::TEXT
            | Type::VARCHAR
            | Type::BPCHAR
            | Type::NAME
            | Type::XML
            | Type::UNKNOWN
            | Type::VOID
    )
}

/// The server's name for a type; for an array, that of its elements with `[]`.
pub(crate) fn type_name(of: &Type) -> String {
    match of.kind() {
        TypeKind::Array(element) if of.name().starts_with('_') => {
            format!("{}[]", type_name(element))
        }
        _ => of.name().to_owned(),
    }
}

/// The JSON of a type's values, as [`write`] writes them.
pub(crate) fn schema_of(of: &Type) -> Schema {
    match of.kind() {
        TypeKind::Domain(inner) => return schema_of(inner),
        TypeKind::Enum(labels) => return schema::one_of(labels),
        TypeKind::Array(element) => return schema::postgres_array(schema_of(element)),
        _ => {}
    }
    const DAY: &str = "-?[0-9]{4,}-[0-9]{2}-[0-9]{2}";
    const CLOCK: &str = "[0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]{1,6})?";
    let text = |pattern: String| schema::matching(&["string"], &pattern);
    match *of {
        Type::BOOL => schema::boolean(),
        Type::INT2 | Type::INT4 | Type::OID | Type::XID | Type::CID => schema::integer(),
        Type::INT8 | Type::XID8 => schema::long_integer(),
        Type::FLOAT4 | Type::FLOAT8 => schema::float(),
        Type::NUMERIC => text("^(NaN|-?Infinity|-?[0-9]+(\\.[0-9]+)?)$".into()),
        Type::BIT | Type::VARBIT => text("^[01]*$".into()),
        Type::UUID => text("^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$".into()),
        Type::BYTEA => schema::base64(),
        Type::JSON | Type::JSONB => schema::any(),
        Type::DATE => text(format!("^({DAY}|-?infinity)$")),
        Type::TIME => text(format!("^{CLOCK}$")),
        Type::TIMETZ => text(format!("^{CLOCK}[+-][0-9]{{2}}(:[0-9]{{2}}){{0,2}}$")),
        Type::TIMESTAMP => text(format!("^({DAY}T{CLOCK}|-?infinity)$")),
        Type::TIMESTAMPTZ => text(format!("^({DAY}T{CLOCK}Z|-?infinity)$")),
        Type::VOID => schema::null(),
        _ => schema::text(),
    }
}

/// The name and type of a column.
pub(crate) fn named(column: &Column) -> sql_function::Column {
    let (name, type_name) = (column.name().to_owned(), type_name(column.type_()));
    sql_function::Column { name, type_name }
}

/// Writes one value, or adds it to the `questions` to the server.
pub(crate) fn write(
    json: Value<'_>,
    column: &Column,
    raw: Option<&[u8]>,
    questions: &mut Questions,
) -> Result<(), Error> {
    write_value(json, column.type_(), raw, questions).map_err(|failure| match failure {
        Failure::Malformed(malformed) => Error::new(
            Kind::Query,
            loggable!("a column contains an invalid {}", type_name(column.type_())),
        )
        .says(format!("{}: {malformed}", quote_short(column.name()))),
        Failure::NoJson(error) => error,
    })
}

enum Failure {
    Malformed(Malformed),
    NoJson(Error),
}

impl From<Malformed> for Failure {
    fn from(malformed: Malformed) -> Failure {
        Failure::Malformed(malformed)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::NoJson(error)
    }
}

fn write_value(
    mut json: Value<'_>,
    of: &Type,
    raw: Option<&[u8]>,
    questions: &mut Questions,
) -> Result<(), Failure> {
    let Some(raw) = raw else {
        json.null();
        return Ok(());
    };
    if !json.has_room(0) {
        return Ok(()); // the result is refused anyway
    }
    match of.kind() {
        TypeKind::Domain(inner) => return write_value(json, inner, Some(raw), questions),
        TypeKind::Enum(_) => {
            json.text(text(raw)?);
            return Ok(());
        }
        TypeKind::Array(element) => {
            // These two are one-dimensional arrays that always begin at 0.
            let first = if matches!(*of, Type::INT2_VECTOR | Type::OID_VECTOR) { 0 } else { 1 };
            if let Some(mut array) = array::plain(raw, first)? {
                let elements = &mut array.elements;
                write_array(json, element, &array.lengths, elements, questions)?;
                elements.next()?; // refuses bytes after the last one
                return Ok(());
            }
        }
        _ => {}
    }
    match *of {
        Type::NUMERIC => json.text(&number::numeric(raw)?),
        // A byte is eight digits.
        Type::BIT | Type::VARBIT if json.has_room(raw.len()) => json.text(&number::bits(raw)?),
        Type::BIT | Type::VARBIT => {}
        Type::BYTEA => json.binary(raw),
        Type::JSON => match text(raw)? {
            // Some JSON parsers would not accept the response.
            document if has_lone_surrogate(document) => json.text(document),
            document => json.json(document)?,
        },
        Type::JSONB => match raw {
            [1, document @ ..] => json.json(text(document)?)?,
            _ => return Err(Failure::Malformed("jsonb of an unknown version".into())),
        },
        Type::INET | Type::CIDR => json.text(&network::inet(raw, *of == Type::CIDR)?),
        Type::MACADDR | Type::MACADDR8 => json.text(&network::mac(raw)?),
        Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::XML | Type::UNKNOWN => {
            json.text(text(raw)?);
        }
        Type::VOID => json.null(),
        _ => write_fixed(json, of, raw, questions)?,
    }
    Ok(())
}

/// Writes a value of a fixed-length type, or adds one of another type to the `questions`.
fn write_fixed(
    json: Value<'_>,
    of: &Type,
    raw: &[u8],
    questions: &mut Questions,
) -> Result<(), Malformed> {
    match *of {
        Type::BOOL => json.bool(form::bool_from_sql(raw)?),
        Type::INT2 => json.integer(form::int2_from_sql(raw)?),
        Type::INT4 => json.integer(form::int4_from_sql(raw)?),
        Type::INT8 => json.integer(form::int8_from_sql(raw)?),
        Type::OID | Type::XID | Type::CID => json.integer(form::oid_from_sql(raw)?),
        Type::XID8 => json.integer(form::int8_from_sql(raw)?.cast_unsigned()),
        Type::FLOAT4 => json.float(form::float4_from_sql(raw)?),
        Type::FLOAT8 => json.double(form::float8_from_sql(raw)?),
        Type::UUID => json.text(&number::uuid(raw)?),
        Type::DATE => json.text(&time::date(raw)?),
        Type::TIME => json.text(&time::time(raw)?),
        Type::TIMETZ => json.text(&time::time_with_zone(raw)?),
        Type::TIMESTAMP => json.text(&time::timestamp(raw, "")?),
        Type::TIMESTAMPTZ => json.text(&time::timestamp(raw, "Z")?),
        Type::INTERVAL => match time::interval(raw)? {
            Some(text) => json.text(&text),
            None => questions.put(json, of, raw),
        },
        Type::CHAR => json.text(&one_byte(form::char_from_sql(raw)?.cast_unsigned())),
        _ => questions.put(json, of, raw),
    }
    Ok(())
}

/// Writes the next elements of an array with dimensions of these `lengths`.
fn write_array(
    json: Value<'_>,
    of: &Type,
    lengths: &[usize],
    elements: &mut form::ArrayValues<'_>,
    questions: &mut Questions,
) -> Result<(), Failure> {
    json.array(|array| {
        let (length, inner) = lengths.split_first().map_or((0, lengths), |(&n, inner)| (n, inner));
        for _ in 0..length {
            if inner.is_empty() {
                let missing = || Malformed::from("an array with too few elements");
                let element = elements.next()?.ok_or_else(missing)?;
                write_value(array.element(), of, element, questions)?;
            } else {
                write_array(array.element(), of, inner, elements, questions)?;
            }
        }
        Ok(())
    })
}

/// A `"char"`: one byte, written as PostgreSQL 16 and later do (`charout`).
fn one_byte(byte: u8) -> String {
    match byte {
        0 => String::new(),
        0x80.. => format!("\\{byte:03o}"),
        ascii => char::from(ascii).to_string(),
    }
}

fn text(raw: &[u8]) -> Result<&str, Malformed> {
    Ok(str::from_utf8(raw)?)
}

/// Whether a JSON document has an unpaired surrogate (`\ud800`), which PostgreSQL's `json` accepts
/// and strict parsers refuse.
fn has_lone_surrogate(document: &str) -> bool {
    let mut rest = document;
    // Backslashes are only in strings.
    while let Some(at) = rest.find('\\') {
        let unit = escaped_unit(&rest[at..]);
        let low = unit.and_then(|_| escaped_unit(rest.get(at + 6..)?));
        rest = match (unit, low) {
            (Some(0xd800..0xdc00), Some(0xdc00..0xe000)) => &rest[at + 12..],
            (Some(0xd800..0xe000), _) => return true,
            (Some(_), _) => &rest[at + 6..],
            (None, _) => rest.get(at + 2..).unwrap_or_default(),
        };
    }
    false
}

/// The UTF-16 unit of an escape that `text` begins with.
fn escaped_unit(text: &str) -> Option<u16> {
    u16::from_str_radix(text.strip_prefix("\\u")?.get(..4)?, 16).ok()
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unpaired_surrogates_are_found() {
        for whole in
            [r#"{"a":"\\ud800"}"#, r#"["\ud83d\ude00", "\u00e9\u0000", "\"\\"]"#, "1", r#""é\n""#]
        {
            assert!(!has_lone_surrogate(whole), "{whole}");
        }
        for half in [
            r#""\ud800""#,
            r#""\udc00\ud800""#,
            r#""\ud800\ud800""#,
            r#""\uD83Dé""#,
            r#""\\\udfff""#,
        ] {
            assert!(has_lone_surrogate(half), "{half}");
        }
    }
}
