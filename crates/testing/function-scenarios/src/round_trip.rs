//! Random values of every type, stored and read through the function, and compared with the server's
//! own text of what it has stored.
//!
//! Each value has its own row, so that a wrong one is named and needs no shrinking.

mod mysql;
mod postgres;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use engine::Engine;
use function_harness::{Deployed, Harness};
use proptest::strategy::{BoxedStrategy, Just, Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// How many random values of each type there are.
const RANDOM: usize = 100;
/// The maximum length of an event: a third of Lambda's limit.
const EVENT_BYTES: usize = 2_000_000;

/// A type, and values to test it with.
struct Case {
    sql_type: &'static str,
    /// The first version that has the type, or takes all its values.
    since: &'static str,
    /// SQL that stores a parameter, written as `?`.
    store: &'static str,
    /// SQL that returns the server's own text of the column `v`.
    text: &'static str,
    form: Form,
    /// Whether the server's text is exactly the string that was sent.
    kept: bool,
    edges: Vec<Value>,
    any: BoxedStrategy<Value>,
    /// Values that cannot be sent as parameters, as SQL.
    planted: &'static [&'static str],
}

/// How the JSON of a value follows from the server's text.
#[derive(Clone, Copy)]
enum Form {
    Integer,
    Float,
    Double,
    /// A double whose text may have lost digits: MySQL's has at most 22 characters.
    Rounded,
    Text,
    /// The text is in hexadecimal digits.
    Binary,
    DateTime,
    Json,
    /// The text is `{"lengths": […], "texts": […]}`: each dimension's length, and each element's
    /// text.
    Array(&'static Form),
}

impl Case {
    fn new<S>(sql_type: &'static str, text: &'static str, form: Form, any: S) -> Case
    where
        S: Strategy + 'static,
        S::Value: Into<Value>,
    {
        let any = any.prop_map(Into::into).boxed();
        let (edges, planted) = (vec![], &[][..]);
        Case { sql_type, since: "0", store: "?", text, form, kept: false, edges, any, planted }
    }

    fn edges<T: Into<Value>>(self, edges: impl IntoIterator<Item = T>) -> Case {
        Case { edges: edges.into_iter().map(Into::into).collect(), ..self }
    }

    fn since(self, since: &'static str) -> Case {
        Case { since, ..self }
    }

    fn any<S>(self, any: S) -> Case
    where
        S: Strategy + 'static,
        S::Value: Into<Value>,
    {
        Case { any: any.prop_map(Into::into).boxed(), ..self }
    }

    /// The same values for another type.
    fn also(&self, sql_type: &'static str) -> Case {
        let (edges, any) = (self.edges.clone(), self.any.clone());
        Case { sql_type, edges, any, ..*self }
    }

