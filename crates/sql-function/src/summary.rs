//! The log line of an invocation: what ran, the outcome, and the times. It contains names from the
//! deployment, but nothing that an event or a server said.

use std::time::Duration;

use crate::deadline::millis;
use crate::error::Error;
use crate::response::{Answered, Response};

/// Writes the line.
pub(crate) fn write(outcome: &Result<Response, Error>, total: Duration) {
    let total_ms = millis(total);
    match outcome {
        Ok(Response::Statement { result, connection }) => tracing::info!(
            outcome = "ok",
            statement = result.statement,
            rows = result.row_count(),
            rows_affected = result.rows_affected,
            reused = connection.reused,
            connect_ms = connection.connect_ms,
            query_ms = result.query_ms,
            total_ms,
            "invocation"
        ),
        Ok(Response::Transaction { transaction, connection }) => tracing::info!(
            outcome = "ok",
            statements = transaction.len(),
            rows = transaction.iter().map(|result| result.row_count()).sum::<u64>(),
            rows_affected = transaction.iter().map(|result| result.rows_affected).sum::<u64>(),
            reused = connection.reused,
            connect_ms = connection.connect_ms,
            query_ms = transaction.iter().map(|result| result.query_ms).sum::<f64>(),
            total_ms,
            "invocation"
        ),
        Ok(Response::Skipped { statement, connection, .. }) => tracing::info!(
            outcome = "skipped",
            statement,
            reused = connection.reused,
            connect_ms = connection.connect_ms,
            total_ms,
            "invocation"
        ),
        Ok(Response::Own(Answered { tally, .. })) => tracing::info!(
            outcome = "ok",
            statements = tally.statements,
            rows = tally.rows,
            rows_affected = tally.rows_affected,
            reused = tally.connection.map(|connection| connection.reused),
            connect_ms = tally.connection.map(|connection| connection.connect_ms),
            query_ms = tally.query_ms,
            total_ms,
            "invocation"
        ),
        Ok(Response::Diagnosis { diagnose }) => {
            tracing::info!(outcome = "ok", healthy = diagnose.ok, total_ms, "invocation");
        }
        Ok(Response::Description { describe }) => {
            let (statements, wrong) = describe.counts();
            tracing::info!(outcome = "ok", statements, wrong, total_ms, "invocation");
        }
        Err(error) => tracing::error!(
            outcome = error.error_type(),
            error = error.log(),
            advice = error.log_advice(),
            cause = error.cause().map(|cause| cause.entry().id),
            fate = error.fate().name(),
            total_ms,
            "invocation"
        ),
    }
}
