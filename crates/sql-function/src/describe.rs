//! The statements of a function, as its server understands them: the answer to a describe event.
//!
//! The server parses each statement and runs none. A statement that it cannot parse is in the
//! answer with its error, like a file that is invalid.

use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::time::Duration;

use crate::catalogue::Catalogue;
use crate::deadline::Deadline;
use crate::driver::{Connection, Connector, Description, Examine};
use crate::error::{Error, Kind, is_reusable};
use crate::loggable;
use crate::place::Need;
use crate::pool::{Lease, Pool};
use crate::retries::Retries;
use crate::rows::{Column, RESPONSE_LIMIT, Rows};
use crate::schema;
use crate::statement::{Declared, Mode, Schedule, Statement};
use crate::truncate::truncate;

/// How long the server may take for one statement: another session may have locked its tables.
const STATEMENT: Duration = Duration::from_secs(5);
/// The longest error of a statement, in bytes: there may be thousands of statements.
const MAX_ERROR: usize = 1000;
/// The time zone of a schedule that names none.
const UTC: &str = "UTC";

/// The answer to a describe event.
#[derive(Serialize)]
pub(crate) struct Descriptions {
    engine: &'static str,
    server: String,
    statements: Vec<Value>,
}

impl Descriptions {
    /// How many statements there are, and how many of them have an error.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let wrong = self.statements.iter().filter(|entry| entry.get("error").is_some());
        (self.statements.len(), wrong.count())
    }
}

/// Describes the statements of `catalogue` on a connection of `pool`, which afterwards is as it
/// was.
///
/// # Errors
/// Those of a login; [`Kind::Timeout`]; [`Kind::ResultTooLarge`].
pub(crate) async fn describe<C: Connector>(
    pool: &Pool<C>,
    catalogue: &Catalogue,
    deadline: Deadline,
) -> Result<Descriptions, Error> {
    let mut lease = pool.acquire(&mut anywhere(), &[], deadline).await?;
    let version = lease.connection.version();
    let server = deadline.bound(|| "the server's version".into(), version).await?;
    let mut work = Work { pool, deadline, lease: Some(lease) };
    let mut statements = vec![];
    for (name, statement) in catalogue.iter() {
        let described = match statement {
            Ok(statement) => work.entry(statement).await?,
            Err(error) => Err(error.clone()),
        };
        statements.push(described.unwrap_or_else(|error| failed(name, &error)));
    }
    work.finish().await;
    let descriptions = Descriptions { engine: C::ENGINE.name(), server, statements };
    let size = serde_json::to_string(&descriptions).map_or(usize::MAX, |json| json.len());
    if size > RESPONSE_LIMIT {
        let message = loggable!("the description exceeds {RESPONSE_LIMIT} bytes");
        return Err(Error::new(Kind::ResultTooLarge, message)
            .advice("split the statements among several functions"));
    }
    Ok(descriptions)
}

/// The writer knows all statements, as far as it can be found at once.
fn anywhere() -> Retries {
    Retries::new(Need::Perhaps)
}

/// A description in progress.
struct Work<'a, C: Connector> {
    pool: &'a Pool<C>,
    deadline: Deadline,
    /// The connection, unless it is not reusable.
    lease: Option<Lease<C>>,
}

impl<C: Connector> Work<'_, C> {
    /// The entry of a statement, or the error of its own.
    ///
    /// # Errors
    /// None of the statements after it can be described.
    async fn entry(&mut self, statement: &Statement) -> Result<Result<Value, Error>, Error> {
        let outcome = match self.attempt(statement).await? {
            Err(error) if error.is_retryable() => self.attempt(statement).await?,
            outcome => outcome,
        };
        Ok(outcome.and_then(|description| entry(statement, description)))
    }

    async fn attempt(
        &mut self,
        statement: &Statement,
    ) -> Result<Result<Description, Error>, Error> {
        let mut lease = match self.lease.take() {
            Some(lease) => lease,
            None => self.pool.acquire(&mut anywhere(), &[], self.deadline).await?,
        };
        let what = || loggable!("preparing statement {:?}", statement.name);
        let describe = lease.connection.describe(statement);
        let outcome = self.deadline.at_most(Some(STATEMENT)).bound(what, describe).await;
        if is_reusable(&outcome) {
            self.lease = Some(lease);
        }
        match outcome {
            Err(error) if self.deadline.left().is_zero() => Err(error),
            outcome => Ok(outcome),
        }
    }

    /// Returns the connection to the pool, if its session is like a new one.
    async fn finish(self) {
        let Some(mut lease) = self.lease else { return };
        let restore = lease.connection.restore();
        match self.deadline.bound(|| "restoring the session".into(), restore).await {
            Ok(()) => self.pool.release(lease),
            Err(error) => tracing::debug!(error = error.log(), "the connection is not reused"),
        }
    }
}

/// The entry of a statement.
///
/// # Errors
/// [`Kind::Statement`] if running it would fail with it: two columns have the same name.
fn entry(statement: &Statement, description: Description) -> Result<Value, Error> {
    let Description { params, columns } = description;
    if let Some(columns) = &columns {
        let named = columns.iter().map(|(column, _)| column.clone()).collect();
        Rows::new(0, 0).describe(named)?;
    }
    let columns = columns.map(|columns| {
        let shown = columns.into_iter().map(|(Column { name, type_name }, schema)| {
            json!({"name": name, "type": type_name, "schema": schema::nullable(schema)})
        });
        Value::from_iter(shown)
    });
    let mut params = params.into_iter();
    let params = (0..statement.params()).map(|at| param(statement.declared.get(at), params.next()));
    let mut entry = json!({
        "name": statement.name,
        "description": statement.description,
        "mode": if statement.mode == Mode::Read { "read" } else { "write" },
        "exclusive": statement.exclusive,
        "max_rows": statement.max_rows,
        "params": Value::from_iter(params),
        "columns": columns,
        "schedules": Value::from_iter(statement.schedules.iter().map(schedule)),
    });
    if let Some(timeout) = statement.timeout {
        entry["timeout_ms"] = json!(u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX));
    }
    Ok(entry)
}

/// A parameter, as it is declared and as the server sees it.
fn param(declared: Option<&Declared>, server: Option<(String, Value)>) -> Value {
    let (type_name, server) = server.unzip();
    let Some(Declared { name, param_type, description }) = declared else {
        let type_name = type_name.unwrap_or_else(|| "unknown".to_owned());
        let schema = server.unwrap_or_else(|| json!({"type": ["string", "number", "boolean"]}));
        return json!({"name": null, "type": type_name, "schema": schema::nullable(schema)});
    };
    let type_name = type_name.unwrap_or_else(|| param_type.to_string());
    let mut shown = json!({"name": name, "type": type_name, "schema": param_type.schema()});
    if !description.is_empty() {
        shown["description"] = json!(description);
    }
    shown
}

fn schedule(schedule: &Schedule) -> Value {
    let params: Option<&RawValue> =
        schedule.params.as_deref().and_then(|params| serde_json::from_str(params).ok());
    let zone = schedule.timezone.as_deref().unwrap_or(UTC);
    json!({"expression": schedule.expression, "timezone": zone, "params": params})
}

/// The entry of a statement that cannot be described.
fn failed(name: &str, error: &Error) -> Value {
    let message = error.report();
    let mut shown = json!({
        "errorType": error.error_type(),
        "message": truncate(&message, MAX_ERROR),
    });
    if let Some(line) = error.line() {
        shown["line"] = json!(line);
    }
    json!({"name": name, "error": shown})
}
