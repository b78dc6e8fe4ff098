//! What a function answers.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::doctor::Diagnosis;
use crate::rows::{Column, Rows};
use crate::session::Obtained;

/// The answer to an event.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Response {
    /// To a statement, or a schedule.
    Statement {
        /// What it returned.
        #[serde(flatten)]
        result: StatementResult,
        /// How the invocation came by its connection.
        connection: Obtained,
    },
    /// To a transaction.
    Transaction {
        /// What its statements returned, in order.
        transaction: Vec<StatementResult>,
        /// How the invocation came by its connection.
        connection: Obtained,
    },
    /// To a run whose lock another run holds.
    Skipped {
        /// The exclusive statement.
        statement: String,
        /// Always true.
        skipped: bool,
        /// Why, for people.
        reason: String,
        /// How the invocation came by its connection.
        connection: Obtained,
    },
    /// To a request for a diagnosis.
    Diagnosis {
        /// What was found.
        diagnose: Diagnosis,
    },
}

/// What one statement returned.
#[derive(Debug, Serialize)]
pub struct StatementResult {
    /// Its name in the catalogue.
    pub statement: String,
    /// The columns of the result; none when it returns no rows.
    pub columns: Vec<Column>,
    /// The rows, as JSON objects.
    pub rows: Box<RawValue>,
    /// How many rows there are.
    pub row_count: u64,
    /// How many rows it changed; 0 for one that only reads.
    pub rows_affected: u64,
    /// How long the server and the way there and back took, in milliseconds.
    pub query_ms: f64,
}

impl StatementResult {
    pub(crate) fn new(statement: &str, rows: Rows, rows_affected: u64, query_ms: f64) -> Self {
        let row_count = rows.count();
        let (columns, rows) = rows.finish();
        Self { statement: statement.to_owned(), columns, rows, row_count, rows_affected, query_ms }
    }
}
