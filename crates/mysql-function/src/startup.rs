//! The packets that start a MySQL connection, one by one: the driver does TCP, TLS and login in one.
//!
//! Source: "Connection Phase" in the MySQL Source Code Documentation; MariaDB's is the same.

use mysql_common::collations::CollationId;
use mysql_common::constants::CapabilityFlags;
use mysql_common::io::ParseBuf;
use mysql_common::packets::{
    AuthPlugin, AuthSwitchRequest, CommonOkPacket, ErrPacket, HandshakePacket, HandshakeResponse,
    OkPacketDeserializer, SslRequest,
};
use mysql_common::proto::{MyDeserialize, MySerialize};
use sql_function::diagnose::{Concluded, Startup};
use sql_function::{Error, Login, refusal};
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use zeroize::Zeroizing;

use crate::connect::MySql;
use crate::failure;

const CAPABILITIES: CapabilityFlags = CapabilityFlags::CLIENT_PROTOCOL_41
    .union(CapabilityFlags::CLIENT_SSL)
    .union(CapabilityFlags::CLIENT_SECURE_CONNECTION)
    .union(CapabilityFlags::CLIENT_PLUGIN_AUTH);
/// The longest packet that the client would accept, in bytes.
const MAX_PACKET: u32 = 1 << 24;
/// The longest packet of the server during startup, in bytes.
const MAX_STARTUP_PACKET: usize = 4096;
/// The version of the protocol.
const PROTOCOL: u8 = 10;
/// A server version with today's collations.
const VERSION: (u16, u16, u16) = (8, 0, 0);
/// A method that no user has: the server answers with the user's own.
const NO_METHOD: AuthPlugin<'static> = AuthPlugin::Other(std::borrow::Cow::Borrowed(b"none"));

/// The first byte of a packet identifies it.
const OK: u8 = 0x00;
const SWITCH: u8 = 0xfe;
const ERROR: u8 = 0xff;
/// The command that ends a session.
const QUIT: &[u8] = &[1];

impl Startup for MySql {
    const TOKEN_METHOD: &'static str = "mysql_clear_password";

    async fn start_tls(login: &Login, stream: &mut TcpStream) -> Result<String, Error> {
        let packet = receive(stream).await.map_err(broken(login))?;
        if packet.first() == Some(&ERROR) {
            return Err(refused(login, &packet));
        }
        let greeting: HandshakePacket<'_> = parse(&packet, ()).map_err(broken(login))?;
        if greeting.protocol_version() != PROTOCOL {
            return Err(refusal::wrong_engine(login, unknown()));
        }
        if !greeting.capabilities().contains(CapabilityFlags::CLIENT_SSL) {
            return Err(refusal::no_tls(login));
        }
        let collation = CollationId::UTF8MB4_GENERAL_CI as u8;
        let request = SslRequest::new(CAPABILITIES, MAX_PACKET, collation);
        send(stream, 1, &serialized(&request)).await.map_err(broken(login))?;
        Ok(greeting.server_version_str().into_owned())
    }

    async fn conclude(login: &Login, mut stream: TlsStream<TcpStream>) -> Concluded {
        let stream = &mut stream;
        let request = match start_login(login, login.signer.user(), stream).await {
            Ok(request) => request,
            Err(error) => return Concluded { method: None, outcome: Err(error) },
        };
        let outcome = match &request {
            Request::None => Ok(()),
            Request::Method(method) if method == Self::TOKEN_METHOD => match login.token().await {
                Ok(token) => {
                    let password = [token.expose().as_bytes(), &[0]].concat();
                    authenticate(login, stream, &Zeroizing::new(password)).await
                }
                Err(error) => Err(error),
            },
            Request::Method(method) => authenticate(login, stream, no_password(method)).await,
        };
        if outcome.is_ok() {
            let _ = send(stream, 0, QUIT).await;
            // The server closes the connection after it has stopped counting it as one of the user's.
            let _ = stream.take(MAX_STARTUP_PACKET as u64).read_to_end(&mut vec![]).await;
        }
        Concluded { method: Some(request.into_method()), outcome }
    }

    async fn method<S: AsyncRead + AsyncWrite + Unpin + Send>(
        login: &Login,
        user: &str,
        stream: &mut S,
    ) -> Result<String, Error> {
        let request = start_login(login, user, stream).await?;
        match request {
            // The server counts a client that disconnects without an answer, and blocks its host after
            // a hundred (max_connect_errors). It only denies one with an empty password.
            Request::Method(ref method) => {
                let _ = authenticate(login, stream, no_password(method)).await;
            }
            Request::None => _ = send(stream, 0, QUIT).await,
        }
        Ok(request.into_method())
    }
}

