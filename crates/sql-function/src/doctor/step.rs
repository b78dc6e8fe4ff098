//! The steps of a login as a diagnosis tells of them: names, verdicts and facts that programs read.

use serde::Serialize;
use serde_json::{Map, Value};

/// The steps, in the order in which they are walked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Name {
    /// The function's environment, and the files it points to.
    Settings,
    /// What tokens are signed with.
    Credentials,
    /// What tokens are signed for.
    Endpoint,
    /// The roots that the server's certificate must lead to.
    Trust,
    /// The name becomes addresses.
    Dns,
    /// An address becomes a connection.
    Tcp,
    /// The server proves to be the endpoint.
    Tls,
    /// The server takes the token.
    Login,
    /// What the server says of itself and of the user.
    Database,
    /// The server parses every statement.
    Statements,
}

impl Name {
    /// Every step, in order.
    pub const ALL: [Name; 10] = [
        Name::Settings,
        Name::Credentials,
        Name::Endpoint,
        Name::Trust,
        Name::Dns,
        Name::Tcp,
        Name::Tls,
        Name::Login,
        Name::Database,
        Name::Statements,
    ];
}

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// It works, and something about it asks for attention.
    Warning,
    /// It is wrong.
    Failed,
    /// An earlier step failed.
    NotReached,
}

/// One step.
#[derive(Debug, Serialize)]
pub struct Step {
    /// Which.
    pub step: Name,
    /// How it ended.
    pub verdict: Verdict,
    /// How long it took, in milliseconds.
    pub ms: f64,
    /// What was seen, for people. Empty when it was not reached.
    pub seen: String,
    /// What was seen, for programs: field names are stable, and a fact that is not known is absent.
    pub facts: Map<String, Value>,
}

/// What a step found out.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) verdict: Verdict,
    pub(super) text: String,
    pub(super) facts: Map<String, Value>,
}

impl Seen {
    pub(super) fn new(verdict: Verdict, text: impl Into<String>) -> Seen {
        Seen { verdict, text: text.into(), facts: Map::new() }
    }

    pub(super) fn ok(text: impl Into<String>) -> Seen {
        Seen::new(Verdict::Ok, text)
    }

    pub(super) fn failed(text: impl Into<String>) -> Seen {
        Seen::new(Verdict::Failed, text)
    }

    /// Keeps a fact.
    pub(super) fn fact(mut self, name: &str, value: impl Into<Value>) -> Seen {
        self.facts.insert(name.to_owned(), value.into());
        self
    }
}

impl Step {
    pub(super) fn taken(step: Name, seen: Seen, ms: f64) -> Step {
        Step { step, verdict: seen.verdict, ms, seen: seen.text, facts: seen.facts }
    }

    pub(super) fn not_reached(step: Name) -> Step {
        Step::taken(step, Seen::new(Verdict::NotReached, ""), 0.0)
    }
}
