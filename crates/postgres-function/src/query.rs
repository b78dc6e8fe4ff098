//! Runs statements. Outside a transaction, a read runs in a read-only transaction of its own.

use diagnosis::Cause;
use sql_function::diagnose::ServerInfo;
use sql_function::sql::Dialect;
use sql_function::{
    Description, Error, ExecResult, Fate, Kind, Mode, Param, Rows, Statement, loggable, pinning,
    refusal,
};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error as Failure, Statement as Prepared};

use crate::connection::{CancelHandle, Connection};
use crate::custom_settings;
use crate::describe;
use crate::envelope::{self, Envelope};
use crate::failure;
use crate::param;
use crate::pipeline::{Pipeline, Responses};
use crate::rights;
use crate::server_info;
use crate::server_text::Questions;
use crate::session::{self, RESET, State, UNLOCK};
use crate::side_effects;
use crate::topology;
use crate::unnamed::CHANGED;
use crate::value;

/// A statement that is ready to run.
pub enum Bound<'a> {
    /// With its parameters.
    Prepared(Prepared, &'a [Param]),
    /// A read without parameters, which runs in the flight of its preparation.
    Ahead,
}

impl Connection {
    /// Prepares a statement, and checks it and its parameters.
    async fn prepare(
        &mut self,
        statement: &Statement,
        params: &[Param],
        rows: &mut Rows,
    ) -> Result<Prepared, Error> {
        let prepared = self.prepared(statement).await?;
        statement.check_params(prepared.params().len(), params.len())?;
        param::check(statement, prepared.params(), params)?;
        rows.describe(prepared.columns().iter().map(value::named).collect())?;
        value::check_columns(statement, prepared.columns())?;
        if self.client.is_closed() {
            return Err(refusal::connection_lost("the preparation", "the server has closed it"));
        }
        Ok(prepared)
    }

    /// Prepares a statement and has the server run it in the same flight.
    async fn prepare_ahead(
        &mut self,
        statement: &Statement,
        envelope: &Envelope,
        rows: &mut Rows,
    ) -> Result<Prepared, Error> {
        if let Some(ahead) = &self.ahead {
            ahead.plan(&envelope.before, &envelope.after);
        }
        let prepared = self.prepare(statement, &[], rows).await;
        prepared.map_err(|error| {
            if let Some(ahead) = &self.ahead {
                ahead.refuse();
            }
            // The server has not parsed it, and then it has not run it, or it may be running it still.
            let runs = self.prepared.contains_key(&statement.name);
            let error = if runs { error.loses_connection() } else { error };
            match error.fate() {
                Fate::Interrupted => error,
                _ => error.with_fate(Fate::NotRun),
            }
        })
    }

    /// The commands before and after a statement. One that no transaction can contain runs `alone`.
    fn envelope(&self, statement: &Statement, alone: bool) -> Envelope {
        let changes_in_with = side_effects::changes_in_with(statement);
        let mut envelope = match self.transaction {
            None if statement.mode == Mode::Read => Envelope::block("BEGIN READ ONLY"),
            None if self.role_reads && !alone => Envelope::block("BEGIN READ WRITE"),
            None if changes_in_with => Envelope::block("BEGIN"),
            None => Envelope::default(),
            Some(transaction) => {
                Envelope::restricted(transaction, statement.mode, self.through_proxy)
            }
        };
        if !self.through_proxy {
            envelope.limit(statement.timeout, self.transaction.is_some());
        }
        if changes_in_with {
            envelope.count();
        }
        if self.transaction.is_none() {
            envelope.after = self.closing(&envelope.after);
        }
        envelope
    }

    /// Runs a statement within its envelope.
    async fn send(
        &self,
        statement: &Statement,
        prepared: &Prepared,
        params: &[Param],
        envelope: &Envelope,
        ahead: bool,
        rows: &mut Rows,
    ) -> Result<Responses, Error> {
        let (single, through_proxy) = (self.transaction.is_none(), self.through_proxy);
        // A proxy may have no connection for the BEGIN, and one a moment later for the statement, which
        // would then run without its transaction.
        let begun = if through_proxy && single && envelope.own > 0 {
            let mut begun = session::send(&self.client, &envelope.before).await;
            match begun.error.take() {
                Some(error) => return Err(not_begun(statement, single, error, through_proxy)),
                None => Some(begun),
            }
        } else {
            None
        };
        let pipeline =
            Pipeline { statement, prepared, params, envelope, begun, ahead, single, through_proxy };
        pipeline.send(&self.client, rows).await
    }

