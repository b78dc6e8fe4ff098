//! A diagnosis with all steps, that fits a response whatever the catalogue contains and a server says.

use diagnosis::{Diagnosis, Step, StepName, Suspect};
use serde_json::{Map, Value};
use std::time::Duration;

use super::seen::Seen;
use crate::truncate::truncate;

/// The longest text, in bytes of JSON.
const TEXT: usize = 4 << 10;
/// The longest list. A catalogue or a server makes three of them long.
const LIST: usize = 1 << 20;

/// The diagnosis after `steps`. The others were not reached.
pub(super) fn complete(mut steps: Vec<Step>, causes: Vec<Suspect>) -> Diagnosis {
    let rest = StepName::ALL.iter().skip(steps.len());
    steps.extend(rest.map(|name| Seen::not_reached().step(*name, Duration::ZERO)));
    bounded(Diagnosis::new(steps, causes))
}

/// `diagnosis` with long texts cut. For a list that is cut, a fact beside it tells how much was left
/// out.
fn bounded(mut diagnosis: Diagnosis) -> Diagnosis {
    for Step { seen, facts, .. } in &mut diagnosis.steps {
        shorten(seen);
        facts.iter_mut().for_each(bound);
    }
    for Suspect { title, because, confirm, fix, .. } in &mut diagnosis.causes {
        [title, because, confirm, fix].into_iter().for_each(shorten);
    }
    diagnosis
}

fn bound(facts: &mut Map<String, Value>) {
    let mut left_out = vec![];
    for (name, fact) in facts.iter_mut() {
        match fact {
            Value::String(text) => shorten(text),
            Value::Array(list) => {
                let all = list.len();
                let mut room = LIST;
                list.retain_mut(|item| {
                    shorten_within(item);
                    room = room.saturating_sub(item.to_string().len() + 1);
                    room > 0
                });
                if list.len() < all {
                    left_out.push((format!("{name}_left_out"), (all - list.len()).into()));
                }
            }
            other => shorten_within(other),
        }
    }
    facts.extend(left_out);
}

/// Shortens every text in an item of a list.
fn shorten_within(value: &mut Value) {
    match value {
        Value::String(text) => shorten(text),
        Value::Array(list) => list.iter_mut().for_each(shorten_within),
        Value::Object(fields) => fields.values_mut().for_each(shorten_within),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn shorten(text: &mut String) {
    if let std::borrow::Cow::Owned(cut) = truncate(text, TEXT) {
        *text = cut;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use diagnosis::{Cause, Filled};
    use serde_json::json;

    #[test]
    fn a_diagnosis_fits_a_response_whatever_was_said() {
        let long = "said \"\u{1}\" ".repeat(1 << 16);
        let listed: Vec<_> =
            (0..5_000).map(|at| json!({"name": at, "error": long[..600]})).collect();
        let seen = || {
            Seen::failed(long.clone())
                .fact("version", long.as_str())
                .fact("grants", json!([long]))
                .fact("statements", listed.clone())
                .fact("server_settings", listed.clone())
        };
        let suspect = || {
            let (title, confirm, fix) = (long.clone(), long.clone(), long.clone());
            Suspect::new(Cause::StatementInvalid, Filled { title, confirm, fix }, long.clone())
        };
        let steps = vec![seen().step(StepName::Settings, Duration::ZERO)];
        let causes = (0..50).map(|_| suspect()).collect();
        let diagnosis = complete(steps, causes);
        let size = serde_json::to_string(&diagnosis).unwrap().len();
        assert!(size < 4 << 20, "{size}");
        let facts = diagnosis.steps[0].facts.as_ref().unwrap();
        let shown = facts["statements"].as_array().unwrap().len();
        assert_eq!(facts["statements_left_out"], 5_000 - shown);
        assert!(!facts.contains_key("grants_left_out"));
        assert!(shown > 500, "{shown}");
    }
}
