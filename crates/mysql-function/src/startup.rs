//! The first packets of MySQL's protocol, by themselves: the driver does TCP, TLS and login in one.
//!
//! Source: "Connection Phase" in the MySQL Source Code Documentation; MariaDB's is the same.

use mysql_async::ServerError;
use sql_function::diagnose::{Concluded, Startup};
use sql_function::{Error, Login, refusal};
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use zeroize::Zeroizing;

use crate::connect::MySql;
use crate::failure;

const PROTOCOL_41: u32 = 1 << 9;
const SSL: u32 = 1 << 11;
const SECURE_CONNECTION: u32 = 1 << 15;
const PLUGIN_AUTH: u32 = 1 << 19;
const CAPABILITIES: u32 = PROTOCOL_41 | SSL | SECURE_CONNECTION | PLUGIN_AUTH;

const UTF8MB4: u8 = 45;
/// No greeting and no question is longer.
const LONGEST: usize = 4096;
/// A method that no user has: the server answers with the user's own.
const NO_METHOD: &[u8] = b"none\0";

/// The first byte of a packet that says what it is.
const OK: u8 = 0x00;
const PROTOCOL_10: u8 = 10;
const SWITCH: u8 = 0xfe;
const ERROR: u8 = 0xff;
/// The command that ends a session.
const QUIT: &[u8] = &[1];

impl Startup for MySql {
    const TOKEN_METHOD: &'static str = "mysql_clear_password";

    async fn start_tls(login: &Login, stream: &mut TcpStream) -> Result<String, Error> {
        let broken = |error: io::Error| refusal::wrong_engine(login, error.to_string());
        let greeting = receive(stream).await.map_err(broken)?;
        match greeting.first() {
            Some(&PROTOCOL_10) => {}
            Some(&ERROR) => return Err(refused(login, &greeting)),
            _ => return Err(broken(unknown())),
        }
        let capabilities = capabilities(&greeting).ok_or_else(|| broken(unknown()))?;
        if u32::from(capabilities) & SSL == 0 {
            return Err(refusal::no_tls(login));
        }
        send(stream, 1, &opening()).await.map_err(broken)?;
        let version = greeting[1..].split(|byte| *byte == 0).next().unwrap_or_default();
        Ok(String::from_utf8_lossy(version).into_owned())
    }

    async fn conclude(login: &Login, mut stream: TlsStream<TcpStream>) -> Concluded {
        let stream = &mut stream;
        let question = match ask(login, login.signer.user(), stream).await {
            Ok(question) => question,
            Err(error) => return Concluded { method: None, outcome: Err(error) },
        };
        let outcome = match &question {
            Question::None => Ok(()),
            Question::For(method) if method == Self::TOKEN_METHOD => match login.token().await {
                Ok(token) => {
                    let password = [token.expose().as_bytes(), &[0]].concat();
                    answer(login, stream, &Zeroizing::new(password)).await
                }
                Err(error) => Err(error),
            },
            Question::For(method) => answer(login, stream, no_password(method)).await,
        };
        if outcome.is_ok() {
            let _ = send(stream, 0, QUIT).await;
            // The server closes when it no longer counts the connection as one of the user's.
            let _ = stream.take(LONGEST as u64).read_to_end(&mut vec![]).await;
        }
        Concluded { method: Some(question.into_method()), outcome }
    }

    async fn method<S: AsyncRead + AsyncWrite + Unpin + Send>(
        login: &Login,
        user: &str,
        stream: &mut S,
    ) -> Result<String, Error> {
        let question = ask(login, user, stream).await?;
        match question {
            // A client that goes without an answer is counted, and blocked after a hundred
            // (max_connect_errors); one with an empty password is only denied.
            Question::For(ref method) => {
                let _ = answer(login, stream, no_password(method)).await;
            }
            Question::None => _ = send(stream, 0, QUIT).await,
        }
        Ok(question.into_method())
    }
}

/// The proof that a server asks for.
enum Question {
    /// It lets the user in without any.
    None,
    /// By this method.
    For(String),
}

impl Question {
    fn into_method(self) -> String {
        match self {
            Question::None => "nothing".to_owned(),
            Question::For(method) => method,
        }
    }
}

