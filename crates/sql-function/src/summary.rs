//! The log line of an invocation: what ran, the outcome, and the times. It contains names from the
//! deployment, but nothing that an event or a server said.

use std::time::Duration;
use tracing::Level;

use crate::deadline::millis;
use crate::error::Error;
use crate::line::Line;
use crate::metrics::{self, Metrics};
use crate::record::Record;
use crate::response::Response;

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
