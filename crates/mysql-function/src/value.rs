//! MySQL's values as JSON, from the binary and the text protocol, without loss: a value that JSON
//! cannot represent exactly is a string.

use mysql_async::consts::{ColumnFlags, ColumnType};
use mysql_async::{Column, Value};
use sql_function::schema::{self, Schema};
use sql_function::{Error, Kind, Said, Value as Json, quote_short};
use std::str::FromStr;

/// The collation id of binary strings:
/// <https://dev.mysql.com/doc/refman/8.4/en/charset-binary-set.html>.
const BINARY: u16 = 63;

/// Writes one value.
pub(crate) fn write(json: Json<'_>, column: &Column, value: Value) -> Result<(), Error> {
    match value {
        Value::NULL => json.null(),
        Value::Int(integer) => json.integer(integer),
        Value::UInt(integer) => json.integer(integer),
        Value::Float(float) => json.float(float),
        Value::Double(double) => json.double(double),
        Value::Date(year, month, day, hour, minute, second, micros) => {
            let mut text = format!("{year:04}-{month:02}-{day:02}");
            if column.column_type() != ColumnType::MYSQL_TYPE_DATE {
                text += &format!("T{hour:02}:{minute:02}:{second:02}{}", fraction(column, micros));
            }
            json.text(&text);
        }
        Value::Time(negative, days, hours, minutes, seconds, micros) => {
            let sign = if negative { "-" } else { "" };
            let hours = u64::from(days) * 24 + u64::from(hours);
            let fraction = fraction(column, micros);
            json.text(&format!("{sign}{hours:02}:{minutes:02}:{seconds:02}{fraction}"));
        }
        Value::Bytes(bytes) => return write_bytes(json, column, bytes),
    }
    Ok(())
}

/// Fractional seconds, with the column's number of digits.
fn fraction(column: &Column, micros: u32) -> String {
    match column.decimals() {
        0 => String::new(),
        digits => {
            let all = format!("{micros:06}");
            format!(".{}", &all[..usize::from(digits.min(6))])
        }
    }
}

fn write_bytes(json: Json<'_>, column: &Column, bytes: Vec<u8>) -> Result<(), Error> {
    use ColumnType::*;
    match column.column_type() {
        MYSQL_TYPE_TINY | MYSQL_TYPE_SHORT | MYSQL_TYPE_INT24 | MYSQL_TYPE_LONG
        | MYSQL_TYPE_LONGLONG | MYSQL_TYPE_YEAR => json.integer(parse::<i128>(column, &bytes)?),
        MYSQL_TYPE_FLOAT => json.float(parse(column, &bytes)?),
        MYSQL_TYPE_DOUBLE => json.double(parse(column, &bytes)?),
        MYSQL_TYPE_DATETIME
        | MYSQL_TYPE_DATETIME2
        | MYSQL_TYPE_TIMESTAMP
        | MYSQL_TYPE_TIMESTAMP2 => json.text(&text(column, &bytes)?.replacen(' ', "T", 1)),
        MYSQL_TYPE_BIT => {
            let bits = bytes.iter().fold(0_u64, |bits, &byte| bits << 8 | u64::from(byte));
            json.integer(bits);
        }
        MYSQL_TYPE_GEOMETRY | MYSQL_TYPE_VECTOR => json.binary(&bytes),
        MYSQL_TYPE_JSON => json.json(text(column, &bytes)?)?,
        // Their character set is binary, but they are text.
        MYSQL_TYPE_DECIMAL
        | MYSQL_TYPE_NEWDECIMAL
        | MYSQL_TYPE_DATE
        | MYSQL_TYPE_NEWDATE
        | MYSQL_TYPE_TIME
        | MYSQL_TYPE_TIME2 => json.text(text(column, &bytes)?),
        _ if column.character_set() == BINARY => json.binary(&bytes),
        _ => json.text(text(column, &bytes)?),
    }
    Ok(())
}

