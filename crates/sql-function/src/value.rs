//! A value as JSON, with the same rules for both engines.
//!
//! Values that JSON represents exactly are JSON values; all others are strings in the engine's text
//! form. docs/TYPES.md lists them by type.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::error::{Error, Kind};

/// Integers up to this magnitude are exact in every JSON parser: those that read numbers as IEEE
/// 754 doubles, such as JavaScript's, lose digits beyond it (RFC 8259, section 6).
const EXACT_INTEGER: u64 = 1 << 53;

/// JSON in progress, up to a limit: a value that would exceed it is not written, nor is anything
/// after it.
pub struct Json {
    pub(crate) bytes: Vec<u8>,
    /// The offsets in `bytes` where later texts are inserted, in order.
    pub(crate) later: Vec<usize>,
    limit: usize,
    is_full: bool,
}

impl Json {
    /// JSON that begins with `start` and is limited to `limit` bytes.
    pub fn new(start: &str, limit: usize) -> Json {
        Json { bytes: start.into(), later: vec![], limit, is_full: false }
    }

    /// The next value.
    pub fn value(&mut self) -> Value<'_> {
        Value { json: self }
    }

    /// The number of bytes written.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether the limit is exceeded, or a value would have exceeded it.
    pub(crate) fn is_full(&self) -> bool {
        self.is_full || self.bytes.len() > self.limit
    }
}

/// A value to be written in a row or an array, by one of the methods.
pub struct Value<'a> {
    json: &'a mut Json,
}

impl<'a> Value<'a> {
    /// Whether there is room for a value of this many bytes. If not, the result ends here, and the
    /// value need not be decoded.
    pub fn has_room(&mut self, bytes: usize) -> bool {
        let json = &mut *self.json;
        json.is_full = json.is_full() || json.bytes.len().saturating_add(bytes) > json.limit;
        !json.is_full
    }

    /// SQL NULL.
    pub fn null(self) {
        self.json.bytes.extend_from_slice(b"null");
    }

    /// A boolean.
    pub fn bool(self, value: bool) {
        write_json(&mut self.json.bytes, &value);
    }

    /// An integer: a number within ±2^53, a string of digits beyond.
    pub fn integer(self, value: impl Into<i128>) {
        let value = value.into();
        if value.unsigned_abs() <= u128::from(EXACT_INTEGER) {
            write_json(&mut self.json.bytes, &value);
        } else {
            self.text(&value.to_string());
        }
    }

    /// A single-precision float: the shortest number that parses to the same value. NaN and the
    /// infinities are the strings `NaN`, `Infinity` and `-Infinity`.
    pub fn float(self, value: f32) {
        if value.is_finite() {
            write_json(&mut self.json.bytes, &value);
        } else {
            self.not_finite(value.into());
        }
    }

    /// A double-precision float, like [`Value::float`].
    pub fn double(self, value: f64) {
        if value.is_finite() {
            write_json(&mut self.json.bytes, &value);
        } else {
            self.not_finite(value);
        }
    }

    fn not_finite(self, value: f64) {
        self.text(match value {
            f64::INFINITY => "Infinity",
            f64::NEG_INFINITY => "-Infinity",
            _ => "NaN",
        });
    }

    /// Text.
    pub fn text(mut self, value: &str) {
        if self.has_room(value.len()) {
            write_json(&mut self.json.bytes, value);
        }
    }

    /// Bytes: a string in base64 (RFC 4648, section 4).
    pub fn binary(mut self, value: &[u8]) {
        if !self.has_room(value.len()) {
            return;
        }
        let json = &mut self.json.bytes;
        json.push(b'"');
        let start = json.len();
        // Four characters for every three bytes begun: less than the memory that holds `value`.
        json.resize(start + value.len().div_ceil(3) * 4, 0);
        // The slice has exactly the length of the padded base64.
        #[allow(clippy::expect_used)]
        BASE64.encode_slice(value, &mut json[start..]).expect("the base64 fits");
        json.push(b'"');
    }

