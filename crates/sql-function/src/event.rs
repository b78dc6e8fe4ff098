//! The events a function answers, and nothing else.
//!
//! An event is one of four forms (see [`FORMS`]). Anything else, an unknown field included, is
//! refused with a message that shows the forms: a misspelt `parms` must not run a statement without
//! its parameters.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

use crate::error::{Error, Kind};
use crate::param::Param;

/// The forms of an event, as an error shows them.
pub const FORMS: &str = r#"{"statement": "items", "params": [1, "a", null]} | {"transaction": [{"statement": "a", "params": []}, {"statement": "b"}]} | {"diagnose": true} | an EventBridge scheduled event"#;

/// What an event asks for.
#[derive(Debug, PartialEq)]
pub enum Request {
    /// Run one statement of the catalogue.
    Statement(Call),
    /// Run several, in order, all or nothing.
    Transaction(Vec<Call>),
    /// Walk the way of a login and say what is wrong.
    Diagnose,
    /// Run the statement that the function's settings name for schedules. Holds the event's id:
    /// EventBridge delivers at least once, and the id tells two deliveries of one event apart from
    /// two events.
    Scheduled {
        /// The `id` of the EventBridge event.
        id: String,
    },
}

/// One statement and the values bound to its parameters.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// The statement's name in the catalogue.
    pub statement: String,
    /// Its parameters, in order.
    #[serde(default)]
    pub params: Vec<Param>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Transaction {
    transaction: Vec<Call>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Diagnose {
    diagnose: bool,
}

/// The envelope that EventBridge puts around a schedule of either kind:
/// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html>.
#[derive(Deserialize)]
struct EventBridge {
    id: String,
    source: String,
    #[serde(rename = "detail-type")]
    detail_type: String,
}

/// Reads an event.
///
/// # Errors
/// [`Kind::Event`] for anything that is not one of the [`FORMS`].
pub fn parse(event: &RawValue) -> Result<Request, Error> {
    let text = event.get();
    let keys: BTreeMap<String, IgnoredAny> =
        serde_json::from_str(text).map_err(|error| refused("it is not a JSON object", error))?;
    let has = |key: &str| keys.contains_key(key);
    if has("statement") {
        read(text, "a statement event").map(Request::Statement)
    } else if has("transaction") {
        let Transaction { transaction } = read(text, "a transaction event")?;
        if transaction.is_empty() {
            return Err(unknown("its transaction holds no statement"));
        }
        Ok(Request::Transaction(transaction))
    } else if has("diagnose") {
        match read(text, "a diagnose event")? {
            Diagnose { diagnose: true } => Ok(Request::Diagnose),
            Diagnose { diagnose: false } => Err(unknown("its diagnose is false")),
        }
    } else if has("detail-type") {
        let event: EventBridge = read(text, "an EventBridge event")?;
        let scheduled = matches!(event.source.as_str(), "aws.events" | "aws.scheduler")
            && event.detail_type == "Scheduled Event";
        if !scheduled {
            return Err(unknown(&format!(
                "it is an EventBridge event with source {:?} and detail-type {:?}, not a schedule",
                event.source, event.detail_type
            )));
        }
        Ok(Request::Scheduled { id: event.id })
    } else {
        let keys: Vec<_> = keys.into_keys().collect();
        Err(unknown(&format!("it has the fields {keys:?}")))
    }
}

fn read<'a, T: Deserialize<'a>>(text: &'a str, form: &str) -> Result<T, Error> {
    serde_json::from_str(text).map_err(|error| refused(&format!("it is not {form}"), error))
}

fn refused(why: &str, error: serde_json::Error) -> Error {
    unknown(why).caused_by(error)
}

fn unknown(why: &str) -> Error {
    Error::new(Kind::Event, format!("the event is of no known form, {why}"))
        .advice(format!("send one of: {FORMS}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Request, Error> {
        parse(&RawValue::from_string(text.into()).expect("the test's event is JSON"))
    }

    #[test]
    fn each_form_is_known() {
        let call = |name: &str, params| Call { statement: name.into(), params };
        assert_eq!(
            parsed(r#"{"statement":"items","params":[1,"a",null]}"#).unwrap(),
            Request::Statement(call(
                "items",
                vec![Param::Number("1".into()), Param::Text("a".into()), Param::Null]
            ))
        );
        assert_eq!(
            parsed(r#"{"transaction":[{"statement":"a","params":[]},{"statement":"b"}]}"#).unwrap(),
            Request::Transaction(vec![call("a", vec![]), call("b", vec![])])
        );
        assert_eq!(parsed(r#"{"diagnose":true}"#).unwrap(), Request::Diagnose);
    }

    #[test]
    fn both_kinds_of_schedule_are_known() {
        for source in ["aws.events", "aws.scheduler"] {
            let event = format!(
                r#"{{"version":"0","id":"53dc4d37","detail-type":"Scheduled Event","source":"{source}",
                "account":"123456789012","time":"2026-11-21T00:00:00Z","region":"eu-west-1",
                "resources":["arn:aws:events:eu-west-1:123456789012:rule/r"],"detail":{{}}}}"#
            );
            assert_eq!(parsed(&event).unwrap(), Request::Scheduled { id: "53dc4d37".into() });
        }
    }

    #[test]
    fn anything_else_is_refused_with_the_forms() {
        for (event, why) in [
            ("[]", "not a JSON object"),
            ("7", "not a JSON object"),
            ("{}", "the fields []"),
            (r#"{"sql":"DROP TABLE items"}"#, r#"the fields ["sql"]"#),
            (r#"{"statement":"a","parms":[1]}"#, "unknown field `parms`"),
            (r#"{"statement":"a","statement":"b"}"#, "duplicate field `statement`"),
            (r#"{"statement":"a","transaction":[]}"#, "unknown field `transaction`"),
            (r#"{"statement":7}"#, "invalid type: integer `7`"),
            (r#"{"statement":"a","params":[{}]}"#, "a parameter is null, a boolean"),
            (r#"{"transaction":[]}"#, "holds no statement"),
            (r#"{"transaction":[{"statement":"a","x":1}]}"#, "unknown field `x`"),
            (r#"{"diagnose":false}"#, "diagnose is false"),
            (r#"{"id":"1","source":"aws.s3","detail-type":"Object Created"}"#, "source \"aws.s3\""),
            (r#"{"detail-type":"Scheduled Event"}"#, "missing field"),
        ] {
            let error = parsed(event).expect_err(event);
            assert_eq!(error.error_type(), "Event", "{event}");
            let report = error.report();
            assert!(report.contains(why), "{event}: {report}");
            assert!(report.contains(FORMS), "{event}: {report}");
        }
    }
}
