//! Rows as JSON, written as they arrive from the server.
//!
//! Memory stays near the size of the response: no row is kept in another form. What JSON holds
//! exactly is a JSON value; everything else is a string (see [`Row`]). Both a statement's own
//! `max_rows` and Lambda's limit on a response end it early with `ResultTooLarge`: a result is
//! never cut in silence.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Serialize;
use serde_json::value::RawValue;
use std::collections::BTreeSet;

use crate::error::{Error, Kind};

/// Lambda's limit on a synchronous response, 6 MB, less room for what surrounds the rows:
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>.
pub const RESPONSE_LIMIT: usize = 6 * 1024 * 1024 - 64 * 1024;

/// Integers up to this magnitude are the same in every JSON reader: those that read numbers as
/// IEEE 754 doubles, JavaScript among them, lose digits beyond it (RFC 8259, section 6).
const EXACT_INTEGER: u64 = 1 << 53;

/// A column of a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// The engine's own name for its type.
    #[serde(rename = "type")]
    pub type_name: String,
}

/// The result of one statement, growing row by row.
#[derive(Debug)]
pub struct Rows {
    columns: Vec<Column>,
    /// Each column's name as a JSON string and a colon: what goes before each of its values.
    keys: Vec<Vec<u8>>,
    /// A JSON array, not yet closed.
    json: Vec<u8>,
    count: u64,
    max_rows: u64,
    max_bytes: usize,
}

impl Rows {
    /// An empty result that may grow to `max_rows` rows and `max_bytes` bytes of JSON.
    pub fn new(max_rows: u64, max_bytes: usize) -> Rows {
        Rows { columns: vec![], keys: vec![], json: vec![b'['], count: 0, max_rows, max_bytes }
    }

    /// Names the columns, before the first row.
    ///
    /// # Errors
    /// [`Kind::Statement`] when two have the same name: a JSON object could hold only one of them.
    pub fn describe(&mut self, columns: Vec<Column>) -> Result<(), Error> {
        let mut names = BTreeSet::new();
        let twice: BTreeSet<_> = columns
            .iter()
            .filter(|column| !names.insert(column.name.as_str()))
            .map(|column| column.name.as_str())
            .collect();
        if !twice.is_empty() {
            let twice = Vec::from_iter(twice).join(", ");
            return Err(Error::new(
                Kind::Statement,
                format!("more than one column of the result is called {twice}"),
            )
            .advice("give each column its own name with AS"));
        }
        let key = |column: &Column| {
            let mut key = Vec::new();
            write_json(&mut key, &column.name);
            key.push(b':');
            key
        };
        self.keys = columns.iter().map(key).collect();
        self.columns = columns;
        Ok(())
    }

    /// Adds a row, whose values `write` gives in the order of the columns.
    ///
    /// # Errors
    /// [`Kind::ResultTooLarge`] when the row is one too many, or too large; what `write` returns.
    pub fn push(
        &mut self,
        write: impl FnOnce(&mut Row<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        if self.count == self.max_rows {
            return Err(Error::new(
                Kind::ResultTooLarge,
                format!("the result has more than max_rows = {} rows", self.max_rows),
            )
            .advice(
                "fetch less at a time (LIMIT), or raise max_rows at the top of the statement",
            ));
        }
        self.json.extend_from_slice(if self.count == 0 { b"{" } else { b",{" });
        let mut row = Row { keys: self.keys.iter(), json: &mut self.json, first: true };
        write(&mut row)?;
        self.json.push(b'}');
        self.count += 1;
        if self.json.len() > self.max_bytes {
            return Err(Error::new(
                Kind::ResultTooLarge,
                format!(
                    "the result passed {} bytes of JSON at row {}, and Lambda returns 6 MB at most",
                    self.max_bytes, self.count
                ),
            )
            .advice("fetch less at a time: fewer columns, or LIMIT and a key to continue from"));
        }
        Ok(())
    }

    /// How many rows there are so far.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// How many bytes of JSON there are so far.
    pub fn bytes(&self) -> usize {
        self.json.len()
    }

    /// The columns, and the rows as a JSON array.
    pub(crate) fn finish(mut self) -> (Vec<Column>, Box<RawValue>) {
        self.json.push(b']');
        let rows = String::from_utf8(self.json)
            .map_err(|error| error.to_string())
            .and_then(|json| RawValue::from_string(json).map_err(|error| error.to_string()));
        // Every byte was written by `serde_json`, or is ASCII punctuation, except for documents of
        // JSON columns, which `Row::json` has parsed.
        #[allow(clippy::expect_used)]
        let rows = rows.expect("rows are JSON by construction");
        (self.columns, rows)
    }
}

/// One row being written. Each call writes the next column's value.
pub struct Row<'a> {
    keys: std::slice::Iter<'a, Vec<u8>>,
    json: &'a mut Vec<u8>,
    first: bool,
}

