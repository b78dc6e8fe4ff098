//! What an invocation does with its connection.
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

use std::collections::BTreeSet;
use std::pin::pin;
use std::time::Duration;
use tokio::select;
use tokio::time::{Instant, sleep};

use crate::deadline::{Deadline, millis, timed_out};
use crate::driver::{Connection, Connector, ExecResult};
use crate::error::{Error, Fate, Kind, is_reusable};
use crate::loggable;
use crate::param::Param;
use crate::pool::{Lease, Obtained};
use crate::refusal::{connection_lost, outcome_unknown};
use crate::response::{Response, StatementResult};
use crate::rows::{RESPONSE_LIMIT, Rows};
use crate::statement::{Mode, Statement};

/// The part of a statement's time that is reserved for canceling it and reading the outcome; a
/// fifth of the time if that is less.
const CANCEL_RESERVE: Duration = Duration::from_millis(700);
/// How long the server's own limit may take to end a statement before a cancel request is sent.
const CANCEL_DELAY: Duration = Duration::from_millis(100);
/// How long a canceled statement may take to end, if there is time.
const CANCEL_LIMIT: Duration = Duration::from_secs(2);

/// A statement and its parameters.
pub(crate) type Step<'a> = (Vec<Param>, &'a Statement);

/// What an invocation has to do.
pub(crate) enum Work<'a> {
    /// A single statement.
    Statement(Step<'a>),
    /// Several statements in order, all or nothing.
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

/// Does `work`. Returns the connection only if all of it is finished, the connection is in sync
/// with the server, and its session is restored.
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

/// Work in progress.
struct Attempt<'a, 'w, C: Connector> {
    work: &'w Work<'w>,
    deadline: Deadline,
    connector: &'w C,
    /// The connection. A step takes it out and puts it back only if it is reusable.
    lease: Option<Lease<'a, C::Connection>>,
    obtained: Obtained,
    /// Whether a statement was run, and must not be run again.
    has_run: bool,
}

impl<'a, C: Connector> Attempt<'a, '_, C> {
    /// Takes the connection out for one step.
    fn take(&mut self) -> Result<Lease<'a, C::Connection>, Error> {
        let gone =
            || connection_lost("an earlier step", "it is not used again").with_fate(Fate::NotRun);
        self.lease.take().ok_or_else(gone)
    }

    /// Ends a step and passes on its outcome. Drops the connection unless it is reusable.
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

    /// Acquires the lock of every exclusive statement, and does the work.
    async fn run_exclusively(&mut self) -> Result<Response, Error> {
        // In the order of their names, so that two transactions cannot block each other.
        let steps = self.work.steps().iter();
        let exclusive: BTreeSet<_> =
            steps.filter(|(_, s)| s.exclusive).map(|(_, s)| s.name.as_str()).collect();
        for name in exclusive {
            let mut lease = self.take()?;
            let lock = lease.connection.try_lock(name);
            let lock =
                self.deadline.bound(|| loggable!("acquiring the lock of {name}"), lock).await;
            let lock = lock.map_err(|error| error.with_fate(Fate::NotRun));
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

    /// Restores the state of a new session, which also releases the locks.
    async fn restore(&mut self) {
        let Some(mut lease) = self.lease.take() else { return };
        let restore = lease.connection.restore();
        match self.deadline.bound(|| "restoring the session".into(), restore).await {
            Ok(()) => self.lease = Some(lease),
            Err(error) => tracing::debug!(error = error.log(), "the connection is not reused"),
        }
    }

    async fn in_transaction(&mut self, steps: &[Step<'_>]) -> Result<Vec<StatementResult>, Error> {
        let writes = steps.iter().any(|(_, statement)| statement.mode == Mode::Write);
        let mode = if writes { Mode::Write } else { Mode::Read };
        let mut lease = self.take()?;
        let begin = lease.connection.begin(mode);
        let begin = self.deadline.bound(|| "the start of the transaction".into(), begin).await;
        self.settle(lease, begin.map_err(|error| error.with_fate(Fate::NotRun)))?;
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

    /// Runs one statement after another. The limit on a response applies to all of them together.
    async fn run_all(&mut self, steps: &[Step<'_>]) -> Result<Vec<StatementResult>, Error> {
        let mut results = Vec::with_capacity(steps.len());
        let mut room = RESPONSE_LIMIT;
        for (index, step) in steps.iter().enumerate() {
            let done = self.run_statement(step, room).await;
            let (result, size) = done.map_err(|error| error.of_item(index, steps.len()))?;
            // With the comma after it. `run_statement` has checked that it fits.
            room = room.saturating_sub(size + 1);
            results.push(result);
        }
        Ok(results)
    }

    /// Runs a statement whose result may take `room` bytes of JSON. Returns the result and its
    /// size.
    async fn run_statement(
        &mut self,
        (params, statement): &Step<'_>,
        room: usize,
    ) -> Result<(StatementResult, usize), Error> {
        let start = Instant::now();
        let mut rows = Rows::new(statement.max_rows, room);
        let outcome = self.run_with_timeout(params, statement, &mut rows).await;
        let first = !std::mem::replace(&mut self.has_run, true);
        let done = outcome.map_err(|error| match error.fate() {
            // It could be retried on another connection, but not the statements before it.
            Fate::NotRun if !first => error.with_fate(Fate::Interrupted),
            Fate::NotRun => error,
            // A transaction that breaks before its COMMIT is rolled back.
            _ if statement.mode == Mode::Read || self.work.is_transaction() => error,
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
        let is_write = statement.mode == Mode::Write && !self.work.is_transaction();
        Err(if is_write { executed(too_large) } else { too_large })
    }

    /// Runs a statement within its time limit. If it takes longer, it is canceled on the server,
    /// whose answer tells the outcome.
    async fn run_with_timeout(
        &mut self,
        params: &[Param],
        statement: &Statement,
        rows: &mut Rows,
    ) -> Result<ExecResult, Error> {
        let deadline = self.deadline;
        let reserve = CANCEL_RESERVE.min(deadline.left() / 5);
        let limit = deadline.less(reserve).at_most(statement.timeout);
        let mut lease = self.take()?;
        let handle = lease.connection.cancel_handle();
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
            // A late cancel request could hit the next statement, so the connection is dropped.
            Ok(outcome) => late_outcome(statement, self.work.is_transaction(), outcome),
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
    error.with("; the statement was executed").advice(
        "do not send the event again: the changes are permanent. Return fewer rows or columns, or raise \
         max_rows at the top of the statement",
    )
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
