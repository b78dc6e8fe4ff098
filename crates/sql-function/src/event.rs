//! The events a function answers, and nothing else.
//!
//! An event has one of five forms (see [`FORMS`]). Anything else, including an unknown field, is
//! refused with an error that shows the forms: a misspelled `parms` must not run a statement
//! without its parameters.

use serde_json::value::RawValue;
use std::fmt;

use crate::error::{Error, Kind};
use crate::json::{Fields, each, fields, text};
use crate::loggable;
use crate::param::Params;
use crate::said::Said;
use crate::truncate::quote_short;

/// The forms of an event, for errors.
pub(crate) const FORMS: &str = r#"{"statement": "items", "params": [1, "a", null]} | {"statement": "purge", "params": {"days": 30}} | {"transaction": [{"statement": "a", "params": []}, {"statement": "b"}]} | {"diagnose": true} | {"describe": true} | an EventBridge scheduled event"#;

/// The request of an event.
#[derive(Debug, PartialEq)]
pub(crate) enum Request {
    /// Run one statement from the catalogue.
    Statement(Call),
    /// Run several, in order, all or nothing.
    Transaction(Vec<Call>),
    /// Diagnose the login.
    Diagnose,
    /// Describe the statements of the catalogue.
    Describe,
    /// Run the scheduled statement.
    Scheduled {
        /// The `id` of the EventBridge event, for the log: EventBridge may deliver an event more
        /// than once. `None` unless it is a UUID, because anything else may be a value of the
        /// caller's.
        id: Option<String>,
    },
}

/// One statement and its parameters.
#[derive(PartialEq)]
pub(crate) struct Call {
    /// The statement's name in the event.
    pub statement: String,
    /// Its parameters, by position or by name.
    pub params: Params,
}

/// Quotes nothing of the event.
impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("params", &self.params).finish_non_exhaustive()
    }
}

/// The fields of all forms.
const FIELDS: [&str; 8] =
    ["statement", "params", "transaction", "diagnose", "describe", "detail-type", "source", "id"];

/// Those of which an event has one.
const ASKING: [&str; 4] = ["statement", "transaction", "diagnose", "describe"];

/// Reads an event.
///
/// # Errors
/// [`Kind::Event`] for anything that is not one of the [`FORMS`].
pub(crate) fn parse(event: &RawValue) -> Result<Request, Error> {
    let fields = fields(event, &FIELDS).ok_or_else(|| unknown("it is not a JSON object"))?;
    if fields.get("statement").is_some() {
        call(&fields)
            .map(Request::Statement)
            .map_err(|why| no_form("it is not a statement event", why))
    } else if let Some(calls) = fields.get("transaction") {
        let not = |why| no_form("it is not a transaction event", why);
        only(&fields, &["transaction"]).map_err(not)?;
        transaction(calls).map_err(not).map(Request::Transaction)
    } else if let Some(diagnose) = fields.get("diagnose") {
        only(&fields, &["diagnose"]).map_err(|why| no_form("it is not a diagnose event", why))?;
        match diagnose.get() {
            "true" => Ok(Request::Diagnose),
            "false" => Err(unknown("diagnose is false")),
            _ => Err(unknown("diagnose is not true")),
        }
    } else if let Some(describe) = fields.get("describe") {
        only(&fields, &["describe"]).map_err(|why| no_form("it is not a describe event", why))?;
        match describe.get() {
            "true" => Ok(Request::Describe),
            _ => Err(unknown("describe is not true")),
        }
    } else if fields.get("detail-type").is_some() {
        scheduled(&fields)
    } else {
        match fields.names(&ASKING) {
            Some(names) => Err(no_form("none of its fields says what to do", names.into())),
            None => Err(unknown("it has no fields")),
        }
    }
}

