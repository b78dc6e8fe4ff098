//! Parameters of events against declarations.

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::sql::{Dialect, MYSQL};

const PG: Dialect = Dialect::Postgres;

fn statement(sql: &str, dialect: Dialect) -> Statement {
    Statement::parse("purge", sql.into(), dialect).unwrap_or_else(|error| panic!("{error}"))
}

/// What the parameters of an event, as JSON, become.
fn arguments(statement: &Statement, json: &str) -> Result<Vec<Param>, Error> {
    let json = RawValue::from_string(json.into()).unwrap();
    statement.arguments(Params::read(&json).unwrap_or_else(|_| panic!("they are parameters")))
}

/// A statement with one parameter `p` of this type.
fn of_type(type_name: &str) -> Statement {
    statement(&format!("-- param: p {type_name}\nSELECT $1"), PG)
}

fn number(digits: &str) -> Param {
    Param::Number(digits.into())
}

fn text(text: &str) -> Param {
    Param::Text(text.into())
}

#[test]
fn names_become_positions() {
    let two = "-- param: days int how old\n-- param: name text\n";
    let postgres = statement(&format!("{two}SELECT $2, $1, $2"), PG);
    let mysql = statement(&format!("{two}SELECT ?, ?"), MYSQL);
    for two in [postgres, mysql] {
        for json in [r#"{"name":"a","days":30}"#, r#"[30,"a"]"#] {
            assert_eq!(arguments(&two, json).unwrap(), [number("30"), text("a")]);
        }
    }
    let twice = "-- param: a int\n-- param: b text\n-- param: a int\nSELECT ?, ?, ?";
    let twice = statement(twice, MYSQL);
    let values = arguments(&twice, r#"{"b":"x","a":1}"#).unwrap();
    assert_eq!(values, [number("1"), text("x"), number("1")]);
    assert_eq!(arguments(&statement("SELECT 1", PG), "{}").unwrap(), []);
    assert_eq!(arguments(&statement("SELECT 1", PG), "[]").unwrap(), []);
}

#[test]
fn what_does_not_fit_names_the_parameter_and_no_value() {
    let two = statement("-- param: days int\n-- param: name text?\nSELECT ?, ?", MYSQL);
    let none = statement("SELECT ?", MYSQL);
    for (statement, json, why, advice) in [
        (
            &two,
            r#"{"days":1}"#,
            "parameter \"name\" of \"purge\" is missing",
            "days (int), name (text?)",
        ),
        (&two, r#"{"days":1,"name":"4111","4111":1}"#, "no such parameter", "days (int)"),
        (
            &two,
            r#"{"days":1,"name":"a","days":4111}"#,
            "\"days\" of \"purge\" is given twice",
            "once",
        ),
        (&two, r#"{}"#, "parameter \"days\" of \"purge\" is missing", "name (text?)"),
        (
            &two,
            r#"[1]"#,
            "takes 2 parameters, but the event has 1",
            "in order: days (int), name (text?)",
        ),
        (
            &two,
            r#"["4111x","a"]"#,
            "\"days\" of \"purge\" is a string of another form",
            "such as 30",
        ),
        (&two, r#"[null,"a"]"#, "\"days\" of \"purge\" is null", "declare it as int?"),
        (
            &two,
            r#"[1,4111]"#,
            "\"name\" of \"purge\" is a number, but its type is text?",
            "a string",
        ),
        (&two, r#"[1,{"4111":1}]"#, "is an object, but its type is text?", "a string"),
        (&none, r#"{"days":4111}"#, "declares no names for its parameters", "-- param: NAME TYPE"),
        (&none, r#"{}"#, "declares no names", "as an array"),
        (&none, r#"[{"4111":1}]"#, "parameter 1 of \"purge\": a parameter is null", "NAME json"),
        (&none, r#"[[[[[[[[4111]]]]]]]]"#, "at most 6 dimensions", "NAME json"),
    ] {
        let error = arguments(statement, json).expect_err(json);
        let report = error.report();
        assert!(report.contains(why) && report.contains(advice), "{json}: {report}");
        let is_event = json.starts_with("[{") || json.starts_with("[[");
        assert_eq!(error.error_type(), if is_event { "Event" } else { "Statement" }, "{json}");
        let log = format!("{} {:?} {:?}", error.log(), error.log_advice(), error);
        assert!(!log.contains("4111"), "{json}: {log}");
    }
}

#[test]
fn each_type_takes_its_forms_and_no_other() {
    let id = "00112233-4455-6677-8899-aabbccddeeff";
    let taken: [(&str, &str, Param); 32] = [
        ("int", "30", number("30")),
        ("int", "-0", number("0")),
        ("int", "30.0", number("30")),
        ("int", "3e1", number("30")),
        ("int", "1.50e1", number("15")),
        ("int", "\"9007199254740993\"", number("9007199254740993")),
        ("int", "18446744073709551615", number("18446744073709551615")),
        ("int", "-9223372036854775808", number("-9223372036854775808")),
        ("int?", "null", Param::Null),
        ("number", "0.10", number("0.10")),
        ("number", "1e400", number("1e400")),
        ("number", "\"12345678901234567890.10\"", number("12345678901234567890.10")),
        ("text", "\"\"", text("")),
        ("text?", "null", Param::Null),
        ("boolean", "true", Param::Bool(true)),
        ("date", "\"2024-02-29\"", text("2024-02-29")),
        ("time", "\"23:59:59.5\"", text("23:59:59.5")),
        ("timestamp", "\"2026-03-22T18:59:43Z\"", text("2026-03-22T18:59:43Z")),
        ("timestamp", "\"2026-03-22T18:59:43.5+02:00\"", text("2026-03-22T16:59:43.5Z")),
        ("uuid", "\"00112233-4455-6677-8899-aabbccddeeff\"", text(id)),
        ("json", r#"{"a": [1.50, {}]}"#, text(r#"{"a": [1.50, {}]}"#)),
        ("json", "[1, [2]]", text("[1, [2]]")),
        ("json", "[[[[[[[[]]]]]]]]", text("[[[[[[[[]]]]]]]]")),
        ("json", r#""{\"a\": 1}""#, text(r#"{"a": 1}"#)),
        ("json", r#""null""#, text("null")),
        ("base64", "\"AP8=\"", text("AP8=")),
        ("base64", "\"\"", text("")),
        ("int[]", "[]", Param::Array(Elements::of_numbers(&[]).unwrap())),
        (
            "int[]",
            "[1, 2.0, \"3\"]",
            Param::Array(Elements::of_numbers(&["1".into(), "2".into(), "3".into()]).unwrap()),
        ),
        ("int[]?", "null", Param::Null),
        ("text", "\"2026\"", text("2026")),
        ("number", "\"-1.5e3\"", number("-1.5e3")),
    ];
    for (type_name, json, param) in taken {
        let values = arguments(&of_type(type_name), &format!("[{json}]"));
        assert_eq!(values.unwrap_or_else(|error| panic!("{type_name} {json}: {error}")), [param]);
    }
    for (type_name, refused) in [
        (
            "int",
            &["null", "true", "1.5", "1e-1", "\"\"", "\"-\"", "\"+1\"", "\"1.0\"", "[1]", "{}"][..],
        ),
        (
            "int",
            &["18446744073709551616", "-9223372036854775809", "1e20", "1e999999999999", "\" 1\""],
        ),
        (
            "number",
            &["true", "\"NaN\"", "\"\"", "\"1 \"", "\"0x1\"", "\".5\"", "\"null\"", "\"[1]\""],
        ),
        ("text", &["1", "true", "[]", "{}", "null"]),
        ("boolean", &["1", "\"true\"", "null"]),
        ("date", &["\"2026-02-29\"", "\"2026-02-28T00:00:00\"", "20260228", "\"today\""]),
        ("time", &["\"24:00:00\"", "\"12:00\"", "\"12:00:00Z\""]),
        (
            "timestamp",
            &["\"2026-03-22 18:59:43\"", "\"2026-03-22T18:59:43\"", "\"now\"", "1774205983"],
        ),
        ("timestamp", &["\"<aws.scheduler.scheduled-time>\"", "\"2026-03-22T18:59:43.1234567Z\""]),
        ("uuid", &["\"00112233445566778899aabbccddeeff\"", "\"\"", "1"]),
        ("json", &["1", "true", "null", "\"{\"", "\"\""]),
        ("base64", &["\"AP8\"", "\"\\\\x00ff\"", "1"]),
        ("int[]", &["null", "1", "\"{1}\"", "[null]", "[[1]]", "[1.5]", "[\"a\"]", "[{}]"]),
        ("timestamp[]", &["[\"2026-03-22\"]"]),
    ] {
        for json in refused {
            let error = arguments(&of_type(type_name), &format!("[{json}]"));
            let error = error.expect_err(&format!("{type_name} {json}"));
            assert_eq!(error.error_type(), "Statement", "{type_name} {json}");
            assert!(error.report().contains(type_name), "{}", error.report());
        }
    }
}

#[test]
fn a_schedule_whose_parameters_do_not_fit_is_refused() {
    let file = |params: &str, declared: &str| {
        format!("-- schedule: rate(1 day)\n{params}\n{declared}\nSELECT ?")
    };
    let days = "-- param: days int";
    let at = "-- param: at timestamp\n";
    for (params, declared) in [
        ("-- params: [30]", ""),
        ("-- params: [30]", days),
        ("-- params: {\"days\": 30}", days),
        ("-- params: {\"at\": \"<aws.scheduler.scheduled-time>\"}", at),
        ("-- params: [\"<aws.scheduler.scheduled-time>\"]", "-- param: at text"),
        ("-- params: [\"<aws.scheduler.scheduled-time>\"]", ""),
        ("-- params: [{\"a\": 1}]", "-- param: document json"),
    ] {
        statement(&file(params, declared), MYSQL);
    }
    for (params, declared, why) in [
        ("", "", "takes 1 parameter, but the event has 0"),
        ("", days, "takes 1 parameter, but the event has 0"),
        ("-- params: [1, 2]", "", "takes 1 parameter, but the event has 2"),
        ("-- params: {\"days\": 1}", "", "declares no names"),
        ("-- params: {\"dyas\": 1}", days, "no such parameter: \"dyas\""),
        ("-- params: [\"<aws.scheduler.scheduled-time>\"]", days, "a string of another form"),
        ("-- params: [{\"a\": 1}]", "", "not an object"),
        ("-- params: [\"\\ud800\"]", "", "unpaired surrogate"),
    ] {
        let report = Statement::parse("s", file(params, declared), MYSQL).unwrap_err().report();
        assert!(report.contains("line 1: the parameters of this schedule do not fit"), "{report}");
        assert!(report.contains(why), "{report}");
    }
}

/// The advice about a schedule's parameters is that of an event's, and says where they are written.
#[test]
fn a_schedule_that_does_not_fit_shows_what_would() {
    let two = "-- param: days int\n-- param: at timestamp?\n";
    let alone = "<aws.scheduler.scheduled-time>\", and fits the types timestamp and text alone";
    for (params, advice) in [
        (
            "",
            "each of its parameters, in order: days (int), at (timestamp?); the parameters are on",
        ),
        ("{\"dyas\": 1}", "send each of its parameters once: days (int), at (timestamp?); "),
        ("{\"days\": 1, \"at\": 2}", "send an instant as a string in RFC 3339"),
        ("{\"days\": 1, \"at\": \"<aws.scheduler.schedule-time>\"}", alone),
        ("[\"<aws.scheduler.scheduled-time>\", null]", alone),
        ("[true, null]", "send a whole number of at most 64 bits"),
    ] {
        let params = if params.is_empty() { "".into() } else { format!("-- params: {params}\n") };
        let file = format!("-- schedule: rate(1 day)\n{params}{two}SELECT ?, ?");
        let report = Statement::parse("s", file, MYSQL).unwrap_err().report();
        let (_, told) = report.split_once("What to do: ").unwrap();
        assert!(told.contains(advice), "{report}");
        assert!(told.contains("on the line after the schedule"), "{report}");
        assert_eq!(told.contains(alone), params.contains("aws"), "{report}");
    }
}

/// The values in the table of docs/TYPES.md are taken and refused as it says, and it has every type.
#[test]
fn the_documented_types_are_these() {
    const DOCUMENT: &str = include_str!("../../../../../docs/TYPES.md");
    let (_, section) = DOCUMENT.split_once("### Declared parameters").unwrap();
    let lines = section.lines().filter(|line| line.starts_with("| `"));
    let codes = |cell: &'static str| cell.split('`').skip(1).step_by(2);
    let mut types = vec![];
    for line in lines {
        let cells: Vec<_> = line.trim_matches('|').split(" |").collect();
        let of = codes(cells[0]).next().unwrap();
        types.push(of);
        for (cell, is_taken) in [(cells[1], true), (cells[2], false)] {
            for value in codes(cell) {
                let outcome = arguments(&of_type(of), &format!("[{value}]"));
                assert_eq!(outcome.is_ok(), is_taken, "{of}: {value}");
            }
        }
    }
    assert_eq!(types, Scalar::ALL.map(Scalar::name));
}

/// The statement of docs/REFERENCE.md is one, and so are its schedules.
#[test]
fn the_documented_statement_is_one() {
    const DOCUMENT: &str = include_str!("../../../../../docs/REFERENCE.md");
    let block = |heading: &str| {
        let (_, section) = DOCUMENT.split_once(heading).unwrap();
        section.split("```sql\n").nth(1).unwrap().split("```").next().unwrap()
    };
    let file = format!("{}{}", block("### Schedules"), block("### Parameters"));
    let statement = statement(&file, PG);
    assert_eq!((statement.declared.len(), statement.schedules.len()), (2, 2));
    assert_eq!(statement.description, "Removes items that are older than a number of days.");
}

/// JSON that is near the forms of the types.
fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (-1_000_000..1_000_000_i32).prop_map(|n| Value::from(f64::from(n) / 4.0)),
        any::<String>().prop_map(Value::from),
        "-?[0-9]{0,21}(\\.[0-9]{0,3})?".prop_map(Value::from),
        "(0001|1969|20[0-9]{2}|9999)-[0-1][0-9]-[0-3][0-9]".prop_map(Value::from),
        "[0-2][0-9]:[0-6][0-9]:[0-6][0-9](\\.[0-9]{1,7})?".prop_map(Value::from),
        "20[0-9]{2}-0[0-9]-[0-2][0-9][Tt ][0-2][0-9]:[0-5][0-9]:[0-6][0-9](\\.[0-9]{1,7})?([Zz]|[+-][0-2][0-9]:[0-6][0-9])"
            .prop_map(Value::from),
        "[0-9a-fA-F]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}".prop_map(Value::from),
        "[A-Za-z0-9+/]{0,8}={0,2}".prop_map(Value::from),
        "[\\[{]{0,2}[0-9,\":]{0,5}[\\]}]{0,2}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map("[a-z]{1,3}", inner, 0..3)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

fn param_type() -> impl Strategy<Value = ParamType> {
    (0..Scalar::ALL.len(), any::<bool>(), any::<bool>()).prop_map(|(at, is_array, is_nullable)| {
        let scalar = Scalar::ALL[at];
        ParamType { scalar, is_array: is_array && scalar != Scalar::Json, is_nullable }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, ..ProptestConfig::default() })]

    /// Whatever is sent is taken or refused, and what the schema allows is taken. It has no words
    /// for what is a document or base64 in a string.
    #[test]
    fn what_the_schema_allows_is_taken(of in param_type(), value in anything()) {
        let statement = of_type(&of.to_string());
        let outcome = arguments(&statement, &Value::from(vec![value.clone()]).to_string());
        let named = arguments(&statement, &json!({"p": value}).to_string());
        prop_assert_eq!(outcome.as_ref().ok(), named.as_ref().ok());
        if let Err(error) = &outcome {
            prop_assert_eq!(error.error_type(), "Statement");
            prop_assert!(error.report().contains("parameter \"p\" of \"purge\" is"));
        }
        let told = matches!(of.scalar, Scalar::Json | Scalar::Base64);
        let schema = jsonschema::options().should_validate_formats(true).build(&of.schema());
        let is_valid = schema.unwrap().is_valid(&value);
        if !told {
            prop_assert!(!is_valid || outcome.is_ok(), "{of} takes {value} by its schema");
        } else if outcome.is_ok() {
            prop_assert!(is_valid, "{of} does not take {value} by its schema");
        }
    }

    #[test]
    fn a_whole_number_keeps_its_value(number: i64, zeros in 0..5_usize) {
        let point = if zeros > 0 { "." } else { "" };
        for form in [
            format!("{number}{point}{}", "0".repeat(zeros)),
            format!("{number}e0"),
            format!("{number}"),
        ] {
            prop_assert_eq!(whole(&form), Some(number.to_string()), "{}", form);
        }
    }
}
