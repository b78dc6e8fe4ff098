//! A stand-in for an RDS Proxy, which nobody can run elsewhere: it asks for a token like a proxy and
//! refuses the login with a proxy's words, over TLS. Other connections go on to a real server.

use engine::Engine;
use local_rds::ServerCertificate;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// An error as a proxy sends it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Words {
    /// MySQL's code; PostgreSQL has none.
    pub(super) code: u16,
    pub(super) state: &'static str,
    pub(super) message: &'static str,
}

/// The stand-in.
pub(super) struct StandIn {
    pub(super) address: SocketAddr,
    left: Arc<Mutex<(usize, Option<Words>)>>,
}

impl StandIn {
    /// Listens in front of `server`, with `certificate` as its own.
    pub(super) fn start(
        engine: Engine,
        certificate: &ServerCertificate,
        server: SocketAddr,
    ) -> StandIn {
        let chain = CertificateDer::pem_slice_iter(certificate.chain_pem.as_bytes());
        let key = PrivateKeyDer::from_pem_slice(certificate.key_pem.as_bytes()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            // A client may offer to resume the real server's session, which is one of TLS 1.3.
            .with_protocol_versions(&[&rustls::version::TLS12])
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain.map(Result::unwrap).collect(), key)
            .unwrap();
        let config = Arc::new(config);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let left = Arc::new(Mutex::new((0, None)));
        let shared = Arc::clone(&left);
        thread::spawn(move || {
            for client in listener.incoming() {
                let Ok(client) = client else { continue };
                let (config, shared) = (Arc::clone(&config), Arc::clone(&shared));
                // A client that goes away needs no answer.
                thread::spawn(move || match next(&shared) {
                    Some(words) => refuse(engine, client, config, words),
                    None => forward(client, server),
                });
            }
        });
        StandIn { address, left }
    }

    /// Refuses the next `times` logins.
    pub(super) fn refuse(&self, words: Words, times: usize) {
        *self.left.lock().unwrap() = (times, Some(words));
    }

    /// Refuses no further login.
    pub(super) fn admit(&self) {
        *self.left.lock().unwrap() = (0, None);
    }

    /// How many of them are left.
    pub(super) fn left(&self) -> usize {
        self.left.lock().unwrap().0
    }
}

/// What the next login is refused with, if it is.
fn next(left: &Mutex<(usize, Option<Words>)>) -> Option<Words> {
    let mut left = left.lock().unwrap();
    let words = left.1.filter(|_| left.0 > 0)?;
    left.0 -= 1;
    Some(words)
}

fn forward(client: TcpStream, server: SocketAddr) -> io::Result<()> {
    let server = TcpStream::connect(server)?;
    let (mut from_client, mut to_server) = (client.try_clone()?, server.try_clone()?);
    let there = thread::spawn(move || {
        let _ = io::copy(&mut from_client, &mut to_server);
        to_server.shutdown(std::net::Shutdown::Write)
    });
    let (mut server, mut client) = (server, client);
    io::copy(&mut server, &mut client)?;
    client.shutdown(std::net::Shutdown::Both)?;
    let _ = there.join();
    Ok(())
}

fn refuse(
    engine: Engine,
    mut client: TcpStream,
    config: Arc<ServerConfig>,
    words: Words,
) -> io::Result<()> {
    match engine {
        Engine::Postgres => {
            client.read_exact(&mut [0; 8])?; // SSLRequest
            client.write_all(b"S")?;
            let mut client = secured(client, config)?;
            let length = read_u32(&mut client)?;
            client.read_exact(&mut vec![0; length - 4])?; // StartupMessage
            message(&mut client, b'R', &3_u32.to_be_bytes())?; // AuthenticationCleartextPassword
            client.read_exact(&mut [0])?;
            let length = read_u32(&mut client)?;
            client.read_exact(&mut vec![0; length - 4])?; // PasswordMessage
            let Words { state, message: text, .. } = words;
            let fields = format!("SFATAL\0VFATAL\0C{state}\0M{text}\0\0");
            message(&mut client, b'E', fields.as_bytes())
        }
        Engine::MySql | Engine::MariaDb => {
            packet(&mut client, 0, &greeting())?;
            read_packet(&mut client)?; // SSLRequest
            let mut client = secured(client, config)?;
            read_packet(&mut client)?; // HandshakeResponse41
            packet(&mut client, 3, b"\xfemysql_clear_password\0")?;
            read_packet(&mut client)?;
            let Words { code, state, message } = words;
            let [low, high] = code.to_le_bytes();
            let error = [&[0xff, low, high, b'#'], state.as_bytes(), message.as_bytes()].concat();
            packet(&mut client, 5, &error)
        }
    }
}

type Secured = StreamOwned<ServerConnection, TcpStream>;

fn secured(client: TcpStream, config: Arc<ServerConfig>) -> io::Result<Secured> {
    let connection = ServerConnection::new(config).map_err(io::Error::other)?;
    Ok(StreamOwned::new(connection, client))
}

/// <https://www.postgresql.org/docs/current/protocol-message-formats.html>
fn message(client: &mut Secured, kind: u8, body: &[u8]) -> io::Result<()> {
    let length = (body.len() as u32 + 4).to_be_bytes();
    client.write_all(&[&[kind], &length[..], body].concat())?;
    client.flush()
}

fn read_u32(client: &mut Secured) -> io::Result<usize> {
    let mut bytes = [0; 4];
    client.read_exact(&mut bytes)?;
    Ok(u32::from_be_bytes(bytes) as usize)
}

/// <https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_basic_packets.html>
fn packet(client: &mut impl Write, sequence: u8, body: &[u8]) -> io::Result<()> {
    let [a, b, c, _] = (body.len() as u32).to_le_bytes();
    client.write_all(&[&[a, b, c, sequence], body].concat())?;
    client.flush()
}

fn read_packet(client: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut header = [0; 4];
    client.read_exact(&mut header)?;
    let mut body = vec![0; u32::from_le_bytes([header[0], header[1], header[2], 0]) as usize];
    client.read_exact(&mut body)?;
    Ok(body)
}

/// `Protocol::HandshakeV10`
fn greeting() -> Vec<u8> {
    // LONG_PASSWORD, CONNECT_WITH_DB, PROTOCOL_41, SSL, TRANSACTIONS, SECURE_CONNECTION, PLUGIN_AUTH
    const CAPABILITIES: u32 = 0x0008_0000 | 0xaa09;
    let [a, b, c, d] = CAPABILITIES.to_le_bytes();
    [
        &b"\x0a8.0.36\0\x07\0\0\0aaaaaaaa\0"[..],
        &[a, b, 45, 2, 0, c, d, 21],
        &[0; 10],
        b"bbbbbbbbbbbb\0caching_sha2_password\0",
    ]
    .concat()
}
