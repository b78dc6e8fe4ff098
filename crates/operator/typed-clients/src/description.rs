//! What a function answers to `{"describe": true}`.

use std::fmt;

use serde::Deserialize;
use serde_json::{Map, Value};

/// The event that asks for a description.
pub const EVENT: &str = r#"{"describe":true}"#;

/// A function's statements.
#[derive(Clone, Debug, Deserialize)]
pub struct Description {
    /// The engine: `mysql`, `mariadb` or `postgres`.
    pub engine: String,
    /// The server and its version, where it was asked.
    pub server: Option<String>,
    /// The statements, by name.
    pub statements: Vec<Entry>,
}

/// One file of the catalogue.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Entry {
    /// A file that is wrong, or that the server cannot prepare.
    Bad(Bad),
    /// A statement.
    Good(Box<Statement>),
}

/// A file without a statement that can run.
#[derive(Clone, Debug, Deserialize)]
pub struct Bad {
    /// The name of the file, without `.sql`.
    pub name: String,
    /// Why.
    pub error: StatementError,
}

/// Why a statement cannot run.
#[derive(Clone, Debug, Deserialize)]
pub struct StatementError {
    /// The `errorType` that an event of the statement gets.
    #[serde(rename = "errorType")]
    pub error_type: String,
    /// The chain of causes, and what to do.
    pub message: String,
    /// The line in the file.
    pub line: Option<u64>,
}

/// A statement.
#[derive(Clone, Debug, Deserialize)]
pub struct Statement {
    /// The name in an event.
    pub name: String,
    /// The words at the top of its file; may be empty.
    #[serde(default)]
    pub description: String,
    /// `read` or `write`.
    pub mode: String,
    /// Whether a run is skipped while another is in progress.
    #[serde(default)]
    pub exclusive: bool,
    /// Its own time-out, in milliseconds.
    pub timeout_ms: Option<u64>,
    /// The most rows that it may return.
    pub max_rows: Option<u64>,
    /// Its parameters, in the order of the placeholders.
    #[serde(default)]
    pub params: Vec<Param>,
    /// The columns of its rows; `None` if only a run of the statement tells them.
    pub columns: Option<Vec<Column>>,
    /// When it runs by itself.
    #[serde(default)]
    pub schedules: Vec<Schedule>,
}

/// A parameter.
#[derive(Clone, Debug, Deserialize)]
pub struct Param {
    /// Its name, if the file declares its parameters.
    pub name: Option<String>,
    /// Its type, in the server's words or the file's.
    #[serde(rename = "type")]
    pub type_name: String,
    /// Its words.
    pub description: Option<String>,
    /// The JSON Schema of its values.
    #[serde(default)]
    pub schema: Value,
}

/// A column.
#[derive(Clone, Debug, Deserialize)]
pub struct Column {
    /// Its name, and the field of a row.
    pub name: String,
    /// Its type, in the server's words.
    #[serde(rename = "type")]
    pub type_name: String,
    /// The JSON Schema of its values.
    #[serde(default)]
    pub schema: Value,
}

/// A schedule of a statement.
#[derive(Clone, Debug, Deserialize)]
pub struct Schedule {
    /// `rate(…)`, `cron(…)` or `at(…)`.
    pub expression: String,
    /// The time zone.
    pub timezone: Option<String>,
    /// The parameters of its events.
    #[serde(default)]
    pub params: Value,
}

impl Description {
    /// Reads a function's answer.
    ///
    /// # Errors
    /// The function failed, or what it answered is no description.
    pub fn of_answer(answer: &[u8]) -> Result<Self, NoDescription> {
        let answer: Map<String, Value> = serde_json::from_slice(answer)
            .map_err(|error| NoDescription(format!("the answer is no JSON object: {error}")))?;
        if let Some(message) = answer.get("errorMessage") {
            let kind = answer.get("errorType").and_then(Value::as_str).unwrap_or("an error");
            let message = message.as_str().map_or_else(|| message.to_string(), str::to_owned);
            return Err(NoDescription(format!("the function answered {kind}: {message}")));
        }
        let Some(description) = answer.get("describe") else {
            let fields: Vec<_> = answer.keys().map(String::as_str).collect();
            let fields = fields.join(", ");
            return Err(NoDescription(format!("the answer has no field describe, but {fields}")));
        };
        let mut description = Self::deserialize(description)
            .map_err(|error| NoDescription(format!("the description cannot be read: {error}")))?;
        description.statements.sort_by(|a, b| a.name().cmp(b.name()));
        Ok(description)
    }

