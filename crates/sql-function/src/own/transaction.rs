//! A transaction of a handler.

#![allow(
    clippy::manual_async_fn,
    reason = "a handler's future is Send only if those of its calls say so: rust-lang/rust#100013"
)]

use serde::de::DeserializeOwned;

use crate::attempt::Attempt;
use crate::driver::{Connector, ExecResult};
use crate::error::{Error, Fate, Kind};
use crate::loggable;
use crate::own::answer::{self, Answer};
use crate::own::arguments;
use crate::own::invocation::Invocation;
use crate::param::Param;
use crate::place::Need;
use crate::refusal::connection_lost;
use crate::response::StatementResult;
use crate::retries::Retries;
use crate::rows::RESPONSE_LIMIT;
use crate::statement::{Mode, Statement};

/// A transaction: what is run in it takes effect together with [`commit`](Transaction::commit), or
/// not at all.
///
/// It begins with its first statement. The first error rolls it back and ends it. One that is
/// dropped is rolled back before the next call, or when the handler returns; a handler that then
/// returns a success gets an error instead, because it has most likely forgotten to commit.
#[must_use = "it is rolled back unless it is committed"]
pub struct Transaction<'a, C: Connector> {
    invocation: &'a Invocation<C>,
    mode: Mode,
    progress: Progress,
}