/// Begins a login as `user`, with a proof that no server takes.
async fn ask<S: AsyncRead + AsyncWrite + Unpin + Send>(
    login: &Login,
    user: &str,
    stream: &mut S,
) -> Result<Question, Error> {
    let broken = |error: io::Error| refusal::wrong_engine(login, error.to_string());
    // The name, ended by a NUL; an empty proof; the method it is meant for.
    let hello = [&opening(), user.as_bytes(), &[0, 0], NO_METHOD].concat();
    send(stream, 2, &hello).await.map_err(broken)?;
    let answer = receive(stream).await.map_err(broken)?;
    match answer.split_first() {
        Some((&SWITCH, rest)) => {
            let method = rest.split(|byte| *byte == 0).next().unwrap_or_default();
            Ok(Question::For(String::from_utf8_lossy(method).into_owned()))
        }
        Some((&ERROR, _)) => Err(refused(login, &answer)),
        Some((&OK, _)) => Ok(Question::None),
        _ => Err(broken(unknown())),
    }
}

/// A password of no characters, as a method puts it. What is malformed is no denial to a server.
fn no_password(method: &str) -> &'static [u8] {
    match method {
        "mysql_native_password" => &[],
        _ => &[0],
    }
}

/// Answers the server's question.
async fn answer<S: AsyncRead + AsyncWrite + Unpin + Send>(
    login: &Login,
    stream: &mut S,
    proof: &[u8],
) -> Result<(), Error> {
    let broken = |error: io::Error| refusal::wrong_engine(login, error.to_string());
    send(stream, 4, proof).await.map_err(broken)?;
    let answer = receive(stream).await.map_err(broken)?;
    match answer.first() {
        Some(&OK) => Ok(()),
        Some(&ERROR) => Err(refused(login, &answer)),
        _ => Err(broken(unknown())),
    }
}

/// The beginning that the request for TLS and the client's answer share.
fn opening() -> Vec<u8> {
    let mut packet = CAPABILITIES.to_le_bytes().to_vec();
    packet.extend((1u32 << 24).to_le_bytes()); // the longest packet
    packet.push(UTF8MB4);
    packet.extend([0; 23]);
    packet
}

/// The lower half of what the server can do, in its greeting.
fn capabilities(greeting: &[u8]) -> Option<u16> {
    let version_end = greeting.iter().position(|&byte| byte == 0)?;
    // The connection's number, half of the challenge and a filler come before.
    let at = version_end + 1 + 4 + 8 + 1;
    Some(u16::from_le_bytes([*greeting.get(at)?, *greeting.get(at + 1)?]))
}

/// What a packet of the server's says that turns a client away.
fn refused(login: &Login, packet: &[u8]) -> Error {
    let code = packet.get(1..3).map_or(0, |code| u16::from_le_bytes([code[0], code[1]]));
    let text = String::from_utf8_lossy(packet.get(3..).unwrap_or_default()).into_owned();
    // The state comes with the message once the protocol is agreed.
    let (state, message) = match text.strip_prefix('#').and_then(|text| text.split_at_checked(5)) {
        Some((state, message)) => (state, message),
        None => ("HY000", &*text),
    };
    let (state, message) = (state.to_owned(), message.to_owned());
    failure::refused_by_server(login, &ServerError { code, state, message })
}

async fn receive(stream: &mut (impl AsyncRead + Unpin + Send)) -> io::Result<Vec<u8>> {
    let mut header = [0; 4];
    stream.read_exact(&mut header).await?;
    let [a, b, c, _] = header;
    let length = u32::from_le_bytes([a, b, c, 0]) as usize;
    if length > LONGEST {
        return Err(unknown());
    }
    let mut packet = vec![0; length];
    stream.read_exact(&mut packet).await?;
    Ok(packet)
}

async fn send(
    stream: &mut (impl AsyncWrite + Unpin + Send),
    sequence: u8,
    packet: &[u8],
) -> io::Result<()> {
    let [a, b, c, _] = (packet.len() as u32).to_le_bytes();
    stream.write_all(&[&[a, b, c, sequence], packet].concat()).await?;
    stream.flush().await
}

fn unknown() -> io::Error {
    io::Error::other("what it says is not of MySQL's protocol")
}