    /// The texts of values that only the server can convert, in a read-only transaction.
    async fn ask(&mut self, questions: Questions) -> Result<Vec<String>, Error> {
        if questions.is_empty() {
            return Ok(vec![]);
        }
        const WHAT: &str = "converting a value to text";
        let envelope = match self.transaction {
            None => Envelope::block("BEGIN READ ONLY"),
            Some(transaction) => Envelope::restricted(transaction, Mode::Read, self.through_proxy),
        };
        envelope::batch(&self.client, &envelope.before).await.map_err(|error| {
            failure::command(WHAT, error, self.through_proxy).loses_connection()
        })?;
        let texts = questions.ask(&self.client, self.through_proxy).await;
        let ended = if self.transaction.is_none() {
            let sent = session::send(&self.client, &self.closing(&envelope.after)).await;
            self.closed(sent, envelope.own).map(drop)
        } else {
            envelope::batch(&self.client, &envelope.after).await
        };
        let texts = texts?;
        ended.map_err(|error| failure::command(WHAT, error, self.through_proxy))?;
        Ok(texts)
    }

    /// Whether the server is in recovery, and so was while it ran what has just failed: it has written nothing,
    /// not even what a procedure committed. Behind a proxy, it may be another one.
    async fn is_standby(&self) -> bool {
        const ASK: &str = "SELECT pg_catalog.pg_is_in_recovery()";
        !self.through_proxy && session::send(&self.client, ASK).await.value(0) == Some("t")
    }

    /// The error of a failed statement, and whether it may be retried.
    fn failed(&mut self, statement: &Statement, failure: Failure, alone: bool) -> Error {
        if failure.as_db_error().and_then(|error| error.routine()) == Some(CHANGED) {
            self.forget();
            return changed_columns(statement, self.transaction);
        }
        let too_late = failure.code() == Some(&SqlState::ACTIVE_SQL_TRANSACTION);
        if alone && (failure::is_read_only(&failure) || too_late) {
            return role_reads(statement, failure, self.through_proxy);
        }
        let stale = !self.fresh.contains(&statement.name)
            && failure::is_stale(&failure, statement.is_atomic());
        let error = match self.transaction {
            Some(_) => failure::in_transaction(statement, failure, self.through_proxy),
            None => failure::query(statement, failure, self.through_proxy),
        };
        if !stale {
            return error;
        }
        self.forget();
        error.stale()
    }
}

/// The statement ran through a proxy, and returned other columns than those that it was prepared with.
/// A read, or a transaction that is rolled back, is run again.
fn changed_columns(statement: &Statement, transaction: Option<Mode>) -> Error {
    let message = loggable!(
        "the columns of statement {:?} have changed since it was prepared: its result cannot be read",
        statement.name
    );
    let error = Error::new(Kind::Query, message).with_cause(Cause::StatementInvalid);
    match (statement.mode, transaction) {
        (Mode::Write, None) => error.with_fate(Fate::CarriedOut),
        _ => error.with_fate(Fate::NotRun).stale(),
    }
}

/// The commands before a statement failed, and so nothing of it was carried out.
fn not_begun(statement: &Statement, single: bool, failure: Failure, through_proxy: bool) -> Error {
    let error = if single {
        failure::begin(statement.mode, "the start of its transaction", failure, through_proxy)
    } else {
        let what = loggable!("restricting statement {:?} to its mode and time", statement.name);
        failure::command(what, failure, through_proxy)
    };
    error.with(loggable!("; statement {:?} was not run", statement.name)).with_fate(Fate::NotRun)
}

/// A statement that runs only outside transactions writes, and its user's own setting prevents that. A
/// procedure can begin its own transactions read-write, after a COMMIT: the one that calls it has begun.
fn role_reads(statement: &Statement, failure: Failure, through_proxy: bool) -> Error {
    let advice = "it cannot run in a transaction that the function begins, and the user's own \
                  default_transaction_read_only is on, which a function never turns off: ALTER ROLE … \
                  RESET default_transaction_read_only, or begin the procedure with COMMIT; SET \
                  TRANSACTION READ WRITE; and repeat the latter after each COMMIT";
    let error =
        failure::command(loggable!("statement {:?}", statement.name), failure, through_proxy);
    refusal::of_statement(statement, error.advice(advice))
}

impl sql_function::Connection for Connection {
    type CancelHandle = CancelHandle;
    type Bound<'a> = Bound<'a>;
    type Client = Client;

    fn cancel_handle(&self) -> CancelHandle {
        CancelHandle { address: self.address, token: self.client.cancel_token() }
    }

    fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    fn suits(&self, statements: &[&Statement]) -> bool {
        self.custom.is_empty() || self.custom.is_subset(&custom_settings::set_first(statements))
    }

