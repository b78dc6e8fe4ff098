//! The boundary to Lambda: its runtime, deadlines and form of errors, and one log line per
//! invocation.
//!
//! No problem ends the process. A function with invalid settings answers every event with the
//! error, where people see it; one that cannot connect during initialization tries again at the
//! first event.

use iam_auth::Credentials;
use lambda_runtime::tower::layer::layer_fn;
use lambda_runtime::{Diagnostic, LambdaEvent, Runtime, service_fn};
use ring::rand::{SystemRandom, generate};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::{Builder, LocalOptions};
use tokio::time::{Instant, sleep};
use tokio::{join, select};
use tracing::Instrument;

use crate::deadline::{Deadline, millis};
use crate::diagnose;
use crate::driver::Connector;
use crate::error::{Error, Fate, Kind};
use crate::event::{self, Request};
use crate::handle::{Function, Handler, Statements};
use crate::loggable;
use crate::login::{Clock, Login};
use crate::metrics::Metrics;
use crate::otlp::{self, Collector, Traced};
use crate::own::{Context, Own};
use crate::panics::caught;
use crate::record::{Records, within};
use crate::response::Response;
use crate::settings::Settings;
use crate::shutdown::{self, Extension, Shutdown};
use crate::surroundings::Surroundings;
use crate::{summary, telemetry, trace};

/// Lambda restarts an initialization that takes more than 10 seconds:
/// <https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html>. Connecting may
/// take this much of it.
const INIT: Duration = Duration::from_secs(8);

/// How long a program that diagnoses itself may take: a database that is paused answers after 15 seconds
/// or 30, and a network that swallows packets never.
const DIAGNOSIS: Duration = Duration::from_secs(55);

/// Why there was less time than the function's timeout.
const SHUTDOWN: &str = "Lambda was shutting down this environment";

/// Why a program ended.
pub type Stopped = lambda_runtime::Error;

/// Runs a program that answers events with the statements that they name, until Lambda shuts it
/// down. With the argument `--diagnose`, it writes one diagnosis.
///
/// # Errors
/// Lambda's runtime API cannot be reached, or the diagnosis cannot be written.
pub fn run<C: Connector>(surroundings: Surroundings) -> Result<(), Stopped> {
    run_with::<C, _>(Statements, surroundings)
}

/// Runs a program that answers events with a handler of its own, until Lambda shuts it down. With
/// the argument `--diagnose`, it writes one diagnosis; it answers the event `{"diagnose": true}`
/// by itself too.
///
/// The handler is called with each event and the database. A future that it returns is dropped when
/// the time is up.
///
/// # Errors
/// Lambda's runtime API cannot be reached, or the diagnosis cannot be written.
pub fn serve<C, E, F, R, X>(
    handler: impl Fn(E, Context<C>) -> F + Send + Sync + 'static,
    surroundings: Surroundings,
) -> Result<(), Stopped>
where
    C: Connector,
    E: DeserializeOwned + 'static,
    F: Future<Output = Result<R, X>> + Send + 'static,
    R: Serialize,
    X: Into<Error>,
{
    run_with::<C, _>(Own::new(handler), surroundings)
}

fn run_with<C: Connector, H: Handler<C>>(
    handler: H,
    surroundings: Surroundings,
) -> Result<(), Stopped> {
    // Local: `build` would link the scheduler of several threads too, and libm with it.
    let runtime = Builder::new_current_thread().enable_all().build_local(LocalOptions::default())?;
    let outcome = match &surroundings.argument {
        Some(argument) if argument == diagnosis::ARGUMENT => {
            runtime.block_on(diagnose::<C, H>(&surroundings))
        }
        _ => runtime.block_on(answer_events::<C, H>(handler, &surroundings)),
    };
    // Does not wait for a DNS lookup that hangs.
    runtime.shutdown_background();
    outcome
}

