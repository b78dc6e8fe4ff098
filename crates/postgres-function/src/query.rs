//! Statements in, rows out.

use sql_function::diagnose::ServerInfo;
use sql_function::{Column, Error, ExecResult, Fate, Kind, Mode, Param, Rows, Statement, refusal};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::net::IpAddr;
use tokio_postgres::types::Type;
use tokio_postgres::{CancelToken, Client, Error as Failure, Statement as Prepared};

use crate::close_on_drop::ConnectionTask;
use crate::custom_settings;
use crate::envelope::{self, Envelope};
use crate::failure;
use crate::param;
use crate::pipeline::{Pipeline, Responses};
use crate::server_info;
use crate::server_text::Questions;
use crate::session::{self, RESET, Sent, State};
use crate::value;

/// An open connection. A statement that reads runs in a read-only transaction of its own.
pub(crate) struct Connection {
    client: Client,
    task: ConnectionTask,
    address: IpAddr,
    /// Whether an RDS Proxy is in between: what sets a session, or resets it, would keep the server's
    /// connection for this one alone.
    proxied: bool,
    /// What the server has parsed, by the statement's name.
    prepared: HashMap<String, Prepared>,
    /// What of it this invocation had parsed: it cannot be out of date.
    fresh: HashSet<String>,
    transaction: Option<Mode>,
    state: State,
    /// Whether the role's transactions begin read-only, by its own setting.
    role_reads: bool,
    /// The settings of the users' own that the session has had.
    custom: BTreeSet<String>,
}

/// What names a connection on its server: a process at an address, and its secret key.
pub(crate) struct CancelHandle {
    pub(crate) address: IpAddr,
    pub(crate) token: CancelToken,
}

impl Connection {
    /// A connection to the server at `address`, whose session has just begun.
    pub(crate) fn new(
        client: Client,
        task: ConnectionTask,
        address: IpAddr,
        proxied: bool,
        role_reads: bool,
    ) -> Connection {
        Connection {
            client,
            task,
            address,
            proxied,
            prepared: HashMap::new(),
            fresh: HashSet::new(),
            transaction: None,
            state: State::New,
            role_reads,
            custom: BTreeSet::new(),
        }
    }

    async fn prepared(&mut self, statement: &Statement) -> Result<Prepared, Error> {
        if let Some(prepared) = self.prepared.get(&statement.name) {
            return Ok(prepared.clone());
        }
        match self.client.prepare(&statement.sql).await {
            Ok(prepared) => {
                self.prepared.insert(statement.name.clone(), prepared.clone());
                self.fresh.insert(statement.name.clone());
                Ok(prepared)
            }
            Err(failure) => {
                // The driver's own questions about types are gone with the rest.
                let lost = failure::is_forgotten(&failure);
                let error = failure::query(statement, failure);
                Err(if lost { error.stale().loses_connection() } else { error })
            }
        }
    }

    /// Forgets what the server has parsed, and which types there are.
    fn forget(&mut self) {
        self.prepared.clear();
        self.client.clear_type_cache();
    }

    /// `commands` that end an event's work, and what restores the session after them.
    fn closing(&self, commands: &str) -> String {
        match (self.proxied, commands) {
            (true, _) => commands.to_owned(),
            (false, "") => RESET.to_owned(),
            (false, _) => format!("{commands}; {RESET}"),
        }
    }

    /// Takes in the answer to a [`closing`](Self::closing) of `own` commands: whether a transaction is
    /// open after all.
    ///
    /// # Errors
    /// One of those commands failed. When the server only did not restore the session, what it
    /// carried out stays.
    fn closed(&mut self, sent: Sent, own: usize) -> Result<bool, Failure> {
        if sent.done < own
            && let Some(error) = sent.error
        {
            return Err(error);
        }
        if self.proxied {
            return Ok(false);
        }
        let (state, open) = sent.state();
        if !matches!(self.state, State::Lost(_)) {
            self.state = state;
        }
        Ok(open)
    }

    /// The session is no longer that of a new login.
    fn changes(&mut self) {
        if self.state == State::New {
            self.state = State::Changed;
        }
    }

    /// What goes around a statement.
    fn envelope(&self, statement: &Statement) -> Envelope {
        let changes_below = changes_below(statement);
        let mut envelope = match self.transaction {
            None if statement.mode == Mode::Read => Envelope::block("BEGIN READ ONLY"),
            // What is set for a session behind a proxy stays.
            None if self.role_reads && self.proxied && statement.is_atomic() => {
                Envelope::block("BEGIN READ WRITE")
            }
            None if changes_below => {
                Envelope::block(if self.role_reads { "BEGIN READ WRITE" } else { "BEGIN" })
            }
            None if self.role_reads => Envelope::after(session::READ_WRITE),
            None => Envelope::default(),
            Some(transaction) => Envelope::held(transaction, statement.mode),
        };
        if !self.proxied {
            envelope.limit(statement.timeout, self.transaction.is_some());
        }
        if changes_below {
            envelope.count();
        }
        if self.transaction.is_none() {
            envelope.after = self.closing(&envelope.after);
        }
        envelope
    }

