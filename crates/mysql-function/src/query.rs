//! Statements in, rows out.

use mysql_async::consts::StatusFlags;
use mysql_async::prelude::Queryable;
use mysql_async::{
    BinaryProtocol, Column as Meta, Conn, QueryResult, Statement as Prepared, Value,
};
use sql_function::doctor::About;
use sql_function::{Column, Error, Kind, Mode, Param, Rows, Statement, refusal};
use std::net::IpAddr;
use std::time::Duration;

use crate::{about, failure, value};

/// Makes a session refuse writes.
const READ_ONLY: &str = "SET SESSION TRANSACTION READ ONLY";

/// What a session begins with, in one round trip: what the function relies on, whatever the server's
/// parameter group or its `init_connect` says. RDS's own is not strict: a value that does not fit
/// would be cut. `SET NAMES` gives the collation that the `mysql` client has.
///
/// An RDS Proxy keeps a connection to itself once a variable is set that it does not track, so those
/// are left alone there:
/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-proxy-pinning.html>.
pub(crate) fn startup(through_proxy: bool) -> String {
    let untracked = if through_proxy {
        ""
    } else {
        "SET SESSION completion_type = NO_CHAIN, SESSION sql_select_limit = 18446744073709551615; "
    };
    format!(
        "SET NAMES utf8mb4, SESSION autocommit = 1, \
         SESSION sql_mode = CONCAT(@@session.sql_mode, ',STRICT_TRANS_TABLES'); \
         {untracked}{READ_ONLY}"
    )
}

/// What MySQL commits a transaction before or after, whatever becomes of it:
/// <https://dev.mysql.com/doc/refman/8.4/en/implicit-commit.html>. MariaDB's list is shorter.
const COMMITS: [&str; 23] = [
    "ALTER",
    "ANALYZE",
    "BEGIN",
    "CACHE",
    "CHANGE",
    "CHECK",
    "COMMIT",
    "CREATE",
    "DROP",
    "FLUSH",
    "GRANT",
    "IMPORT",
    "INSTALL",
    "LOCK",
    "OPTIMIZE",
    "RENAME",
    "REPAIR",
    "RESET",
    "REVOKE",
    "ROLLBACK",
    "START",
    "TRUNCATE",
    "UNINSTALL",
];

/// An open connection.
pub(crate) struct Connection {
    conn: Conn,
    address: IpAddr,
    /// What the session lets statements do outside of transactions.
    mode: Mode,
    /// How long the session lets them run, where that is not the server's own setting.
    timeout: Option<Duration>,
    in_transaction: bool,
}

/// What names a connection: a thread of the server at an address.
pub(crate) struct Session {
    pub(crate) address: IpAddr,
    pub(crate) thread: u32,
}

impl Connection {
    /// A connection to the server at `address`, whose session has just been made read-only.
    pub(crate) fn new(conn: Conn, address: IpAddr) -> Connection {
        Connection { conn, address, mode: Mode::Read, timeout: None, in_transaction: false }
    }

    /// The statement as the server has parsed it, in a session that lets it do what its mode says
    /// and no more. The session comes first: a read-only one does not even parse a write.
    async fn prepared(&mut self, statement: &Statement, sql: &str) -> Result<Prepared, Error> {
        if !self.in_transaction && self.mode != statement.mode {
            self.command(match statement.mode {
                Mode::Read => READ_ONLY,
                Mode::Write => "SET SESSION TRANSACTION READ WRITE",
            })
            .await?;
            self.mode = statement.mode;
        }
        if self.timeout != statement.timeout {
            self.command(&limit(statement.timeout)).await?;
            self.timeout = statement.timeout;
        }
        // The driver keeps what it has prepared: one round trip, once for each statement.
        self.conn.prep(sql).await.map_err(|error| failure::query(statement, error))
    }

    /// Whether the server has a transaction open, as it said with its last word.
    fn is_in_transaction(&self) -> bool {
        let last = self.conn.last_ok_packet();
        last.is_some_and(|ok| ok.status_flags().contains(StatusFlags::SERVER_STATUS_IN_TRANS))
    }

    async fn command(&mut self, sql: &str) -> Result<(), Error> {
        self.conn.query_drop(sql).await.map_err(|error| failure::command(sql, error))
    }

    /// The value of a lock function, whose `NAME` stands for the lock's.
    async fn lock_function(&mut self, call: &str, name: &str) -> Result<Option<i64>, Error> {
        // A lock's name is limited to 64 characters and is the whole server's: the database's name
        // goes into it, and a hash keeps it short.
        let name_of = "CONCAT('rds-iam-lambda/', LEFT(SHA2(CONCAT(DATABASE(), '/', ?), 256), 40))";
        let sql = call.replace("NAME", name_of);
        let value: Option<Option<i64>> = self
            .conn
            .exec_first(sql, (name,))
            .await
            .map_err(|error| failure::command(call, error))?;
        Ok(value.flatten())
    }
}

impl sql_function::Connection for Connection {
    type Id = Session;
    type Bound<'a> = (Prepared, Vec<Value>);

    fn id(&self) -> Session {
        Session { address: self.address, thread: self.conn.id() }
    }

    fn is_closed(&self) -> bool {
        self.conn.is_disconnected()
    }

    async fn check(&mut self) -> Result<(), Error> {
        self.conn.ping().await.map_err(|error| failure::command("the connection check", error))
    }