    fn read_only(&self) -> Option<&'static str> {
        self.read_only.filter(|_| !self.through_proxy)
    }

    async fn writer(&mut self) -> Result<Option<String>, Error> {
        topology::writer(self).await
    }

    async fn check(&mut self) -> Result<(), Error> {
        let check = self.client.check_connection().await;
        check.map_err(|error| failure::command("the connection check", error, self.through_proxy))
    }

    async fn bind<'a>(
        &mut self,
        statement: &Statement,
        params: &'a [Param],
        rows: &mut Rows,
    ) -> Result<Bound<'a>, Error> {
        // A write whose result is refused must not run, and neither must values that are.
        let ahead = self.ahead.as_ref().is_some_and(|ahead| {
            let reads = self.transaction.is_none() && statement.mode == Mode::Read;
            reads
                && params.is_empty()
                && ahead.is_unused()
                && !side_effects::changes_session(statement)
        });
        if ahead {
            return Ok(Bound::Ahead);
        }
        Ok(Bound::Prepared(self.prepare(statement, params, rows).await?, params))
    }

    async fn run(
        &mut self,
        statement: &Statement,
        bound: Self::Bound<'_>,
        rows: &mut Rows,
    ) -> Result<ExecResult, Error> {
        let single = self.transaction.is_none();
        let mut alone = false;
        let mut envelope = self.envelope(statement, alone);
        let (prepared, params, ahead) = match bound {
            Bound::Prepared(prepared, params) => (prepared, params, false),
            Bound::Ahead => (self.prepare_ahead(statement, &envelope, rows).await?, &[][..], true),
        };
        let custom = custom_settings::settings(statement);
        self.custom.extend(custom.iter().flatten().cloned());
        if side_effects::outlasts_reset(statement) || custom.is_none() {
            self.state = State::Lost("a statement changed what a reset does not restore");
        } else if !self.through_proxy
            || side_effects::changes_session(statement)
            || pinning::reason(statement, Dialect::Postgres).is_some()
        {
            self.mark_changed();
        }
        let mut responses = self.send(statement, &prepared, params, &envelope, ahead, rows).await?;
        if single && self.role_reads && failure::runs_alone(&responses.affected) {
            // The server has refused all of it. Now the role's own setting applies.
            let ended = self.closed(std::mem::take(&mut responses.after), envelope.own);
            ended.map_err(|error| failure::query(statement, error, self.through_proxy))?;
            alone = true;
            envelope = self.envelope(statement, alone);
            responses = self.send(statement, &prepared, params, &envelope, false, rows).await?;
        }
        let Responses { before, affected, refused, changed, after, texts, questions } = responses;
        let ended = if single {
            self.closed(after, envelope.own)
        } else {
            after.error.map_or(Ok(false), Err)
        };
        let affected = match (&before, affected) {
            // That the statement fails too is a consequence.
            (Err(_), Err(failure)) if envelope.own > 0 && failure.as_db_error().is_some() => None,
            (_, Ok(affected)) => Some(affected),
            (_, Err(failure)) => {
                let midway = single && !statement.is_atomic() && failure::is_read_only(&failure);
                let error = self.failed(statement, failure, alone);
                let nothing = midway && self.is_standby().await;
                return Err(if nothing { error.with_fate(Fate::NotRun) } else { error });
            }
        };
        if side_effects::changes_plans(statement) {
            self.forget();
        }
        match before {
            Err(error) if single && envelope.own == 0 => {
                // The statement has run, although the command before it failed.
                let error = failure::command("setting its timeout", error, self.through_proxy);
                tracing::warn!(error = error.log(), "the statement's timeout was not set");
            }
            Err(error) if affected.is_some() => {
                // It ran without its transaction.
                return Err(failure::ended(statement, error, self.through_proxy)
                    .with_fate(Fate::Unknown)
                    .loses_connection());
            }
            Err(error) => return Err(not_begun(statement, single, error, self.through_proxy)),
            Ok(()) => {}
        }
        let affected = affected.unwrap_or_default();
        if ended.map_err(|error| failure::ended(statement, error, self.through_proxy))? {
            let _ = envelope::batch(&self.client, "ROLLBACK").await; // the connection is dropped
            return Err(refusal::left_open(statement));
        }
        if let Some(error) = refused {
            return Err(error);
        }
        let texts = match texts {
            Some(texts) => texts,
            None => self.ask(questions).await,
        };
        rows.fill(texts.map_err(|error| error.with_fate(Fate::Unknown))?)?;
        // The rows of a SELECT without columns are those of the table that it creates.
        let creates = matches!(&*statement.main_verb(), "CREATE" | "SELECT");
        let counts = statement.changes_rows() || (creates && prepared.columns().is_empty());
        let rows_affected = changed.unwrap_or(if counts { affected } else { 0 });
        Ok(ExecResult { rows_affected, last_insert_id: None })
    }

    async fn begin(&mut self, mode: Mode) -> Result<(), Error> {
        if !self.through_proxy {
            self.mark_changed();
        }
        let sql = match mode {
            Mode::Read => "BEGIN READ ONLY",
            Mode::Write if self.role_reads => "BEGIN READ WRITE",
            Mode::Write => "BEGIN; SHOW transaction_read_only",
        };
        let begun = session::send(&self.client, sql).await;
        if let Some(error) = begun.error {
            return Err(failure::begin(mode, sql, error, self.through_proxy));
        }
        if begun.value(0) == Some("on") {
            let ended = session::send(&self.client, "ROLLBACK").await;
            if let Some(error) = ended.error {
                return Err(failure::begin(mode, sql, error, self.through_proxy).loses_connection());
            }
            return Err(refusal::read_only("the transaction", "transaction_read_only is on"));
        }
        self.transaction = Some(mode);
        Ok(())
    }

    async fn commit(&mut self) -> Result<(), Error> {
        self.transaction = None;
        // COMMIT reports no error when it rolls back a failed transaction; SAVEPOINT does.
        let sql = self.closing("SAVEPOINT committed; COMMIT");
        let sent = session::send(&self.client, &sql).await;
        let committed = self.closed(sent, 2);
        committed.map_err(|error| failure::commit(error, self.through_proxy).loses_connection())?;
        Ok(())
    }

    async fn rollback(&mut self) -> Result<bool, Error> {
        self.transaction = None;
        let sent = session::send(&self.client, &self.closing("ROLLBACK")).await;
        let rolled_back = self.closed(sent, 1);
        rolled_back.map_err(|error| {
            failure::command("ROLLBACK", error, self.through_proxy).loses_connection()
        })?;
        Ok(true)
    }

    fn locks_in_transaction(&self) -> bool {
        self.through_proxy
    }

    /// Advisory locks have numbers, so the server hashes the name. They are per database, and those of
    /// sessions and of transactions exclude each other.
    async fn try_lock(&mut self, name: &str) -> Result<bool, Error> {
        const OF_SESSION: &str = "\
            SELECT pg_catalog.pg_try_advisory_lock(\
            pg_catalog.hashtextextended($1::pg_catalog.text, 0::pg_catalog.int8))";
        const OF_TRANSACTION: &str = "\
            SELECT pg_catalog.pg_try_advisory_xact_lock(\
            pg_catalog.hashtextextended($1::pg_catalog.text, 0::pg_catalog.int8))";
        let lock = if self.through_proxy && self.transaction.is_some() {
            OF_TRANSACTION
        } else {
            self.mark_changed();
            self.locks = true;
            OF_SESSION
        };
        let name = format!("rds-iam-lambda/{name}");
        let taken = self.client.query_typed(lock, &[(&name, Type::TEXT)]).await;
        let taken = taken.and_then(|rows| rows.first().map_or(Ok(false), |row| row.try_get(0)));
        taken.map_err(|error| failure::command("the lock", error, self.through_proxy))
    }

    async fn restore(&mut self) -> Result<(), Error> {
        self.fresh.clear();
        let lost = |why: &'static str| {
            Error::new(Kind::ConnectionLost, "the session is not reused").says(why)
        };
        if self.state == State::Changed && self.through_proxy {
            if std::mem::take(&mut self.locks) {
                // The session at the database may outlive the client's.
                session::send(&self.client, UNLOCK).await;
            }
            return Err(lost("it was changed, and a session of an RDS Proxy is not reset"));
        }
        if self.state == State::Changed {
            let sent = session::send(&self.client, RESET).await;
            (self.state, _) = sent.state();
        }
        if let State::Lost(why) = self.state { Err(lost(why)) } else { Ok(()) }
    }

    /// The session has what its role's own settings give it.
    async fn hand_over(&mut self) -> Result<(), Error> {
        Ok(())
    }

    fn client(&self) -> &Client {
        &self.client
    }

    fn client_mut(&mut self) -> &mut Client {
        &mut self.client
    }

    async fn close(self) {
        let Connection { client, task, .. } = self;
        drop(client); // the task then closes the connection
        task.ended().await;
    }
}

impl sql_function::Examine for Connection {
    async fn server_info(&mut self) -> Result<ServerInfo, Error> {
        server_info::query(&self.client, self.through_proxy)
            .await
            .map_err(|error| failure::command("the diagnosis", error, self.through_proxy))
    }

    async fn prepare(&mut self, statement: &Statement) -> Result<(), Error> {
        let prepared = self.prepared(statement).await?;
        rights::check(self, statement, prepared.params().len()).await
    }

    async fn version(&mut self) -> Result<String, Error> {
        describe::version(self).await
    }

    async fn describe(&mut self, statement: &Statement) -> Result<Description, Error> {
        describe::describe(self, statement).await
    }
}