    /// The texts of values that only the server can put into text, in a transaction that reads.
    async fn ask(&mut self, questions: Questions) -> Result<Vec<String>, Error> {
        if questions.is_empty() {
            return Ok(vec![]);
        }
        const WHAT: &str = "asking for the text of a value";
        let envelope = match self.transaction {
            None => Envelope::block("BEGIN READ ONLY"),
            Some(transaction) => Envelope::held(transaction, Mode::Read),
        };
        envelope::batch(&self.client, &envelope.before)
            .await
            .map_err(|error| failure::command(WHAT, error).loses_connection())?;
        let texts = questions.ask(&self.client).await;
        let ended = if self.transaction.is_none() {
            let sent = session::send(&self.client, &self.closing(&envelope.after)).await;
            self.closed(sent, envelope.own).map(drop)
        } else {
            envelope::batch(&self.client, &envelope.after).await
        };
        let texts = texts?;
        ended.map_err(|error| failure::command(WHAT, error))?;
        Ok(texts)
    }

    /// Why a statement failed, and whether it may go well the next time.
    fn failed(&mut self, statement: &Statement, failure: Failure) -> Error {
        let stale = !self.fresh.contains(&statement.name)
            && failure::is_stale(&failure, statement.is_atomic());
        let error = failure::query(statement, failure);
        if !stale {
            return error;
        }
        self.forget();
        error.stale()
    }
}

/// Whether a statement that has run makes what is prepared out of date.
fn changes_plans(statement: &Statement) -> bool {
    matches!(&*statement.verb(), "ALTER" | "CREATE" | "DEALLOCATE" | "DISCARD" | "DROP")
}

/// Whether a statement changes rows below its outermost command.
fn changes_below(statement: &Statement) -> bool {
    const CHANGES: [&str; 4] = ["INSERT", "UPDATE", "DELETE", "MERGE"];
    let changes = statement.tokens().filter(|token| token.is_one_of(&CHANGES)).count();
    statement.mode == Mode::Write
        && statement.verb() == "WITH"
        && changes > usize::from(statement.changes_rows())
}

/// Whether a statement changes what no command takes back: the seed of `random()`, a library.
fn stays(statement: &Statement) -> bool {
    statement.has_word("setseed") || statement.verb() == "LOAD"
}

/// Whether a statement may leave traces in its session, as far as its text shows.
fn leaves_traces(statement: &Statement) -> bool {
    const TRACES: [&str; 4] = ["set_config", "pg_temp", "TEMP", "TEMPORARY"];
    !statement.is_atomic()
        || statement.tokens().any(|token| {
            token.is_one_of(&TRACES) || token.text.to_ascii_lowercase().contains("advisory_lock")
        })
}

