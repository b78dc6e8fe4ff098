//! What an engine's function implements: the traits [`Connector`], [`Connection`] and, for a
//! diagnosis, [`Examine`].

use diagnosis::EngineTexts;
use engine::Engine;

use crate::deadline::Deadline;
use crate::diagnose::{ServerInfo, Startup};
use crate::error::Error;
use crate::login::Login;
use crate::param::Param;
use crate::rows::{Column, Rows};
use crate::schema::Schema;
use crate::settings::NameLimit;
use crate::sql::Dialect;
use crate::statement::{Mode, Statement};

/// Opens connections to an engine's servers.
pub trait Connector: Startup + Sized + Send + Sync + 'static {
    /// An open connection that is logged in.
    type Connection: Connection + Examine;
    /// The engine. MySQL's function serves MariaDB too.
    const ENGINE: Engine;
    /// The longest user name that any of its servers accepts without truncating it.
    const USER_NAME_LIMIT: NameLimit;
    /// The engine's part of the texts about a failed login.
    const TEXTS: &'static EngineTexts;
    /// The SQL dialect of its statements.
    const DIALECT: Dialect;

    /// Prepares what all logins have in common.
    fn new(login: Login) -> Self;

    /// The login that this connector makes.
    fn login(&self) -> &Login;

    /// Dials, verifies the server and logs in with a new token, once. An error that is worth a
    /// retry is [transient](Error::transient).
    ///
    /// # Errors
    /// The `Connect.…` and `Login.…` kinds, [`Kind::Credentials`](crate::Kind::Credentials),
    /// [`Kind::Timeout`](crate::Kind::Timeout).
    fn connect(
        &self,
        deadline: Deadline,
    ) -> impl Future<Output = Result<Self::Connection, Error>> + Send;

    /// Asks the server, over another connection, to cancel the statement that runs on the
    /// connection of `handle`.
    ///
    /// # Errors
    /// The server could not be asked.
    fn cancel(
        &self,
        handle: &<Self::Connection as Connection>::CancelHandle,
        deadline: Deadline,
    ) -> impl Future<Output = Result<(), Error>> + Send;
}

/// The effect of a statement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExecResult {
    /// How many rows it inserted, updated or deleted.
    pub rows_affected: u64,
    /// The first value that the server generated for an inserted row, if the engine reports it.
    pub last_insert_id: Option<u64>,
}

/// What a server says of a statement that it has parsed.
#[derive(Debug, Default)]
pub struct Description {
    /// The type of each parameter, and the JSON that it takes; empty if the server does not tell.
    pub params: Vec<(String, Schema)>,
    /// The columns of the result, and the JSON of their values; empty if it has none, and `None` if
    /// only running it would tell.
    pub columns: Option<Vec<(Column, Schema)>>,
}

/// What a diagnosis and a description need from a connection.
pub trait Examine: Connection {
    /// What the server says of itself and of the user who is logged in.
    fn server_info(&mut self) -> impl Future<Output = Result<ServerInfo, Error>> + Send;
    /// Has the server parse `statement` and check the user's privileges, without running it.
    fn prepare(&mut self, statement: &Statement) -> impl Future<Output = Result<(), Error>> + Send;
    /// Why a statement that was prepared pins a session of an RDS Proxy, if the server's answer tells:
    /// what its text tells is [`pinning::reason`](crate::pinning::reason).
    fn pins(
        &mut self,
        _statement: &Statement,
    ) -> impl Future<Output = Option<&'static str>> + Send {
        async { None }
    }
    /// The server's name and version: `PostgreSQL 15.18`.
    fn version(&mut self) -> impl Future<Output = Result<String, Error>> + Send;
    /// Has the server parse `statement`, without running it, and tells what it knows of its
    /// parameters and columns. Afterwards no transaction is open and no lock is held.
    ///
    /// # Errors
    /// Running it would fail, too. They have the [line](Error::line) if the server tells.
    fn describe(
        &mut self,
        statement: &Statement,
    ) -> impl Future<Output = Result<Description, Error>> + Send;
}

