//! The side of the proxy that clients see.

use local_rds::Server;
use local_rds::iam::{Resource, Verifier};
use std::error::Error;
use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, split};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use crate::certificate;
use crate::messages::{
    Reader, Said, after_first, begins, borrow_timeout, first, next, parameters, refuse, startup,
};
use crate::pooler::Pooler;

/// The port that an RDS Proxy for PostgreSQL listens on, which tokens are signed for.
const PORT: u16 = 5432;
/// The resource id of the proxy.
const RESOURCE_ID: &str = "prx-0123456789abcdef0";

const SSL_REQUEST: u32 = 80_877_103;
const CANCEL_REQUEST: u32 = 80_877_102;
const PROTOCOL_3_0: u32 = 0x3_0000;

/// The startup parameters that an RDS Proxy takes:
/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-proxy-connecting.html>.
const PARAMETERS: [&str; 8] = [
    "user",
    "database",
    "application_name",
    "client_encoding",
    "DateStyle",
    "TimeZone",
    "extra_float_digits",
    "search_path",
];

/// A proxy in front of a server. Dropping it ends it with all its connections.
pub struct Proxy {
    // Dropped in this order.
    accept: JoinHandle<()>,
    gate: Arc<Gate>,
    address: SocketAddr,
    folder: TempDir,
}

/// What clients have sent.
#[derive(Clone, Debug, Default)]
pub struct Sent {
    /// How many logged in.
    pub logins: usize,
    /// The SQL, in order.
    pub sql: Vec<String>,
    /// The names of statements.
    pub names: Vec<String>,
    /// How many cancel requests there were.
    pub cancel_requests: usize,
}

struct Gate {
    tls: TlsAcceptor,
    iam: Verifier,
    pooler: Pooler,
    sent: Mutex<Sent>,
    refuses_begin: AtomicBool,
}

impl Proxy {
    /// Starts a proxy called `host` that shares `connections` to `server`.
    ///
    /// # Errors
    /// PgBouncer cannot be fetched, or does not start.
    pub async fn start(
        server: &Server,
        host: &str,
        connections: u32,
    ) -> Result<Proxy, Box<dyn Error>> {
        let folder = TempDir::with_prefix("pooled-proxy-")?;
        let (root, tls) = certificate::issue(host)?;
        fs::write(folder.path().join("ca.pem"), root)?;
        let resource = Resource {
            partition: "aws".to_owned(),
            region: server.region().to_owned(),
            account: server.iam().resource().account.clone(),
            resource_id: RESOURCE_ID.to_owned(),
            host: host.to_owned(),
            port: PORT,
        };
        let arn = resource.arn(server.user());
        let log = folder.path().join("iam.log");
        let iam = Verifier::new(resource, server.access_key(), log);
        iam.set_policy(&format!(
            r#"{{"Version":"2012-10-17","Statement":[
                {{"Effect":"Allow","Action":"rds-db:connect","Resource":"{arn}"}}]}}"#
        ))?;
        let pooler = Pooler::start(server, connections)?;
        let gate = Gate {
            tls: tls.into(),
            iam,
            pooler,
            sent: Mutex::default(),
            refuses_begin: AtomicBool::new(false),
        };
        let gate = Arc::new(gate);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let accept = tokio::spawn(accept(listener, gate.clone()));
        Ok(Proxy { accept, gate, address, folder })
    }

    /// The address to dial.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The PEM file with the root of its certificate.
    pub fn ca_bundle(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// The verifier of its clients' tokens.
    pub fn iam(&self) -> &Verifier {
        &self.gate.iam
    }

    /// What clients have sent so far.
    pub fn sent(&self) -> Sent {
        self.gate.sent.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Refuses the next transaction that a client begins, as a proxy does that has no connection to the
    /// database in time. What the client has sent behind it is passed on: there is one by then.
    pub fn refuse_next_begin(&self) {
        self.gate.refuses_begin.store(true, Ordering::SeqCst);
    }

    /// What PgBouncer has logged so far.
    pub fn log(&self) -> String {
        self.gate.pooler.log()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accept.abort();
    }
}

/// Serves clients until it is aborted, which ends them too.
async fn accept(listener: TcpListener, gate: Arc<Gate>) {
    let mut clients = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((client, _)) = accepted else { continue };
                let gate = gate.clone();
                clients.spawn(async move { gate.serve(client).await });
            }
            Some(_ended) = clients.join_next() => {} // each client sees its own errors
        }
    }
}

