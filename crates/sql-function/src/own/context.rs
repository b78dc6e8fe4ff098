//! What a handler gets to reach the database with.

#![allow(
    clippy::manual_async_fn,
    reason = "a handler's future is Send only if those of its calls say so: rust-lang/rust#100013"
)]

use serde::de::DeserializeOwned;
use std::sync::Arc;
use std::time::Duration;

use crate::driver::{Connection, Connector, ExecResult};
use crate::error::Error;
use crate::own::answer::{self, Answer};
use crate::own::arguments;
use crate::own::driver_client::Driver;
use crate::own::invocation::Invocation;
use crate::own::transaction::Transaction;
use crate::param::Param;
use crate::perform::Work;
use crate::place::Need;
use crate::response::{Response, StatementResult};
use crate::retries::Retries;
use crate::statement::{Mode, Statement};

/// The database, for one invocation of a handler.
///
/// Each call takes a connection that is verified and logged in, and returns it. Its session is as
/// new: what a statement sets lasts for that statement or its transaction. A call that finds its
/// connection gone or its server no longer the writer is made again on a new connection, if nothing
/// of it was run. All of them end before Lambda's deadline, with the server's answer to a
/// cancel request.
///
/// SQL is part of the program (`&'static str`), and is checked as a statement's file is: one
/// statement, no `COMMIT`. It may begin with a file's options, such as `-- timeout: 5s`. Values are
/// [`params!`](crate::params), and never become SQL.
pub struct Context<C: Connector>(Arc<Invocation<C>>);

impl<C: Connector> Context<C> {
    pub(crate) fn new(invocation: Arc<Invocation<C>>) -> Context<C> {
        Context(invocation)
    }

    /// Runs a statement that reads, which the server holds it to. Returns its rows, whose columns
    /// are the fields of `T`, in the JSON of docs/TYPES.md.
    ///
    /// # Errors
    /// [`Kind::Statement`](crate::Kind::Statement) if the text is refused, or its rows do not fit
    /// `T`; the errors of an invocation.
    pub fn query<T: DeserializeOwned>(
        &mut self,
        sql: &'static str,
        params: &[Param],
    ) -> impl Future<Output = Result<Vec<T>, Error>> + Send {
        async move {
            let statement = self.0.function.text(sql, Mode::Read)?;
            let (result, _) = self.run(&statement, params).await?;
            answer::rows(&result, Mode::Read)
        }
    }

    /// Runs a statement that may write and returns rows, such as `INSERT … RETURNING`.
    ///
    /// # Errors
    /// As [`query`](Context::query). The [fate](Error::fate) tells whether the write was carried
    /// out.
    pub fn query_mut<T: DeserializeOwned>(
        &mut self,
        sql: &'static str,
        params: &[Param],
    ) -> impl Future<Output = Result<Vec<T>, Error>> + Send {
        async move {
            let statement = self.0.function.text(sql, Mode::Write)?;
            let (result, _) = self.run(&statement, params).await?;
            answer::rows(&result, Mode::Write)
        }
    }

    /// Runs a statement that may write. Rows that it returns are ignored.
    ///
    /// # Errors
    /// As [`query_mut`](Context::query_mut).
    pub fn execute(
        &mut self,
        sql: &'static str,
        params: &[Param],
    ) -> impl Future<Output = Result<ExecResult, Error>> + Send {
        async move {
            let statement = self.0.function.text(sql, Mode::Write)?;
            let (result, _) = self.run(&statement, params).await?;
            Ok(result.effect())
        }
    }

    /// Runs a statement that was deployed with the function.
    ///
    /// # Errors
    /// [`Kind::Statement`](crate::Kind::Statement) if there is none called `name`; as
    /// [`query_mut`](Context::query_mut).
    pub fn statement<T: DeserializeOwned>(
        &mut self,
        name: &str,
        params: &[Param],
    ) -> impl Future<Output = Result<Answer<T>, Error>> + Send {
        async move {
            let function = self.0.function.clone();
            let statement = function.statement(name)?;
            let (result, skipped) = self.run(statement, params).await?;
            Answer::of(&result, statement.mode, skipped)
        }
    }

    /// A transaction, which is read-only on the server unless `mode` is write. It begins with its
    /// first statement.
    pub fn begin(&mut self, mode: Mode) -> Transaction<'_, C> {
        Transaction::new(&self.0, mode)
    }

    /// The driver's own client, for what nothing else here can do, at the writer, or at the instance that
    /// `DB_HOST` names. Its session may write, as far as the user's own settings allow, and its connection is
    /// not used again.
    ///
    /// # Errors
    /// There is no connection.
    pub fn driver(&mut self) -> impl Future<Output = Result<Driver<'_, C>, Error>> + Send {
        async move {
            let _call = self.0.call(Mode::Read)?;
            self.0.roll_back().await;
            let mut retries = Retries::new(self.0.need(Need::Perhaps));
            let pool = self.0.function.pool();
            let acquire = Box::pin(pool.acquire(&mut retries, &[], self.0.deadline));
            let mut lease = self.0.recorded(acquire).await?;
            self.0.count(|tally| tally.connected(lease.obtained));
            let ready = lease.connection.hand_over();
            self.0.deadline.bound(|| "handing over the connection".into(), ready).await?;
            self.0.hand_over(lease.connection.cancel_handle(), lease.connector, lease.permit);
            Ok(Driver::new(&self.0, lease.connection))
        }
    }

    /// The time until every call ends.
    pub fn time_left(&self) -> Duration {
        self.0.deadline.left()
    }

    /// Lambda's id of this request, which is on each of its log lines.
    pub fn request_id(&self) -> &str {
        &self.0.request_id
    }

    /// Runs one statement. Returns its result, and whether it was skipped.
    async fn run(
        &mut self,
        statement: &Statement,
        params: &[Param],
    ) -> Result<(StatementResult, bool), Error> {
        let params = arguments::of(statement, params)?;
        let invocation = &*self.0;
        let call = invocation.call(statement.mode)?;
        invocation.roll_back().await; // a transaction that was dropped
        let work = Work::Statement((params, statement));
        // On the heap, because a handler may have many calls, and its own future all of theirs.
        let need = invocation.need(work.need());
        let run = Box::pin(invocation.function.run(&work, need, invocation.deadline));
        match call.ended(invocation.recorded(run).await)? {
            Response::Statement { result, connection } => {
                invocation.count(|tally| {
                    tally.connected(connection);
                    tally.add(&result);
                });
                Ok((result, false))
            }
            // An exclusive statement that runs elsewhere.
            _ => Ok((StatementResult::none(&statement.name), true)),
        }
    }
}
