//! How each engine begins a connection: what a diagnosis needs to look at the steps that the drivers
//! do in one. No token is ever sent here.

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::engine::Login;
use crate::error::Error;

/// An engine's first words, before and after TLS.
pub trait Preamble {
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

    /// Begins a login as `user` over TLS, to hear which proof the server asks for, and gives it
    /// none. Servers do not say whether a user exists, but they ask IAM users alone for a token.
    ///
    /// # Errors
    /// The server turns the login away before it asks, or says what was not understood.
    fn method<S: AsyncRead + AsyncWrite + Unpin + Send>(
        login: &Login,
        user: &str,
        stream: &mut S,
    ) -> impl Future<Output = Result<String, Error>> + Send;
}
