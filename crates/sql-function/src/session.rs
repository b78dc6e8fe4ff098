//! The connection: opened ahead of the first event, reused by every later one, and thrown away on
//! the first doubt.
//!
//! An invocation takes the connection out of the [`Session`] and hands it back only when it is known
//! to be in step with the server. One that is dropped on the way, by a time-out, a cancelled future
//! or a panic, is therefore never used again.

use iam_auth::{AuthToken, DialAddress, Endpoint, TokenSigner, TrustStore};
use serde::Serialize;
use std::time::{Duration, SystemTime};
use tokio::time::Instant;

use crate::deadline::Deadline;
use crate::error::{Error, Kind};
use crate::param::Param;
use crate::rows::Rows;
use crate::statement::{Mode, Statement};

/// Reads the time of day. `main` passes the real one.
pub type Clock = fn() -> SystemTime;

/// A connection unused for this long is checked before its next use: the environment may have been
/// frozen meanwhile, and the server may have gone.
const IDLE: Duration = Duration::from_secs(1);
/// How long that check may take before the connection counts as dead.
const CHECK: Duration = Duration::from_secs(1);

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
}

impl Login {
    /// What the token is signed for and the certificate must name.
    pub fn endpoint(&self) -> &Endpoint {
        self.signer.endpoint()
    }

    /// A fresh token, for one login over a connection whose server is verified.
    ///
    /// # Errors
    /// [`Kind::Credentials`].
    pub async fn token(&self) -> Result<AuthToken, Error> {
        self.signer.token((self.clock)()).await.map_err(|error| {
            Error::new(Kind::Credentials, "cannot sign a login token").caused_by(error).advice(
                "give the function an execution role; outside Lambda set AWS_ACCESS_KEY_ID, \
                 AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN",
            )
        })
    }
}

/// An engine's way to log in.
#[allow(async_fn_in_trait)] // one thread runs everything: nothing here need be Send
pub trait Connector: Sized {
    /// An open connection, logged in.
    type Connection: Connection;
    /// The engine's name, for people.
    const ENGINE: &'static str;
    /// The port its servers listen on.
    const DEFAULT_PORT: u16;

    /// Prepares everything that logins share.
    fn new(login: Login) -> Self;

    /// The login this connector makes.
    fn login(&self) -> &Login;

    /// Dials, verifies the server, and logs in with a fresh token.
    ///
    /// # Errors
    /// The `Connect.…` and `Login.…` kinds, [`Kind::Credentials`], [`Kind::Timeout`].
    async fn connect(&self, deadline: Deadline) -> Result<Self::Connection, Error>;
}

/// What an invocation does with a connection. Errors of kind `Query` and `Statement` leave it in step
/// with the server; after any other it must be dropped.
#[allow(async_fn_in_trait)] // as above
pub trait Connection {
    /// Asks the server for a sign of life, in one round trip.
    async fn check(&mut self) -> Result<(), Error>;
    /// The server's version, in its own words.
    async fn version(&mut self) -> Result<String, Error>;
    /// Has the server parse `statement`, without running it.
    async fn prepare(&mut self, statement: &Statement) -> Result<(), Error>;
    /// Runs `statement` and writes what it returns into `rows`. Gives the number of rows affected.
    /// Outside a transaction, one whose mode is read runs read-only on the server.
    async fn run(
        &mut self,
        statement: &Statement,
        params: &[Param],
        rows: &mut Rows,
    ) -> Result<u64, Error>;
    /// Begins a transaction; read-only on the server unless `mode` is write.
    async fn begin(&mut self, mode: Mode) -> Result<(), Error>;
    /// Makes a transaction's changes last.
    async fn commit(&mut self) -> Result<(), Error>;
    /// Takes a transaction's changes back.
    async fn rollback(&mut self) -> Result<(), Error>;
    /// Takes the server lock called `name`, unless another connection has it. It ends with the
    /// connection at the latest.
    async fn try_lock(&mut self, name: &str) -> Result<bool, Error>;
    /// Gives the lock back.
    async fn unlock(&mut self, name: &str) -> Result<(), Error>;
}

/// How an invocation came by its connection, as its response tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Obtained {
    /// Whether an earlier invocation used it too.
    pub reused: bool,
    /// How long opening it took, in milliseconds; 0 when it is reused. The first invocation of an
    /// environment reports the login made while it initialised.
    pub connect_ms: f64,
}

/// A connection that is in step with the server.
struct Idle<C> {
    connection: C,
    /// By the time of day: the other clock may stand still while an environment is frozen.
    since: SystemTime,
    obtained: Obtained,
}

/// The one connection of an execution environment.
pub struct Session<C: Connector> {
    connector: C,
    idle: Option<Idle<C::Connection>>,
}

impl<C: Connector> Session<C> {
    /// A session that has yet to connect.
    pub fn new(connector: C) -> Session<C> {
        Session { connector, idle: None }
    }

    /// The login that this session makes.
    pub fn login(&self) -> &Login {
        self.connector.login()
    }

    /// Connects ahead of the first event.
    ///
    /// # Errors
    /// Those of [`Connector::connect`]. The next [`ready`](Session::ready) tries again.
    pub async fn open(&mut self, deadline: Deadline) -> Result<(), Error> {
        self.idle = Some(self.connect(deadline).await?);
        Ok(())
    }

    /// The connection, for one invocation: the open one, or a new one when there is none or it has
    /// gone. Hand it back with [`keep`](Session::keep).
    ///
    /// # Errors
    /// Those of [`Connector::connect`].
    pub async fn ready(&mut self, deadline: Deadline) -> Result<(C::Connection, Obtained), Error> {
        if let Some(mut idle) = self.idle.take() {
            // A clock that was set back in the meantime tells nothing.
            let unused = self.now().duration_since(idle.since).unwrap_or(IDLE);
            let alive = unused < IDLE || {
                let check = deadline.at_most(Some(CHECK));
                check.bound(|| "the connection check".into(), idle.connection.check()).await.is_ok()
            };
            if alive {
                return Ok((idle.connection, idle.obtained));
            }
            tracing::info!("the idle connection has gone, connecting again");
        }
        let new = self.connect(deadline).await?;
        Ok((new.connection, new.obtained))
    }

    /// A connection beside the session's own, for a diagnosis.
    ///
    /// # Errors
    /// Those of [`Connector::connect`].
    pub async fn connect_apart(&self, deadline: Deadline) -> Result<C::Connection, Error> {
        self.connector.connect(deadline).await
    }

    /// Takes back a connection that is in step with the server.
    pub fn keep(&mut self, connection: C::Connection) {
        let obtained = Obtained { reused: true, connect_ms: 0.0 };
        self.idle = Some(Idle { connection, since: self.now(), obtained });
    }

    async fn connect(&self, deadline: Deadline) -> Result<Idle<C::Connection>, Error> {
        let start = Instant::now();
        let connection = self.connector.connect(deadline).await?;
        let obtained = Obtained { reused: false, connect_ms: millis(start.elapsed()) };
        Ok(Idle { connection, since: self.now(), obtained })
    }

    fn now(&self) -> SystemTime {
        (self.login().clock)()
    }
}

/// Milliseconds, to the microsecond.
pub fn millis(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}
