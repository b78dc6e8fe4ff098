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

use crate::deadline::{Deadline, ran_out};
use crate::engine::{Connection, Connector, millis};
use crate::error::{Error, Fate, Kind};
use crate::event::Call;
use crate::refusal::outcome_unknown;
use crate::response::{Response, StatementResult};
use crate::rows::{RESPONSE_LIMIT, Rows};
use crate::session::{Lease, Obtained};
use crate::statement::{Mode, Statement};

/// What is kept back of the time for a statement, to have the server end it and to hear how it did.
/// A fifth of the time, where that is less.
const ENDING: Duration = Duration::from_millis(700);
/// The server's own limit gets this long to end a statement, before another connection tells it to.
const PATIENCE: Duration = Duration::from_millis(100);
/// How long the end of a statement may take to come, where there is time.
const LONG_ENDING: Duration = Duration::from_secs(2);

/// What an invocation has to do.
pub(crate) struct Job<'a> {
    /// The statements, in order.
    pub(crate) work: &'a [(&'a Call, &'a Statement)],
    /// Whether all are to run, or none.
    pub(crate) transaction: bool,
    /// When the answer must be there.
    pub(crate) deadline: Deadline,
}

/// One job on one connection.
pub(crate) struct Attempt<'a, C: Connector> {
    job: &'a Job<'a>,
    connector: &'a C,
    connection: &'a mut C::Connection,
    obtained: Obtained,
    in_step: bool,
    /// Whether a statement was run: it may not be run again.
    has_run: bool,
}

impl<'a, C: Connector> Attempt<'a, C> {
    pub(crate) fn new(
        job: &'a Job<'a>,
        connector: &'a C,
        lease: &'a mut Lease<'_, C::Connection>,
    ) -> Self {
        let obtained = lease.obtained;
        let connection = &mut lease.connection;
        Attempt { job, connector, connection, obtained, in_step: true, has_run: false }
    }

    /// Whether the connection may be used again.
    pub(crate) fn is_in_step(&self) -> bool {
        self.in_step
    }

    /// Takes the lock of every exclusive statement, does the job, and gives the locks back. A
    /// connection that may still hold one is not used again: the lock ends with it.
    pub(crate) async fn under_locks(&mut self) -> Result<Response, Error> {
        // In order of their names, so that two transactions cannot each wait for the other's.
        let work = self.job.work.iter();
        let exclusive: BTreeSet<_> =
            work.filter(|(_, s)| s.exclusive).map(|(_, s)| s.name.as_str()).collect();
        let deadline = self.job.deadline;
        let mut held = Vec::new();
        let mut taken = None;
        for name in exclusive {
            let lock = self.connection.try_lock(name);
            let lock = deadline.bound(|| format!("taking the lock of {name}"), lock).await;
            // Whether the lock is held or not, it goes with the connection.
            match self.doubt(lock.map_err(|error| error.fated(Fate::NotRun)))? {
                true => held.push(name),
                false => {
                    taken = Some(name);
                    break;
                }
            }
        }
        let outcome = match taken {
            Some(name) => Ok(self.skipped(name)),
            None => self.perform().await,
        };
        for name in held {
            if self.in_step {
                let unlock = self.connection.unlock(name);
                let unlock =
                    deadline.bound(|| format!("giving back the lock of {name}"), unlock).await;
                self.in_step = unlock.is_ok();
            }
        }
        outcome
    }

    fn skipped(&self, name: &str) -> Response {
        Response::Skipped {
            statement: name.to_owned(),
            skipped: true,
            reason: format!("another run of {name} holds its lock"),
            connection: self.obtained,
        }
    }

    async fn perform(&mut self) -> Result<Response, Error> {
        if self.job.transaction {
            let transaction = self.in_transaction().await?;
            return Ok(Response::Transaction { transaction, connection: self.obtained });
        }
        let mut results = self.each().await?;
        // The work of a single statement has one element, so `results` has too.
        #[allow(clippy::expect_used)]
        let result = results.pop().expect("one statement has one result");
        Ok(Response::Statement { result, connection: self.obtained })
    }

    async fn in_transaction(&mut self) -> Result<Vec<StatementResult>, Error> {
        let writes = self.job.work.iter().any(|(_, statement)| statement.mode == Mode::Write);
        let mode = if writes { Mode::Write } else { Mode::Read };
        let deadline = self.job.deadline;
        let begin = self.connection.begin(mode);
        let begin = deadline.bound(|| "the start of the transaction".into(), begin).await;
        self.doubt(begin.map_err(|error| error.fated(Fate::NotRun)))?;
        match self.each().await {
            Ok(results) => {
                let commit = self.connection.commit();
                let commit = deadline.bound(|| "the commit".into(), commit).await;
                self.doubt(commit).map_err(|error| match error.fate() {
                    Fate::NotRun => error.with("; the transaction was rolled back"),
                    _ if writes => outcome_unknown("the transaction", error),
                    _ => error,
                })?;
                Ok(results)
            }
            Err(error) => {
                if self.in_step {
                    let rollback = self.connection.rollback();
                    let rollback = deadline.bound(|| "the rollback".into(), rollback).await;
                    if let Err(error) = self.doubt(rollback) {
                        // The server rolls back what a lost connection leaves.
                        tracing::warn!(error = error.report(), "the rollback failed");
                    }
                }
                Err(error)
            }
        }
    }

