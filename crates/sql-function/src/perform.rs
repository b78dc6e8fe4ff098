//! What an invocation does with its connection: the work of an event, on one [`Attempt`].

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::attempt::Attempt;
use crate::deadline::Deadline;
use crate::driver::Connector;
use crate::error::{Error, Kind};
use crate::param::Param;
use crate::place::Need;
use crate::pool::Lease;
use crate::response::Response;
use crate::rows::RESPONSE_LIMIT;
use crate::statement::{Mode, Statement};

/// A statement and its parameters.
pub(crate) type Step<'a> = (Cow<'a, [Param]>, &'a Statement);

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

    /// What it needs from its server. A lock must be where other runs take theirs.
    pub(crate) fn need(&self) -> Need {
        let steps = || self.steps().iter().map(|(_, statement)| statement);
        let need = match self {
            _ if steps().all(|statement| statement.mode == Mode::Read) => Need::Read,
            Work::Statement((_, statement)) if statement.may_only_read() => Need::Perhaps,
            _ => Need::Write,
        };
        if steps().any(|statement| statement.exclusive) { need.max(Need::Lock) } else { need }
    }
}

/// Does `work`. Returns the connection only if all of it is finished, the connection is in sync
/// with the server, and its session is restored.
pub(crate) async fn perform<C: Connector>(
    work: &Work<'_>,
    deadline: Deadline,
    lease: Lease<C>,
) -> (Result<Response, Error>, Option<Lease<C>>) {
    let mut attempt = Attempt::new(lease, deadline);
    let outcome = exclusively(work, &mut attempt).await;
    (outcome, attempt.restored().await)
}

/// Acquires the lock of every exclusive statement, and does the work.
async fn exclusively<C: Connector>(
    work: &Work<'_>,
    attempt: &mut Attempt<C>,
) -> Result<Response, Error> {
    // In the order of their names, so that two transactions cannot block each other.
    let steps = work.steps().iter();
    let exclusive: BTreeSet<_> =
        steps.filter(|(_, s)| s.exclusive).map(|(_, s)| s.name.as_str()).collect();
    let inside = !exclusive.is_empty()
        && attempt.locks_in_transaction()
        && match work {
            Work::Statement((_, statement)) => statement.is_transactional(),
            Work::Transaction(_) => true,
        };
    if !inside {
        if let Some(name) = locked(&exclusive, attempt).await? {
            return Ok(skipped(name, attempt));
        }
        return match work {
            Work::Statement(step) => alone(step, attempt).await,
            Work::Transaction(steps) => {
                begin(steps, attempt).await?;
                let outcome = run_all(steps, attempt).await;
                finish(outcome, attempt).await
            }
        };
    }
    begin(work.steps(), attempt).await?;
    match locked(&exclusive, attempt).await {
        Ok(None) => {}
        Ok(Some(name)) => {
            attempt.rollback().await;
            return Ok(skipped(name, attempt));
        }
        Err(error) => {
            attempt.rollback().await;
            return Err(error);
        }
    }
    let outcome = match work {
        Work::Statement(step) => match alone(step, attempt).await {
            Err(error) if step.1.mode == Mode::Write && step.1.is_atomic() => {
                let undone = attempt.rollback().await;
                Err(rolled_back(error, undone))
            }
            outcome => outcome,
        },
        Work::Transaction(steps) => run_all(steps, attempt).await,
    };
    finish(outcome, attempt).await
}