    async fn about(&mut self) -> Result<About, Error> {
        about::ask(&mut self.conn).await.map_err(|error| failure::command("the diagnosis", error))
    }

    async fn prepare(&mut self, statement: &Statement) -> Result<(), Error> {
        self.prepared(statement, &statement.sql).await.map(drop)
    }

    async fn bind(
        &mut self,
        statement: &Statement,
        params: &[Param],
        rows: &mut Rows,
    ) -> Result<(Prepared, Vec<Value>), Error> {
        if self.in_transaction && COMMITS.contains(&statement.verb().as_str()) {
            let message =
                format!("statement {:?} would commit the transaction it is in", statement.name);
            return Err(Error::new(Kind::Statement, message).advice(
                "send it by itself: MySQL commits before and after what is not about rows",
            ));
        }
        let values = params
            .iter()
            .enumerate()
            .map(|(index, param)| value::from_param(statement, index + 1, param))
            .collect::<Result<Vec<_>, _>>()?;
        let prepared = self.prepared(statement, &of_kinds(&statement.sql, &values)).await?;
        statement.check_params(prepared.num_params().into(), params.len())?;
        // Before it runs: a write whose result is refused must not have happened.
        rows.describe(prepared.columns().iter().map(describe).collect())?;
        Ok((prepared, values))
    }

    async fn run(
        &mut self,
        statement: &Statement,
        bound: Self::Bound<'_>,
        rows: &mut Rows,
    ) -> Result<u64, Error> {
        let (prepared, values) = bound;
        let failed = |error| failure::query(statement, error);
        let affected = {
            let mut result = self.conn.exec_iter(&prepared, values).await.map_err(failed)?;
            let affected = result.affected_rows();
            let outcome = read(&mut result, statement, rows).await;
            if outcome.as_ref().map_or_else(Error::leaves_connection_usable, |()| true) {
                result.drop_result().await.map_err(failed)?;
            }
            outcome.map(|()| affected)?
        };
        match (self.in_transaction, self.is_in_transaction()) {
            (true, false) => return Err(failure::committed(statement)),
            // The connection is not used again. Until it ends, the server would hold locks.
            (false, true) => {
                self.rollback().await?;
                return Err(refusal::left_open(statement));
            }
            _ => {}
        }
        Ok(if statement.mode == Mode::Write { affected } else { 0 })
    }

    async fn begin(&mut self, mode: Mode) -> Result<(), Error> {
        let sql = match mode {
            Mode::Read => "START TRANSACTION READ ONLY",
            Mode::Write => "START TRANSACTION READ WRITE",
        };
        let begun = self.conn.query_drop(sql).await;
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
        Ok(self.lock_function("SELECT GET_LOCK(NAME, 0)", name).await? == Some(1))
    }

    async fn unlock(&mut self, name: &str) -> Result<(), Error> {
        self.lock_function("SELECT RELEASE_LOCK(NAME)", name).await.map(drop)
    }

    async fn close(self) {
        let _ = self.conn.disconnect().await; // there is nothing left to lose
    }
}

/// The SQL under a comment that tells the kinds of its parameters. The driver keeps prepared
/// statements by their text, and MySQL (8.0.22 and later) keeps the type that a parameter had the
/// first time: an integer would make a later string a number.
fn of_kinds(sql: &str, values: &[Value]) -> String {
    let kind = |value: &Value| match value {
        Value::NULL => 'n',
        Value::Int(_) => 'i',
        Value::UInt(_) => 'u',
        _ => 't',
    };
    if values.is_empty() {
        return sql.to_owned();
    }
    format!("/* {} */ {sql}", values.iter().map(kind).collect::<String>())
}

/// Has the server end what runs longer: MySQL a SELECT, MariaDB anything. Each passes over the
/// other's comment.
fn limit(timeout: Option<Duration>) -> String {
    let (mysql, mariadb) = match timeout {
        None => ("DEFAULT".to_owned(), "DEFAULT".to_owned()),
        Some(timeout) => (timeout.as_millis().to_string(), timeout.as_secs_f64().to_string()),
    };
    format!(
        "SET SESSION /*!50708 max_execution_time = {mysql} */ /*M! max_statement_time = {mariadb} */"
    )
}

/// Writes the first result set into `rows`, row by row. A procedure's further ones are not returned.
async fn read(
    result: &mut QueryResult<'_, '_, BinaryProtocol>,
    statement: &Statement,
    rows: &mut Rows,
) -> Result<(), Error> {
    let Some(columns) = result.columns() else { return Ok(()) };
    if columns.is_empty() {
        return Ok(());
    }
    rows.describe(columns.iter().map(describe).collect())?;
    loop {
        let row = match result.next().await {
            Ok(Some(row)) => row,
            Ok(None) => return Ok(()),
            Err(error) if failure::is_long_row(&error) => {
                return Err(rows.too_large_at(rows.count() + 1));
            }
            Err(error) => return Err(failure::query(statement, error)),
        };
        let values = row.unwrap();
        rows.push(|json| {
            for (column, value) in columns.iter().zip(values) {
                value::write(json.value(), column, value)?;
            }
            Ok(())
        })?;
    }
}

fn describe(column: &Meta) -> Column {
    Column { name: column.name_str().into_owned(), type_name: value::type_name(column) }
}
