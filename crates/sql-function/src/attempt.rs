//! The steps that an invocation takes with a connection, and what became of them.
//!
//! Three rules hold here. Nothing is sent twice. A connection that may be out of sync with the
//! server is dropped. And an error says what happened to the work:
//!
//! | in progress | the connection broke, or a timeout | the server refused or canceled it |
//! |---|---|---|
//! | a read | nothing was changed | nothing was changed |
//! | a single write, not yet sent | nothing was changed | nothing was changed |
//! | a single write, sent | `OutcomeUnknown` | nothing was changed |
//! | a transaction, before its COMMIT | the server rolls it back | it was rolled back |
//! | a COMMIT of writes | `OutcomeUnknown` | it was rolled back |

use std::pin::pin;
use std::time::Duration;
use tokio::select;
use tokio::time::{Instant, sleep};

use crate::deadline::{Deadline, millis, timed_out};
use crate::driver::{Connection, Connector, ExecResult};
use crate::error::{Error, Fate, Kind, is_reusable};
use crate::loggable;
use crate::param::Param;
use crate::pool::Lease;
use crate::refusal::{connection_lost, outcome_unknown, read_only_transaction};
use crate::response::StatementResult;
use crate::role::Obtained;
use crate::rows::{RESPONSE_LIMIT, Rows};
use crate::statement::{Mode, Statement};
use crate::trace;

/// The part of a statement's time that is reserved for canceling it and reading the outcome; a
/// fifth of the time if that is less.
pub(crate) const CANCEL_RESERVE: Duration = Duration::from_millis(700);
/// How long the server's own limit may take to end a statement before a cancel request is sent.
const CANCEL_DELAY: Duration = Duration::from_millis(100);
/// How long a canceled statement may take to end, if there is time.
const CANCEL_LIMIT: Duration = Duration::from_secs(2);

/// A connection at work.
pub(crate) struct Attempt<C: Connector> {
    deadline: Deadline,
    /// The connection. A step takes it out and puts it back only if it is reusable.
    lease: Option<Lease<C>>,
    /// How the invocation got it.
    pub(crate) obtained: Obtained,
    /// The mode of the transaction that was begun and not ended.
    transaction: Option<Mode>,
    /// Whether a statement was run, and must not be run again.
    has_run: bool,
}

impl<C: Connector> Attempt<C> {
    /// Work that begins with a restored session.
    pub(crate) fn new(lease: Lease<C>, deadline: Deadline) -> Attempt<C> {
        let obtained = lease.obtained;
        Attempt { deadline, lease: Some(lease), obtained, transaction: None, has_run: false }
    }

    /// Takes the connection out for one step.
    fn take(&mut self) -> Result<Lease<C>, Error> {
        let gone =
            || connection_lost("an earlier step", "it is not used again").with_fate(Fate::NotRun);
        self.lease.take().ok_or_else(gone)
    }

    /// Ends a step and passes on its outcome. Drops the connection unless it is reusable.
    fn settle<T>(&mut self, mut lease: Lease<C>, outcome: Result<T, Error>) -> Result<T, Error> {
        if is_reusable(&outcome) {
            if outcome.as_ref().is_err_and(|error| error.kind() == Kind::ServerReadOnly) {
                lease.read_only = lease.read_only.or(Some("it refused a write"));
            }
            self.lease = Some(lease);
        }
        outcome
    }

    /// Whether locks belong to a transaction on this connection.
    pub(crate) fn locks_in_transaction(&self) -> bool {
        self.lease.as_ref().is_some_and(|lease| lease.connection.locks_in_transaction())
    }

    /// Acquires the server lock called `name`, unless another connection holds it.
    pub(crate) async fn try_lock(&mut self, name: &str) -> Result<bool, Error> {
        let mut lease = self.take()?;
        let lock = lease.connection.try_lock(name);
        let lock = self.deadline.bound(|| loggable!("acquiring the lock of {name}"), lock).await;
        self.settle(lease, lock.map_err(|error| error.with_fate(Fate::NotRun)))
    }

