//! What a step saw, and the step of a diagnosis that comes of it.

use diagnosis::{Step, StepName, Verdict};
use serde_json::{Map, Value};
use std::time::Duration;

use crate::deadline::millis;

/// What a step saw.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) verdict: Verdict,
    pub(super) text: String,
    facts: Map<String, Value>,
}

impl Seen {
    fn new(verdict: Verdict, text: impl Into<String>) -> Seen {
        Seen { verdict, text: text.into(), facts: Map::new() }
    }

    pub(super) fn ok(text: impl Into<String>) -> Seen {
        Seen::new(Verdict::Ok, text)
    }

    pub(super) fn failed(text: impl Into<String>) -> Seen {
        Seen::new(Verdict::Failed, text)
    }

    pub(super) fn not_reached() -> Seen {
        Seen::new(Verdict::NotReached, "")
    }

    /// Adds a fact.
    pub(super) fn fact(mut self, name: &str, value: impl Into<Value>) -> Seen {
        self.facts.insert(name.to_owned(), value.into());
        self
    }

    /// The step that saw it and took so long.
    pub(super) fn step(self, name: StepName, took: Duration) -> Step {
        Step {
            name: name.as_str().to_owned(),
            verdict: self.verdict,
            ms: Some(millis(took)),
            seen: self.text,
            facts: Some(self.facts),
            more: Map::new(),
        }
    }
}
