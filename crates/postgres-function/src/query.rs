//! Statements in, rows out.

use futures_util::{TryStreamExt, join, pin_mut};
use sql_function::{Column, Error, Mode, Param, Rows, Statement};
use std::collections::HashMap;
use tokio_postgres::{Client, Statement as Prepared};

use crate::failure;
use crate::param::{self, AsText};
use crate::server_text::Questions;
use crate::value::{self, Raw};

/// An open connection. A statement that reads runs in a read-only transaction of its own.
pub(crate) struct Connection {
    client: Client,
    /// What the server has parsed, by the statement's name.
    prepared: HashMap<String, Prepared>,
    in_transaction: bool,
}

impl Connection {
    pub(crate) fn new(client: Client) -> Connection {
        Connection { client, prepared: HashMap::new(), in_transaction: false }
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
        let sql = format!("SELECT {call}(hashtextextended('rds-iam-lambda/' || $1, 0))");
        let value = self.client.query_one_scalar(&sql, &[&name]).await;
        value.map_err(|error| failure::command(call, error))
    }
}

impl sql_function::Connection for Connection {
    async fn check(&mut self) -> Result<(), Error> {
        let check = self.client.check_connection().await;
        check.map_err(|error| failure::command("the connection check", error))
    }

    async fn version(&mut self) -> Result<String, Error> {
        let version = self.client.query_one_scalar("SELECT version()", &[]).await;
        version.map_err(|error| failure::command("asking for the version", error))
    }

    async fn prepare(&mut self, statement: &Statement) -> Result<(), Error> {
        self.prepared(statement).await.map(drop)
    }

    async fn run(
        &mut self,
        statement: &Statement,
        params: &[Param],
        rows: &mut Rows,
    ) -> Result<u64, Error> {
        let prepared = self.prepared(statement).await?;
        statement.check_params(prepared.params().len(), params.len())?;
        param::check(statement, prepared.params(), params)?;
        rows.describe(prepared.columns().iter().map(describe).collect())?;
        value::check_columns(statement, prepared.columns())?;
        let params: Vec<_> = params.iter().map(AsText).collect();
        let mut questions = Questions::default();
        let run = read(&self.client, statement, &prepared, &params, rows, &mut questions);
        let affected = if statement.mode == Mode::Write || self.in_transaction {
            run.await?
        } else {
            // The three go out together and come back together: one round trip. A statement that
            // fails makes the COMMIT a ROLLBACK.
            let begin = self.client.batch_execute("BEGIN READ ONLY");
            let commit = self.client.batch_execute("COMMIT");
            let (begin, affected, commit) = join!(begin, run, commit);
            begin.map_err(|error| failure::command("BEGIN READ ONLY", error))?;
            let affected = affected?;
            commit.map_err(|error| failure::command("COMMIT", error))?;
            affected
        };
        rows.fill(questions.ask(&self.client).await?)?;
        Ok(if statement.mode == Mode::Write { affected } else { 0 })
    }

    async fn begin(&mut self, mode: Mode) -> Result<(), Error> {
        let sql = match mode {
            Mode::Read => "BEGIN READ ONLY",
            Mode::Write => "BEGIN READ WRITE",
        };
        self.command(sql).await?;
        self.in_transaction = true;
        Ok(())
    }

    async fn commit(&mut self) -> Result<(), Error> {
        self.in_transaction = false;
        self.command("COMMIT").await
    }

    async fn rollback(&mut self) -> Result<(), Error> {
        self.in_transaction = false;
        self.command("ROLLBACK").await
    }

    async fn try_lock(&mut self, name: &str) -> Result<bool, Error> {
        self.lock_function("pg_try_advisory_lock", name).await
    }

    async fn unlock(&mut self, name: &str) -> Result<(), Error> {
        self.lock_function("pg_advisory_unlock", name).await.map(drop)
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