    /// Restores the state of a new session, which also releases the locks. Returns the connection
    /// if it may be used again.
    pub(crate) async fn restored(mut self) -> Option<Lease<C>> {
        let mut lease = self.lease.take()?;
        let restore = lease.connection.restore();
        match self.deadline.bound(|| "restoring the session".into(), restore).await {
            Ok(()) => Some(lease),
            Err(error) => {
                tracing::debug!(error = error.log(), "the connection is not reused");
                None
            }
        }
    }

    /// Begins a transaction. Its statements that fail must be followed by a
    /// [`rollback`](Attempt::rollback).
    pub(crate) async fn begin(&mut self, mode: Mode) -> Result<(), Error> {
        let mut lease = self.take()?;
        let begin = lease.connection.begin(mode);
        let begin = self.deadline.bound(|| "the start of the transaction".into(), begin).await;
        self.settle(lease, begin.map_err(|error| error.with_fate(Fate::NotRun)))?;
        self.transaction = Some(mode);
        Ok(())
    }

    /// Commits the transaction.
    pub(crate) async fn commit(&mut self) -> Result<(), Error> {
        let writes = self.transaction.take() == Some(Mode::Write);
        let mut lease = self.take()?;
        let commit = lease.connection.commit();
        let commit = self.deadline.bound(|| "the commit".into(), commit).await;
        self.settle(lease, commit).map_err(|error| match error.fate() {
            Fate::NotRun => error.with("; the transaction was rolled back"),
            _ if writes => outcome_unknown("the transaction", error),
            _ => error,
        })
    }

    /// Rolls the transaction back. The server does if the connection is lost. Returns whether all of
    /// it is undone, if the server told.
    pub(crate) async fn rollback(&mut self) -> Option<bool> {
        self.transaction.take()?;
        let mut lease = self.lease.take()?;
        let rollback = lease.connection.rollback();
        let rollback = self.deadline.bound(|| "the rollback".into(), rollback).await;
        let undone = self.settle(lease, rollback);
        undone.inspect_err(|error| tracing::warn!(error = error.log(), "the rollback failed")).ok()
    }

    /// Runs a statement whose result may take `room` bytes of JSON. Returns the result and its
    /// size.
    pub(crate) async fn run(
        &mut self,
        statement: &Statement,
        params: &[Param],
        room: usize,
    ) -> Result<(StatementResult, usize), Error> {
        let start = Instant::now();
        let mut rows = Rows::new(statement.max_rows, room);
        let connector = self.lease.as_ref().map(|lease| lease.connector.clone());
        let outcome = {
            let run = pin!(self.run_with_timeout(statement, params, &mut rows));
            let login = connector.as_deref().map(Connector::login);
            trace::statement::<C, _>(statement, login, run).await
        };
        let first = !std::mem::replace(&mut self.has_run, true);
        let outcome = outcome.map_err(|error| match self.transaction {
            // No server takes it: a handler began the transaction to read.
            Some(Mode::Read) if error.kind() == Kind::ServerReadOnly => {
                read_only_transaction(statement, "its server is read-only, too")
            }
            _ => error,
        });
        let done = outcome.map_err(|error| match error.fate() {
            // It could be retried on another connection, but not the statements before it.
            Fate::NotRun if !first => error.with_fate(Fate::Interrupted),
            Fate::NotRun => error,
            // A transaction that breaks before its COMMIT is rolled back.
            _ if statement.mode == Mode::Read || self.transaction.is_some() => error,
            Fate::CarriedOut => executed(error),
            Fate::Interrupted if statement.is_atomic() => error,
            // A procedure failed on the server. How far it got depends on the procedure.
            Fate::Unknown if error.kind() == Kind::Query && !statement.is_atomic() => error,
            _ => outcome_unknown(loggable!("statement {:?}", statement.name), error),
        })?;
        let result = StatementResult::new(&statement.name, rows, done, millis(start.elapsed()));
        let size = result.size();
        if size <= room {
            return Ok((result, size));
        }
        let too_large = response_too_large(statement);
        let is_write = statement.mode == Mode::Write && self.transaction.is_none();
        Err(if is_write { executed(too_large) } else { too_large })
    }