impl Row<'_> {
    /// SQL NULL.
    pub fn null(&mut self) {
        self.value(|json| json.extend_from_slice(b"null"));
    }

    /// A boolean.
    pub fn bool(&mut self, value: bool) {
        self.value(|json| write_json(json, &value));
    }

    /// An integer: a number within ±2^53, a string of its digits beyond.
    pub fn integer(&mut self, value: impl Into<i128>) {
        let value = value.into();
        if value.unsigned_abs() <= u128::from(EXACT_INTEGER) {
            self.value(|json| write_json(json, &value));
        } else {
            self.text(&value.to_string());
        }
    }

    /// A single-precision float: the shortest number that reads back as the same; NaN and the
    /// infinities are the strings `NaN`, `Infinity` and `-Infinity`.
    pub fn float(&mut self, value: f32) {
        if value.is_finite() {
            self.value(|json| write_json(json, &value));
        } else {
            self.not_finite(value.into());
        }
    }

    /// A double-precision float, as [`Row::float`].
    pub fn double(&mut self, value: f64) {
        if value.is_finite() {
            self.value(|json| write_json(json, &value));
        } else {
            self.not_finite(value);
        }
    }

    fn not_finite(&mut self, value: f64) {
        self.text(match value {
            f64::INFINITY => "Infinity",
            f64::NEG_INFINITY => "-Infinity",
            _ => "NaN",
        });
    }

    /// Text.
    pub fn text(&mut self, value: &str) {
        self.value(|json| write_json(json, value));
    }

    /// Bytes that are no text: a string in base64 (RFC 4648, section 4).
    pub fn binary(&mut self, value: &[u8]) {
        self.value(|json| {
            json.push(b'"');
            json.extend_from_slice(BASE64.encode(value).as_bytes());
            json.push(b'"');
        });
    }

    /// A document of a JSON column: kept as it is, with its digits.
    ///
    /// # Errors
    /// [`Kind::Query`] when it is no JSON text.
    pub fn json(&mut self, value: &str) -> Result<(), Error> {
        let document: &RawValue = serde_json::from_str(value).map_err(|error| {
            Error::new(Kind::Query, "a JSON column holds what is not JSON").caused_by(error)
        })?;
        self.value(|json| json.extend_from_slice(document.get().as_bytes()));
        Ok(())
    }

    fn value(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        if !self.first {
            self.json.push(b',');
        }
        self.first = false;
        if let Some(key) = self.keys.next() {
            self.json.extend_from_slice(key);
        }
        write(self.json);
    }
}

