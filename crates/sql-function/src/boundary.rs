//! Where Lambda begins: the runtime, its deadlines, its form of an error, and one log line for each
//! invocation.
//!
//! Nothing that is wrong ends the process. A function whose settings are wrong answers every event
//! with what is wrong, where a person sees it; one that cannot connect while it initialises tries
//! again at the first event.

use iam_auth::Credentials;
use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use serde_json::value::RawValue;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::deadline::Deadline;
use crate::error::Error;
use crate::handle::Function;
use crate::response::Response;
use crate::session::{Clock, Connector, millis};
use crate::settings::Settings;
use crate::telemetry;

/// Lambda stops an initialisation after 10 seconds, and begins it again:
/// <https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html>. The connection
/// may have this much of it.
const INIT: Duration = Duration::from_secs(8);

/// Runs a function until Lambda ends it. `variable` looks up an environment variable, `clock` tells
/// the time.
///
/// # Errors
/// Lambda's runtime API cannot be reached.
pub async fn run<C: Connector>(
    variable: impl Fn(&str) -> Option<String>,
    clock: Clock,
) -> Result<(), lambda_runtime::Error> {
    telemetry::start(&variable);
    let mut function = match Settings::read(&variable, C::DEFAULT_PORT) {
        Ok(settings) => Function::<C>::new(settings, Credentials::from_chain().await, clock),
        Err(error) => Err(error),
    };
    match &mut function {
        Ok(function) => open(function).await,
        Err(error) => {
            tracing::error!(
                error_type = error.error_type(),
                error = error.report(),
                "cannot start"
            );
        }
    }
    // Lambda sends one event at a time: the lock is never waited for.
    let function = &Mutex::new(function);
    lambda_runtime::run(service_fn(|event: LambdaEvent<Box<RawValue>>| async move {
        let start = Instant::now();
        let deadline = Deadline::before(event.context.deadline(), clock());
        let outcome = match &mut *function.lock().await {
            Ok(function) => function.handle(&event.payload, deadline).await,
            Err(error) => Err(error.again()),
        };
        summarise(&outcome, start.elapsed());
        outcome
    }))
    .await
}

/// Connects while the function initialises, which Lambda gives more CPU than most invocations.
async fn open<C: Connector>(function: &mut Function<C>) {
    let login = function.session().login();
    let (trust, endpoint) = (format!("{:?}", login.trust), login.endpoint().host().to_owned());
    let start = Instant::now();
    match function.session().open(Deadline::after(INIT)).await {
        Ok(()) => {
            let connect_ms = millis(start.elapsed());
            tracing::info!(engine = C::ENGINE, endpoint, trust, connect_ms, "connected");
        }
        Err(error) => tracing::warn!(
            engine = C::ENGINE,
            endpoint,
            trust,
            error_type = error.error_type(),
            error = error.report(),
            "cannot connect yet, the first event tries again"
        ),
    }
}

/// One line for each invocation: what ran, how it ended, where the time went.
fn summarise(outcome: &Result<Response, Error>, total: Duration) {
    let total_ms = millis(total);
    match outcome {
        Ok(Response::Statement { result, connection }) => tracing::info!(
            outcome = "ok",
            statement = result.statement,
            rows = result.row_count,
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
            rows = transaction.iter().map(|result| result.row_count).sum::<u64>(),
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
        Ok(Response::Diagnosis { diagnose }) => {
            tracing::info!(outcome = "ok", healthy = diagnose.ok, total_ms, "invocation");
        }
        Err(error) => tracing::error!(
            outcome = error.error_type(),
            error = error.report(),
            total_ms,
            "invocation"
        ),
    }
}

impl From<Error> for Diagnostic {
    fn from(error: Error) -> Diagnostic {
        Diagnostic { error_type: error.error_type().into(), error_message: error.report() }
    }
}