enum Progress {
    NotBegun,
    Begun,
    /// And why.
    Ended(&'static str),
}

impl<'a, C: Connector> Transaction<'a, C> {
    pub(crate) fn new(invocation: &'a Invocation<C>, mode: Mode) -> Transaction<'a, C> {
        Transaction { invocation, mode, progress: Progress::NotBegun }
    }

    /// As [`Context::query`](crate::Context::query), in this transaction.
    ///
    /// # Errors
    /// As there. The transaction is rolled back.
    pub fn query<T: DeserializeOwned>(
        &mut self,
        sql: &'static str,
        params: &[Param],
    ) -> impl Future<Output = Result<Vec<T>, Error>> + Send {
        async move {
            let statement = self.invocation.function.text(sql, Mode::Read)?;
            answer::rows(&self.run(&statement, params).await?, Mode::Read)
        }
    }

    /// As [`Context::query_mut`](crate::Context::query_mut), in this transaction.
    ///
    /// # Errors
    /// As there. The transaction is rolled back.
    pub fn query_mut<T: DeserializeOwned>(
        &mut self,
        sql: &'static str,
        params: &[Param],
    ) -> impl Future<Output = Result<Vec<T>, Error>> + Send {
        async move {
            let statement = self.invocation.function.text(sql, Mode::Write)?;
            // Nothing of it is carried out yet.
            answer::rows(&self.run(&statement, params).await?, Mode::Read)
        }
    }

    /// As [`Context::execute`](crate::Context::execute), in this transaction.
    ///
    /// # Errors
    /// As there. The transaction is rolled back.
    pub fn execute(
        &mut self,
        sql: &'static str,
        params: &[Param],
    ) -> impl Future<Output = Result<ExecResult, Error>> + Send {
        async move {
            let statement = self.invocation.function.text(sql, Mode::Write)?;
            Ok(self.run(&statement, params).await?.effect())
        }
    }

    /// As [`Context::statement`](crate::Context::statement), in this transaction. An exclusive
    /// statement is refused: its lock must come before the transaction.
    ///
    /// # Errors
    /// As there. The transaction is rolled back.
    pub fn statement<T: DeserializeOwned>(
        &mut self,
        name: &str,
        params: &[Param],
    ) -> impl Future<Output = Result<Answer<T>, Error>> + Send {
        async move {
            let function = self.invocation.function.clone();
            let statement = function.statement(name)?;
            if statement.exclusive {
                return Err(Error::new(
                    Kind::Statement,
                    loggable!("statement {:?} is exclusive", statement.name),
                )
                .with_fate(Fate::NotRun)
                .advice("run it outside a transaction of the handler, or send it as an event"));
            }
            Answer::of(&self.run(statement, params).await?, Mode::Read, false)
        }
    }

    /// Commits. All of it is permanent then, or nothing.
    ///
    /// # Errors
    /// The transaction was rolled back, or [`Kind::OutcomeUnknown`]: the connection broke before
    /// the server's answer.
    pub fn commit(mut self) -> impl Future<Output = Result<(), Error>> + Send {
        async move {
            let progress =
                std::mem::replace(&mut self.progress, Progress::Ended("it is committed"));
            match progress {
                Progress::NotBegun => Ok(()),
                Progress::Ended(why) => Err(ended(why)),
                Progress::Begun => {
                    let call = self.invocation.call(self.mode)?;
                    let Some(mut attempt) = self.invocation.take() else {
                        return call.ended(Err(lost()));
                    };
                    let end = async {
                        let outcome = attempt.commit().await;
                        self.invocation.give_back(attempt).await;
                        outcome
                    };
                    call.ended(Box::pin(end).await)
                }
            }
        }
    }

    /// Rolls back. The server does too if the connection is lost.
    pub fn rollback(mut self) -> impl Future<Output = ()> + Send {
        async move {
            let progress =
                std::mem::replace(&mut self.progress, Progress::Ended("it is rolled back"));
            if matches!(progress, Progress::Begun) {
                self.invocation.roll_back().await;
            }
        }
    }

    async fn run(
        &mut self,
        statement: &Statement,
        params: &[Param],
    ) -> Result<StatementResult, Error> {
        if let Progress::Ended(why) = self.progress {
            return Err(ended(why));
        }
        let params = &*arguments::of(statement, params)?;
        let call = self.invocation.call(Mode::Read)?; // until the commit
        let begun = matches!(self.progress, Progress::Begun);
        // If this call is dropped, so is its connection.
        self.progress = Progress::Ended("a call of it was dropped, and it was rolled back");
        let outcome = if begun {
            let attempt = self.invocation.take().ok_or_else(lost)?;
            let step = Box::pin(self.step(attempt, statement, params)); // as in `Context`
            self.invocation.recorded(step).await
        } else {
            self.invocation.roll_back().await; // an earlier one
            self.invocation.recorded(Box::pin(self.begin(statement, params))).await
        };
        let outcome = call.ended(outcome);
        match &outcome {
            Ok(result) => {
                self.progress = Progress::Begun;
                self.invocation.count(|tally| tally.add(result));
            }
            Err(_) => {
                self.progress = Progress::Ended("it was rolled back after its first error");
            }
        }
        outcome
    }

    /// Begins the transaction with its first statement, and again as long as that may succeed.
    async fn begin(
        &self,
        statement: &Statement,
        params: &[Param],
    ) -> Result<StatementResult, Error> {
        let Invocation { function, deadline, .. } = self.invocation;
        let mut retries = Retries::new(self.need());
        loop {
            match Box::pin(self.first(&mut retries, statement, params)).await {
                Ok(result) => return Ok(result),
                Err(error) => function.pool().wait(&mut retries, error, *deadline).await?,
            }
        }
    }

    /// What its first statement needs.
    fn need(&self) -> Need {
        match self.mode {
            Mode::Read => self.invocation.need(Need::Read),
            Mode::Write => self.invocation.need(Need::Write),
        }
    }

    /// Begins the transaction with its first statement.
    async fn first(
        &self,
        retries: &mut Retries,
        statement: &Statement,
        params: &[Param],
    ) -> Result<StatementResult, Error> {
        let pool = self.invocation.function.pool();
        let lease = pool.acquire(retries, &[statement], self.invocation.deadline).await?;
        self.invocation.count(|tally| tally.connected(lease.obtained));
        let mut attempt = Attempt::new(lease, self.invocation.deadline);
        if let Err(error) = attempt.begin(self.mode).await {
            self.invocation.give_back(attempt).await;
            return Err(error);
        }
        self.step(attempt, statement, params).await
    }

    /// Runs a statement, and rolls the transaction back if it fails.
    async fn step(
        &self,
        mut attempt: Attempt<C>,
        statement: &Statement,
        params: &[Param],
    ) -> Result<StatementResult, Error> {
        match attempt.run(statement, params, RESPONSE_LIMIT).await {
            Ok((result, _)) => {
                self.invocation.keep(attempt);
                Ok(result)
            }
            Err(error) => {
                attempt.rollback().await;
                self.invocation.give_back(attempt).await;
                Err(error)
            }
        }
    }
}

impl<C: Connector> Drop for Transaction<'_, C> {
    fn drop(&mut self) {
        if matches!(self.progress, Progress::Begun) {
            self.invocation.forget(self.mode);
        }
    }
}

/// A call on a transaction that has ended.
fn ended(why: &'static str) -> Error {
    Error::new(Kind::Internal, loggable!("the transaction is over: {why}"))
        .with_fate(Fate::NotRun)
        .advice("return the first error of a transaction, or begin another one")
}

/// The transaction was taken back: the handler has ended.
fn lost() -> Error {
    connection_lost("the transaction", "the handler has returned").with_fate(Fate::NotRun)
}