    /// The engine as its makers write it.
    #[must_use]
    pub fn engine_title(&self) -> &str {
        match self.engine.as_str() {
            "mysql" => "MySQL",
            "mariadb" => "MariaDB",
            "postgres" => "PostgreSQL",
            other => other,
        }
    }

    /// The statements that can run.
    pub fn good(&self) -> impl Iterator<Item = &Statement> {
        self.statements.iter().filter_map(|entry| match entry {
            Entry::Good(statement) => Some(&**statement),
            Entry::Bad(_) => None,
        })
    }

    /// The files that cannot.
    pub fn bad(&self) -> impl Iterator<Item = &Bad> {
        self.statements.iter().filter_map(|entry| match entry {
            Entry::Good(_) => None,
            Entry::Bad(bad) => Some(bad),
        })
    }
}

impl Entry {
    /// The name of the file, without `.sql`.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Bad(bad) => &bad.name,
            Self::Good(statement) => &statement.name,
        }
    }
}

impl Statement {
    /// The parameters by name, each once, if they have names: an event sends them as an object, and else
    /// as an array.
    #[must_use]
    pub fn named_params(&self) -> Option<Vec<(&str, &Param)>> {
        let mut named: Vec<(&str, &Param)> = Vec::new();
        for param in &self.params {
            let name = param.name.as_deref()?;
            if !named.iter().any(|(other, _)| *other == name) {
                named.push((name, param));
            }
        }
        (!named.is_empty()).then_some(named)
    }
}

/// Why there is no description.
#[derive(Debug)]
pub struct NoDescription(String);

impl fmt::Display for NoDescription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NoDescription {}

#[cfg(test)]
mod tests {
    use super::Description;

    fn error(answer: &str) -> String {
        Description::of_answer(answer.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn what_is_no_description_is_told() {
        assert_eq!(
            error(r#"{"errorType":"Login.Denied","errorMessage":"the server denied it"}"#),
            "the function answered Login.Denied: the server denied it"
        );
        let timeout = error(r#"{"errorMessage":"Task timed out after 3.00 seconds"}"#);
        assert!(timeout.contains("an error: Task timed out"), "{timeout}");
        let other = error(r#"{"statement":"items","rows":[]}"#);
        assert_eq!(other, "the answer has no field describe, but rows, statement");
        assert!(error("null").contains("no JSON object"));
        let old = error(r#"{"describe":{"engine":"mysql"}}"#);
        assert!(old.contains("missing field `statements`"), "{old}");
    }

    #[test]
    fn statements_are_sorted_and_bad_ones_set_apart() {
        let answer = br#"{"describe":{"engine":"mysql","server":"MySQL 8.4.5","statements":[
            {"name":"b","mode":"read","max_rows":1,"params":[
                {"name":"id","type":"int","schema":{"type":"integer"}},
                {"name":"n","type":"text","schema":{"type":"string"}},
                {"name":"id","type":"int","schema":{"type":"integer"}}]},
            {"name":"a","error":{"errorType":"Statement","message":"a.sql: no","line":3}}]}}"#;
        let description = Description::of_answer(answer).unwrap();
        let names: Vec<_> = description.statements.iter().map(super::Entry::name).collect();
        assert_eq!(names, ["a", "b"]);
        assert_eq!(description.bad().next().unwrap().error.line, Some(3));
        let statement = description.good().next().unwrap();
        let named = statement.named_params().unwrap();
        assert_eq!(named.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["id", "n"]);
    }
}
