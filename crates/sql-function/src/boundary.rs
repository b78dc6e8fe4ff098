//! Where Lambda begins: the runtime, its deadlines, its form of an error, and one log line for each
//! invocation.
//!
//! Nothing that is wrong ends the process. A function whose settings are wrong answers every event
//! with what is wrong, where a person sees it; one that cannot connect while it initialises tries
//! again at the first event.

use iam_auth::Credentials;
use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use ring::rand::{SystemRandom, generate};
use serde_json::value::RawValue;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tokio::{join, select};
use tracing::Instrument;

use crate::deadline::Deadline;
use crate::doctor::Diagnosis;
use crate::engine::{Clock, Connector, millis};
use crate::error::Error;
use crate::event::{self, Request};
use crate::handle::Function;
use crate::panics::caught;
use crate::response::Response;
use crate::settings::Settings;
use crate::shutdown::{self, Extension};
use crate::{summary, telemetry};

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
    let function = match Settings::read(&variable, C::DEFAULT_PORT, C::LONGEST_USER) {
        Ok(settings) => {
            let credentials = Credentials::from_chain().await;
            Function::<C>::new(settings, credentials, at_once(&variable), clock, random)
        }
        Err(error) => Err(error),
    };
    let _extension = match &function {
        Ok(function) => join!(open(function), extension(&variable)).1,
        Err(error) => {
            tracing::error!(
                error_type = error.error_type(),
                error = error.log(),
                advice = error.log_advice(),
                "cannot start"
            );
            None
        }
    };
    let function = Arc::new(function);
    let served = lambda_runtime::run_concurrent(service_fn({
        let function = function.clone();
        move |event| answer(function.clone(), event, clock)
    }));
    select! {
        outcome = served => outcome,
        end = shutdown::foretold() => {
            end?;
            if let Ok(function) = &*function {
                function.session().close().await;
            }
            Ok(())
        }
    }
}

/// Asks Lambda to say when it ends the environment. A function that is not told works as well.
async fn extension(variable: impl Fn(&str) -> Option<String>) -> Option<Extension> {
    let address = variable("AWS_LAMBDA_RUNTIME_API")?;
    let registered = Extension::register(&address).await;
    registered
        .inspect_err(|error| tracing::warn!(%error, "no SIGTERM: connections end without a word"))
        .ok()
}

/// Answers one event, and logs how it ended.
async fn answer<C: Connector>(
    function: Arc<Result<Function<C>, Error>>,
    event: LambdaEvent<Box<RawValue>>,
    clock: Clock,
) -> Result<Response, Error> {
    // At every level: lines of the invocation carry them. The second is a schedule's.
    let request = tracing::error_span!(
        "invocation",
        requestId = event.context.request_id,
        eventId = tracing::field::Empty
    );
    let start = Instant::now();
    let answer = async {
        let outcome = caught(respond(&function, event, clock)).await;
        summary::write(&outcome, start.elapsed());
        outcome
    };
    answer.instrument(request).await
}

async fn respond<C: Connector>(
    function: &Result<Function<C>, Error>,
    event: LambdaEvent<Box<RawValue>>,
    clock: Clock,
) -> Result<Response, Error> {
    tracing::trace!(bytes = event.payload.get().len(), "an event");
    let deadline = Deadline::before(event.context.deadline(), clock());
    match function {
        Ok(function) => function.handle(&event.payload, deadline).await,
        // The doctor is asked most when something is wrong.
        Err(error) if matches!(event::parse(&event.payload), Ok(Request::Diagnose)) => {
            Ok(Response::Diagnosis { diagnose: Diagnosis::of_failed_start::<C>(error) })
        }
        Err(error) => Err(error.clone()),
    }
}

/// How many events this process may be given at once: one, except on Lambda Managed Instances. The
/// runtime reads the same variable.
fn at_once(variable: impl Fn(&str) -> Option<String>) -> NonZeroUsize {
    let given = variable("AWS_LAMBDA_MAX_CONCURRENCY").and_then(|text| text.parse().ok());
    given.unwrap_or(NonZeroUsize::MIN)
}

/// A random number of the system's. Without one, which no Linux of Lambda's refuses, waits have
/// their mean length.
fn random() -> u64 {
    let bytes = generate::<[u8; 8]>(&SystemRandom::new());
    bytes.map_or(u64::MAX / 2, |bytes| u64::from_ne_bytes(bytes.expose()))
}

/// Connects while the function initialises, which Lambda gives more CPU than most invocations.
async fn open<C: Connector>(function: &Function<C>) {
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
            error = error.log(),
            "cannot connect yet, the first event tries again"
        ),
    }
}

impl From<Error> for Diagnostic {
    fn from(error: Error) -> Diagnostic {
        Diagnostic { error_type: error.error_type().into(), error_message: error.report() }
    }
}