/// Acquires locks. Returns the name of the first one that another run holds.
async fn locked<'a, C: Connector>(
    names: &BTreeSet<&'a str>,
    attempt: &mut Attempt<C>,
) -> Result<Option<&'a str>, Error> {
    for name in names {
        if !attempt.try_lock(name).await? {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

fn skipped<C: Connector>(name: &str, attempt: &Attempt<C>) -> Response {
    Response::Skipped {
        statement: name.to_owned(),
        skipped: true,
        reason: format!("another run of {name} holds its lock"),
        connection: attempt.obtained,
    }
}

/// Begins a transaction of these statements.
async fn begin<C: Connector>(steps: &[Step<'_>], attempt: &mut Attempt<C>) -> Result<(), Error> {
    let writes = steps.iter().any(|(_, statement)| statement.mode == Mode::Write);
    attempt.begin(if writes { Mode::Write } else { Mode::Read }).await
}

/// Commits the transaction, or rolls it back if its work has failed.
async fn finish<C: Connector>(
    outcome: Result<Response, Error>,
    attempt: &mut Attempt<C>,
) -> Result<Response, Error> {
    match outcome {
        Ok(response) => attempt.commit().await.map(|()| response),
        Err(error) => {
            attempt.rollback().await;
            Err(error)
        }
    }
}

/// Runs a single statement.
async fn alone<C: Connector>(
    (params, statement): &Step<'_>,
    attempt: &mut Attempt<C>,
) -> Result<Response, Error> {
    let connection = attempt.obtained;
    let (result, _) = attempt.run(statement, params, RESPONSE_LIMIT).await?;
    Ok(Response::Statement { result, connection })
}

/// Runs one statement after another. The limit on a response applies to all of them together.
async fn run_all<C: Connector>(
    steps: &[Step<'_>],
    attempt: &mut Attempt<C>,
) -> Result<Response, Error> {
    let mut results = Vec::with_capacity(steps.len());
    let mut room = RESPONSE_LIMIT;
    for (index, (params, statement)) in steps.iter().enumerate() {
        let (result, size) = match attempt.run(statement, params, room).await {
            Ok(done) => done,
            Err(error) => {
                let undone = attempt.rollback().await;
                // A procedure may have committed something of its own.
                let atomic = steps[..=index].iter().all(|(_, statement)| statement.is_atomic());
                let error = error.of_item(index, steps.len());
                return Err(if atomic { rolled_back(error, undone) } else { error });
            }
        };
        // With the comma after it. `run` has checked that it fits.
        room = room.saturating_sub(size + 1);
        results.push(result);
    }
    Ok(Response::Transaction { transaction: results, connection: attempt.obtained })
}

/// Adds what became of the transaction. If nobody knows, the error says so itself.
fn rolled_back(error: Error, undone: Option<bool>) -> Error {
    match (error.kind(), undone) {
        (Kind::OutcomeUnknown, _) => error,
        (_, Some(true)) => {
            error.with("; the transaction was rolled back, and nothing of it remains")
        }
        (_, Some(false)) => error.with(
            "; the transaction was rolled back, except for what was written to tables without \
             transactions: check them before sending the event again",
        ),
        (_, None) => error.with("; the transaction was rolled back"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::MYSQL;

    fn statement(text: &str) -> Statement {
        Statement::parse("s", text.to_owned(), MYSQL).unwrap()
    }

    #[test]
    fn the_mode_decides_where_work_runs() {
        let read = statement("SELECT 1");
        let exclusive = statement("-- exclusive: true\nSELECT 1");
        let write = statement("-- mode: write\nINSERT INTO t VALUES (1)");
        let truncate = statement("-- mode: write\nTRUNCATE t");
        let call = statement("-- mode: write\nCALL p()");
        let alone = statement("-- mode: write\n-- exclusive: true\nCALL p()");
        let purge = statement("-- mode: write\n-- exclusive: true\nDELETE FROM t");
        let step = |statement| (vec![].into(), statement);
        for (statement, need) in [
            (&read, Need::Read),
            (&exclusive, Need::Lock),
            (&write, Need::Write),
            (&truncate, Need::Write),
            (&call, Need::Perhaps),
            (&alone, Need::Lock),
            (&purge, Need::Write),
        ] {
            assert_eq!(Work::Statement(step(statement)).need(), need, "{}", statement.sql);
        }
        for (statements, need) in [
            ([&read, &read], Need::Read),
            ([&read, &write], Need::Write),
            ([&read, &call], Need::Write),
            ([&exclusive, &read], Need::Lock),
            ([&exclusive, &write], Need::Write),
        ] {
            let steps = statements.map(step).into_iter().collect();
            assert_eq!(Work::Transaction(steps).need(), need);
        }
    }
}