    /// A document of a JSON column, unchanged, with all digits of its numbers.
    ///
    /// # Errors
    /// [`Kind::Query`] if it is not JSON.
    pub fn json(mut self, value: &str) -> Result<(), Error> {
        if !self.has_room(value.len()) {
            return Ok(());
        }
        let document: &RawValue = serde_json::from_str(value).map_err(|error| {
            Error::new(Kind::Query, "a JSON column contains invalid JSON").caused_by(error)
        })?;
        self.json.bytes.extend_from_slice(document.get().as_bytes());
        Ok(())
    }

    /// An array, whose elements `write` writes.
    ///
    /// # Errors
    /// What `write` returns.
    pub fn array<E>(self, write: impl FnOnce(&mut Array<'_>) -> Result<(), E>) -> Result<(), E> {
        self.json.bytes.push(b'[');
        write(&mut Array { json: &mut *self.json, first: true })?;
        self.json.bytes.push(b']');
        Ok(())
    }

    /// A text that is not known yet: [`Rows::fill`](crate::Rows::fill) inserts it.
    pub fn later(self) {
        self.json.later.push(self.json.bytes.len());
    }
}

/// An array in progress.
pub struct Array<'a> {
    json: &'a mut Json,
    first: bool,
}

impl Array<'_> {
    /// The next element.
    pub fn element(&mut self) -> Value<'_> {
        if !self.first {
            self.json.bytes.push(b',');
        }
        self.first = false;
        self.json.value()
    }
}

/// Writes a string, a number or a boolean.
pub(crate) fn write_json(json: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) {
    // A scalar has no invalid map keys, and a Vec accepts every byte.
    #[allow(clippy::expect_used)]
    serde_json::to_writer(json, value).expect("a scalar is written to memory");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(Value<'_>)) -> String {
        let mut json = Json::new("", 1000);
        write(json.value());
        assert!(json.later.is_empty() && !json.is_full());
        String::from_utf8(json.bytes).unwrap()
    }

    #[test]
    fn what_json_holds_exactly_is_a_value_and_the_rest_a_string() {
        assert_eq!(written(|value| value.null()), "null");
        assert_eq!(written(|value| value.bool(true)), "true");
        assert_eq!(written(|value| value.integer(9_007_199_254_740_992_i64)), "9007199254740992");
        assert_eq!(
            written(|value| value.integer(9_007_199_254_740_993_i64)),
            r#""9007199254740993""#
        );
        assert_eq!(written(|value| value.integer(i64::MIN)), r#""-9223372036854775808""#);
        assert_eq!(written(|value| value.integer(u64::MAX)), r#""18446744073709551615""#);
        assert_eq!(written(|value| value.float(0.1)), "0.1");
        assert_eq!(written(|value| value.double(0.1)), "0.1");
        assert_eq!(written(|value| value.double(f64::NAN)), r#""NaN""#);
        assert_eq!(written(|value| value.float(f32::NEG_INFINITY)), r#""-Infinity""#);
        assert_eq!(written(|value| value.text("a\"\n\u{1F600}")), "\"a\\\"\\n\u{1F600}\"");
        let document = r#"{"n": 1.000000000000000000001}"#;
        assert_eq!(written(|value| value.json(document).unwrap()), document);
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
            assert_eq!(written(|value| value.binary(bytes)), format!("\"{text}\"")); // RFC 4648, 10
        }
    }

    #[test]
    fn arrays_are_nested() {
        let json = written(|value| {
            let write = |array: &mut Array<'_>| {
                array.element().integer(1);
                array.element().array(|_| Ok::<_, Error>(()))?;
                array.element().null();
                Ok::<_, Error>(())
            };
            value.array(write).unwrap();
        });
        assert_eq!(json, "[1,[],null]");
    }

    #[test]
    fn a_json_column_that_is_no_json_is_an_error() {
        let error = Json::new("", 1000).value().json("{").unwrap_err();
        assert_eq!(error.error_type(), "Query");
    }

    #[test]
    fn what_has_no_room_is_not_written() {
        let mut json = Json::new("[", 8);
        json.value().text("1234");
        assert!(!json.is_full());
        for write in [
            |value: Value<'_>| value.text("12"),
            |value: Value<'_>| value.binary(b"12"),
            |value: Value<'_>| value.json("12").unwrap(),
            |value: Value<'_>| value.text(""), // nor what comes after it
        ] {
            write(json.value());
            assert!(json.is_full());
            assert_eq!(json.bytes, b"[\"1234\"");
        }
    }
}
