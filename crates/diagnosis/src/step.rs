//! The steps of a login: names, verdicts, and facts for programs.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The steps of a login, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StepName {
    /// The function's environment variables, and the files they name.
    Settings,
    /// The credentials that sign tokens.
    Credentials,
    /// The endpoint that tokens are signed for.
    Endpoint,
    /// The roots that verify the server's certificate.
    Trust,
    /// The name is resolved.
    Dns,
    /// A TCP connection is opened.
    Tcp,
    /// The server proves its identity.
    Tls,
    /// The server accepts the token.
    Login,
    /// What the server reports about itself and the user.
    Database,
    /// The server parses every statement.
    Statements,
}

impl StepName {
    /// Every step, in order.
    pub const ALL: [StepName; 10] = [
        StepName::Settings,
        StepName::Credentials,
        StepName::Endpoint,
        StepName::Trust,
        StepName::Dns,
        StepName::Tcp,
        StepName::Tls,
        StepName::Login,
        StepName::Database,
        StepName::Statements,
    ];

    /// The stable name in a diagnosis.
    pub const fn as_str(self) -> &'static str {
        match self {
            StepName::Settings => "settings",
            StepName::Credentials => "credentials",
            StepName::Endpoint => "endpoint",
            StepName::Trust => "trust",
            StepName::Dns => "dns",
            StepName::Tcp => "tcp",
            StepName::Tls => "tls",
            StepName::Login => "login",
            StepName::Database => "database",
            StepName::Statements => "statements",
        }
    }
}

/// How a step ended.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It succeeded.
    Ok,
    /// It succeeded, but needs attention.
    Warning,
    /// It failed, and the login with it.
    Failed,
    /// An earlier step failed.
    NotReached,
    /// One that a later version knows.
    #[serde(other)]
    Unknown,
}

/// One step.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Step {
    /// Its stable name: [`StepName::as_str`], or one that another version or AWS's side adds.
    #[serde(rename = "step")]
    pub name: String,
    /// How it ended.
    pub verdict: Verdict,
    /// How long it took, in milliseconds.
    #[serde(default)]
    pub ms: Option<f64>,
    /// What was seen, for people. Empty when it was not reached.
    #[serde(default)]
    pub seen: String,
    /// What was seen, for programs: field names are stable, and an unknown fact is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facts: Option<Map<String, Value>>,
    /// Fields that this version does not know.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}
