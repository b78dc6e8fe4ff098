//! What the log line of an invocation says.

use crate::error::Error;
use crate::response::{Answered, Response};
use crate::role::Obtained;

/// What the line of an invocation says. Times are in milliseconds.
#[derive(Debug, Default)]
pub(crate) struct Line<'a> {
    pub(crate) outcome: &'a str,
    pub(crate) error_type: Option<&'static str>,
    pub(crate) statement: Option<&'a str>,
    pub(crate) statements: Option<usize>,
    pub(crate) wrong: Option<usize>,
    pub(crate) healthy: Option<bool>,
    pub(crate) rows: Option<u64>,
    pub(crate) rows_affected: Option<u64>,
    pub(crate) reused: Option<bool>,
    pub(crate) connect_ms: Option<f64>,
    pub(crate) query_ms: Option<f64>,
    pub(crate) total_ms: f64,
}

impl<'a> Line<'a> {
    /// What it says of an outcome, without the time.
    pub(crate) fn of(outcome: &'a Result<Response, Error>) -> Line<'a> {
        let ok = Line { outcome: "ok", ..Line::default() };
        match outcome {
            Ok(Response::Statement { result, connection }) => Line {
                statement: Some(&result.statement),
                rows: Some(result.row_count()),
                rows_affected: Some(result.rows_affected),
                query_ms: Some(result.query_ms),
                ..ok.on(Some(*connection))
            },
            Ok(Response::Transaction { transaction, connection }) => Line {
                statements: Some(transaction.len()),
                rows: Some(transaction.iter().map(|result| result.row_count()).sum()),
                rows_affected: Some(transaction.iter().map(|result| result.rows_affected).sum()),
                query_ms: Some(transaction.iter().map(|result| result.query_ms).sum()),
                ..ok.on(Some(*connection))
            },
            Ok(Response::Skipped { statement, connection, .. }) => {
                Line { outcome: "skipped", statement: Some(statement), ..ok.on(Some(*connection)) }
            }
            Ok(Response::Own(Answered { tally, .. })) => Line {
                statements: Some(tally.statements),
                rows: Some(tally.rows),
                rows_affected: Some(tally.rows_affected),
                query_ms: Some(tally.query_ms),
                ..ok.on(tally.connection)
            },
            Ok(Response::Diagnosis { diagnose }) => Line { healthy: Some(diagnose.ok), ..ok },
            Ok(Response::Description { describe }) => {
                let (statements, wrong) = describe.counts();
                Line { statements: Some(statements), wrong: Some(wrong), ..ok }
            }
            Err(error) => {
                let error_type = error.error_type();
                Line { outcome: error_type, error_type: Some(error_type), ..ok }
            }
        }
    }

    fn on(self, connection: Option<Obtained>) -> Line<'a> {
        Line {
            reused: connection.map(|connection| connection.reused),
            connect_ms: connection.map(|connection| connection.connect_ms),
            ..self
        }
    }
}
