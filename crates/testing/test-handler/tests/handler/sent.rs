//! Events for the handler.

use engine::Engine;
use function_harness::Deployed;
use serde_json::{Value, json};

/// An event of these steps.
pub(crate) fn steps(steps: &[&str]) -> String {
    json!({"steps": steps}).to_string()
}

/// Takes these steps, which must succeed. Returns the last one's answer.
pub(crate) async fn last(function: &Deployed<'_>, taken: &[&str]) -> Value {
    let answers = function.ok(&steps(taken)).await;
    answers.as_array().unwrap().last().cloned().unwrap_or_default()
}

/// How many items there are, in a new invocation.
pub(crate) async fn count(function: &Deployed<'_>) -> Value {
    last(function, &["count"]).await
}

/// The server's number of the connection of a new invocation.
pub(crate) async fn pid(function: &Deployed<'_>) -> Value {
    last(function, &["pid"]).await
}

/// A word of the statement that sleeps on the server.
pub(crate) fn sleeping(engine: Engine) -> &'static str {
    if engine == Engine::Postgres { "pg_sleep" } else { "SLEEP" }
}