/// Answers events until Lambda shuts down the execution environment.
async fn answer_events<C: Connector, H: Handler<C>>(
    handler: H,
    surroundings: &Surroundings,
) -> Result<(), Stopped> {
    let Surroundings { variable, clock, program, .. } = *surroundings;
    telemetry::start(variable, program);
    let function = function::<C, H>(variable, clock).await;
    // Invalid settings of them are an error of the function.
    let metrics = Metrics::read(variable, clock).unwrap_or_default();
    let collector = Collector::read(variable, clock).unwrap_or_default();
    let records = Records::new(metrics.is_some(), collector.is_some(), variable);
    let _extension = match &function {
        Ok(function) => {
            let warm_up = pin!(warm_up(function));
            join!(within(records.of_initialization(), warm_up), extension(variable)).1
        }
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
    let handler = Arc::new(handler);
    // Once per process, for as long as it runs: deadlines refer to it.
    let shutdown: &'static Shutdown = Box::leak(Box::default());
    let watch: &'static Watch = Box::leak(Box::new(Watch { metrics, collector, records }));
    let service = service_fn({
        let function = function.clone();
        move |event| answer(handler.clone(), function.clone(), event, clock, shutdown, watch)
    });
    let counted = layer_fn(|service| shutdown.wrap(service));
    let runtime = Runtime::new(service).layer(counted);
    let mut served = pin!(runtime.run_concurrent());
    select! {
        outcome = &mut served => return outcome,
        end = shutdown::on_sigterm(shutdown) => end?,
    }
    tracing::info!(running = shutdown.running(), "received SIGTERM: no new event is accepted");
    select! {
        // It answers the events it has accepted, and does not return.
        _ = &mut served => {}
        () = shutdown.until_answered() => {}
        () = sleep(shutdown.left()) => {}
    }
    if let Ok(function) = &function {
        function.pool().close(shutdown.left()).await;
    }
    Ok(())
}

/// Writes one diagnosis to standard output, in the form of the answer to `{"diagnose": true}`. The
/// doctor's command runs this outside Lambda. It reads no event and logs nothing.
async fn diagnose<C: Connector, H: Handler<C>>(surroundings: &Surroundings) -> Result<(), Stopped> {
    let diagnose = match function::<C, H>(surroundings.variable, surroundings.clock).await {
        Ok(function) => function.diagnose(Deadline::after(DIAGNOSIS)).await,
        Err(error) => diagnose::of_failed_start::<C>(&error),
    };
    let answer = serde_json::to_string(&Response::Diagnosis { diagnose })?;
    writeln!(io::stdout(), "{answer}")?;
    Ok(())
}

/// The function that the environment variables describe.
async fn function<C: Connector, H: Handler<C>>(
    variable: fn(&str) -> Option<String>,
    clock: Clock,
) -> Result<Arc<Function<C>>, Error> {
    Metrics::read(variable, clock)?;
    Collector::read(variable, clock)?;
    let settings = Settings::read(variable, C::ENGINE, C::USER_NAME_LIMIT)?;
    let credentials = Credentials::from_chain().await;
    let function =
        Function::new(settings, credentials, at_once(variable), H::NEEDS_STATEMENTS, clock, random);
    function.map(Arc::new)
}

/// Registers for SIGTERM before the environment is shut down. The function works without it too.
async fn extension(variable: fn(&str) -> Option<String>) -> Option<Extension> {
    let address = variable("AWS_LAMBDA_RUNTIME_API")?;
    let registered = Extension::register(&address).await;
    registered
        .inspect_err(|error| {
            tracing::warn!(
                %error,
                "not registered for SIGTERM: connections will be dropped without a clean close"
            );
        })
        .ok()
}

/// What is told of invocations to others than those who sent the events.
struct Watch {
    metrics: Option<Metrics>,
    collector: Option<Collector>,
    records: Records,
}

/// Answers one event, and logs how it ended.
async fn answer<C: Connector, H: Handler<C>>(
    handler: Arc<H>,
    function: Result<Arc<Function<C>>, Error>,
    event: LambdaEvent<Box<RawValue>>,
    clock: Clock,
    shutdown: &'static Shutdown,
    watch: &'static Watch,
) -> Result<Response, Error> {
    // Both are on every log line of the invocation. A scheduled event has the second.
    let request = tracing::error_span!(
        "invocation",
        requestId = event.context.request_id,
        eventId = tracing::field::Empty
    );
    let start = Instant::now();
    let traced = watch.collector.as_ref().and_then(|collector| {
        let lambda = &event.context;
        let context = trace::Context::read(lambda.xray_trace_id.as_deref(), random)?;
        Some((collector, context, lambda.request_id.clone(), lambda.deadline()))
    });
    let record = watch.records.next(traced.is_some());
    let answer = pin!(async {
        // Boxed: the runtime's layers move the future of an event some ten times.
        let respond = Box::pin(respond(&*handler, &function, event, clock, shutdown));
        let outcome = caught(respond).await;
        summary::write(&outcome, start.elapsed(), watch.metrics.as_ref().zip(record.as_deref()));
        if let Some((collector, context, request_id, end)) = traced {
            let traced = Traced {
                context,
                request_id,
                is_cold: record.as_ref().is_some_and(|record| record.is_cold),
                began: start,
                error_type: outcome.as_ref().err().map(Error::error_type),
                spans: record.as_ref().and_then(|record| record.spans.take()).unwrap_or_default(),
            };
            let left = end.duration_since(clock()).unwrap_or_default().min(shutdown.left());
            collector.send(&traced, random(), otlp::LIMIT.min(left / 2)).await;
        }
        outcome
    });
    within(record.clone(), answer.instrument(request)).await
}

async fn respond<C: Connector, H: Handler<C>>(
    handler: &H,
    function: &Result<Arc<Function<C>>, Error>,
    event: LambdaEvent<Box<RawValue>>,
    clock: Clock,
    shutdown: &'static Shutdown,
) -> Result<Response, Error> {
    tracing::trace!(bytes = event.payload.get().len(), "received an event");
    let deadline = Deadline::before(event.context.deadline(), clock()).within(shutdown);
    let outcome = match function {
        // The runtime has asked for this one before SIGTERM.
        _ if shutdown.has_started() => Err(Error::new(Kind::ConnectionLost, SHUTDOWN)
            .with_fate(Fate::NotRun)
            .advice("send the event again: nothing was run")),
        Ok(function) => {
            handler.handle(function, &event.payload, event.context.request_id, deadline).await
        }
        // A diagnosis is wanted most when the function cannot start.
        Err(error) if matches!(event::parse(&event.payload), Ok(Request::Diagnose)) => {
            Ok(Response::Diagnosis { diagnose: diagnose::of_failed_start::<C>(error) })
        }
        Err(error) => Err(error.clone()),
    };
    outcome.map_err(|error| match error.kind() {
        Kind::Timeout if deadline.is_moved() => error
            .with(loggable!("; {SHUTDOWN}"))
            .advice("send the event again: nothing was changed"),
        Kind::OutcomeUnknown if deadline.is_moved() => error.with(loggable!("; {SHUTDOWN}")),
        _ => error,
    })
}

/// How many events this process may receive at once: one, except on Lambda Managed Instances. The
/// runtime reads the same variable.
fn at_once(variable: fn(&str) -> Option<String>) -> NonZeroUsize {
    let given = variable("AWS_LAMBDA_MAX_CONCURRENCY").and_then(|text| text.parse().ok());
    given.unwrap_or(NonZeroUsize::MIN)
}

/// A random number from the system. If there is none, which does not happen on Lambda, waits have
/// their mean length.
fn random() -> u64 {
    let bytes = generate::<[u8; 8]>(&SystemRandom::new());
    bytes.map_or(u64::MAX / 2, |bytes| u64::from_ne_bytes(bytes.expose()))
}

/// Connects during initialization, which Lambda gives more CPU than most invocations.
async fn warm_up<C: Connector>(function: &Function<C>) {
    let told = |login: &Login| (login.endpoint().host().to_owned(), format!("{:?}", login.trust));
    let (pool, start) = (function.pool(), Instant::now());
    match pool.warm_up(function.warms(), Deadline::after(INIT)).await {
        Ok(login) => {
            let ((endpoint, trust), connect_ms) = (told(login), millis(start.elapsed()));
            tracing::info!(engine = C::ENGINE.title(), endpoint, trust, connect_ms, "connected");
        }
        Err(error) => {
            let (endpoint, trust) = told(pool.connector().login());
            tracing::warn!(
                engine = C::ENGINE.title(),
                endpoint,
                trust,
                error_type = error.error_type(),
                error = error.log(),
                "cannot connect during initialization; the first event will try again"
            );
        }
    }
}

impl From<Error> for Diagnostic {
    fn from(error: Error) -> Diagnostic {
        Diagnostic { error_type: error.error_type().into(), error_message: error.report() }
    }
}
