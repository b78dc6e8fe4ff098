//! Statements in, rows out.

use futures_util::{TryStreamExt, join, pin_mut};
use sql_function::doctor::About;
use sql_function::{Column, Done, Error, Fate, Mode, Param, Rows, Statement, refusal};
use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_postgres::{CancelToken, Client, Statement as Prepared};

use crate::about;
use crate::failure;
use crate::param::{self, AsText};
use crate::server_text::Questions;
use crate::value::{self, Raw};

/// An open connection. A statement that reads runs in a read-only transaction of its own.
pub(crate) struct Connection {
    client: Client,
    /// The task that carries the connection's bytes.
    carrier: JoinHandle<()>,
    address: IpAddr,
    /// What the server has parsed, by the statement's name.
    prepared: HashMap<String, Prepared>,
    in_transaction: bool,
}

/// What names a connection: a process of the server at an address, and its secret key.
pub(crate) struct Session {
    pub(crate) address: IpAddr,
    pub(crate) token: CancelToken,
}

impl Connection {
    /// A connection to the server at `address`.
    pub(crate) fn new(client: Client, carrier: JoinHandle<()>, address: IpAddr) -> Connection {
        Connection { client, carrier, address, prepared: HashMap::new(), in_transaction: false }
    }

    async fn command(&mut self, sql: &str) -> Result<(), Error> {
        self.client.batch_execute(sql).await.map_err(|error| failure::command(sql, error))
    }

    async fn prepared(&mut self, statement: &Statement) -> Result<Prepared, Error> {
        if let Some(prepared) = self.prepared.get(&statement.name) {
            return Ok(prepared.clone());
        }
        let prepared = self.client.prepare(&statement.sql).await;
        let prepared = prepared.map_err(|error| failure::query(statement, error))?;
        self.prepared.insert(statement.name.clone(), prepared.clone());
        Ok(prepared)
    }

    /// Locks are kept by number: the server hashes the name. They are the database's own.
    async fn lock_function(&mut self, call: &str, name: &str) -> Result<bool, Error> {
        let sql = format!(
            "SELECT pg_catalog.{call}(pg_catalog.hashtextextended($1::pg_catalog.text, 0::pg_catalog.int8))"
        );
        let name = format!("rds-iam-lambda/{name}");
        let value = self.client.query_one_scalar(&sql, &[&name]).await;
        value.map_err(|error| failure::command(call, error))
    }
}

impl sql_function::Connection for Connection {
    type Id = Session;
    type Bound<'a> = (Prepared, &'a [Param]);

    fn id(&self) -> Session {
        Session { address: self.address, token: self.client.cancel_token() }
    }

    fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    async fn check(&mut self) -> Result<(), Error> {
        let check = self.client.check_connection().await;
        check.map_err(|error| failure::command("the connection check", error))
    }

    async fn bind<'a>(
        &mut self,
        statement: &Statement,
        params: &'a [Param],
        rows: &mut Rows,
    ) -> Result<(Prepared, &'a [Param]), Error> {
        let prepared = self.prepared(statement).await?;
        statement.check_params(prepared.params().len(), params.len())?;
        param::check(statement, prepared.params(), params)?;
        rows.describe(prepared.columns().iter().map(describe).collect())?;
        value::check_columns(statement, prepared.columns())?;
        if self.client.is_closed() {
            return Err(refusal::connection_lost("the preparation", "the server has closed it"));
        }
        Ok((prepared, params))
    }

    async fn run(
        &mut self,
        statement: &Statement,
        bound: Self::Bound<'_>,
        rows: &mut Rows,
    ) -> Result<Done, Error> {
        let (prepared, params) = bound;
        let params: Vec<_> = params.iter().map(AsText).collect();
        let mut questions = Questions::default();
        let run = read(&self.client, statement, &prepared, &params, rows, &mut questions);
        let (before, after) = around(statement, self.in_transaction);
        // They go out together and come back together: one round trip. A statement that fails makes
        // the COMMIT a ROLLBACK.
        let (before, affected, after) =
            join!(batch(&self.client, &before), run, batch(&self.client, after));
        let affected = affected?;
        if statement.mode == Mode::Write {
            // It has run, whatever is wrong with what goes around it.
            if let Err(error) = before.and(after) {
                tracing::warn!(%error, "the statement's time-out was not set");
            }
        } else {
            before.and(after).map_err(|error| failure::query(statement, error))?;
        }
        let texts = questions.ask(&self.client).await;
        rows.fill(texts.map_err(|error| error.fated(Fate::Unknown))?)?;
        let rows_affected = if statement.changes_rows() { affected } else { 0 };
        Ok(Done { rows_affected, last_insert_id: None })
    }

    async fn begin(&mut self, mode: Mode) -> Result<(), Error> {
        let sql = match mode {
            Mode::Read => "BEGIN READ ONLY",
            Mode::Write => "BEGIN READ WRITE",
        };
        let begun = self.client.batch_execute(sql).await;
        begun.map_err(|error| failure::begin(mode, sql, error))?;
        self.in_transaction = true;
        Ok(())
    }

    async fn commit(&mut self) -> Result<(), Error> {
        self.in_transaction = false;
        self.command("COMMIT").await.map_err(Error::loses_connection)
    }

    async fn rollback(&mut self) -> Result<(), Error> {
        self.in_transaction = false;
        self.command("ROLLBACK").await.map_err(Error::loses_connection)
    }

    async fn try_lock(&mut self, name: &str) -> Result<bool, Error> {
        self.lock_function("pg_try_advisory_lock", name).await
    }

    async fn restore(&mut self) -> Result<(), Error> {
        self.command("SELECT pg_catalog.pg_advisory_unlock_all()").await
    }

    async fn close(self) {
        drop(self.client); // the carrier says goodbye, and ends
        let _ = self.carrier.await;
    }
}