fn transaction(calls: &RawValue) -> Result<Vec<Call>, Said> {
    let mut all = vec![];
    let read = each(calls, |element| -> Result<(), Said> {
        let at = all.len() + 1;
        let known = fields(element, &FIELDS).ok_or(Said::from("not an object"));
        let call = known.and_then(|fields| call(&fields));
        all.push(call.map_err(|why| why.of(loggable!("statement {at}")))?);
        Ok(())
    });
    read.unwrap_or(Err("transaction is not an array".into()))?;
    if all.is_empty() { Err("transaction is empty".into()) } else { Ok(all) }
}

fn call(fields: &Fields<'_>) -> Result<Call, Said> {
    only(fields, &["statement", "params"])?;
    let name = fields.get("statement").ok_or("missing field \"statement\"")?;
    let statement = text(name)
        .ok_or_else(|| Said::new("statement is not a string", quote_short(name.get())))?;
    let params = match fields.get("params") {
        Some(params) => Params::read(params)?,
        None => Params::Positions(vec![]),
    };
    Ok(Call { statement, params })
}

/// A scheduled event of either kind, in EventBridge's envelope:
/// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html>.
fn scheduled(fields: &Fields<'_>) -> Result<Request, Error> {
    let read = |name: &'static str| {
        let missing =
            || unknown("it is not an EventBridge event").says(loggable!("missing field {name:?}"));
        fields.get(name).and_then(text).ok_or_else(missing)
    };
    let (id, source, detail_type) = (read("id")?, read("source")?, read("detail-type")?);
    let is_schedule =
        matches!(&*source, "aws.events" | "aws.scheduler") && detail_type == "Scheduled Event";
    if !is_schedule {
        let why = format!(
            "source {} and detail-type {}",
            quote_short(&source),
            quote_short(&detail_type)
        );
        return Err(no_form("it is an EventBridge event, but not a schedule", why.into()));
    }
    Ok(Request::Scheduled { id: Some(id).filter(|id| is_uuid(id)) })
}

/// Whether `id` is a UUID of RFC 9562.
pub(crate) fn is_uuid(id: &str) -> bool {
    let groups =
        id.split('-').map(|group| (group.len(), group.bytes().all(|b| b.is_ascii_hexdigit())));
    groups.eq([8, 4, 4, 4, 12].map(|length| (length, true)))
}

fn only(fields: &Fields<'_>, allowed: &[&str]) -> Result<(), Said> {
    fields.refuse(allowed).map_or(Ok(()), |why| Err(why.into()))
}

fn no_form(why: &'static str, said: Said) -> Error {
    unknown(why).says(said)
}

