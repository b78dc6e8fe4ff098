//! A handler of one's own: what answers the events of a function in place of its statements.

mod answer;
mod arguments;
mod context;
mod driver_client;
mod invocation;
mod kept;
mod params;
mod transaction;

pub use answer::Answer;
pub use context::Context;
pub use driver_client::Driver;
pub use transaction::Transaction;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::{RawValue, to_raw_value};
use std::marker::PhantomData;
use std::pin::pin;
use std::sync::Arc;

use crate::attempt::CANCEL_RESERVE;
use crate::deadline::Deadline;
use crate::driver::Connector;
use crate::error::{Error, Fate, Kind};
use crate::event::{self, Request};
use crate::handle::{Function, Handler};
use crate::loggable;
use crate::own::invocation::{Invocation, Left};
use crate::panics::caught;
use crate::response::{Answered, Response};
use crate::rows::RESPONSE_LIMIT;

/// An event of this many bytes is not one of the function's own.
const OWN_EVENT: usize = 64;

/// A handler of one's own.
pub(crate) struct Own<H, E, F> {
    handler: H,
    types: PhantomData<fn(E) -> F>,
}

impl<H, E, F> Own<H, E, F> {
    pub(crate) fn new(handler: H) -> Self {
        Own { handler, types: PhantomData }
    }
}

impl<C, H, E, F, R, X> Handler<C> for Own<H, E, F>
where
    C: Connector,
    H: Fn(E, Context<C>) -> F + Send + Sync + 'static,
    E: DeserializeOwned + 'static,
    F: Future<Output = Result<R, X>> + Send + 'static,
    R: Serialize,
    X: Into<Error>,
{
    const NEEDS_STATEMENTS: bool = false;

    async fn handle(
        &self,
        function: &Arc<Function<C>>,
        event: &RawValue,
        request_id: String,
        deadline: Deadline,
    ) -> Result<Response, Error> {
        if is_functions_own(event) {
            return function.handle(event, deadline).await;
        }
        let invocation = Arc::new(Invocation::new(function.clone(), deadline, request_id));
        let outcome = {
            let handled = async {
                let event = serde_json::from_str(event.get()).map_err(misfit)?;
                let answer = (self.handler)(event, Context::new(invocation.clone())).await;
                answer.map_err(Into::into).and_then(|answer| serialized(&answer))
            };
            in_time(caught(handled), &invocation).await
        };
        ended(&invocation, outcome).await
    }
}

/// Whether the function answers the event itself, whatever the handler is.
fn is_functions_own(event: &RawValue) -> bool {
    event.get().len() <= OWN_EVENT
        && matches!(event::parse(event), Ok(Request::Diagnose | Request::Describe))
}

/// The outcome of the handler, if it ends in time.
async fn in_time<C: Connector>(
    handled: impl Future<Output = Result<Box<RawValue>, Error>>,
    invocation: &Invocation<C>,
) -> Result<Box<RawValue>, Error> {
    let mut handled = pin!(handled);
    let deadline = invocation.deadline;
    let reserve = CANCEL_RESERVE.min(deadline.left() / 5);
    if let Some(outcome) = deadline.less(reserve).wait(&mut handled).await {
        return outcome;
    }
    // A call of the context has the server cancel its statement by itself.
    let canceled = async {
        let (outcome, ()) = tokio::join!(&mut handled, invocation.cancel());
        outcome
    };
    deadline.bound(|| "the handler".into(), canceled).await
}

/// Ends an invocation: takes back its connection, and says what became of its work.
async fn ended<C: Connector>(
    invocation: &Invocation<C>,
    outcome: Result<Box<RawValue>, Error>,
) -> Result<Response, Error> {
    let Left { transaction, forgotten, is_running, kept, tally } = invocation.end();
    let was_open = transaction.is_some();
    if let Some(mut transaction) = transaction {
        transaction.rollback().await;
        invocation.give_back(transaction).await;
    }
    let outcome = outcome.and_then(|answer| match () {
        () if is_running => Err(still_running()),
        () if forgotten => Err(not_committed()),
        () => Ok(answer),
    });
    match outcome {
        Ok(answer) => Ok(Response::Own(Answered { answer, tally })),
        Err(error) if was_open => {
            Err(kept.told(error.with("; the open transaction was rolled back")))
        }
        Err(error) => Err(kept.told(error)),
    }
}

fn serialized(answer: &impl Serialize) -> Result<Box<RawValue>, Error> {
    let json = to_raw_value(answer).map_err(|error| {
        Error::new(Kind::Internal, "the handler's answer cannot be written as JSON")
            .with_fate(Fate::NotRun)
            .says(error.to_string())
    })?;
    if json.get().len() <= RESPONSE_LIMIT {
        return Ok(json);
    }
    let message = loggable!(
        "the handler's answer exceeds {RESPONSE_LIMIT} bytes: Lambda returns at most 6 MB"
    );
    Err(Error::new(Kind::ResultTooLarge, message).with_fate(Fate::NotRun).advice("return less"))
}

/// An event that the handler's type does not take.
fn misfit(error: serde_json::Error) -> Error {
    Error::new(Kind::Event, "the event does not fit the handler's type")
        .says(error.to_string()) // which may quote a value
        .advice("compare its fields with those of the type")
}

fn still_running() -> Error {
    let message = "the handler returned while a task of it still used the database";
    Error::new(Kind::OutcomeUnknown, message)
        .advice("wait for every task of a handler before it returns, and check the data")
}

fn not_committed() -> Error {
    let message = "the handler returned a success, but a transaction of it was neither committed nor \
                   rolled back; it was rolled back";
    Error::new(Kind::Internal, message)
        .with_fate(Fate::NotRun)
        .advice("end each transaction with commit or rollback")
}