/// The server's request for authentication.
enum Request {
    /// It accepts the user without.
    None,
    /// By this method.
    Method(String),
}

impl Request {
    fn into_method(self) -> String {
        match self {
            Request::None => "nothing".to_owned(),
            Request::Method(method) => method,
        }
    }
}

/// Starts a login as `user`, with a method that no user has.
async fn start_login<S: AsyncRead + AsyncWrite + Unpin + Send>(
    login: &Login,
    user: &str,
    stream: &mut S,
) -> Result<Request, Error> {
    let (no_scramble, no_database) = (None::<&[u8]>, None::<&[u8]>);
    let response = HandshakeResponse::new(
        no_scramble,
        VERSION,
        Some(user.as_bytes()),
        no_database,
        Some(NO_METHOD),
        CAPABILITIES,
        None,
        MAX_PACKET,
    );
    send(stream, 2, &serialized(&response)).await.map_err(broken(login))?;
    let packet = receive(stream).await.map_err(broken(login))?;
    match packet.first() {
        Some(&SWITCH) => {
            let request: AuthSwitchRequest<'_> = parse(&packet, ()).map_err(broken(login))?;
            let method = String::from_utf8_lossy(request.auth_plugin().as_bytes()).into_owned();
            Ok(Request::Method(method))
        }
        _ => accepted(login, &packet).map(|()| Request::None),
    }
}

/// An empty password in the form of a method. The server would not count a malformed one as denied.
fn no_password(method: &str) -> &'static [u8] {
    match method {
        "mysql_native_password" => &[],
        _ => &[0],
    }
}

/// Answers the server's request for authentication.
async fn authenticate<S: AsyncRead + AsyncWrite + Unpin + Send>(
    login: &Login,
    stream: &mut S,
    password: &[u8],
) -> Result<(), Error> {
    send(stream, 4, password).await.map_err(broken(login))?;
    accepted(login, &receive(stream).await.map_err(broken(login))?)
}

/// Whether the server accepts the login.
fn accepted(login: &Login, packet: &[u8]) -> Result<(), Error> {
    match packet.first() {
        Some(&OK) => {
            parse::<OkPacketDeserializer<'_, CommonOkPacket>>(packet, CAPABILITIES)
                .map_err(broken(login))?;
            Ok(())
        }
        Some(&ERROR) => Err(refused(login, packet)),
        _ => Err(refusal::wrong_engine(login, unknown())),
    }
}

/// The error in a packet.
fn refused(login: &Login, packet: &[u8]) -> Error {
    // An SQL state follows the code once the protocol is agreed on.
    let has_state = packet.get(3) == Some(&b'#');
    let capabilities = if has_state { CAPABILITIES } else { CapabilityFlags::empty() };
    match parse(packet, capabilities) {
        Ok(ErrPacket::Error(error)) => failure::refused_by_server(login, &error.into()),
        Ok(ErrPacket::Progress(_)) => refusal::wrong_engine(login, unknown()),
        Err(error) => refusal::wrong_engine(login, error),
    }
}

fn parse<'a, T: MyDeserialize<'a>>(packet: &'a [u8], context: T::Ctx) -> io::Result<T> {
    ParseBuf(packet).parse(context).map_err(|_| unknown())
}

fn serialized(packet: &impl MySerialize) -> Vec<u8> {
    let mut bytes = vec![];
    packet.serialize(&mut bytes);
    bytes
}

async fn receive(stream: &mut (impl AsyncRead + Unpin + Send)) -> io::Result<Vec<u8>> {
    let mut header = [0; 4];
    stream.read_exact(&mut header).await?;
    let [a, b, c, _] = header;
    let length = u32::from_le_bytes([a, b, c, 0]) as usize;
    if length > MAX_STARTUP_PACKET {
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
    // One write, zeroed: a packet may hold a token.
    let framed = Zeroizing::new([&[a, b, c, sequence], packet].concat());
    stream.write_all(&framed).await?;
    stream.flush().await
}

/// The error for a server that is not of this engine: it answers otherwise, or not.
fn broken(login: &Login) -> impl Fn(io::Error) -> Error {
    |error| refusal::broken_startup(login, &error)
}

fn unknown() -> io::Error {
    io::Error::other("the answer is not in MySQL's protocol")
}
