//! Rows as JSON, written as they arrive from the server.
//!
//! Memory use stays near the size of the response: only values whose text comes later are kept in
//! another form. A result that exceeds the statement's `max_rows` or Lambda's limit on a response
//! ends early with `ResultTooLarge`. It is never truncated silently.

use serde::Serialize;
use serde_json::value::RawValue;
use std::collections::BTreeSet;

use crate::error::{Error, Kind};
use crate::loggable;
use crate::truncate::truncate;
use crate::value::{Json, Value, write_json};

/// Lambda's limit on a synchronous response, 6 MB, minus room for what surrounds the rows:
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>.
pub const RESPONSE_LIMIT: usize = 6 * 1024 * 1024 - 64 * 1024;

/// A column of a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Column {
    /// The name.
    pub name: String,
    /// The engine's name for its type.
    #[serde(rename = "type")]
    pub type_name: String,
}

/// One result set of a response.
#[derive(Serialize)]
pub(crate) struct ResultSet {
    /// The columns; empty if the statement returns no rows.
    pub columns: Vec<Column>,
    /// The rows, as JSON objects.
    pub rows: Box<RawValue>,
    /// How many rows there are.
    pub row_count: u64,
}

/// The result of one statement, built row by row.
pub struct Rows {
    /// The result sets before this one.
    earlier: Vec<ResultSet>,
    columns: Vec<Column>,
    /// Each column's name as a JSON string with a colon, as it precedes each of its values.
    keys: Vec<Vec<u8>>,
    /// An unfinished JSON array.
    json: Json,
    count: u64,
    /// The remaining rows for this set and those after it.
    max_rows: u64,
    max_bytes: usize,
    limits: (u64, usize),
}

impl Rows {
    /// An empty result, limited to `max_rows` rows and `max_bytes` bytes of JSON.
    pub fn new(max_rows: u64, max_bytes: usize) -> Rows {
        Rows {
            earlier: vec![],
            columns: vec![],
            keys: vec![],
            json: Json::new("[", max_bytes),
            count: 0,
            max_rows,
            max_bytes,
            limits: (max_rows, max_bytes),
        }
    }

    /// Ends the result set and begins the next one: a procedure may return several. The limits
    /// apply to all of them together.
    ///
    /// # Panics
    /// If the text of a [`later`](Value::later) value is missing.
    pub fn next_set(&mut self) {
        assert!(self.json.later.is_empty(), "every value is complete when a result set ends");
        let max_rows = self.max_rows - self.count;
        let max_bytes = self.max_bytes.saturating_sub(self.json.len());
        let next = Rows { limits: self.limits, ..Rows::new(max_rows, max_bytes) };
        let ended = std::mem::replace(self, next);
        let (set, earlier) = ended.finish();
        self.earlier = earlier;
        self.earlier.push(set);
    }

