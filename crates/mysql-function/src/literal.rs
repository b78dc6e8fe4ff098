//! Parameters as SQL literals: exact, and safe against SQL injection.
//!
//! The alternative, prepared statements, costs a round trip and pins an RDS Proxy. The server also
//! keeps the types of earlier parameters, and MariaDB computes with decimals as DOUBLE.

use sql_function::{Error, Kind, Param, Scalar, Statement, loggable};
use std::fmt::Write as _;
use std::ops::Range;

/// The maximum number of digits of a DECIMAL, and of those after the point:
/// <https://dev.mysql.com/doc/refman/8.4/en/precision-math-decimal-characteristics.html>. MariaDB
/// allows 38 after the point.
const DIGITS: usize = 65;
const SCALE: usize = 30;
/// Larger than any exponent of a DECIMAL or a DOUBLE.
const MAX_EXPONENT: i32 = 400;

/// A statement's SQL with a literal in place of each placeholder.
pub struct Whole {
    pub(crate) sql: String,
    /// The ranges of the literals, with the spaces around them.
    places: Vec<Range<usize>>,
}

/// Replaces each placeholder with a literal.
///
/// # Errors
/// [`Kind::Statement`] if there are not as many parameters as placeholders, or if one has no exact
/// literal.
pub(crate) fn sql(statement: &Statement, params: &[Param]) -> Result<Whole, Error> {
    let places: Vec<_> = statement.placeholders().collect();
    statement.check_params(places.len(), params.len())?;
    let mut sql = String::with_capacity(statement.sql.len());
    let mut literals = Vec::with_capacity(params.len());
    let mut rest = 0;
    for (index, (place, param)) in places.into_iter().zip(params).enumerate() {
        sql += &statement.sql[rest..place.at];
        let start = sql.len();
        // Spaces separate it from what is beside it: `a-?` must not become a comment.
        sql.push(' ');
        let of = statement.declared.get(index).map(|declared| declared.param_type.scalar);
        write_param(&mut sql, of, param).map_err(|why| refused(statement, index + 1, why))?;
        sql.push(' ');
        literals.push(start..sql.len());
        rest = place.end();
    }
    sql += &statement.sql[rest..];
    Ok(Whole { sql, places: literals })
}

impl Whole {
    /// The name of a column with `?` for literals: the server names a column without an alias by
    /// its text. `own` is true for a column of a table or with an alias.
    pub(crate) fn name(&self, written: &str, name: &str, own: bool) -> Option<String> {
        if name.is_empty() || written.contains(name) {
            return None;
        }
        self.sql.match_indices(name).find_map(|(start, _)| {
            let end = start + name.len();
            let among = |place: &&Range<usize>| place.start < end && start < place.end;
            let mut places = self.places.iter().filter(among).peekable();
            let first = places.peek()?;
            // A value that is spelled like the column.
            if own && first.start <= start && end <= first.end {
                return None;
            }
            let (mut name, mut rest) = (String::new(), start);
            for place in places {
                name += self.sql.get(rest..place.start).unwrap_or_default();
                name.push('?');
                rest = place.end;
            }
            name += self.sql.get(rest..end).unwrap_or_default();
            Some(name)
        })
    }
}

/// Why a parameter has no literal.
enum Why {
    Array,
    Number,
}

fn refused(statement: &Statement, position: usize, why: Why) -> Error {
    let (is, advice) = match why {
        Why::Array => (
            "an array, which MySQL does not support",
            "send a JSON document as a string, and use JSON_TABLE in the statement",
        ),
        Why::Number => (
            "a number with more digits than the server keeps",
            "send at most 65 digits, of which 30 after the point",
        ),
    };
    let message = loggable!("parameter {position} of {:?} is {is}", statement.name);
    Error::new(Kind::Statement, message).advice(advice)
}

/// Writes the value of a parameter that is declared as `of`.
fn write_param(sql: &mut String, of: Option<Scalar>, param: &Param) -> Result<(), Why> {
    match param {
        Param::Text(utc) if of == Some(Scalar::Timestamp) => write_instant(sql, utc),
        Param::Text(base64) if of == Some(Scalar::Base64) => {
            sql.push_str("FROM_BASE64(");
            write_text(sql, base64);
            sql.push(')');
        }
        Param::Null => sql.push_str("NULL"),
        Param::Bool(true) => sql.push_str("TRUE"),
        Param::Bool(false) => sql.push_str("FALSE"),
        Param::Number(number) => sql.push_str(&exact(number).ok_or(Why::Number)?),
        Param::Text(text) => write_text(sql, text),
        Param::Array(_) => return Err(Why::Array),
    }
    Ok(())
}

