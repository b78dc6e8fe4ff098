//! The lines that are written, held to AWS's schema and to what it cannot say.

use super::*;
use std::collections::BTreeSet;
use std::pin::pin;
use std::time::{Duration, SystemTime};

use crate::record::{self, Records, within};
use crate::response::{Response, StatementResult};
use crate::role::Obtained;
use crate::summary;
use crate::telemetry::tests::written_at;

const SCHEMA: &str = include_str!("../../tests/emf/schema.json");

fn read(variables: &[(&str, &str)]) -> Result<Option<Metrics>, Error> {
    let find = |name: &str| variables.iter().find(|(found, _)| *found == name);
    let now = || UNIX_EPOCH + Duration::from_millis(1_796_000_000_123);
    Metrics::read(|name| find(name).map(|(_, value)| (*value).to_owned()), now)
}

fn metrics() -> Metrics {
    read(&[(NAMESPACE, "Shop"), ("AWS_LAMBDA_FUNCTION_NAME", "orders")]).unwrap().unwrap()
}

fn answer(reused: bool) -> Result<Response, Error> {
    let connect_ms = if reused { 0.0 } else { 41.5 };
    let result = StatementResult { query_ms: 1.25, ..StatementResult::none("items") };
    Ok(Response::Statement { result, connection: Obtained { reused, connect_ms } })
}

/// The one line that is written of an outcome.
fn line(level: &str, format: &str, outcome: &Result<Response, Error>, record: &Record) -> String {
    let metrics = metrics();
    let write = || summary::write(outcome, Duration::from_millis(7), Some((&metrics, record)));
    let written = written_at(level, format, write);
    assert_eq!(written.matches('\n').count(), 1, "{written}");
    written
}

/// The document in a line, which CloudWatch accepts, and the units of its metrics.
fn document(line: &str) -> (Value, Vec<(String, String)>) {
    let document: Value = serde_json::from_str(line).unwrap();
    let schema = jsonschema::draft7::new(&serde_json::from_str(SCHEMA).unwrap()).unwrap();
    if let Err(error) = schema.validate(&document) {
        panic!("{error}\n{line}");
    }
    let mut units = vec![];
    for directive in document["_aws"]["CloudWatchMetrics"].as_array().unwrap() {
        for name in directive["Dimensions"][0].as_array().unwrap() {
            assert!(document[name.as_str().unwrap()].is_string(), "{name} in {line}");
        }
        for metric in directive["Metrics"].as_array().unwrap() {
            let text = |of: &str| metric[of].as_str().unwrap().to_owned();
            assert!(document[text("Name")].is_number(), "{metric} in {line}");
            units.push((text("Name"), text("Unit")));
        }
    }
    (document, units)
}

#[tokio::test]
async fn a_cold_start_has_all_metrics() {
    let records = Records::new(true, false, |_| None);
    let record = records.next(false).unwrap();
    let counted = pin!(async {
        record::login_again();
        record::logged_in();
        record::work_again();
        record::logged_in();
    });
    within(Some(record.clone()), counted).await;
    let line = line("INFO", "JSON", &answer(false), &record);
    let (document, units) = document(&line);
    let (count, time) = (COUNT.to_owned(), MILLISECONDS.to_owned());
    let expected = [
        ("ColdStart", json!(1), &count),
        ("Duration", json!(7.0), &time),
        ("ConnectDuration", json!(41.5), &time),
        ("QueryDuration", json!(1.25), &time),
        ("Rows", json!(0), &count),
        ("Logins", json!(2), &count),
        ("LoginRetries", json!(1), &count),
        ("Retries", json!(1), &count),
        ("Errors", json!(0), &count),
    ];
    for (name, value, _) in &expected {
        assert_eq!(document[name], *value, "{name} in {line}");
    }
    assert_eq!(units, expected.map(|(name, _, unit)| (name.to_owned(), unit.clone())));
    let directives = &document["_aws"]["CloudWatchMetrics"];
    assert_eq!(directives.as_array().unwrap().len(), 1);
    assert_eq!(directives[0]["Namespace"], "Shop");
    assert_eq!(directives[0]["Dimensions"], json!([["service"]]));
    assert_eq!((&document["service"], &document["outcome"]), (&json!("orders"), &json!("ok")));
    assert_eq!(document["_aws"]["Timestamp"], 1_796_000_000_123_u64);
}

#[test]
fn a_reused_connection_was_not_opened() {
    let (document, _) = document(&line("INFO", "JSON", &answer(true), &Record::default()));
    assert_eq!(document["ConnectDuration"], Value::Null, "{document}");
    assert_eq!((&document["ColdStart"], &document["Logins"]), (&json!(0), &json!(0)));
}