fn unknown(why: &'static str) -> Error {
    Error::new(Kind::Event, loggable!("unknown event: {why}"))
        .advice(loggable!("send one of: {FORMS}"))
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::param::{Given, Param};

    fn parsed(text: &str) -> Result<Request, Error> {
        parse(&RawValue::from_string(text.into()).expect("the test's event is JSON"))
    }

    #[test]
    fn each_form_is_known() {
        let call = |name: &str, params: Vec<Param>| {
            let params = Params::Positions(params.into_iter().map(Given::Param).collect());
            Call { statement: name.into(), params }
        };
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
        let days = Given::Param(Param::Number("30".into()));
        let named = Params::Names(vec![("days".into(), days)]);
        assert_eq!(
            parsed(r#"{"statement":"purge","params":{"days":30}}"#).unwrap(),
            Request::Statement(Call { statement: "purge".into(), params: named })
        );
        assert_eq!(parsed(r#"{"diagnose":true}"#).unwrap(), Request::Diagnose);
        assert_eq!(parsed(r#"{"describe":true}"#).unwrap(), Request::Describe);
    }

    #[test]
    fn both_kinds_of_schedule_are_known() {
        for source in ["aws.events", "aws.scheduler"] {
            let event = format!(
                r#"{{"version":"0","id":"53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa","detail-type":"Scheduled Event","source":"{source}",
                "account":"123456789012","time":"2026-11-21T00:00:00Z","region":"eu-west-1",
                "resources":["arn:aws:events:eu-west-1:123456789012:rule/r"],"detail":{{}}}}"#
            );
            let id = Some("53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa".to_owned());
            assert_eq!(parsed(&event).unwrap(), Request::Scheduled { id });
            let other = event.replace("53dc4d37-cffa", "my value");
            assert_eq!(parsed(&other).unwrap(), Request::Scheduled { id: None });
        }
    }

    #[test]
    fn anything_else_is_refused_with_the_forms() {
        for (event, why) in [
            ("[]", "not a JSON object"),
            ("7", "not a JSON object"),
            ("{}", "unknown event: it has no fields. What to do: send one of"),
            (r#"{"sql":"DROP TABLE items"}"#, r#"says what to do: "sql". What to do"#),
            (r#"{"params":[]}"#, r#"none of its fields says what to do: "params"."#),
            (
                r#"{"statment":"a","params":[]}"#,
                r#"to do: "params", "statment"; did you mean "statement"? What to do"#,
            ),
            (
                r#"{"statement":"a","parms":[1]}"#,
                "unknown field \"parms\"; did you mean \"params\"? What to do",
            ),
            (r#"{"statement":"a","statement":"b"}"#, "duplicate field \"statement\""),
            (r#"{"statement":"a","transaction":[]}"#, "unknown field \"transaction\""),
            (r#"{"statement":7}"#, "statement is not a string: \"7\""),
            (
                r#"{"statement":"a","params":["\ud800"]}"#,
                "parameter 1: a string contains an unpaired",
            ),
            (r#"{"statement":"a","params":{"b":"\ud800"}}"#, "name: a string contains an unpaired"),
            (r#"{"statement":"a","params":7}"#, "params is neither an array nor an object"),
            (r#"{"transaction":[]}"#, "transaction is empty"),
            (r#"{"transaction":[{"params":[]}]}"#, "statement 1: missing field \"statement\""),
            (r#"{"transaction":{}}"#, "transaction is not an array"),
            (r#"{"transaction":[{"statement":"a","x":1}]}"#, "statement 1: unknown field \"x\""),
            (r#"{"diagnose":false}"#, "diagnose is false"),
            (r#"{"describe":false}"#, "describe is not true"),
            (r#"{"describe":true,"statement":"a"}"#, "unknown field \"describe\""),
            (r#"{"describe":true,"params":[]}"#, "unknown field \"params\""),
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

    #[test]
    fn what_is_refused_is_quoted_shortly_and_to_the_caller_alone() {
        let value = "4111-1111-".repeat(1 << 17);
        let many = (0..100_000).map(|at| format!(r#""4111-{at}":0"#)).collect::<Vec<_>>().join(",");
        for event in [
            format!(r#"{{"{value}":1}}"#),
            format!(r#"{{"statement":"a","{value}":1}}"#),
            format!(r#"{{"statement":["{value}"]}}"#),
            format!(r#"{{"transaction":[{{"statement":"a"}},{{"{value}":"a"}}]}}"#),
            format!(r#"{{"transaction":"{value}"}}"#),
            format!(r#"{{"statement":"a","params":"{value}"}}"#),
            format!(r#"{{"statement":"a","params":{{"{value}":"\ud800"}}}}"#),
            format!(r#"{{"id":"1","source":"{value}","detail-type":"Object Created"}}"#),
            format!(r#"{{"diagnose":"{value}"}}"#),
            format!(r#""{value}""#),
            format!("{{{many}}}"),
            format!(r#"{{"statement":"a","params":[{}0]}}"#, "0,".repeat(100_000)),
        ] {
            let error = parsed(&event).expect_err("it is refused");
            assert!(error.report().len() < 1300, "{}", error.report());
            assert!(!error.log().contains("4111"), "{}", error.log());
            assert!(!format!("{error:?}").contains("4111"));
        }
        for params in [r#"["4111",4111,["4111"],{"4111":4111}]"#, r#"{"4111":4111}"#] {
            let call = parsed(&format!(r#"{{"statement":"4111","params":{params}}}"#)).unwrap();
            assert!(!format!("{call:?}").contains("4111"), "{call:?}");
        }
    }
}
