//! Any JSON is a known event, read exactly as it was sent, or is refused with the known forms.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::param::{Given, Param};

/// A parameter, as JSON and as it must be read.
fn param() -> impl Strategy<Value = (Value, Param)> {
    prop_oneof![
        Just((Value::Null, Param::Null)),
        any::<bool>().prop_map(|value| (json!(value), Param::Bool(value))),
        any::<i64>().prop_map(|value| (json!(value), Param::Number(value.to_string()))),
        any::<u64>().prop_map(|value| (json!(value), Param::Number(value.to_string()))),
        any::<String>().prop_map(|value| (json!(value), Param::Text(value))),
    ]
}

/// A call, as JSON and as it must be read.
fn call() -> impl Strategy<Value = (Value, Call)> {
    (any::<String>(), prop::collection::vec(param(), 0..5)).prop_map(|(statement, params)| {
        let (sent, params): (Vec<_>, Vec<_>) = params.into_iter().unzip();
        let params = Params::Positions(params.into_iter().map(Given::Param).collect());
        (json!({"statement": statement, "params": sent}), Call { statement, params })
    })
}

/// Any JSON, made mostly of what events are made of.
fn anything() -> impl Strategy<Value = Value> {
    let word = prop_oneof![
        Just("statement"),
        Just("params"),
        Just("transaction"),
        Just("diagnose"),
        Just("describe"),
        Just("detail-type"),
        Just("source"),
        Just("id"),
        Just("Scheduled Event"),
        Just("aws.events"),
        Just("parms"),
        Just(""),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        word.clone().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((word.clone(), inner), 0..4).prop_map(|fields| {
                Value::Object(fields.into_iter().map(|(key, value)| (key.into(), value)).collect())
            }),
        ]
    })
}

fn raw(text: String) -> Box<RawValue> {
    RawValue::from_string(text).expect("it is JSON")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 30_000, ..ProptestConfig::default() })]

    #[test]
    fn any_json_is_read_or_refused_with_the_forms(value in anything()) {
        if let Err(error) = parse(&raw(value.to_string())) {
            prop_assert_eq!(error.error_type(), "Event");
            prop_assert!(error.report().contains(FORMS), "{}", error.report());
        }
    }

    #[test]
    fn any_text_that_is_json_is_read_or_refused(text in "[\\[\\]{}:,\"a-z0-9.eE+\\-\\\\ ]{0,40}") {
        // Lambda does not deliver anything that is not JSON.
        if let Ok(raw) = RawValue::from_string(text) {
            let _either = parse(&raw);
        }
    }

    #[test]
    fn what_is_known_comes_back(calls in prop::collection::vec(call(), 1..4)) {
        let (sent, calls): (Vec<_>, Vec<_>) = calls.into_iter().unzip();
        let alone = parse(&raw(sent[0].to_string())).unwrap();
        let transaction = parse(&raw(json!({"transaction": sent}).to_string())).unwrap();
        match alone {
            Request::Statement(call) => prop_assert_eq!(&call, &calls[0]),
            other => prop_assert!(false, "{other:?}"),
        }
        prop_assert_eq!(transaction, Request::Transaction(calls));
    }
}

/// An array of any depth is read and does not crash the process: an event may have 6 MB.
#[test]
fn depth_ends_no_process() {
    for depth in [1, 6, 7, 100, 1_000, 3_000_000] {
        let nested = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let event = format!(r#"{{"statement":"a","params":[{nested}]}}"#);
        let Request::Statement(call) = parse(&raw(event)).unwrap() else { panic!("a statement") };
        let Params::Positions(given) = &call.params else { panic!("positions") };
        assert_eq!(matches!(given[0], Given::Param(_)), depth <= 6, "{depth}");
    }
}
