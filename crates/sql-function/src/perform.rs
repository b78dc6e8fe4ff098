//! What an invocation does with its connection, and what is known when it goes wrong.
//!
//! Three rules hold here. Nothing is sent twice. Whatever leaves a doubt about the connection costs
//! it. And an error says what became of the work:
//!
//! | what was under way | it broke, or time ran out | the server refused or ended it |
//! |---|---|---|
//! | a read | nothing was changed | nothing was changed |
//! | a write by itself, not yet sent | nothing was changed | nothing was changed |
//! | a write by itself, sent | `OutcomeUnknown` | nothing was changed |
//! | a transaction, before its COMMIT | the server rolls it back | it was rolled back |
//! | a COMMIT of writes | `OutcomeUnknown` | it was rolled back |

use std::collections::BTreeSet;
use std::pin::pin;
use std::time::Duration;
use tokio::select;
use tokio::time::{Instant, sleep};

use crate::deadline::{Deadline, millis, ran_out};
use crate::driver::{Connection, Connector, ExecResult};
use crate::error::{Error, Fate, Kind, is_reusable};
use crate::event::Call;
use crate::named;
use crate::pool::{Lease, Obtained};
use crate::refusal::{connection_lost, outcome_unknown};
use crate::response::{Response, StatementResult};
use crate::rows::{RESPONSE_LIMIT, Rows};
use crate::statement::{Mode, Statement};

/// What is kept back of the time for a statement, to have the server end it and to hear how it did.
/// A fifth of the time, where that is less.
const ENDING: Duration = Duration::from_millis(700);
/// How long the server's own limit may take to end a statement before a cancel request is sent.
const CANCEL_DELAY: Duration = Duration::from_millis(100);
/// How long the end of a statement may take to come, where there is time.
const LONG_ENDING: Duration = Duration::from_secs(2);

/// A statement that an event calls.
pub(crate) type Step<'a> = (&'a Call, &'a Statement);

/// What an invocation has to do.
pub(crate) enum Work<'a> {
    /// One statement, by itself.
    Statement(Step<'a>),
    /// Several in order, all or nothing.
    Transaction(Vec<Step<'a>>),
}

impl<'a> Work<'a> {
    fn steps(&self) -> &[Step<'a>] {
        match self {
            Work::Statement(step) => std::slice::from_ref(step),
            Work::Transaction(steps) => steps,
        }
    }

    /// The statements, in order.
    pub(crate) fn statements(&self) -> Vec<&'a Statement> {
        self.steps().iter().map(|(_, statement)| *statement).collect()
    }

    fn is_transaction(&self) -> bool {
        matches!(self, Work::Transaction(_))
    }
}

/// Does `work`. Gives the connection back when all of it is finished, the connection is in step with
/// the server, and its session is that of a new login.
pub(crate) async fn perform<'a, C: Connector>(
    work: &Work<'_>,
    deadline: Deadline,
    connector: &C,
    lease: Lease<'a, C::Connection>,
) -> (Result<Response, Error>, Option<Lease<'a, C::Connection>>) {
    let obtained = lease.obtained;
    let lease = Some(lease);
    let mut attempt = Attempt { work, deadline, connector, lease, obtained, has_run: false };
    let outcome = attempt.run_exclusively().await;
    attempt.restore().await;
    (outcome, attempt.lease)
}

/// Work on its way.
struct Attempt<'a, 'w, C: Connector> {
    work: &'w Work<'w>,
    deadline: Deadline,
    connector: &'w C,
    /// The connection. A step takes it out, and puts it back when it leaves no doubt about it.
    lease: Option<Lease<'a, C::Connection>>,
    obtained: Obtained,
    /// Whether a statement was run: it may not be run again.
    has_run: bool,
}