/// Writes an instant, given as `2026-03-22T18:59:43Z`, as a date and time in the session's time
/// zone. Only MySQL 8.0.19 and later read an offset, and they convert it in the same way.
pub(crate) fn write_instant(sql: &mut String, utc: &str) {
    sql.push_str("CONVERT_TZ(");
    write_utc(sql, utc);
    sql.push_str(", '+00:00', @@session.time_zone)");
}

/// Writes an instant as a date and time in UTC.
pub(crate) fn write_utc(sql: &mut String, utc: &str) {
    // Nothing else is in an instant, and nothing else is written between the quotes.
    let is_part = |c: &char| c.is_ascii_digit() || matches!(c, '-' | ':' | '.' | 'T');
    let text = utc.chars().filter(is_part).map(|c| if c == 'T' { ' ' } else { c });
    sql.push_str("TIMESTAMP'");
    sql.extend(text);
    sql.push('\'');
}

/// Writes text so that it is safe in any `sql_mode`: without backslashes between quotes, only a
/// quote can end it, and quotes are doubled. No client character set has 0x27 as the second byte of
/// a character, so that no character can absorb a quote.
pub(crate) fn write_text(sql: &mut String, text: &str) {
    sql.push_str("_utf8mb4");
    if text.chars().any(|c| c == '\\' || c.is_control()) {
        sql.push_str(" X'");
        for byte in text.bytes() {
            // Writing to a String does not fail.
            let _ = write!(sql, "{byte:02X}");
        }
    } else {
        sql.push('\'');
        sql.push_str(&text.replace('\'', "''"));
    }
    sql.push('\'');
}

/// Writes trusted SQL as a quoted string, where the syntax allows no introducer.
pub(crate) fn write_quoted(sql: &mut String, text: &str, backslash_escapes: bool) {
    let text = text.replace('\'', "''");
    sql.push('\'');
    sql.push_str(&if backslash_escapes { text.replace('\\', r"\\") } else { text });
    sql.push('\'');
}

/// A JSON number as a literal of the same value: an integer or a DECIMAL with the same digits, or a
/// DOUBLE whose shortest form has these digits.
fn exact(number: &str) -> Option<String> {
    let Number { negative, digits, point } = Number::read(number)?;
    let sign = if negative { "-" } else { "" };
    if let Some(plain) = plain(&digits, point) {
        return Some(format!("{sign}{plain}"));
    }
    let double = number.parse::<f64>().ok().filter(|double| double.is_finite())?;
    let shortest = format!("{double:e}");
    let same = Number::read(&shortest)?.significant() == Number::read(number)?.significant();
    same.then_some(shortest)
}

/// The digits with the decimal point before index `point`, without an exponent, if they fit a
/// DECIMAL.
fn plain(digits: &str, point: i32) -> Option<String> {
    let zeros = |count: i32| "0".repeat(usize::try_from(count).unwrap_or_default());
    if point.abs() > MAX_EXPONENT || digits.len() > 2 * DIGITS {
        return digits.bytes().all(|digit| digit == b'0').then(|| "0".to_owned());
    }
    let length = i32::try_from(digits.len()).ok()?;
    let all = format!("{}{digits}{}", zeros(-point), zeros(point - length));
    let (whole, mut fraction) = all.split_at(usize::try_from(point).unwrap_or_default());
    let whole = whole.trim_start_matches('0');
    while fraction.len() > SCALE && fraction.ends_with('0') {
        fraction = &fraction[..fraction.len() - 1];
    }
    if fraction.len() > SCALE || whole.len() + fraction.len() > DIGITS {
        return None;
    }
    let whole = if whole.is_empty() { "0" } else { whole };
    Some(if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") })
}

/// A JSON number: its digits, and the index of the decimal point among them.
struct Number {
    negative: bool,
    digits: String,
    point: i32,
}

impl Number {
    fn read(number: &str) -> Option<Number> {
        let (negative, number) = match number.strip_prefix('-') {
            Some(number) => (true, number),
            None => (false, number),
        };
        let (number, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        // An exponent that does not fit an i32 is beyond every limit.
        let beyond = if exponent.starts_with('-') { -i32::MAX } else { i32::MAX };
        let exponent = exponent.parse().unwrap_or(beyond);
        let point = i32::try_from(whole.len()).ok()?.saturating_add(exponent);
        Some(Number { negative, digits: format!("{whole}{fraction}"), point })
    }

    /// The same for all spellings of a value: its significant digits, and the position of the
    /// decimal point relative to the first.
    fn significant(&self) -> (bool, &str, i32) {
        let digits = self.digits.trim_start_matches('0');
        let zeros = i32::try_from(self.digits.len() - digits.len()).unwrap_or(i32::MAX);
        (self.negative, digits.trim_end_matches('0'), self.point.saturating_sub(zeros))
    }
}

#[cfg(test)]
mod tests;
