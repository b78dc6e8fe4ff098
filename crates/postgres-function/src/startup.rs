//! The messages that start a PostgreSQL connection, one by one: the driver does TLS and login in one.
//!
//! Source: "Message Flow" and "Message Formats" in the PostgreSQL documentation, version 3.0.

use bytes::{BufMut, BytesMut};
use fallible_iterator::FallibleIterator;
use postgres_protocol::message::backend::{ERROR_RESPONSE_TAG, ErrorResponseBody, Message};
use postgres_protocol::message::frontend;
use sql_function::diagnose::{Concluded, Startup};
use sql_function::{Error, Login, refusal};
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_postgres::error::SqlState;
use tokio_rustls::client::TlsStream;

use crate::connect::Postgres;
use crate::failure;

/// The longest message of the server during startup, in bytes.
const MAX_STARTUP_MESSAGE: usize = 30_000;

impl Startup for Postgres {
    const TOKEN_METHOD: &'static str = "cleartext password";

    async fn start_tls(login: &Login, stream: &mut TcpStream) -> Result<String, Error> {
        let mut request = BytesMut::new();
        frontend::ssl_request(&mut request);
        send(stream, &request).await.map_err(broken(login))?;
        match stream.read_u8().await.map_err(broken(login))? {
            b'S' => Ok(String::new()),
            b'N' => Err(refusal::no_tls(login)),
            ERROR_RESPONSE_TAG => {
                match receive(ERROR_RESPONSE_TAG, stream).await.map_err(broken(login))? {
                    Message::ErrorResponse(error) => Err(refused(login, &error)),
                    _ => Err(refusal::wrong_engine(login, unknown())),
                }
            }
            _ => Err(refusal::wrong_engine(login, unknown())),
        }
    }

    /// PostgreSQL does not count a client that disconnects before it names a user, but it logs one that
    /// has not read all that the server sent: TLS 1.3's tickets.
    async fn conclude(_: &Login, mut stream: TlsStream<TcpStream>) -> Concluded {
        if stream.shutdown().await.is_ok() {
            let _ = stream.take(MAX_STARTUP_MESSAGE as u64).read_to_end(&mut vec![]).await;
        }
        Concluded::UNASKED
    }

    async fn method<S: AsyncRead + AsyncWrite + Unpin + Send>(
        login: &Login,
        user: &str,
        stream: &mut S,
    ) -> Result<String, Error> {
        let mut startup = BytesMut::new();
        let parameters = [("user", user), ("database", &*login.database)];
        frontend::startup_message(parameters, &mut startup).map_err(broken(login))?;
        send(stream, &startup).await.map_err(broken(login))?;
        let tag = stream.read_u8().await.map_err(broken(login))?;
        let method = match receive(tag, stream).await.map_err(broken(login))? {
            Message::ErrorResponse(error) => return Err(refused(login, &error)),
            Message::AuthenticationOk => "nothing",
            Message::AuthenticationCleartextPassword => Self::TOKEN_METHOD,
            Message::AuthenticationMd5Password(_) => "MD5 password",
            Message::AuthenticationSasl(_) => "SCRAM",
            Message::AuthenticationKerberosV5 => "Kerberos",
            Message::AuthenticationGss => "GSSAPI",
            Message::AuthenticationSspi => "SSPI",
            _ => return Err(refusal::wrong_engine(login, unknown())),
        };
        Ok(method.to_owned())
    }
}

/// The error in a message.
fn refused(login: &Login, error: &ErrorResponseBody) -> Error {
    let field = |letter: u8| {
        let field = error.fields().find(|field| Ok(field.type_() == letter)).ok().flatten();
        field.map(|field| String::from_utf8_lossy(field.value_bytes()).into_owned())
    };
    let [code, message, severity] =
        [b'C', b'M', b'S'].map(|letter| field(letter).unwrap_or_default());
    let says = format!("{severity} ({code}): {message}");
    failure::refused_by_server(login, &SqlState::from_code(&code), &message, says)
}

/// The message that begins with `tag`.
async fn receive(tag: u8, stream: &mut (impl AsyncRead + Unpin + Send)) -> io::Result<Message> {
    let length = stream.read_u32().await?;
    let rest = (length as usize).checked_sub(4).filter(|rest| *rest <= MAX_STARTUP_MESSAGE);
    let mut body = vec![0; rest.ok_or_else(unknown)?];
    stream.read_exact(&mut body).await?;
    let mut message = BytesMut::new();
    message.put_u8(tag);
    message.put_u32(length);
    message.put_slice(&body);
    Message::parse(&mut message).ok().flatten().ok_or_else(unknown)
}

async fn send(stream: &mut (impl AsyncWrite + Unpin + Send), message: &[u8]) -> io::Result<()> {
    stream.write_all(message).await?;
    stream.flush().await
}

/// The error for a server that is not of this engine: it answers otherwise, or not.
fn broken(login: &Login) -> impl Fn(io::Error) -> Error {
    |error| refusal::broken_startup(login, &error)
}

fn unknown() -> io::Error {
    io::Error::other("the answer is not in PostgreSQL's protocol")
}
