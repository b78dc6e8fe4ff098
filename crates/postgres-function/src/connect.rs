//! Logs in: verified TLS first, then a token that is signed for this login.
//!
//! By default, the driver would fall back to an unencrypted connection and send a password over it.
//! [`Postgres::new`] is the only place that builds its options, always with TLS and only with the
//! roots of the trust store.

use diagnosis::EngineTexts;
use engine::Engine;
use sql_function::NameLimit;
use sql_function::dial::{self, Preference, Race};
use sql_function::sql::Dialect;
use sql_function::{Connector, Deadline, Error, Kind, Login, token_at, trace};
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::net::TcpStream;
use tokio_postgres::Config;
use tokio_postgres::config::{ChannelBinding, SslMode};
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::ahead::Ahead;
use crate::close_on_drop::ConnectionTask;
use crate::connection::{CancelHandle, Connection};
use crate::failure;
use crate::filtered::{Filter, FilteredStream};
use crate::session::Defaults;
use crate::texts::POSTGRES;
use crate::token::{Message, PLACEHOLDER, TokenStream};

type RustlsConnect = <MakeRustlsConnect as MakeTlsConnect<TcpStream>>::TlsConnect;

/// Logs in to PostgreSQL.
pub struct Postgres {
    login: Login,
    /// Everything except the token, which the driver never gets.
    config: Config,
    tls: MakeRustlsConnect,
    /// The family of addresses that is dialled first.
    preference: Preference,
}

impl Connector for Postgres {
    type Connection = Connection;
    const ENGINE: Engine = Engine::Postgres;
    // NAMEDATALEN is 64, including the terminating NUL.
    const USER_NAME_LIMIT: NameLimit = NameLimit::Bytes(63);
    const TEXTS: &'static EngineTexts = POSTGRES;
    const DIALECT: Dialect = Dialect::Postgres;

    fn new(login: Login) -> Postgres {
        let tls = MakeRustlsConnect::new(login.trust.client_config().as_ref().clone());
        let mut config = Config::new();
        config
            .user(login.signer.user())
            .dbname(&login.database)
            .application_name("rds-iam-lambda")
            .password(PLACEHOLDER)
            .ssl_mode(SslMode::Require)
            .channel_binding(ChannelBinding::Disable); // only for SCRAM
        Postgres { login, config, tls, preference: Preference::default() }
    }

    fn login(&self) -> &Login {
        &self.login
    }

    async fn connect(&self, deadline: Deadline) -> Result<Connection, Error> {
        let login = &self.login;
        let preference = Some(&self.preference);
        let dial = pin!(async {
            let mut race = Race::start(&login.connect_to, preference, deadline).await?;
            race.winner(deadline).await
        });
        let stream = trace::step("dial", Error::error_type, dial).await?;
        let address = stream.peer_addr().map_err(|error| failure::no_peer(login, error))?.ip();
        let secured = Arc::new(AtomicBool::new(false));
        let message = Message::new(&token_at::<Postgres>(login, address, deadline).await?);
        let through_proxy = login.is_through_proxy();
        let ahead = (!through_proxy).then(Arc::<Ahead>::default);
        let filter = match &ahead {
            Some(ahead) => Filter::Ahead(ahead.clone()),
            None => Filter::Unnamed(Box::default()),
        };
        let tls = TokenTls { tls: self.tls()?, message, filter, secured: secured.clone() };
        // Boxed: each future around it would have two copies of it, on a stack that is then touched
        // page by page.
        let attempt = Box::pin(self.config.connect_raw(stream, tls));
        let attempt = self.preference.learn(address, attempt, failure::is_answer);
        let attempt = async { attempt.await.map_err(|error| failure::login(login, error)) };
        let stage = || if secured.load(Ordering::Relaxed) { "the login" } else { "TLS" }.into();
        let deadline = deadline.for_one_login();
        let (client, connection) = deadline.bound(stage, attempt).await?;
        if let Some(ahead) = &ahead {
            ahead.logged_in();
        }
        let reported = Defaults::reported(
            connection.parameter("in_hot_standby"),
            connection.parameter("default_transaction_read_only"),
        );
        let task = ConnectionTask::new(tokio::spawn(async move {
            if let Err(error) = connection.await {
                let error = failure::command("closing it", error, through_proxy);
                tracing::debug!(error = error.log(), "the connection ended");
            }
        }));
        let asked = || async { Ok(Defaults::ask(&client).await) };
        let defaults = match reported {
            Some(defaults) => defaults,
            None => deadline.bound(|| "the login".into(), asked()).await?,
        };
        Ok(Connection::new(client, task, address, ahead, defaults))
    }

    /// A cancel request over verified TLS to the same server, because its key is a secret. An RDS
    /// Proxy accepts none; it cancels a statement when its client disconnects.
    async fn cancel(&self, handle: &CancelHandle, deadline: Deadline) -> Result<(), Error> {
        if self.login.is_through_proxy() {
            return Ok(());
        }
        let address = &self.login.connect_to;
        let stream = dial::connect(address, &[handle.address], deadline).await?;
        let tls = self.tls()?;
        let cancel = async {
            let sent = handle.token.cancel_query_raw(stream, tls).await;
            sent.map_err(|error| failure::command("the cancel request", error, false))
        };
        deadline.bound(|| "the cancel request".into(), cancel).await
    }
}

impl Postgres {
    /// TLS for the endpoint, whose name the certificate must have.
    fn tls(&self) -> Result<RustlsConnect, Error> {
        let name = self.login.endpoint().host();
        MakeTlsConnect::<TcpStream>::make_tls_connect(&mut self.tls.clone(), name)
            .map_err(|error| failure::name(&self.login, error))
    }
}

/// TLS that wraps the stream in a [`TokenStream`] and a [`FilteredStream`], and records that TLS is
/// done: a timeout can then tell whether it was the login that hung.
struct TokenTls {
    tls: RustlsConnect,
    message: Message,
    filter: Filter,
    secured: Arc<AtomicBool>,
}

impl TlsConnect<TcpStream> for TokenTls {
    type Stream = FilteredStream<TokenStream<<RustlsConnect as TlsConnect<TcpStream>>::Stream>>;
    type Error = <RustlsConnect as TlsConnect<TcpStream>>::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Stream, Self::Error>> + Send>>;

    fn connect(self, stream: TcpStream) -> Self::Future {
        let connect = self.tls.connect(stream);
        Box::pin(async move {
            let failed = |_: &io::Error| Kind::ConnectTls.name();
            let stream = trace::step("tls", failed, connect).await?;
            self.secured.store(true, Ordering::Relaxed);
            let stream = TokenStream::new(stream, self.message);
            Ok(FilteredStream::new(stream, self.filter))
        })
    }
}