    /// Sets the columns, before the first row.
    ///
    /// # Errors
    /// [`Kind::Statement`] if two have the same name: a JSON object can have only one of them.
    pub fn describe(&mut self, columns: Vec<Column>) -> Result<(), Error> {
        let mut names = BTreeSet::new();
        let twice: BTreeSet<_> = columns
            .iter()
            .filter(|column| !names.insert(column.name.as_str()))
            .map(|column| column.name.as_str())
            .collect();
        if !twice.is_empty() {
            let twice = Vec::from_iter(twice).join(", ");
            let message = "the result has columns with the same name";
            return Err(Error::new(Kind::Statement, message)
                .says(truncate(&twice, 1000).into_owned())
                .advice("give each column a unique name with AS"));
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

    /// Adds a row, whose values `write` writes in the order of the columns.
    ///
    /// # Errors
    /// [`Kind::ResultTooLarge`] if the row exceeds a limit; what `write` returns.
    pub fn push(
        &mut self,
        write: impl FnOnce(&mut Row<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        if self.count == self.max_rows {
            return Err(Error::new(
                Kind::ResultTooLarge,
                loggable!("the result has more rows than max_rows = {}", self.limits.0),
            )
            .advice("return fewer rows (LIMIT), or raise max_rows at the top of the statement"));
        }
        self.json.bytes.extend_from_slice(if self.count == 0 { b"{" } else { b",{" });
        let mut row = Row { keys: self.keys.iter(), json: &mut self.json, first: true };
        let written = write(&mut row);
        if self.json.is_full() {
            return Err(self.too_large_at(self.count + 1));
        }
        written?;
        self.json.bytes.push(b'}');
        self.count += 1;
        self.check_bytes()
    }

    /// Inserts the texts of the [`later`](Value::later) values, in the order in which these were
    /// written.
    ///
    /// # Errors
    /// [`Kind::ResultTooLarge`] if the result exceeds its limit with them.
    ///
    /// # Panics
    /// If there are not as many texts as values.
    pub fn fill(&mut self, texts: Vec<String>) -> Result<(), Error> {
        let places = std::mem::take(&mut self.json.later);
        assert_eq!(places.len(), texts.len(), "each later value has one text");
        if places.is_empty() {
            return Ok(()); // without copying
        }
        let size = texts.iter().map(|text| text.len() + 2).sum::<usize>();
        let written = &self.json.bytes;
        if written.len() + size > self.max_bytes {
            return Err(self.too_large_at(self.count));
        }
        let mut json = Vec::with_capacity(written.len() + size);
        let mut start = 0;
        for (place, text) in places.into_iter().zip(texts) {
            json.extend_from_slice(&written[start..place]);
            write_json(&mut json, &text);
            start = place;
        }
        json.extend_from_slice(&written[start..]);
        self.json.bytes = json;
        self.check_bytes()
    }

    fn check_bytes(&self) -> Result<(), Error> {
        if self.json.is_full() { Err(self.too_large_at(self.count)) } else { Ok(()) }
    }

    /// The result exceeds its limit at row number `row`. For engines that can tell before the row
    /// is JSON.
    pub fn too_large_at(&self, row: u64) -> Error {
        Error::new(
            Kind::ResultTooLarge,
            loggable!(
                "the result exceeds {} bytes of JSON at row {row}: Lambda returns at most 6 MB",
                self.limits.1
            ),
        )
        .advice("return fewer columns, or fewer rows with LIMIT and a key to continue from")
    }

    /// How many rows this result set has so far.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The last result set, and those before it.
    pub(crate) fn finish(mut self) -> (ResultSet, Vec<ResultSet>) {
        self.json.bytes.push(b']');
        let rows = String::from_utf8(self.json.bytes)
            .map_err(|error| error.to_string())
            .and_then(|json| RawValue::from_string(json).map_err(|error| error.to_string()));
        // Every byte was written by `serde_json`, or is ASCII punctuation or base64, except for
        // documents of JSON columns, which `Value::json` has parsed; and `fill` completed all
        // values.
        #[allow(clippy::expect_used)]
        let rows = rows.expect("rows are JSON by construction");
        let last = ResultSet { columns: self.columns, rows, row_count: self.count };
        (last, self.earlier)
    }
}

/// One row being written.
pub struct Row<'a> {
    keys: std::slice::Iter<'a, Vec<u8>>,
    json: &'a mut Json,
    first: bool,
}

impl Row<'_> {
    /// The next column's value.
    pub fn value(&mut self) -> Value<'_> {
        if !self.first {
            self.json.bytes.push(b',');
        }
        self.first = false;
        if let Some(key) = self.keys.next() {
            self.json.bytes.extend_from_slice(key);
        }
        self.json.value()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn columns(names: &[&str]) -> Vec<Column> {
        let column = |name: &&str| Column { name: (*name).into(), type_name: "int".into() };
        names.iter().map(column).collect()
    }

    #[test]
    fn texts_that_come_later_take_their_places() {
        let mut rows = Rows::new(10, RESPONSE_LIMIT);
        rows.describe(columns(&["a", "b"])).unwrap();
        for _ in 0..2 {
            rows.push(|row| {
                row.value().later();
                row.value().array(|array| {
                    array.element().integer(7);
                    array.element().later();
                    Ok(())
                })
            })
            .unwrap();
        }
        rows.fill(["p", "\"", "", "s"].map(String::from).to_vec()).unwrap();
        assert_eq!(rows.finish().0.rows.get(), r#"[{"a":"p","b":[7,"\""]},{"a":"","b":[7,"s"]}]"#);

        let mut rows = Rows::new(10, 20);
        rows.describe(columns(&["a"])).unwrap();
        rows.push(|row| {
            row.value().later();
            Ok(())
        })
        .unwrap();
        let error = rows.fill(vec!["x".repeat(20)]).unwrap_err();
        assert_eq!(error.error_type(), "ResultTooLarge");
    }

    #[test]
    fn columns_of_one_name_are_refused_by_name() {
        let error = Rows::new(1, 1).describe(columns(&["id", "a", "id", "id"])).unwrap_err();
        assert_eq!(error.error_type(), "Statement");
        assert!(error.report().contains("the same name: id."), "{}", error.report());
    }

    #[test]
    fn a_row_or_byte_too_many_ends_the_result() {
        let push = |rows: &mut Rows| {
            rows.push(|row| {
                row.value().integer(7);
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
                            0 => row.value().integer(*integer),
                            1 => row.value().text(text),
                            _ => row.value().binary(bytes),
                        }
                    }
                    Ok(())
                })
                .unwrap();
            }
            let json = rows.finish().0.rows;
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