impl sql_function::Connection for Connection {
    type CancelHandle = CancelHandle;
    type Bound<'a> = (Prepared, &'a [Param]);

    fn cancel_handle(&self) -> CancelHandle {
        CancelHandle { address: self.address, token: self.client.cancel_token() }
    }

    fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    fn suits(&self, statements: &[&Statement]) -> bool {
        self.custom.is_empty() || self.custom.is_subset(&custom_settings::set_first(statements))
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
    ) -> Result<ExecResult, Error> {
        let custom = custom_settings::settings(statement);
        self.custom.extend(custom.iter().flatten().cloned());
        if stays(statement) || custom.is_none() {
            self.state = State::Lost("a statement changed what stays to the session's end");
        } else if !self.proxied || leaves_traces(statement) {
            self.changes();
        }
        let (prepared, params) = bound;
        let envelope = self.envelope(statement);
        let lone = self.transaction.is_none();
        let lasts = lone && envelope.own == 0;
        let pipeline =
            Pipeline { statement, prepared: &prepared, params, envelope: &envelope, lasts };
        let Responses { before, affected, changed, after, texts, questions } =
            pipeline.send(&self.client, rows).await?;
        let ended = if lone {
            self.closed(after, envelope.own)
        } else {
            after.error.map_or(Ok(false), Err)
        };
        let affected = match affected {
            Ok(affected) => affected,
            Err(failure) => return Err(self.failed(statement, failure)),
        };
        if changes_plans(statement) {
            self.forget();
        }
        match before {
            Err(error) if lone && envelope.own == 0 => {
                // It has run, whatever is wrong with what went before it.
                let error = failure::command("setting its time-out", error);
                tracing::warn!(error = error.log(), "the statement's time-out was not set");
            }
            before => before.map_err(|error| failure::query(statement, error))?,
        }
        if ended.map_err(|error| failure::query(statement, error))? {
            let _ = envelope::batch(&self.client, "ROLLBACK").await; // it ends with the connection
            return Err(refusal::left_open(statement));
        }
        let texts = match texts {
            Some(texts) => texts,
            None => self.ask(questions).await,
        };
        rows.fill(texts.map_err(|error| error.fated(Fate::Unknown))?)?;
        // Without columns, the rows of a SELECT are those of the table that it makes.
        let makes = matches!(&*statement.main_verb(), "CREATE" | "SELECT");
        let counts = statement.changes_rows() || (makes && prepared.columns().is_empty());
        let rows_affected = changed.unwrap_or(if counts { affected } else { 0 });
        Ok(ExecResult { rows_affected, last_insert_id: None })
    }

    async fn begin(&mut self, mode: Mode) -> Result<(), Error> {
        if !self.proxied {
            self.changes();
        }
        let sql = match mode {
            Mode::Read => "BEGIN READ ONLY",
            Mode::Write if self.role_reads => "BEGIN READ WRITE",
            Mode::Write => "BEGIN; SHOW transaction_read_only",
        };
        let begun = session::send(&self.client, sql).await;
        if let Some(error) = begun.error {
            return Err(failure::begin(mode, sql, error));
        }
        if begun.value(0) == Some("on") {
            return Err(refusal::read_only("the transaction", "transaction_read_only is on"));
        }
        self.transaction = Some(mode);
        Ok(())
    }

    async fn commit(&mut self) -> Result<(), Error> {
        self.transaction = None;
        // COMMIT itself would say nothing when it rolls back a transaction that has failed.
        let sql = self.closing("SAVEPOINT committed; COMMIT");
        let sent = session::send(&self.client, &sql).await;
        let committed = self.closed(sent, 2);
        committed.map_err(|error| failure::command("COMMIT", error).loses_connection())?;
        Ok(())
    }

    async fn rollback(&mut self) -> Result<(), Error> {
        self.transaction = None;
        let sent = session::send(&self.client, &self.closing("ROLLBACK")).await;
        let rolled_back = self.closed(sent, 1);
        rolled_back.map_err(|error| failure::command("ROLLBACK", error).loses_connection())?;
        Ok(())
    }

    /// Locks are kept by number: the server hashes the name. They are the database's own.
    async fn try_lock(&mut self, name: &str) -> Result<bool, Error> {
        const LOCK: &str = "\
            SELECT pg_catalog.pg_try_advisory_lock(\
            pg_catalog.hashtextextended($1::pg_catalog.text, 0::pg_catalog.int8))";
        self.changes();
        let name = format!("rds-iam-lambda/{name}");
        let taken = self.client.query_typed(LOCK, &[(&name, Type::TEXT)]).await;
        let taken = taken.and_then(|rows| rows.first().map_or(Ok(false), |row| row.try_get(0)));
        taken.map_err(|error| failure::command("pg_try_advisory_lock", error))
    }

    async fn restore(&mut self) -> Result<(), Error> {
        self.fresh.clear();
        let lost = |why: &'static str| {
            Error::new(Kind::ConnectionLost, "the session is not kept").says(why)
        };
        if self.state == State::Changed && self.proxied {
            return Err(lost("it was changed, and a proxy's is not reset"));
        }
        if self.state == State::Changed {
            let sent = session::send(&self.client, RESET).await;
            (self.state, _) = sent.state();
        }
        if let State::Lost(why) = self.state { Err(lost(why)) } else { Ok(()) }
    }

    async fn close(self) {
        let Connection { client, task, .. } = self;
        drop(client); // the task says goodbye, and ends
        task.ended().await;
    }
}

impl sql_function::Examine for Connection {
    async fn server_info(&mut self) -> Result<ServerInfo, Error> {
        server_info::query(&self.client)
            .await
            .map_err(|error| failure::command("the diagnosis", error))
    }

    async fn prepare(&mut self, statement: &Statement) -> Result<(), Error> {
        let prepared = self.prepared(statement).await?;
        server_info::check_rights(&self.client, statement, prepared.params().len()).await
    }
}

fn describe(column: &tokio_postgres::Column) -> Column {
    Column { name: column.name().to_owned(), type_name: value::type_name(column.type_()) }
}
