//! The answer to an event.

use diagnosis::Diagnosis;
use serde::Serialize;
use serde_json::value::RawValue;
use std::io;

use crate::describe::Descriptions;
use crate::driver::ExecResult;
use crate::role::Obtained;
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
    /// A handler's own.
    Own(Answered),
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

    /// What it changed.
    pub(crate) fn effect(&self) -> ExecResult {
        let Self { rows_affected, last_insert_id, .. } = *self;
        ExecResult { rows_affected, last_insert_id }
    }

    /// The result of a statement that did not run.
    pub(crate) fn none(statement: &str) -> Self {
        Self::new(statement, Rows::new(0, 0), ExecResult::default(), 0.0)
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

/// The answer of a handler.
#[derive(Serialize)]
#[serde(transparent)]
pub(crate) struct Answered {
    /// As JSON.
    pub answer: Box<RawValue>,
    /// What was run for it.
    #[serde(skip)]
    pub tally: Tally,
}

/// What a handler has run, for the log line of its invocation.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    /// How many statements succeeded.
    pub statements: usize,
    /// How many rows they returned.
    pub rows: u64,
    /// How many rows they changed.
    pub rows_affected: u64,
    /// How long they took, in milliseconds.
    pub query_ms: f64,
    /// How the invocation got its first connection.
    pub connection: Option<Obtained>,
}

impl Tally {
    /// Adds a statement that succeeded.
    pub(crate) fn add(&mut self, result: &StatementResult) {
        self.statements += 1;
        self.rows += result.row_count();
        self.rows_affected += result.rows_affected;
        self.query_ms += result.query_ms;
    }

    /// Records how a connection was obtained.
    pub(crate) fn connected(&mut self, obtained: Obtained) {
        self.connection.get_or_insert(obtained);
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