fn write_json(json: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) {
    // Strings and numbers have no map keys to refuse, and a Vec takes every byte.
    #[allow(clippy::expect_used)]
    serde_json::to_writer(json, value).expect("a scalar is written to memory");
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn columns(names: &[&str]) -> Vec<Column> {
        let column = |name: &&str| Column { name: (*name).into(), type_name: "int".into() };
        names.iter().map(column).collect()
    }

    fn one_value(write: impl FnOnce(&mut Row<'_>)) -> String {
        let mut rows = Rows::new(1, RESPONSE_LIMIT);
        rows.describe(columns(&["v"])).unwrap();
        rows.push(|row| {
            write(row);
            Ok(())
        })
        .unwrap();
        let (_, json) = rows.finish();
        json.get().strip_prefix(r#"[{"v":"#).unwrap().strip_suffix("}]").unwrap().to_owned()
    }

    #[test]
    fn what_json_holds_exactly_is_a_value_and_the_rest_a_string() {
        assert_eq!(one_value(|row| row.null()), "null");
        assert_eq!(one_value(|row| row.bool(true)), "true");
        assert_eq!(one_value(|row| row.integer(9_007_199_254_740_992_i64)), "9007199254740992");
        assert_eq!(
            one_value(|row| row.integer(9_007_199_254_740_993_i64)),
            r#""9007199254740993""#
        );
        assert_eq!(one_value(|row| row.integer(i64::MIN)), r#""-9223372036854775808""#);
        assert_eq!(one_value(|row| row.integer(u64::MAX)), r#""18446744073709551615""#);
        assert_eq!(one_value(|row| row.float(0.1)), "0.1");
        assert_eq!(one_value(|row| row.double(0.1)), "0.1");
        assert_eq!(one_value(|row| row.double(f64::NAN)), r#""NaN""#);
        assert_eq!(one_value(|row| row.float(f32::NEG_INFINITY)), r#""-Infinity""#);
        assert_eq!(one_value(|row| row.text("a\"\n\u{1F600}")), "\"a\\\"\\n\u{1F600}\"");
        let document = r#"{"n": 1.000000000000000000001}"#;
        assert_eq!(one_value(|row| row.json(document).unwrap()), document);
    }

    #[test]
    fn binary_is_base64() {
        for (bytes, text) in [
            (&b""[..], ""),
            (b"f", "Zg=="),
            (b"fo", "Zm8="),
            (b"foo", "Zm9v"),
            (b"foobar", "Zm9vYmFy"),
            (&[0xfb, 0xff, 0xfe], "+//+"),
        ] {
            assert_eq!(one_value(|row| row.binary(bytes)), format!("\"{text}\"")); // RFC 4648, 10
        }
    }

    #[test]
    fn a_json_column_that_is_no_json_is_an_error() {
        let mut rows = Rows::new(1, RESPONSE_LIMIT);
        rows.describe(columns(&["v"])).unwrap();
        assert_eq!(rows.push(|row| row.json("{")).unwrap_err().error_type(), "Query");
    }

    #[test]
    fn columns_of_one_name_are_refused_by_name() {
        let error = Rows::new(1, 1).describe(columns(&["id", "a", "id", "id"])).unwrap_err();
        assert_eq!(error.error_type(), "Statement");
        assert!(error.report().contains("is called id."), "{}", error.report());
    }

    #[test]
    fn a_row_or_byte_too_many_ends_the_result() {
        let push = |rows: &mut Rows| {
            rows.push(|row| {
                row.integer(7);
                Ok(())
            })
        };
        let mut rows = Rows::new(2, RESPONSE_LIMIT);
        rows.describe(columns(&["v"])).unwrap();
        push(&mut rows).unwrap();
        push(&mut rows).unwrap();
        let error = push(&mut rows).unwrap_err();
        assert_eq!(error.error_type(), "ResultTooLarge");
        assert!(error.report().contains("max_rows = 2"), "{}", error.report());

        let mut rows = Rows::new(100, 20);
        rows.describe(columns(&["v"])).unwrap();
        push(&mut rows).unwrap();
        push(&mut rows).unwrap();
        assert!(push(&mut rows).unwrap_err().report().contains("at row 3"));
    }

    proptest! {
        #[test]
        fn any_rows_are_valid_json(
            names in proptest::collection::btree_set(".*", 1..4),
            values in proptest::collection::vec((any::<i64>(), ".*", any::<Vec<u8>>()), 0..4),
        ) {
            let names: Vec<_> = names.iter().map(String::as_str).collect();
            let mut rows = Rows::new(100, RESPONSE_LIMIT);
            rows.describe(columns(&names)).unwrap();
            for (integer, text, bytes) in &values {
                rows.push(|row| {
                    for index in 0..names.len() {
                        match index {
                            0 => row.integer(*integer),
                            1 => row.text(text),
                            _ => row.binary(bytes),
                        }
                    }
                    Ok(())
                })
                .unwrap();
            }
            let (_, json) = rows.finish();
            let parsed: Vec<serde_json::Map<String, serde_json::Value>> =
                serde_json::from_str(json.get()).unwrap();
            prop_assert_eq!(parsed.len(), values.len());
            for (row, (_, text, _)) in parsed.iter().zip(&values) {
                prop_assert_eq!(row.len(), names.len());
                if let Some(name) = names.get(1) {
                    prop_assert_eq!(row[*name].as_str().unwrap(), text);
                }
            }
        }
    }
}
