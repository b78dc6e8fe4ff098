//! An HTTPS server on loopback with a fixed answer.

use rcgen::{CertificateParams, KeyPair};
use rds_ca::{Client, Source};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

/// A server that gives every request the same answer.
pub(crate) struct Server {
    port: u16,
    root: CertificateDer<'static>,
    requests: Arc<AtomicU32>,
}

impl Server {
    /// A server that sends `answer`, a complete HTTP response.
    pub(crate) fn answering(answer: Vec<u8>) -> Server {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let root = certificate.der().clone();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![root.clone()],
                PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
            )
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::new(AtomicU32::new(0));
        let (config, seen) = (Arc::new(config), Arc::clone(&requests));
        // It runs until the test process ends.
        thread::spawn(move || {
            for stream in listener.incoming() {
                // A client may disconnect, which its own test checks.
                let _ = answer_one(stream.unwrap(), &config, &answer, &seen);
            }
        });
        Server { port, root, requests }
    }

    /// A server of a file.
    pub(crate) fn of(body: &str) -> Server {
        Server::answering(ok(body.as_bytes()))
    }

    /// The source of the partition aws, at this server.
    pub(crate) fn source(&self) -> Source {
        Source::of("aws").unwrap().at(self.url("https"))
    }

    pub(crate) fn url(&self, scheme: &str) -> String {
        format!("{scheme}://localhost:{}/global/global-bundle.pem", self.port)
    }

    /// A client that trusts this server.
    pub(crate) fn client(&self) -> Client {
        Client::with_root(&self.root)
    }

    /// The number of requests that it has read.
    pub(crate) fn requests(&self) -> u32 {
        self.requests.load(Ordering::SeqCst)
    }
}

/// A response with status 200.
pub(crate) fn ok(body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

fn answer_one(
    stream: TcpStream,
    config: &Arc<ServerConfig>,
    answer: &[u8],
    seen: &AtomicU32,
) -> std::io::Result<()> {
    let connection = ServerConnection::new(Arc::clone(config)).unwrap();
    let mut stream = BufReader::new(StreamOwned::new(connection, stream));
    let mut line = String::new();
    while stream.read_line(&mut line)? > 2 {
        line.clear();
    }
    seen.fetch_add(1, Ordering::SeqCst);
    let stream = stream.get_mut();
    stream.write_all(answer)?;
    stream.conn.send_close_notify();
    stream.flush()
}
