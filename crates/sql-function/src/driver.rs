//! What an engine's function implements: the traits [`Connector`], [`Connection`] and, for a diagnosis,
//! [`Examine`].

use diagnosis::EngineTexts;
use engine::Engine;

use crate::deadline::Deadline;
use crate::diagnose::{ServerInfo, Startup};
use crate::error::Error;
use crate::login::Login;
use crate::param::Param;
use crate::rows::Rows;
use crate::settings::NameLimit;
use crate::sql::Dialect;
use crate::statement::{Mode, Statement};

/// An engine's way to log in.
pub trait Connector: Startup + Sized + Send + Sync + 'static {
    /// An open connection, logged in.
    type Connection: Connection + Examine;
    /// The engine. MySQL's function serves MariaDB too.
    const ENGINE: Engine;
    /// The longest name of a user that any of its servers keeps whole.
    const USER_NAME_LIMIT: NameLimit;
    /// The engine's part of the texts about a failed login.
    const TEXTS: &'static EngineTexts;
    /// Whose SQL its statements are in.
    const DIALECT: Dialect;

    /// Prepares everything that logins share.
    fn new(login: Login) -> Self;

    /// The login this connector makes.
    fn login(&self) -> &Login;

    /// Dials, verifies the server, and logs in with a fresh token: once. The error of an attempt that is
    /// worth another try is [transient](Error::transient).
    ///
    /// # Errors
    /// The `Connect.…` and `Login.…` kinds, [`Kind::Credentials`](crate::Kind::Credentials),
    /// [`Kind::Timeout`](crate::Kind::Timeout).
    fn connect(
        &self,
        deadline: Deadline,
    ) -> impl Future<Output = Result<Self::Connection, Error>> + Send;

    /// Asks the server, over another connection, to cancel the statement that runs on the connection of
    /// `handle`.
    ///
    /// # Errors
    /// The server could not be asked.
    fn cancel(
        &self,
        handle: &<Self::Connection as Connection>::CancelHandle,
        deadline: Deadline,
    ) -> impl Future<Output = Result<(), Error>> + Send;
}

/// What a statement has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExecResult {
    /// How many rows it added, changed or removed.
    pub rows_affected: u64,
    /// The first number that the server gave to an added row by itself, where the engine tells.
    pub last_insert_id: Option<u64>,
}

/// What a diagnosis asks of a connection.
pub trait Examine: Connection {
    /// What the server says of itself and of the user who is logged in.
    fn server_info(&mut self) -> impl Future<Output = Result<ServerInfo, Error>> + Send;
    /// Has the server parse `statement` and check the user's rights, without running it.
    fn prepare(&mut self, statement: &Statement) -> impl Future<Output = Result<(), Error>> + Send;
}

/// What an invocation does with a connection. It must be dropped unless it is
/// [reusable](crate::is_reusable) after a step.
pub trait Connection: Send + 'static {
    /// What names the connection on its server, for a cancel request.
    type CancelHandle: Send + Sync;
    /// A statement and its values, ready to run.
    type Bound<'a>: Send;

    /// What names this connection on its server.
    fn cancel_handle(&self) -> Self::CancelHandle;
    /// Whether this side knows already that the connection has ended.
    fn is_closed(&self) -> bool;
    /// Whether the session is, for an event of these statements, that of a new login.
    fn suits(&self, _statements: &[&Statement]) -> bool {
        true
    }
    /// Asks the server for a sign of life, in one round trip.
    fn check(&mut self) -> impl Future<Output = Result<(), Error>> + Send;
    /// Does all that can be done before `statement` runs: the server parses it, its parameters and
    /// columns are checked, and the session lets it do what its mode says. Nothing of it is run.
    fn bind<'a>(
        &mut self,
        statement: &Statement,
        params: &'a [Param],
        rows: &mut Rows,
    ) -> impl Future<Output = Result<Self::Bound<'a>, Error>> + Send;
    /// Runs `statement` and writes what it returns into `rows`. Outside a transaction, one whose mode is read runs read-only on the server. The server ends
    /// it after the statement's own time-out, where the engine can.
    ///
    /// # Errors
    /// Their [fate](Error::fate) is that of the statement.
    fn run(
        &mut self,
        statement: &Statement,
        bound: Self::Bound<'_>,
        rows: &mut Rows,
    ) -> impl Future<Output = Result<ExecResult, Error>> + Send;
    /// Begins a transaction; read-only on the server unless `mode` is write.
    fn begin(&mut self, mode: Mode) -> impl Future<Output = Result<(), Error>> + Send;
    /// Makes a transaction's changes last.
    ///
    /// # Errors
    /// Their [fate](Error::fate) is that of the changes.
    fn commit(&mut self) -> impl Future<Output = Result<(), Error>> + Send;
    /// Takes a transaction's changes back.
    fn rollback(&mut self) -> impl Future<Output = Result<(), Error>> + Send;
    /// Takes the server lock called `name`, unless another connection has it. It ends with the
    /// connection at the latest.
    fn try_lock(&mut self, name: &str) -> impl Future<Output = Result<bool, Error>> + Send;
    /// Gives the session the state that a new login has: no lock, role, variable or temporary table of
    /// the invocation's.
    ///
    /// # Errors
    /// The connection must be dropped.
    fn restore(&mut self) -> impl Future<Output = Result<(), Error>> + Send;
    /// Takes leave of the server.
    fn close(self) -> impl Future<Output = ()> + Send;
}
