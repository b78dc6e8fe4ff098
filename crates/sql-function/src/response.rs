//! The answer to an event.

use diagnosis::Diagnosis;
use serde::Serialize;
use std::io;

use crate::describe::Descriptions;
use crate::driver::ExecResult;
use crate::pool::Obtained;
use crate::rows::{ResultSet, Rows};

/// The answer to an event.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Response {
    /// To a statement or a schedule.
    Statement {
        /// What it returned.
        #[serde(flatten)]
        result: StatementResult,
        /// How the invocation got its connection.
        connection: Obtained,
    },
    /// To a transaction.
    Transaction {
        /// What its statements returned, in order.
        transaction: Vec<StatementResult>,
        /// How the invocation got its connection.
        connection: Obtained,
    },
    /// To an exclusive statement that is already running elsewhere.
    Skipped {
        /// The statement.
        statement: String,
        /// Always true.
        skipped: bool,
        /// Why, for people.
        reason: String,
        /// How the invocation got its connection.
        connection: Obtained,
    },
    /// To a request for a diagnosis.
    Diagnosis {
        /// The result.
        diagnose: Diagnosis,
    },
    /// To a request for a description of the statements.
    Description {
        /// The result.
        describe: Descriptions,
    },
}

/// What one statement returned.
#[derive(Serialize)]
pub(crate) struct StatementResult {
    /// Its name in the catalogue.
    pub statement: String,
    /// Its result set; without columns if it returns no rows.
    #[serde(flatten)]
    pub result: ResultSet,
    /// The result sets that a procedure returned after the first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub more_results: Vec<ResultSet>,
    /// How many rows it changed; 0 for one that only reads.
    pub rows_affected: u64,
    /// The first value that the server generated for an inserted row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_insert_id: Option<u64>,
    /// How long the statement took, with the round trip, in milliseconds.
    pub query_ms: f64,
}

impl StatementResult {
    pub(crate) fn new(statement: &str, rows: Rows, done: ExecResult, query_ms: f64) -> Self {
        let (last, earlier) = rows.finish();
        let mut sets = earlier.into_iter().chain([last]);
        // There is at least the last one.
        #[allow(clippy::expect_used)]
        let result = sets.next().expect("a result has a set");
        let more_results = sets.collect();
        let ExecResult { rows_affected, last_insert_id } = done;
        let statement = statement.to_owned();
        Self { statement, result, more_results, rows_affected, last_insert_id, query_ms }
    }

    /// How many rows there are, in all result sets.
    pub(crate) fn row_count(&self) -> u64 {
        let more = self.more_results.iter().map(|result| result.row_count);
        self.result.row_count + more.sum::<u64>()
    }

    /// Its size in bytes of JSON.
    pub(crate) fn size(&self) -> usize {
        let mut size = Size(0);
        // Counting cannot fail, and all fields are JSON.
        let _ = serde_json::to_writer(&mut size, self);
        size.0
    }
}

/// Counts the bytes written.
struct Size(usize);

impl io::Write for Size {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
