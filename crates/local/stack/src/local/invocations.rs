//! A line for each invocation through the Invoke API, without values.

use doctor::visible;
use local_lambda::{Invocation, Invoked};
use serde_json::Value;
use std::time::SystemTime;

use super::event::form;
use super::runs::timestamp;

/// The longest form of an event that is shown, in characters: a caller may send anything as a name.
const LONGEST: usize = 60;

/// `18:59:43 mysql-function items: ok, 3.1 ms`
pub(crate) fn line(invoked: &Invoked<'_>, now: SystemTime) -> String {
    let event = serde_json::from_slice(invoked.event).unwrap_or(Value::Null);
    let form: String = visible(&form(&event)).chars().take(LONGEST).collect();
    let outcome = match invoked.outcome {
        Ok(invocation) => {
            let took = invocation.duration + invocation.init.unwrap_or_default();
            format!("{}, {:.1} ms", outcome(invocation), took.as_secs_f64() * 1e3)
        }
        Err(error) => format!("refused, {}", error.code()),
    };
    let time = &timestamp(now)["2026-01-01T".len()..];
    format!("{time} {} {form}: {outcome}", invoked.function)
}

fn outcome(invocation: &Invocation) -> String {
    let payload: Value = serde_json::from_slice(&invocation.payload).unwrap_or_default();
    match &invocation.function_error {
        None if payload["skipped"] == true => "skipped".to_owned(),
        None => "ok".to_owned(),
        Some(_) => {
            format!("failed, {}", visible(payload["errorType"].as_str().unwrap_or("unknown")))
        }
    }
}