    /// Runs a statement within its time limit. If it takes longer, it is canceled on the server,
    /// whose answer tells the outcome.
    async fn run_with_timeout(
        &mut self,
        statement: &Statement,
        params: &[Param],
        rows: &mut Rows,
    ) -> Result<ExecResult, Error> {
        let deadline = self.deadline;
        let reserve = CANCEL_RESERVE.min(deadline.left() / 5);
        let limit = deadline.less(reserve).at_most(statement.timeout);
        let mut lease = self.take()?;
        let (handle, connector) = (lease.connection.cancel_handle(), lease.connector.clone());
        let bind = lease.connection.bind(statement, params, rows);
        let bound =
            limit.bound(|| loggable!("preparing statement {:?}", statement.name), bind).await;
        let bound = match bound {
            Ok(bound) => bound,
            Err(error) => return self.settle(lease, Err(error.with_fate(Fate::NotRun))),
        };
        let late = {
            let mut run = pin!(lease.connection.run(statement, bound, rows));
            match limit.wait(&mut run).await {
                Some(outcome) if !limit.left().is_zero() => Err(outcome),
                Some(outcome) => Ok(Some(outcome)),
                None => {
                    let deadline = deadline.or(limit.more(CANCEL_LIMIT));
                    let cancel = async {
                        // The server itself cancels a statement that has a timeout, if it can.
                        let server_cancels = statement.timeout.is_some() && !deadline.is_moved();
                        let delay = if server_cancels { CANCEL_DELAY } else { Duration::ZERO };
                        sleep(delay).await;
                        if let Err(error) = Box::pin(connector.cancel(&handle, deadline)).await {
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
            // A late cancel request could hit the next statement, so the connection is dropped.
            Ok(outcome) => late_outcome(statement, self.transaction.is_some(), outcome),
        }
    }
}

/// The result of `statement` makes the response larger than Lambda allows.
fn response_too_large(statement: &Statement) -> Error {
    let message = loggable!(
        "the response exceeds {RESPONSE_LIMIT} bytes with the result of statement {:?}: Lambda \
         returns at most 6 MB",
        statement.name
    );
    Error::new(Kind::ResultTooLarge, message)
        .advice("return fewer rows or columns, or send fewer statements in one event")
}

/// A single write was executed, but `error` prevents returning its result.
fn executed(error: Error) -> Error {
    let advice = match error.kind() {
        Kind::ResultTooLarge => {
            "do not send the event again: the changes are permanent. Return fewer rows or columns, or \
             raise max_rows at the top of the statement"
        }
        _ => "do not send the event again: the changes are permanent",
    };
    error.with("; the statement was executed").advice(advice)
}

/// The meaning of an outcome after the time limit, if there was one. The server's own timer starts
/// after the function's, so every statement that the server canceled gets here.
fn late_outcome(
    statement: &Statement,
    transaction: bool,
    outcome: Option<Result<ExecResult, Error>>,
) -> Result<ExecResult, Error> {
    let what = loggable!("statement {:?}", statement.name);
    match outcome {
        // A canceled read may look successful: MySQL's SLEEP returns. And a late cancel request
        // could hit the next statement of the transaction.
        Some(Ok(_)) if transaction || statement.mode == Mode::Read => Err(timed_out(what)),
        Some(Err(error)) if error.fate() == Fate::Interrupted => {
            Err(timed_out(loggable!("{what}, and the server canceled it"))
                .with_fate(Fate::Interrupted))
        }
        Some(outcome) => outcome,
        None => Err(timed_out(loggable!("{what}, and the server did not report its outcome"))),
    }
}
