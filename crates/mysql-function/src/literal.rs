//! Parameters as literals of MySQL's SQL: exact, and such that no value can end its literal.
//!
//! A prepared statement would be the other way. The server remembers the types that its parameters
//! had, calculates with decimals as DOUBLE (MariaDB), and it costs a round trip and pins an RDS Proxy.

use sql_function::{Error, Kind, Param, Statement, named};
use std::fmt::Write as _;
use std::ops::Range;

/// The most digits of a DECIMAL, and the most of them after the point:
/// <https://dev.mysql.com/doc/refman/8.4/en/precision-math-decimal-characteristics.html>. MariaDB
/// allows 38 after the point.
const DIGITS: usize = 65;
const SCALE: usize = 30;
/// An exponent beyond this is no DECIMAL's, and no DOUBLE's.
const EXPONENT: i32 = 400;

/// A statement's SQL with a literal in place of each placeholder.
pub(crate) struct Whole {
    pub(crate) sql: String,
    /// Where the literals are, with the blanks around them.
    places: Vec<Range<usize>>,
}

/// Puts a literal in place of each placeholder. Nothing is sent for it.
///
/// # Errors
/// [`Kind::Statement`] when there are not as many parameters as placeholders, or one has no literal
/// that says exactly what it does.
pub(crate) fn sql(statement: &Statement, params: &[Param]) -> Result<Whole, Error> {
    let places: Vec<_> = statement.placeholders().collect();
    statement.check_params(places.len(), params.len())?;
    let mut sql = String::with_capacity(statement.sql.len());
    let mut literals = Vec::with_capacity(params.len());
    let mut rest = 0;
    for (index, (place, param)) in places.into_iter().zip(params).enumerate() {
        sql += &statement.sql[rest..place.at];
        let start = sql.len();
        // Placeholders keep it apart from what stands beside it: `a-?` must not become a comment.
        sql.push(' ');
        write_param(&mut sql, param).map_err(|why| refused(statement, index + 1, why))?;
        sql.push(' ');
        literals.push(start..sql.len());
        rest = place.end();
    }
    sql += &statement.sql[rest..];
    Ok(Whole { sql, places: literals })
}

impl Whole {
    /// What a column is called in the statement as it was written: one without a name of its own is
    /// called by its text, with the literals in it. `own` tells that it is a table's, or named.
    pub(crate) fn name(&self, written: &str, name: &str, own: bool) -> Option<String> {
        if name.is_empty() || written.contains(name) {
            return None;
        }
        self.sql.match_indices(name).find_map(|(start, _)| {
            let end = start + name.len();
            let among = |place: &&Range<usize>| place.start < end && start < place.end;
            let mut places = self.places.iter().filter(among).peekable();
            let first = places.peek()?;
            // A value that is spelt like a column.
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
            "an array, and MySQL has none",
            "send a JSON document as a string, and take it apart with JSON_TABLE",
        ),
        Why::Number => (
            "a number with more digits than the server keeps",
            "send at most 65 digits, 30 of them after the point",
        ),
    };
    let message = named!("parameter {position} of {:?} is {is}", statement.name);
    Error::new(Kind::Statement, message).advice(advice)
}

fn write_param(sql: &mut String, param: &Param) -> Result<(), Why> {
    match param {
        Param::Null => sql.push_str("NULL"),
        Param::Bool(true) => sql.push_str("TRUE"),
        Param::Bool(false) => sql.push_str("FALSE"),
        Param::Number(number) => sql.push_str(&exact(number).ok_or(Why::Number)?),
        Param::Text(text) => write_text(sql, text),
        Param::Array(_) => return Err(Why::Array),
    }
    Ok(())
}

/// Writes text, whatever the session's `sql_mode` says of backslashes: it has none between quotes.
/// Only a quote can end it then, and those are doubled. 0x27 is no second byte of a character in any
/// character set that a client may have, so that what comes before a quote cannot take it in.
pub(crate) fn write_text(sql: &mut String, text: &str) {
    sql.push_str("_utf8mb4");
    if text.chars().any(|c| c == '\\' || c.is_control()) {
        sql.push_str(" X'");
        for byte in text.bytes() {
            // A String takes every character.
            let _ = write!(sql, "{byte:02X}");
        }
    } else {
        sql.push('\'');
        sql.push_str(&text.replace('\'', "''"));
    }
    sql.push('\'');
}

/// Writes SQL as a quoted string: where an introducer is no syntax, and where SQL is the developer's.
pub(crate) fn write_quoted(sql: &mut String, text: &str, backslash_escapes: bool) {
    let text = text.replace('\'', "''");
    sql.push('\'');
    sql.push_str(&if backslash_escapes { text.replace('\\', r"\\") } else { text });
    sql.push('\'');
}

/// A JSON number as a literal of the same value: an integer or a DECIMAL with the same digits, or
/// else a DOUBLE that those are the shortest digits of.
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

/// The digits with the point before the one at `point`, without an exponent, if they fit a DECIMAL.
fn plain(digits: &str, point: i32) -> Option<String> {
    let zeros = |count: i32| "0".repeat(usize::try_from(count).unwrap_or_default());
    if point.abs() > EXPONENT || digits.len() > 2 * DIGITS {
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

/// A JSON number: all its digits, and where among them the point is.
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
        // One that is no i32 has the right sign and is far beyond every limit.
        let beyond = if exponent.starts_with('-') { -i32::MAX } else { i32::MAX };
        let exponent = exponent.parse().unwrap_or(beyond);
        let point = i32::try_from(whole.len()).ok()?.saturating_add(exponent);
        Some(Number { negative, digits: format!("{whole}{fraction}"), point })
    }

    /// The same for all spellings of a value: its digits from the first that counts to the last, and
    /// where the point is as seen from the first.
    fn significant(&self) -> (bool, &str, i32) {
        let digits = self.digits.trim_start_matches('0');
        let zeros = i32::try_from(self.digits.len() - digits.len()).unwrap_or(i32::MAX);
        (self.negative, digits.trim_end_matches('0'), self.point.saturating_sub(zeros))
    }
}

#[cfg(test)]
mod tests;