/// What an invocation does with a connection. After a call whose result is not
/// [reusable](crate::is_reusable) the connection must be dropped.
pub trait Connection: Send + 'static {
    /// Identifies the connection on its server, for a cancel request.
    type CancelHandle: Send + Sync;
    /// A statement with its parameters, ready to run.
    type Bound<'a>: Send;
    /// The driver's own client.
    type Client: Send;

    /// Identifies this connection on its server.
    fn cancel_handle(&self) -> Self::CancelHandle;
    /// Whether the connection is known to be closed, without asking the server.
    fn is_closed(&self) -> bool;
    /// Whether an event of these statements finds the session as if it were new.
    fn suits(&self, _statements: &[&Statement]) -> bool {
        true
    }
    /// Why the server takes no writes, by what it said at the login; `None` through an RDS Proxy, which
    /// finds the writer itself.
    fn read_only(&self) -> Option<&'static str>;
    /// Asks the server for the writer of its cluster: the name of an instance, or its host; `None` if it
    /// knows none but itself, or this user may not ask. Nothing is changed by that.
    ///
    /// # Errors
    /// The connection must be dropped.
    fn writer(&mut self) -> impl Future<Output = Result<Option<String>, Error>> + Send;
    /// Checks in one round trip that the server still answers.
    fn check(&mut self) -> impl Future<Output = Result<(), Error>> + Send;
    /// Does everything that can be done before `statement` runs: the server parses it, its
    /// parameters and columns are checked, and the session is prepared for its mode. Nothing of it
    /// runs.
    fn bind<'a>(
        &mut self,
        statement: &Statement,
        params: &'a [Param],
        rows: &mut Rows,
    ) -> impl Future<Output = Result<Self::Bound<'a>, Error>> + Send;
    /// Runs `statement` and writes the rows it returns into `rows`. Outside a transaction, a
    /// statement in mode read runs read-only on the server. The server cancels it after the
    /// statement's own timeout, where the engine supports that.
    ///
    /// # Errors
    /// Their [fate](Error::fate) is that of the statement.
    fn run(
        &mut self,
        statement: &Statement,
        bound: Self::Bound<'_>,
        rows: &mut Rows,
    ) -> impl Future<Output = Result<ExecResult, Error>> + Send;
    /// Begins a transaction, which is read-only on the server unless `mode` is write.
    fn begin(&mut self, mode: Mode) -> impl Future<Output = Result<(), Error>> + Send;
    /// Commits the transaction.
    ///
    /// # Errors
    /// Their [fate](Error::fate) is that of the changes.
    fn commit(&mut self) -> impl Future<Output = Result<(), Error>> + Send;
    /// Rolls the transaction back. Returns whether all of it is undone: a table without transactions
    /// keeps what was written to it.
    fn rollback(&mut self) -> impl Future<Output = Result<bool, Error>> + Send;
    /// Whether the lock of an exclusive statement ends with the transaction that it runs in. If so, the
    /// transaction begins before the lock, and contains the statement even if it is the only one.
    fn locks_in_transaction(&self) -> bool {
        false
    }
    /// Acquires the server lock called `name`, unless another connection holds it. The server
    /// releases it when the connection closes, at the latest.
    fn try_lock(&mut self, name: &str) -> impl Future<Output = Result<bool, Error>> + Send;
    /// Restores the state of a new session: without the invocation's locks, role, variables and
    /// temporary tables.
    ///
    /// # Errors
    /// The connection must be dropped.
    fn restore(&mut self) -> impl Future<Output = Result<(), Error>> + Send;
    /// Prepares the session for statements that the handler sends with the driver's own client: they
    /// may write, as far as the user's own settings allow. The connection must be dropped afterwards.
    ///
    /// # Errors
    /// The connection must be dropped.
    fn hand_over(&mut self) -> impl Future<Output = Result<(), Error>> + Send;
    /// The driver's own client.
    fn client(&self) -> &Self::Client;
    /// The driver's own client.
    fn client_mut(&mut self) -> &mut Self::Client;
    /// Closes the connection cleanly.
    fn close(self) -> impl Future<Output = ()> + Send;
}