impl<'a, C: Connector> Attempt<'a, '_, C> {
    /// Takes the connection out, for one step.
    fn take(&mut self) -> Result<Lease<'a, C::Connection>, Error> {
        let gone =
            || connection_lost("an earlier step", "it is not used again").fated(Fate::NotRun);
        self.lease.take().ok_or_else(gone)
    }

    /// Ends a step, and passes its outcome on. A connection that it leaves in doubt ends here.
    fn settle<T>(
        &mut self,
        lease: Lease<'a, C::Connection>,
        outcome: Result<T, Error>,
    ) -> Result<T, Error> {
        if is_reusable(&outcome) {
            self.lease = Some(lease);
        }
        outcome
    }

    /// Takes the lock of every exclusive statement, and does the work.
    async fn run_exclusively(&mut self) -> Result<Response, Error> {
        // In order of their names, so that two transactions cannot each wait for the other's.
        let steps = self.work.steps().iter();
        let exclusive: BTreeSet<_> =
            steps.filter(|(_, s)| s.exclusive).map(|(_, s)| s.name.as_str()).collect();
        for name in exclusive {
            let mut lease = self.take()?;
            let lock = lease.connection.try_lock(name);
            let lock = self.deadline.bound(|| named!("taking the lock of {name}"), lock).await;
            let lock = lock.map_err(|error| error.fated(Fate::NotRun));
            if !self.settle(lease, lock)? {
                return Ok(Response::Skipped {
                    statement: name.to_owned(),
                    skipped: true,
                    reason: format!("another run of {name} holds its lock"),
                    connection: self.obtained,
                });
            }
        }
        match self.work {
            Work::Statement(step) => {
                let (result, _) = self.run_statement(step, RESPONSE_LIMIT).await?;
                Ok(Response::Statement { result, connection: self.obtained })
            }
            Work::Transaction(steps) => {
                let transaction = self.in_transaction(steps).await?;
                Ok(Response::Transaction { transaction, connection: self.obtained })
            }
        }
    }

    /// Gives the session the state that a new login has: the locks end here as well.
    async fn restore(&mut self) {
        let Some(mut lease) = self.lease.take() else { return };
        let restore = lease.connection.restore();
        match self.deadline.bound(|| "restoring the session".into(), restore).await {
            Ok(()) => self.lease = Some(lease),
            Err(error) => tracing::debug!(error = error.log(), "the connection is not kept"),
        }
    }

    async fn in_transaction(&mut self, steps: &[Step<'_>]) -> Result<Vec<StatementResult>, Error> {
        let writes = steps.iter().any(|(_, statement)| statement.mode == Mode::Write);
        let mode = if writes { Mode::Write } else { Mode::Read };
        let mut lease = self.take()?;
        let begin = lease.connection.begin(mode);
        let begin = self.deadline.bound(|| "the start of the transaction".into(), begin).await;
        self.settle(lease, begin.map_err(|error| error.fated(Fate::NotRun)))?;
        match self.run_all(steps).await {
            Ok(results) => {
                let mut lease = self.take()?;
                let commit = lease.connection.commit();
                let commit = self.deadline.bound(|| "the commit".into(), commit).await;
                self.settle(lease, commit).map_err(|error| match error.fate() {
                    Fate::NotRun => error.with("; the transaction was rolled back"),
                    _ if writes => outcome_unknown("the transaction", error),
                    _ => error,
                })?;
                Ok(results)
            }
            Err(error) => {
                if let Some(mut lease) = self.lease.take() {
                    let rollback = lease.connection.rollback();
                    let rollback = self.deadline.bound(|| "the rollback".into(), rollback).await;
                    if let Err(error) = self.settle(lease, rollback) {
                        // The server rolls back what a lost connection leaves.
                        tracing::warn!(error = error.log(), "the rollback failed");
                    }
                }
                Err(error)
            }
        }
    }

    /// Runs one statement after another. Together they may return what Lambda lets one response hold.
    async fn run_all(&mut self, steps: &[Step<'_>]) -> Result<Vec<StatementResult>, Error> {
        let mut results = Vec::with_capacity(steps.len());
        let mut room = RESPONSE_LIMIT;
        for (index, step) in steps.iter().enumerate() {
            let done = self.run_statement(step, room).await;
            let (result, size) = done.map_err(|error| error.of_item(index, steps.len()))?;
            // A comma follows it. That it fits has been looked at.
            room = room.saturating_sub(size + 1);
            results.push(result);
        }
        Ok(results)
    }

    /// Runs a statement that may return `room` bytes. Gives its result, and how many bytes that takes.
    /// An error says what became of it.
    async fn run_statement(
        &mut self,
        (call, statement): &Step<'_>,
        room: usize,
    ) -> Result<(StatementResult, usize), Error> {
        let start = Instant::now();
        let mut rows = Rows::new(statement.max_rows, room);
        let outcome = self.run_with_timeout(call, statement, &mut rows).await;
        let first = !std::mem::replace(&mut self.has_run, true);
        let done = outcome.map_err(|error| match error.fate() {
            // It may be run on another connection, but not what came before it.
            Fate::NotRun if !first => error.fated(Fate::Interrupted),
            Fate::NotRun => error,
            // Until it commits, a transaction that breaks is rolled back.
            _ if statement.mode == Mode::Read || self.work.is_transaction() => error,
            Fate::CarriedOut => carried_out(error),
            Fate::Interrupted if statement.is_atomic() => error,
            // The server failed a procedure: how far it came is the procedure's own affair.
            Fate::Unknown if error.kind() == Kind::Query && !statement.is_atomic() => error,
            _ => outcome_unknown(named!("statement {:?}", statement.name), error),
        })?;
        let result = StatementResult::new(&statement.name, rows, done, millis(start.elapsed()));
        let size = result.size();
        if size <= room {
            return Ok((result, size));
        }
        let too_large = response_too_large(statement);
        let is_write = statement.mode == Mode::Write && !self.work.is_transaction();
        Err(if is_write { carried_out(too_large) } else { too_large })
    }

    /// Runs a statement no longer than it may. One that takes longer is ended on the server, whose
    /// answer tells what became of it.
    async fn run_with_timeout(
        &mut self,
        call: &Call,
        statement: &Statement,
        rows: &mut Rows,
    ) -> Result<ExecResult, Error> {
        let deadline = self.deadline;
        let ending = ENDING.min(deadline.left() / 5);
        let limit = deadline.less(ending).at_most(statement.timeout);
        let mut lease = self.take()?;
        let handle = lease.connection.cancel_handle();
        let bind = lease.connection.bind(statement, &call.params, rows);
        let bound = limit.bound(|| named!("preparing statement {:?}", statement.name), bind).await;
        let bound = match bound {
            Ok(bound) => bound,
            Err(error) => return self.settle(lease, Err(error.fated(Fate::NotRun))),
        };
        let late = {
            let mut run = pin!(lease.connection.run(statement, bound, rows));
            match limit.wait(&mut run).await {
                Some(outcome) if !limit.left().is_zero() => Err(outcome),
                Some(outcome) => Ok(Some(outcome)),
                None => {
                    let deadline = deadline.or(limit.more(LONG_ENDING));
                    let cancel = async {
                        // One that has a time-out of its own is ended by the server, where it can.
                        let is_ended = statement.timeout.is_some() && !deadline.is_moved();
                        let delay = if is_ended { CANCEL_DELAY } else { Duration::ZERO };
                        sleep(delay).await;
                        if let Err(error) = self.connector.cancel(&handle, deadline).await {
                            tracing::warn!(error = error.log(), "cannot cancel the statement");
                        }
                    };
                    let ended = async {
                        select! {
                            outcome = &mut run => return outcome,
                            () = cancel => {}
                        }
                        run.await
                    };
                    Ok(deadline.wait(ended).await)
                }
            }
        };
        match late {
            Err(in_time) => self.settle(lease, in_time),
            // What ends a statement may come late, and hit the next one: the connection ends here.
            Ok(outcome) => late_outcome(statement, self.work.is_transaction(), outcome),
        }
    }
}

/// A response would be larger than Lambda returns, with the result of `statement`.
fn response_too_large(statement: &Statement) -> Error {
    let message = named!(
        "with the result of statement {:?} the response passes {RESPONSE_LIMIT} bytes: Lambda \
         returns 6 MB at most",
        statement.name
    );
    Error::new(Kind::ResultTooLarge, message)
        .advice("fetch less at a time, or send fewer statements in one event")
}

/// A write by itself was carried out, and `error` refuses its result.
fn carried_out(error: Error) -> Error {
    error.with("; the statement was carried out").advice(
        "do not send the event again: what it did lasts. Have it return less (fewer columns or rows), \
         or raise max_rows at the top of the statement",
    )
}

/// What an outcome means that came when time was up, if it came at all. The server's own limit began
/// after the function's, so what the server ended is always among them.
fn late_outcome(
    statement: &Statement,
    transaction: bool,
    outcome: Option<Result<ExecResult, Error>>,
) -> Result<ExecResult, Error> {
    let what = named!("statement {:?}", statement.name);
    match outcome {
        // A read that was ended may look as if it had not been: MySQL's SLEEP returns. And what
        // ends a statement may come late, and hit the next one of its transaction.
        Some(Ok(_)) if transaction || statement.mode == Mode::Read => Err(ran_out(what)),
        Some(Err(error)) if error.fate() == Fate::Interrupted => {
            Err(ran_out(named!("{what}, and the server ended it")).fated(Fate::Interrupted))
        }
        Some(outcome) => outcome,
        None => Err(ran_out(named!("{what}, and the server did not say how it ended"))),
    }
}
