//! The first messages of PostgreSQL's protocol, by themselves: the driver does TLS and login in one.
//!
//! Source: "Message Flow" and "Message Formats" in the PostgreSQL documentation, version 3.0.

use sql_function::diagnose::{Concluded, Startup};
use sql_function::{Error, Login, refusal};
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_postgres::error::SqlState;
use tokio_rustls::client::TlsStream;

use crate::connect::Postgres;
use crate::failure;

/// The code of a request for TLS.
const SSL_REQUEST: u32 = 80_877_103;
/// Version 3.0 of the protocol.
const PROTOCOL: u32 = 3 << 16;
/// No question and no error is longer.
const LONGEST: usize = 30_000;

/// The first byte of a message that says what it is.
const AUTHENTICATION: u8 = b'R';
const ERROR: u8 = b'E';

impl Startup for Postgres {
    const TOKEN_METHOD: &'static str = "cleartext password";

    async fn start_tls(login: &Login, stream: &mut TcpStream) -> Result<String, Error> {
        let broken = |error: io::Error| refusal::wrong_engine(login, error.to_string());
        send(stream, &SSL_REQUEST.to_be_bytes()).await.map_err(broken)?;
        match stream.read_u8().await.map_err(broken)? {
            b'S' => Ok(String::new()),
            b'N' => Err(refusal::no_tls(login)),
            ERROR => {
                let body = receive_body(stream).await.map_err(broken)?;
                Err(refused(login, &body))
            }
            _ => Err(broken(unknown())),
        }
    }

    /// PostgreSQL counts no client that goes before it says who it is, and logs one that goes before
    /// it has read what the server sent: TLS 1.3's tickets.
    async fn conclude(_: &Login, mut stream: TlsStream<TcpStream>) -> Concluded {
        if stream.shutdown().await.is_ok() {
            let _ = stream.take(LONGEST as u64).read_to_end(&mut vec![]).await;
        }
        Concluded::UNASKED
    }

    async fn method<S: AsyncRead + AsyncWrite + Unpin + Send>(
        login: &Login,
        user: &str,
        stream: &mut S,
    ) -> Result<String, Error> {
        let broken = |error: io::Error| refusal::wrong_engine(login, error.to_string());
        let parameters = format!("user\0{user}\0database\0{}\0\0", login.database);
        let hello = [&PROTOCOL.to_be_bytes(), parameters.as_bytes()].concat();
        send(stream, &hello).await.map_err(broken)?;
        let kind = stream.read_u8().await.map_err(broken)?;
        let body = receive_body(stream).await.map_err(broken)?;
        let number = body.first_chunk().map(|number| u32::from_be_bytes(*number));
        match (kind, number) {
            (ERROR, _) => Err(refused(login, &body)),
            (AUTHENTICATION, Some(0)) => Ok("nothing".to_owned()),
            (AUTHENTICATION, Some(3)) => Ok(Self::TOKEN_METHOD.to_owned()),
            (AUTHENTICATION, Some(5)) => Ok("MD5 password".to_owned()),
            (AUTHENTICATION, Some(10)) => Ok("SCRAM".to_owned()),
            (AUTHENTICATION, Some(other)) => Ok(format!("method {other}")),
            _ => Err(broken(unknown())),
        }
    }
}

/// What a message of the server's says that turns a client away: fields that each begin with a
/// letter and end with a NUL byte.
fn refused(login: &Login, body: &[u8]) -> Error {
    let field = |letter: u8| {
        let mut fields = body.split(|&byte| byte == 0);
        let text = fields.find_map(|field| field.strip_prefix(&[letter])).unwrap_or_default();
        String::from_utf8_lossy(text).into_owned()
    };
    let (code, message) = (field(b'C'), field(b'M'));
    let says = format!("{} ({code}): {message}", field(b'S'));
    failure::refused_by_server(login, &SqlState::from_code(&code), &message, says)
}

async fn receive_body(stream: &mut (impl AsyncRead + Unpin + Send)) -> io::Result<Vec<u8>> {
    let length = stream.read_u32().await? as usize;
    let length = length.checked_sub(4).filter(|length| *length <= LONGEST).ok_or_else(unknown)?;
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    Ok(body)
}

/// Sends a message that has no letter of its own, as the first ones have none.
async fn send(stream: &mut (impl AsyncWrite + Unpin + Send), body: &[u8]) -> io::Result<()> {
    let length = (body.len() + 4) as u32;
    stream.write_all(&[&length.to_be_bytes(), body].concat()).await?;
    stream.flush().await
}

fn unknown() -> io::Error {
    io::Error::other("what it says is not of PostgreSQL's protocol")
}