    /// The edge values and random ones, and NULL.
    fn values(&self, runner: &mut TestRunner) -> Vec<Value> {
        let mut values = vec![Value::Null];
        values.extend(self.edges.iter().cloned());
        let random = || self.any.new_tree(runner).expect("a value is made").current();
        values.extend(std::iter::repeat_with(random).take(RANDOM));
        values
    }
}

/// Every value is returned as the server stores it.
pub async fn any_value(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let mut cases = match engine {
        Engine::Postgres => postgres::cases(),
        Engine::MySql | Engine::MariaDb => mysql::cases(engine),
    };
    cases.retain(|case| harness.is_since(case.since));
    let mut tables = String::from(match engine {
        Engine::Postgres => postgres::TYPES,
        Engine::MySql | Engine::MariaDb => mysql::ANY_DATE,
    });
    let mut statements = Vec::new();
    for (number, case) in cases.iter().enumerate() {
        writeln!(tables, "CREATE TABLE case_{number} (id INT, v {});", case.sql_type).unwrap();
        for (index, value) in case.planted.iter().enumerate() {
            writeln!(tables, "INSERT INTO case_{number} VALUES ({index}, {value});").unwrap();
        }
        let (id, value) = if engine == Engine::Postgres { ("$1", "$2") } else { ("?", "?") };
        let store = case.store.replace('?', value);
        let put = format!("-- mode: write\nINSERT INTO case_{number} VALUES ({id}, {store})");
        let get = format!("SELECT v, {} AS t FROM case_{number} ORDER BY id", case.text);
        statements.extend([(format!("put-{number}"), put), (format!("get-{number}"), get)]);
    }
    let statements: Vec<_> = statements.iter().map(|(name, sql)| (&**name, &**sql)).collect();
    harness.execute(&tables).await;
    let function = harness.deploy_with(&[("AWS_LAMBDA_LOG_LEVEL", "WARN")], &statements).await;

    let mut runner = TestRunner::default();
    let mut wrong = Vec::new();
    for (number, case) in cases.iter().enumerate() {
        let values = case.values(&mut runner);
        if let Err((_, message)) = store(&function, number, case, &values).await {
            wrong.push(format!("{}: {}", case.sql_type, abridged(&message)));
            continue;
        }
        let rows = function.exactly(&format!("get-{number}")).await.rows;
        assert_eq!(rows.len(), case.planted.len() + values.len());
        let planted = case.planted.iter().map(|sql| Value::from(*sql));
        let mut pairs = planted.chain(values).zip(&rows);
        wrong.extend(pairs.find_map(|(sent, row)| mistake(case, &sent, &row["v"], &row["t"])));
    }
    assert!(wrong.is_empty(), "on {engine}:\n{}", wrong.join("\n"));
}

/// What is wrong with `returned`, the JSON of a value whose text is `text`.
fn mistake(case: &Case, sent: &Value, returned: &RawValue, text: &RawValue) -> Option<String> {
    let text: Option<String> = serde_json::from_str(text.get()).expect("a text");
    let expected = match (case.form, text.as_deref(), sent.as_str()) {
        (_, None, _) => "null".into(),
        (Form::Rounded, Some(text), Some(sent)) if is_near(text, sent) => json_of(case.form, sent),
        (form, Some(text), _) => json_of(form, text),
    };
    let right = returned.get() == expected && (!case.kept || sent.as_str() == text.as_deref());
    (!right).then(|| {
        let [sent, text, returned] = [&sent.to_string(), &expected, returned.get()].map(abridged);
        format!("{}: {sent} is stored as {text} and returned as {returned}", case.sql_type)
    })
}

/// Stores `values` with as few events as possible.
async fn store(
    function: &Deployed<'_>,
    number: usize,
    case: &Case,
    values: &[Value],
) -> Result<(), (String, String)> {
    let mut calls = String::new();
    for (index, value) in values.iter().enumerate() {
        let id = case.planted.len() + index;
        let call = json!({"statement": format!("put-{number}"), "params": [id, value]}).to_string();
        if !calls.is_empty() && calls.len() + call.len() > EVENT_BYTES {
            function.invoke(&format!(r#"{{"transaction":[{calls}]}}"#)).await?;
            calls.clear();
        }
        if !calls.is_empty() {
            calls.push(',');
        }
        calls += &call;
    }
    function.invoke(&format!(r#"{{"transaction":[{calls}]}}"#)).await.map(drop)
}

/// Whether two non-zero numbers are equal when rounded to 14 digits.
fn is_near(one: &str, other: &str) -> bool {
    let [one, other] = [one, other].map(|text| text.parse::<f64>().expect("a number"));
    other != 0.0 && (one - other).abs() <= other.abs() * 1e-14
}

/// The JSON that docs/TYPES.md specifies for the server's text.
fn json_of(form: Form, text: &str) -> String {
    match form {
        Form::Integer => {
            let integer: i128 = text.parse().expect("an integer");
            let exact = integer.unsigned_abs() <= 1 << 53;
            if exact { integer.to_string() } else { quoted(text) }
        }
        Form::Float => match text.parse::<f64>().expect("a float") as f32 {
            float if float.is_finite() => serde_json::to_string(&float).unwrap(),
            _ => quoted(text),
        },
        Form::Double | Form::Rounded => match text.parse::<f64>().expect("a double") {
            double if double.is_finite() => json!(double).to_string(),
            _ => quoted(text),
        },
        Form::Text => quoted(text),
        Form::Binary => {
            let pairs = text.as_bytes().chunks(2).map(|pair| str::from_utf8(pair).unwrap());
            let bytes = pairs.map(|pair| u8::from_str_radix(pair, 16).expect("hexadecimal digits"));
            quoted(&BASE64.encode(bytes.collect::<Vec<_>>()))
        }
        Form::DateTime => quoted(&iso_8601(text)),
        Form::Json => text.into(),
        Form::Array(element) => {
            #[derive(Deserialize)]
            struct Flat {
                lengths: Option<Vec<usize>>,
                texts: Option<Vec<Option<String>>>,
            }
            let flat: Flat = serde_json::from_str(text).expect("lengths and texts");
            let (lengths, texts) =
                (flat.lengths.unwrap_or_default(), flat.texts.unwrap_or_default());
            let json = |text: Option<String>| text.map_or("null".into(), |t| json_of(*element, &t));
            nested(&lengths, &mut texts.into_iter().map(json))
        }
    }
}

fn nested(lengths: &[usize], elements: &mut impl Iterator<Item = String>) -> String {
    let Some((length, inner)) = lengths.split_first() else { return "[]".into() };
    let mut json = Vec::new();
    for _ in 0..*length {
        json.push(match inner {
            [] => elements.next().expect("an element"),
            _ => nested(inner, elements),
        });
    }
    format!("[{}]", json.join(","))
}

/// A date and time in the server's form, with a space, and perhaps ` BC` at the end.
fn iso_8601(text: &str) -> String {
    let Some((before_christ, zone)) = text.split_once(" BC") else {
        return text.replacen(' ', "T", 1);
    };
    let (year, rest) = before_christ.split_once('-').expect("a year");
    let rest = rest.replacen(' ', "T", 1);
    match year.parse::<i32>().expect("a year") - 1 {
        0 => format!("0000-{rest}{zone}"),
        year => format!("-{year:04}-{rest}{zone}"),
    }
}

fn quoted(text: &str) -> String {
    json!(text).to_string()
}

/// A text shortened for a person.
fn abridged(text: &str) -> String {
    text.chars().take(300).collect()
}

/// Any text, and texts that careless code changes.
fn any_text() -> BoxedStrategy<String> {
    proptest::prelude::any::<String>().boxed()
}

/// Texts that careless code changes.
fn edge_texts() -> Vec<String> {
    ["", " ", "trailing  ", "NULL", "null", "\"", "\\", "'", "\r\n\t", "😀", "e\u{301}", "\u{feff}"]
        .map(String::from)
        .to_vec()
}

/// A date within `years`, and a time with microseconds.
fn any_date_time(years: std::ops::RangeInclusive<i32>) -> BoxedStrategy<(String, String)> {
    let date = (years, 1..=12_u8, 1..=28_u8).prop_map(|(y, m, d)| format!("{y:04}-{m:02}-{d:02}"));
    let clock = (0..24_u8, 0..60_u8, 0..60_u8, any_micros());
    (date, clock.prop_map(|(h, m, s, micros)| format!("{h:02}:{m:02}:{s:02}.{micros:06}"))).boxed()
}

/// Microseconds, often with zeros at their end.
fn any_micros() -> BoxedStrategy<u32> {
    proptest::prop_oneof![Just(0), (0..1000_u32).prop_map(|ms| ms * 1000), 0..1_000_000_u32].boxed()
}

/// Bytes within `size`, in base64.
fn any_base64(size: std::ops::RangeInclusive<usize>) -> BoxedStrategy<String> {
    let bytes = proptest::collection::vec(proptest::prelude::any::<u8>(), size);
    bytes.prop_map(|bytes| BASE64.encode(bytes)).boxed()
}

/// Any JSON document.
fn any_document() -> BoxedStrategy<String> {
    let scalar = proptest::prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,20})?",
        any_text().prop_map(|text| quoted(&text.replace('\0', ""))),
    ];
    scalar
        .prop_recursive(3, 12, 4, |inner| {
            let inner = proptest::collection::vec(("[a-zé\"]{0,4}", inner), 0..4);
            inner.prop_map(|entries| {
                let object = entries.iter().map(|(key, value)| format!("{}: {value}", quoted(key)));
                let array = entries.iter().map(|(_, value)| value.clone());
                if entries.len() % 2 == 0 {
                    format!("{{{}}}", object.collect::<Vec<_>>().join(", "))
                } else {
                    format!("[{}]", array.collect::<Vec<_>>().join(" , "))
                }
            })
        })
        .boxed()
}