impl Gate {
    async fn serve(&self, mut client: TcpStream) -> io::Result<()> {
        client.set_nodelay(true)?;
        match first(&mut client).await?.0 {
            SSL_REQUEST => client.write_all(b"S").await?,
            CANCEL_REQUEST => {
                self.note(|sent| sent.cancel_requests += 1);
                return Ok(());
            }
            _ => {
                return refuse(&mut client, "28000", "This RDS Proxy requires TLS connections.")
                    .await;
            }
        }
        let mut client = self.tls.accept(client).await?;
        let (version, body) = first(&mut client).await?;
        if version == CANCEL_REQUEST {
            self.note(|sent| sent.cancel_requests += 1);
            return Ok(());
        }
        let parameters = parameters(&body);
        let unknown = parameters.iter().find(|(name, _)| !PARAMETERS.contains(&name.as_str()));
        if version != PROTOCOL_3_0 {
            let only = "RDS Proxy supports only version 3.0 of the PostgreSQL messaging protocol.";
            return refuse(&mut client, "0A000", only).await;
        }
        if let Some((name, _)) = unknown {
            let option = format!(
                "Feature not supported: RDS Proxy currently doesn't support the option {name}."
            );
            return refuse(&mut client, "0A000", &option).await;
        }
        let user = parameters.iter().find(|(name, _)| name == "user");
        let user = user.map(|(_, user)| user.clone()).unwrap_or_default();
        client.write_all(&[b'R', 0, 0, 0, 8, 0, 0, 0, 3]).await?; // a cleartext password
        client.flush().await?;
        let (_, mut password) = next(&mut client).await?;
        password.pop(); // a NUL
        #[allow(clippy::disallowed_methods, reason = "the boundary: tokens are checked now")]
        let now = SystemTime::now();
        if self.iam.verify(user.as_bytes(), &password, now).is_err() {
            let denied = format!("The IAM authentication failed for the role {user}.");
            return refuse(&mut client, "28P01", &denied).await;
        }
        self.note(|sent| sent.logins += 1);
        let mut pooler = UnixStream::connect(self.pooler.socket()).await?;
        pooler.write_all(&startup(&body)).await?;
        let (mut from_client, to_client) = split(client);
        let to_client = tokio::sync::Mutex::new(to_client);
        let (mut from_pooler, mut to_pooler) = pooler.into_split();
        let up = async {
            let mut reader = Reader::default();
            let mut bytes = vec![0; 16 * 1024];
            loop {
                let read = from_client.read(&mut bytes).await?;
                if read == 0 {
                    return to_pooler.shutdown().await;
                }
                for said in reader.read(&bytes[..read]) {
                    self.note(|sent| match said {
                        Said::Sql(sql) => sent.sql.push(sql),
                        Said::Named(name) => sent.names.push(name),
                    });
                }
                let mut passed = &bytes[..read];
                if begins(passed) && self.refuses_begin.swap(false, Ordering::SeqCst) {
                    let mut client = to_client.lock().await;
                    client.write_all(&borrow_timeout()).await?;
                    client.flush().await?;
                    passed = after_first(passed);
                }
                to_pooler.write_all(passed).await?;
            }
        };
        let down = async {
            let mut bytes = vec![0; 16 * 1024];
            loop {
                let read = from_pooler.read(&mut bytes).await?;
                let mut client = to_client.lock().await;
                if read == 0 {
                    return client.shutdown().await;
                }
                client.write_all(&bytes[..read]).await?;
                client.flush().await?;
            }
        };
        tokio::try_join!(up, down).map(drop)
    }

    fn note(&self, note: impl FnOnce(&mut Sent)) {
        note(&mut self.sent.lock().unwrap_or_else(PoisonError::into_inner));
    }
}
