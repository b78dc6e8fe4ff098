//! How each engine begins a connection: what a diagnosis needs to look at the steps that the drivers
//! do in one.

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::error::Error;
use crate::login::Login;

/// An engine's first words, before and after TLS.
pub trait Startup {
    /// How the engine calls the way to log in that takes a token.
    const TOKEN_METHOD: &'static str;

    /// Asks for TLS over a new connection. The handshake comes next. Gives what the server calls
    /// itself by then, which may be nothing.
    ///
    /// # Errors
    /// What answers is no server of this engine, offers no TLS, or turns everyone away.
    fn start_tls(
        login: &Login,
        stream: &mut TcpStream,
    ) -> impl Future<Output = Result<String, Error>> + Send;

    /// Ends a connection to a server that has been verified, in such a way that the server does not
    /// count it as a login that failed. MySQL counts every client that goes before it is logged in:
    /// so this logs in, with a token if that is what it is asked for.
    fn conclude(
        login: &Login,
        stream: TlsStream<TcpStream>,
    ) -> impl Future<Output = Concluded> + Send;

    /// Begins a login as `user` over TLS, to hear which proof the server asks for, and gives it
    /// none. Servers do not say whether a user exists, but they ask IAM users alone for a token. Only
    /// for a login that was denied: MySQL counts this one as denied too.
    ///
    /// # Errors
    /// The server turns the login away before it asks, or says what was not understood.
    fn method<S: AsyncRead + AsyncWrite + Unpin + Send>(
        login: &Login,
        user: &str,
        stream: &mut S,
    ) -> impl Future<Output = Result<String, Error>> + Send;
}

/// What a login by hand came to.
#[derive(Debug)]
pub struct Concluded {
    /// The proof that the server asked of the user for, if it got that far.
    pub method: Option<String>,
    /// Whether the server let the user in, as far as it was asked to.
    pub outcome: Result<(), Error>,
}

impl Concluded {
    /// The server was not asked to let anyone in.
    pub const UNASKED: Concluded = Concluded { method: None, outcome: Ok(()) };
}