#[test]
fn only_the_errors_are_told_apart_by_their_type() {
    let failed = Err(Error::new(Kind::LoginDenied, "denied"));
    let (document, units) = document(&line("INFO", "JSON", &failed, &Record::default()));
    assert_eq!((&document["Errors"], &document["ErrorType"]), (&json!(1), &json!("Login.Denied")));
    let directive = &document["_aws"]["CloudWatchMetrics"][1];
    assert_eq!(directive["Dimensions"], json!([["service", "ErrorType"]]));
    assert_eq!(directive["Metrics"], json!([{"Name": "Errors", "Unit": "Count"}]));
    let metrics: BTreeSet<_> = units.iter().map(|(name, _)| &**name).collect();
    let all = ["ColdStart", "Duration", "Errors", "LoginRetries", "Logins", "Retries"];
    assert_eq!(metrics, BTreeSet::from(all), "no rows and no times of a statement");
}

#[test]
fn the_rest_of_the_line_is_that_without_metrics() {
    for outcome in [answer(false), Err(Error::new(Kind::Query, "failed").advice("mend it"))] {
        let without = || summary::write(&outcome, Duration::from_millis(7), None);
        let without: Value = serde_json::from_str(&written_at("INFO", "JSON", without)).unwrap();
        let (with, units) = document(&line("INFO", "JSON", &outcome, &Record::default()));
        let mut with = with.as_object().unwrap().clone();
        let added = ["_aws", "service", "ErrorType"].into_iter().map(str::to_owned);
        for name in added.chain(units.into_iter().map(|(name, _)| name)) {
            with.remove(&name);
        }
        with.insert("timestamp".into(), without["timestamp"].clone());
        assert_eq!(Value::Object(with), without);
    }
}

#[test]
fn the_line_is_written_whatever_the_level_and_the_format() {
    for (level, shown) in [("INFO", "INFO"), ("WARN", "WARN"), ("ERROR", "ERROR")] {
        for format in ["JSON", "Text"] {
            let span = tracing::error_span!("invocation", requestId = "id");
            let line = span.in_scope(|| line(level, format, &answer(true), &Record::default()));
            assert_eq!(document(&line).0["level"], shown, "Lambda drops lines below its level");
        }
        let off = || summary::write(&answer(true), Duration::ZERO, None);
        let lines = written_at(level, "JSON", off).lines().count();
        assert_eq!(lines, usize::from(level == "INFO"), "{level}");
    }
    let off = written_at("INFO", "Text", || summary::write(&answer(true), Duration::ZERO, None));
    assert!(off.starts_with(" INFO invocation outcome=\"ok\""), "{off}");
}

#[test]
fn they_are_off_unless_there_is_a_namespace() {
    assert!(read(&[(SERVICE, "orders")]).unwrap().is_none());
    assert!(read(&[(NAMESPACE, "")]).unwrap().is_none());
    for (disabled, are_off) in [("true", true), ("1", true), ("false", false), ("", false)] {
        let read = read(&[(NAMESPACE, "Shop"), (DISABLED, disabled)]).unwrap();
        assert_eq!(read.is_none(), are_off, "{disabled}");
    }
    let both = [(NAMESPACE, "Shop"), (SERVICE, "orders"), ("AWS_LAMBDA_FUNCTION_NAME", "f-1")];
    assert_eq!(read(&both).unwrap().unwrap().service, "orders");
}

#[test]
fn what_cloudwatch_would_ignore_is_refused_by_name() {
    let long = "n".repeat(256);
    for namespace in ["AWS/Lambda", "Läden", ":shop", " ", &*long] {
        let report = read(&[(NAMESPACE, namespace)]).err().unwrap().report();
        assert!(report.contains("POWERTOOLS_METRICS_NAMESPACE"), "{report}");
    }
    let report = read(&[(NAMESPACE, "Shop"), (SERVICE, "a\nb")]).err().unwrap().report();
    assert!(report.contains("POWERTOOLS_SERVICE_NAME"), "{report}");
    assert!(read(&[(NAMESPACE, "Shop/Orders #1")]).unwrap().is_some());
}

/// A clock before 1970 does not stop a function.
#[test]
fn a_clock_that_is_not_set_is_no_panic() {
    let clock: Clock = || SystemTime::UNIX_EPOCH - Duration::from_secs(1);
    let metrics = Metrics { clock, ..metrics() };
    let members = metrics.members(&Line::default(), &Record::default());
    assert!(members.contains(r#""Timestamp":0"#), "{members}");
}
