//! What an engine's driver has to do: the two traits that each function implements.

use diagnosis::{Cause, EngineTexts};
use iam_auth::{AuthToken, DialAddress, Endpoint, TokenSigner, TrustStore};
use std::time::{Duration, SystemTime};

use crate::deadline::Deadline;
use crate::diagnose::{ServerInfo, Startup};
use crate::error::{Error, Kind};
use crate::param::Param;
use crate::rows::Rows;
use crate::said::Loggable;
use crate::settings::Longest;
use crate::sql::Dialect;
use crate::statement::{Mode, Statement};

/// Reads the time of day. `main` passes the real one.
pub type Clock = fn() -> SystemTime;

/// What a login needs: everything but the token, which is made for each.
pub struct Login {
    /// Signs the tokens; knows endpoint and user.
    pub signer: TokenSigner,
    /// Verifies the server.
    pub trust: TrustStore,
    /// Where TCP connects.
    pub connect_to: DialAddress,
    /// The database to use.
    pub database: String,
    /// The time that tokens are signed for.
    pub clock: Clock,
    /// By how many seconds tokens are dated ahead of the clock: 0, but in a diagnosis that looks for
    /// clocks that differ.
    pub dated_ahead: i64,
}

impl Login {
    /// What the token is signed for and the certificate must name.
    pub fn endpoint(&self) -> &Endpoint {
        self.signer.endpoint()
    }

    /// Whether an RDS Proxy stands between the function and the server.
    pub fn is_through_proxy(&self) -> bool {
        self.endpoint().kind().is_proxy()
    }

    /// A fresh token, for one login over a connection whose server is verified.
    ///
    /// # Errors
    /// [`Kind::Credentials`].
    pub async fn token(&self) -> Result<AuthToken, Error> {
        let now = (self.clock)();
        let shift = Duration::from_secs(self.dated_ahead.unsigned_abs());
        let date = if self.dated_ahead < 0 { now - shift } else { now + shift };
        self.signer.token(date).await.map_err(|error| {
            let expiring = error.is_expiring();
            let cause =
                if expiring { Cause::CredentialsExpired } else { Cause::CredentialsMissing };
            let error = Error::new(Kind::Credentials, "cannot sign a login token")
                .says(Loggable::of_error(&error));
            error.named(cause).advice(
                "give the function an execution role; outside Lambda set AWS_ACCESS_KEY_ID, \
                 AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN",
            )
        })
    }
}

/// An engine's way to log in.
pub trait Connector: Startup + Sized + Send + Sync + 'static {
    /// An open connection, logged in.
    type Connection: Connection + Examine;
    /// The engine's name, for people.
    const ENGINE: &'static str;
    /// The port its servers listen on.
    const DEFAULT_PORT: u16;
    /// The longest name of a user that any of its servers keeps whole.
    const LONGEST_USER: Longest;
    /// The engine's part of the texts about a failed login.
    const TEXTS: &'static EngineTexts;
    /// Whose SQL its statements are in.
    const DIALECT: Dialect;

    /// Prepares everything that logins share.
    fn new(login: Login) -> Self;

    /// The login this connector makes.
    fn login(&self) -> &Login;

    /// Dials, verifies the server, and logs in with a fresh token: once. An error that passes by
    /// itself is [transient](Error::is_transient).
    ///
    /// # Errors
    /// The `Connect.…` and `Login.…` kinds, [`Kind::Credentials`], [`Kind::Timeout`].
    fn connect(
        &self,
        deadline: Deadline,
    ) -> impl Future<Output = Result<Self::Connection, Error>> + Send;

    /// Asks the server, over another connection, to end the statement that runs on `session`.
    ///
    /// # Errors
    /// The server could not be asked.
    fn cancel(
        &self,
        session: &<Self::Connection as Connection>::Id,
        deadline: Deadline,
    ) -> impl Future<Output = Result<(), Error>> + Send;
}

/// What a statement has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Done {
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

/// What an invocation does with a connection. After an error that does not
/// [leave it usable](Error::leaves_connection_usable) it must be dropped.
pub trait Connection: Send + 'static {
    /// What names the connection on its server.
    type Id: Send + Sync;
    /// A statement and its values, ready to run.
    type Bound<'a>: Send;

    /// What names this connection on its server.
    fn id(&self) -> Self::Id;
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
    ) -> impl Future<Output = Result<Done, Error>> + Send;
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

/// Milliseconds, to the microsecond.
pub fn millis(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}