    /// Runs one statement after another. Together they may return what Lambda lets one response hold.
    async fn each(&mut self) -> Result<Vec<StatementResult>, Error> {
        let mut results = Vec::with_capacity(self.job.work.len());
        let mut room = RESPONSE_LIMIT;
        for (call, statement) in self.job.work {
            let start = Instant::now();
            let mut rows = Rows::new(statement.max_rows, room);
            let affected = self.one(call, statement, &mut rows).await?;
            room = room.saturating_sub(rows.bytes());
            let query_ms = millis(start.elapsed());
            results.push(StatementResult::new(&statement.name, rows, affected, query_ms));
        }
        Ok(results)
    }

    /// Runs a statement. An error says what became of it.
    async fn one(
        &mut self,
        call: &Call,
        statement: &Statement,
        rows: &mut Rows,
    ) -> Result<u64, Error> {
        let outcome = self.in_time(call, statement, rows).await;
        let first = !std::mem::replace(&mut self.has_run, true);
        self.doubt(outcome).map_err(|error| match error.fate() {
            // It may be run on another connection, but not what came before it.
            Fate::NotRun if !first => error.fated(Fate::Interrupted),
            Fate::NotRun => error,
            // Until it commits, a transaction that breaks is rolled back.
            _ if statement.mode == Mode::Read || self.job.transaction => error,
            Fate::Interrupted if statement.is_atomic() => error,
            // The server failed a procedure: how far it came is the procedure's own affair.
            Fate::Unknown if error.kind() == Kind::Query && !statement.is_atomic() => error,
            _ => outcome_unknown(&format!("statement {:?}", statement.name), error),
        })
    }

    /// Runs a statement no longer than it may. One that takes longer is ended on the server, whose
    /// answer tells what became of it.
    async fn in_time(
        &mut self,
        call: &Call,
        statement: &Statement,
        rows: &mut Rows,
    ) -> Result<u64, Error> {
        let deadline = self.job.deadline;
        let ending = ENDING.min(deadline.left() / 5);
        let limit = deadline.less(ending).at_most(statement.timeout);
        let session = self.connection.id();
        let bind = self.connection.bind(statement, &call.params, rows);
        let bound = limit.bound(|| format!("preparing statement {:?}", statement.name), bind).await;
        let bound = bound.map_err(|error| error.fated(Fate::NotRun))?;
        let mut run = pin!(self.connection.run(statement, bound, rows));
        let mut outcome = limit.wait(&mut run).await;
        if let Some(outcome) = outcome.take_if(|_| !limit.left().is_zero()) {
            return outcome;
        }
        self.in_step = false;
        if outcome.is_none() {
            let deadline = deadline.or(limit.more(LONG_ENDING));
            let cancel = async {
                // One that has a time-out of its own is ended by the server, where it can.
                sleep(if statement.timeout.is_some() { PATIENCE } else { Duration::ZERO }).await;
                if let Err(error) = self.connector.cancel(&session, deadline).await {
                    tracing::warn!(error = error.report(), "cannot cancel the statement");
                }
            };
            let ended = async {
                select! {
                    outcome = &mut run => return outcome,
                    () = cancel => {}
                }
                run.await
            };
            outcome = deadline.wait(ended).await;
        }
        late(statement, self.job.transaction, outcome)
    }

    /// Passes an outcome on. After one that leaves the connection in doubt it is not used again.
    fn doubt<T>(&mut self, outcome: Result<T, Error>) -> Result<T, Error> {
        if let Err(error) = &outcome {
            self.in_step &= error.leaves_connection_usable();
        }
        outcome
    }
}

/// What an outcome means that came when time was up, if it came at all. The server's own limit began
/// after the function's, so what the server ended is always among them.
fn late(
    statement: &Statement,
    transaction: bool,
    outcome: Option<Result<u64, Error>>,
) -> Result<u64, Error> {
    let what = format!("statement {:?}", statement.name);
    match outcome {
        // A read that was ended may look as if it had not been: MySQL's SLEEP returns. And what
        // ends a statement may come late, and hit the next one of its transaction.
        Some(Ok(_)) if transaction || statement.mode == Mode::Read => Err(ran_out(&what)),
        Some(Err(error)) if error.fate() == Fate::Interrupted => {
            Err(ran_out(&format!("{what}, and the server ended it")).fated(Fate::Interrupted))
        }
        Some(outcome) => outcome,
        None => Err(ran_out(&format!("{what}, and the server did not say how it ended"))),
    }
}
