//! The log line of an invocation: what ran, the outcome, and the times. It contains names from the
//! deployment, but nothing that an event or a server said.

use std::time::Duration;
use tracing::Level;

use crate::deadline::millis;
use crate::error::Error;
use crate::metrics::{self, Metrics};
use crate::record::Record;
use crate::response::{Answered, Response};
use crate::role::Obtained;

/// What the line of an invocation says. Times are in milliseconds.
#[derive(Debug, Default)]
pub(crate) struct Line<'a> {
    outcome: &'a str,
    pub(crate) error_type: Option<&'static str>,
    statement: Option<&'a str>,
    statements: Option<usize>,
    wrong: Option<usize>,
    healthy: Option<bool>,
    pub(crate) rows: Option<u64>,
    rows_affected: Option<u64>,
    pub(crate) reused: Option<bool>,
    pub(crate) connect_ms: Option<f64>,
    pub(crate) query_ms: Option<f64>,
    pub(crate) total_ms: f64,
}

/// Writes the line, with the invocation's metrics if they are on.
pub(crate) fn write(
    outcome: &Result<Response, Error>,
    total: Duration,
    metrics: Option<(&Metrics, &Record)>,
) {
    let line = Line { total_ms: millis(total), ..Line::of(outcome) };
    let log = || log(&line, outcome.as_ref().err(), metrics.is_some());
    match metrics {
        Some((metrics, record)) => metrics::on_line_of(metrics.members(&line, record), log),
        None => log(),
    }
}

impl<'a> Line<'a> {
    fn of(outcome: &'a Result<Response, Error>) -> Line<'a> {
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

/// Logs the line. One that must be written has at least the level that the function's log lines are
/// limited to: Lambda drops those below it, and counts one without a level as INFO
/// (<https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html>).
fn log(line: &Line<'_>, error: Option<&Error>, must_be_written: bool) {
    macro_rules! log {
        ($level:expr) => {
            tracing::event!(
                $level,
                outcome = line.outcome,
                statement = line.statement,
                statements = line.statements,
                wrong = line.wrong,
                healthy = line.healthy,
                rows = line.rows,
                rows_affected = line.rows_affected,
                reused = line.reused,
                connect_ms = line.connect_ms,
                query_ms = line.query_ms,
                error = error.map(Error::log),
                advice = error.and_then(Error::log_advice),
                cause = error.and_then(Error::cause).map(|cause| cause.entry().id),
                fate = error.map(|error| error.fate().name()),
                total_ms = line.total_ms,
                "invocation"
            )
        };
    }
    match error {
        Some(_) => log!(Level::ERROR),
        None if !must_be_written || tracing::enabled!(Level::INFO) => log!(Level::INFO),
        None if tracing::enabled!(Level::WARN) => log!(Level::WARN),
        None => log!(Level::ERROR),
    }
}
