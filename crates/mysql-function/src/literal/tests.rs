//! Literals, parsed as the server parses them.

use super::*;
use proptest::prelude::*;

fn written(text: &str) -> String {
    let mut sql = String::new();
    write_text(&mut sql, text);
    sql
}

/// Reads a literal as the server does, with or without backslash escapes: its text, and what is
/// left behind it.
fn read(sql: &str, backslash_escapes: bool) -> (String, &str) {
    let sql = sql.strip_prefix("_utf8mb4").unwrap();
    if let Some(sql) = sql.strip_prefix(" X'") {
        let (hex, rest) = sql.split_once('\'').unwrap();
        let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
        let bytes = (0..hex.len()).step_by(2).map(byte).collect();
        return (String::from_utf8(bytes).unwrap(), rest);
    }
    let sql = sql.strip_prefix('\'').unwrap();
    let mut text = String::new();
    let mut chars = sql.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '\'' if chars.next_if(|(_, next)| *next == '\'').is_some() => text.push('\''),
            '\'' => return (text, &sql[at + 1..]),
            '\\' if backslash_escapes => text.push(chars.next().unwrap().1),
            c => text.push(c),
        }
    }
    panic!("the literal does not end: {sql}");
}

#[test]
fn numbers_keep_their_digits() {
    for (number, literal) in [
        ("0", Some("0")),
        ("-0", Some("-0")),
        ("-7", Some("-7")),
        ("0.10", Some("0.10")),
        ("1e3", Some("1000")),
        ("1.50E1", Some("15.0")),
        ("-1.5e-3", Some("-0.0015")),
        ("0.001e3", Some("1")),
        ("0e999", Some("0")),
        ("0.0e-999999999999", Some("0")),
        ("18446744073709551615", Some("18446744073709551615")),
        ("1e-30", Some("0.000000000000000000000000000001")),
        ("1e-31", Some("1e-31")),
        ("-1.7976931348623157e308", Some("-1.7976931348623157e308")),
        ("1e64", Some("10000000000000000000000000000000000000000000000000000000000000000")),
        ("1e65", Some("1e65")),
        ("0.12345678901234567890123456789012", None),
        ("0.12345678901234567890123456789000000", Some("0.123456789012345678901234567890")),
        ("1e400", None),
        ("1e-400", None),
        ("1e99999999999", None),
    ] {
        assert_eq!(exact(number).as_deref(), literal, "{number}");
    }
    assert_eq!(exact(&"9".repeat(65)), Some("9".repeat(65)));
    assert_eq!(exact(&"9".repeat(66)), None);
    assert_eq!(exact(&"9".repeat(100_000)), None);
}

#[test]
fn text_has_no_backslash_between_quotes() {
    assert_eq!(written("it's"), "_utf8mb4'it''s'");
    assert_eq!(written(""), "_utf8mb4''");
    assert_eq!(written("\\'"), "_utf8mb4 X'5C27'");
    assert_eq!(written("\0"), "_utf8mb4 X'00'");
    assert_eq!(written("é😀"), "_utf8mb4'é😀'");
}

#[test]
fn a_column_is_called_as_it_is_written() {
    let written = "SELECT ?, UPPER(?), ? + 1, IF(a, ?, ?), b FROM t WHERE c = ?";
    let statement = Statement::parse("s", written.into(), sql_function::sql::MYSQL)
        .unwrap_or_else(|error| panic!("{error}"));
    let text = |text: &str| Param::Text(text.into());
    let params =
        [text("x\\"), text("it's"), Param::Number("7".into()), Param::Null, text("é"), text("col")];
    let whole = sql(&statement, &params).unwrap_or_else(|error| panic!("{error}"));
    for (name, own, written) in [
        ("_utf8mb4 X'785C'", false, Some("?")),
        ("UPPER( _utf8mb4'it''s' )", false, Some("UPPER(?)")),
        ("7  + 1", true, Some("? + 1")),
        ("IF(a,  NULL ,  _utf8mb4'é' )", false, Some("IF(a, ?, ?)")),
        ("b", true, None),
        ("col", true, None),
        ("elsewhere", true, None),
    ] {
        assert_eq!(whole.name(&statement.sql, name, own).as_deref(), written, "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, ..ProptestConfig::default() })]

    #[test]
    fn text_is_read_back_whole(
        text in prop_oneof![".*", "[\\\\'\"`?;%_ \\-/*#a\u{0}\n\u{c0}\u{ffff}]{0,12}"],
        backslash_escapes: bool,
    ) {
        let sql = written(&text) + " OR 1=1";
        prop_assert_eq!(read(&sql, backslash_escapes), (text, " OR 1=1"));
    }

    #[test]
    fn a_number_is_the_same_or_refused(
        number in "-?(0|[1-9][0-9]{0,70})(\\.[0-9]{1,40})?([eE][+-]?[0-9]{1,3})?",
    ) {
        if let Some(literal) = exact(&number) {
            let (of, is) = (Number::read(&number).unwrap(), Number::read(&literal).unwrap());
            let zero = |number: &Number| number.significant().1.is_empty();
            prop_assert!(
                of.significant() == is.significant() || zero(&of) && zero(&is),
                "{} as {}", number, literal
            );
            if !literal.contains('e') {
                let (whole, fraction) = literal.split_once('.').unwrap_or((&literal, ""));
                prop_assert!(fraction.len() <= SCALE);
                prop_assert!(whole.trim_start_matches(['-', '0']).len() + fraction.len() <= DIGITS);
            }
        }
    }

    #[test]
    fn a_float_of_json_is_taken(double: f64) {
        prop_assume!(double.is_finite());
        let number = format!("{double:e}");
        let literal = exact(&number).unwrap();
        prop_assert_eq!(literal.parse::<f64>().unwrap(), double);
    }
}

/// A statement whose parameters are declared as these types, with these values.
fn declared(types: &[&str], params: &[Param]) -> String {
    let lines: Vec<_> = types.iter().map(|of| format!("-- param: p_{of} {of}\n")).collect();
    let file = format!("{}SELECT {}", lines.concat(), vec!["?"; types.len()].join(","));
    let statement = Statement::parse("s", file, sql_function::sql::MYSQL).unwrap();
    let whole = sql(&statement, params).unwrap().sql;
    whole.split_once("SELECT").unwrap().1.to_owned()
}

#[test]
fn instants_and_bytes_are_converted_by_the_server() {
    let text = |text: &str| Param::Text(text.into());
    let instant = "2026-03-22T18:59:43.5Z";
    let sql =
        declared(&["timestamp", "base64", "text"], &[text(instant), text("AP8="), text(instant)]);
    assert_eq!(
        sql,
        "  CONVERT_TZ(TIMESTAMP'2026-03-22 18:59:43.5', '+00:00', @@session.time_zone) , \
         FROM_BASE64(_utf8mb4'AP8=') , _utf8mb4'2026-03-22T18:59:43.5Z' "
    );
    // The driver finds no named parameter in it.
    assert!(!crate::unsupported::is_rewritten(&sql));
    let mut written = String::new();
    write_utc(&mut written, "'; DROP TABLE t; --");
    assert!(written.matches('\'').count() == 2, "{written}");
}