/// The JSON of a column's values, as [`write`] writes them.
pub(crate) fn schema_of(column: &Column) -> Schema {
    use ColumnType::*;
    const DAY: &str = "[0-9]{4}-[0-9]{2}-[0-9]{2}";
    const CLOCK: &str = "[0-9]{2,3}:[0-9]{2}:[0-9]{2}(\\.[0-9]{1,6})?";
    let text = |pattern: String| schema::matching(&["string"], &pattern);
    match column.column_type() {
        MYSQL_TYPE_TINY | MYSQL_TYPE_SHORT | MYSQL_TYPE_INT24 | MYSQL_TYPE_LONG
        | MYSQL_TYPE_YEAR => schema::integer(),
        MYSQL_TYPE_LONGLONG | MYSQL_TYPE_BIT => schema::long_integer(),
        MYSQL_TYPE_FLOAT | MYSQL_TYPE_DOUBLE => schema::number(),
        MYSQL_TYPE_DECIMAL | MYSQL_TYPE_NEWDECIMAL => text("^-?[0-9]+(\\.[0-9]+)?$".into()),
        MYSQL_TYPE_DATE | MYSQL_TYPE_NEWDATE => text(format!("^{DAY}$")),
        MYSQL_TYPE_DATETIME
        | MYSQL_TYPE_DATETIME2
        | MYSQL_TYPE_TIMESTAMP
        | MYSQL_TYPE_TIMESTAMP2 => text(format!("^{DAY}T{CLOCK}$")),
        MYSQL_TYPE_TIME | MYSQL_TYPE_TIME2 => text(format!("^-?{CLOCK}$")),
        MYSQL_TYPE_GEOMETRY | MYSQL_TYPE_VECTOR => schema::base64(),
        MYSQL_TYPE_JSON => schema::any(),
        MYSQL_TYPE_NULL => schema::null(),
        _ if column.character_set() == BINARY => schema::base64(),
        _ => schema::text(),
    }
}

fn parse<T: FromStr>(column: &Column, bytes: &[u8]) -> Result<T, Error> {
    let text = text(column, bytes)?;
    text.parse().map_err(|_| {
        let message = "a column contains an invalid number";
        Error::new(Kind::Query, message).says(Said::name(&column.name_str()))
    })
}

fn text<'a>(column: &Column, bytes: &'a [u8]) -> Result<&'a str, Error> {
    str::from_utf8(bytes).map_err(|error| {
        Error::new(Kind::Query, "a column contains text that is not UTF-8")
            .says(format!("{}: {error}", quote_short(&column.name_str())))
            .advice("select CAST(… AS BINARY) to get the bytes")
    })
}

/// The server's name for a column's type, as far as the protocol tells.
pub(crate) fn type_name(column: &Column) -> String {
    use ColumnType::*;
    let binary = column.character_set() == BINARY;
    let flags = column.flags();
    let name = match column.column_type() {
        _ if flags.contains(ColumnFlags::ENUM_FLAG) => "enum",
        _ if flags.contains(ColumnFlags::SET_FLAG) => "set",
        // BOOLEAN is an alias of it.
        MYSQL_TYPE_TINY if column.column_length() == 1 => "tinyint(1)",
        MYSQL_TYPE_TINY => "tinyint",
        MYSQL_TYPE_SHORT => "smallint",
        MYSQL_TYPE_INT24 => "mediumint",
        MYSQL_TYPE_LONG => "int",
        MYSQL_TYPE_LONGLONG => "bigint",
        MYSQL_TYPE_FLOAT => "float",
        MYSQL_TYPE_DOUBLE => "double",
        MYSQL_TYPE_DECIMAL | MYSQL_TYPE_NEWDECIMAL => "decimal",
        MYSQL_TYPE_BIT => "bit",
        MYSQL_TYPE_YEAR => return "year".into(),
        MYSQL_TYPE_DATE | MYSQL_TYPE_NEWDATE => "date",
        MYSQL_TYPE_TIME | MYSQL_TYPE_TIME2 => "time",
        MYSQL_TYPE_DATETIME | MYSQL_TYPE_DATETIME2 => "datetime",
        MYSQL_TYPE_TIMESTAMP | MYSQL_TYPE_TIMESTAMP2 => "timestamp",
        MYSQL_TYPE_JSON => "json",
        MYSQL_TYPE_GEOMETRY => "geometry",
        MYSQL_TYPE_VECTOR => "vector",
        MYSQL_TYPE_ENUM => "enum",
        MYSQL_TYPE_SET => "set",
        MYSQL_TYPE_STRING if binary => "binary",
        MYSQL_TYPE_STRING => "char",
        MYSQL_TYPE_VARCHAR | MYSQL_TYPE_VAR_STRING if binary => "varbinary",
        MYSQL_TYPE_VARCHAR | MYSQL_TYPE_VAR_STRING => "varchar",
        MYSQL_TYPE_TINY_BLOB | MYSQL_TYPE_BLOB | MYSQL_TYPE_MEDIUM_BLOB | MYSQL_TYPE_LONG_BLOB => {
            if binary {
                "blob"
            } else {
                "text"
            }
        }
        MYSQL_TYPE_NULL => "null",
        MYSQL_TYPE_TYPED_ARRAY | MYSQL_TYPE_UNKNOWN => "unknown",
    };
    let unsigned =
        flags.contains(ColumnFlags::UNSIGNED_FLAG) && column.column_type().is_numeric_type();
    if unsigned { format!("{name} unsigned") } else { name.into() }
}

#[cfg(test)]
mod properties;