impl sql_function::Examine for Connection {
    async fn about(&mut self) -> Result<About, Error> {
        about::ask(&self.client).await.map_err(|error| failure::command("the diagnosis", error))
    }

    async fn prepare(&mut self, statement: &Statement) -> Result<(), Error> {
        let prepared = self.prepared(statement).await?;
        about::check_rights(&self.client, statement, prepared.params().len()).await
    }
}

/// Runs commands, if there are any.
async fn batch(client: &Client, sql: &str) -> Result<(), tokio_postgres::Error> {
    if sql.is_empty() { Ok(()) } else { client.batch_execute(sql).await }
}

/// What goes before and after a statement. The server ends one that has a time-out of its own;
/// one that has none is left to the role's own setting.
fn around(statement: &Statement, in_transaction: bool) -> (String, &'static str) {
    let millis = statement.timeout.as_ref().map(Duration::as_millis);
    match (statement.mode, millis) {
        (Mode::Read, None) if !in_transaction => ("BEGIN READ ONLY".to_owned(), "COMMIT"),
        (Mode::Read, Some(millis)) if !in_transaction => {
            (format!("BEGIN READ ONLY; SET LOCAL statement_timeout = {millis}"), "COMMIT")
        }
        (_, None) => (String::new(), ""),
        (_, Some(millis)) => {
            (format!("SET statement_timeout = {millis}"), "RESET statement_timeout")
        }
    }
}

/// Runs the statement and writes its rows into `rows`, one by one, but for the values that become
/// `questions`. Gives the number of rows it affected.
async fn read(
    client: &Client,
    statement: &Statement,
    prepared: &Prepared,
    params: &[AsText<'_>],
    rows: &mut Rows,
    questions: &mut Questions,
) -> Result<u64, Error> {
    let failed = |error| failure::query(statement, error);
    let stream = client.query_raw(prepared, params).await.map_err(failed)?;
    pin_mut!(stream);
    while let Some(row) = stream.try_next().await.map_err(failed)? {
        rows.push(|json| {
            for (index, column) in row.columns().iter().enumerate() {
                let value: Option<Raw<'_>> = row.try_get(index).map_err(failed)?;
                let value = value.map(|Raw(bytes)| bytes);
                value::write(json.value(), column, value, questions)?;
            }
            Ok(())
        })?;
        if questions.are_too_many() {
            return Err(rows.too_large_at(rows.count()));
        }
    }
    Ok(stream.rows_affected().unwrap_or(0))
}

fn describe(column: &tokio_postgres::Column) -> Column {
    Column { name: column.name().to_owned(), type_name: value::type_name(column.type_()) }
}
