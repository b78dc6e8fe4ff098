//! A server that offers no TLS, asks for the password in clear text, and keeps what it gets.

use local_rds::Engine;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// How long it waits for a client that says nothing.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Server {
    port: u16,
    received: Arc<Mutex<Vec<u8>>>,
}

impl Server {
    pub(crate) fn start(engine: Engine) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self { port: listener.local_addr().unwrap().port(), received: Arc::default() };
        let received = Arc::clone(&server.received);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                stream.set_read_timeout(Some(PATIENCE)).unwrap();
                // A client that leaves ends the conversation.
                let _ = match engine {
                    Engine::Postgres => postgres(stream, &received),
                    Engine::MySql | Engine::MariaDb => mysql(stream, &received),
                };
            }
        });
        server
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Everything that clients have sent so far.
    pub(crate) fn received(&self) -> String {
        String::from_utf8_lossy(&self.received.lock().unwrap()).into_owned()
    }
}

/// Keeps what the client sends next.
fn hear(stream: &mut TcpStream, received: &Mutex<Vec<u8>>) -> std::io::Result<()> {
    let mut bytes = [0; 8192];
    let length = stream.read(&mut bytes)?;
    received.lock().unwrap().extend(&bytes[..length]);
    Ok(())
}

/// "SSL Session Encryption" and "Message Formats", PostgreSQL documentation, chapter 54.
fn postgres(mut stream: TcpStream, received: &Mutex<Vec<u8>>) -> std::io::Result<()> {
    const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];
    const CLEARTEXT_PASSWORD: [u8; 9] = [b'R', 0, 0, 0, 8, 0, 0, 0, 3];
    let before = received.lock().unwrap().len();
    hear(&mut stream, received)?;
    if received.lock().unwrap()[before..] == SSL_REQUEST {
        stream.write_all(b"N")?;
        hear(&mut stream, received)?;
    }
    stream.write_all(&CLEARTEXT_PASSWORD)?;
    hear(&mut stream, received)
}

/// "Connection Phase", MySQL source documentation: a greeting without the capability SSL, then a switch
/// to the plug-in that sends the password as it is.
fn mysql(mut stream: TcpStream, received: &Mutex<Vec<u8>>) -> std::io::Result<()> {
    // Protocol 4.1, secure connection, plug-in authentication, connect with database; no SSL.
    const CAPABILITIES: u32 = 0x0008_820b & !0x0800;
    let [low, high] = [CAPABILITIES as u16, (CAPABILITIES >> 16) as u16].map(u16::to_le_bytes);
    let mut greeting = vec![10];
    greeting.extend(b"8.0.40\0\x01\0\0\0abcdefgh\0");
    greeting.extend(low);
    greeting.extend([45, 2, 0]);
    greeting.extend(high);
    greeting.push(21);
    greeting.extend([0; 10]);
    greeting.extend(b"ijklmnopqrst\0mysql_native_password\0");
    stream.write_all(&packet(0, &greeting))?;
    hear(&mut stream, received)?;
    stream.write_all(&packet(2, b"\xfemysql_clear_password\0"))?;
    hear(&mut stream, received)
}

fn packet(sequence: u8, payload: &[u8]) -> Vec<u8> {
    // All are shorter than 256 bytes.
    [&[payload.len() as u8, 0, 0, sequence], payload].concat()
}
