//! How a connection to an engine starts. The drivers do TCP, TLS and login in one; a diagnosis examines
//! them one by one.

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::error::Error;
use crate::login::Login;

/// The messages that start a connection, before and after TLS.
pub trait Startup {
    /// The engine's name for the authentication method that takes a token.
    const TOKEN_METHOD: &'static str;

    /// Requests TLS over a new connection. The handshake comes next. Returns the server's name for
    /// itself, which may be empty.
    ///
    /// # Errors
    /// The server is not of this engine, does not offer TLS, or refuses all connections.
    fn start_tls(
        login: &Login,
        stream: &mut TcpStream,
    ) -> impl Future<Output = Result<String, Error>> + Send;

    /// Ends a connection to a verified server, so that the server does not count it as a failed login.
    /// MySQL counts every client that disconnects before it is logged in: there this logs in, with a
    /// token if the server asks for one.
    fn conclude(
        login: &Login,
        stream: TlsStream<TcpStream>,
    ) -> impl Future<Output = Concluded> + Send;

    /// Starts a login as `user` over TLS to find out how the server asks the user to authenticate, and
    /// does not authenticate. Servers do not say whether a user exists, but they ask only IAM users for
    /// a token. Use it only after a login was denied: MySQL counts this one as denied too.
    ///
    /// # Errors
    /// The server refuses the login before it asks, or its answer is not understood.
    fn method<S: AsyncRead + AsyncWrite + Unpin + Send>(
        login: &Login,
        user: &str,
        stream: &mut S,
    ) -> impl Future<Output = Result<String, Error>> + Send;
}

/// The result of [`Startup::conclude`].
#[derive(Debug)]
pub struct Concluded {
    /// How the server asked the user to authenticate, if it got that far.
    pub method: Option<String>,
    /// Whether the server accepted the login, if it was asked to.
    pub outcome: Result<(), Error>,
}

impl Concluded {
    /// The server was not asked.
    pub const UNASKED: Concluded = Concluded { method: None, outcome: Ok(()) };
}
