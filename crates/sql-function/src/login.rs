//! Everything that a login needs, and the token that is signed for each.

use diagnosis::{Cause, EngineTexts, Placeholders};
use iam_auth::{AuthToken, DialAddress, Endpoint, TokenSigner, TrustStore};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::error::{Error, Kind};
use crate::said::Loggable;
use crate::writer::Writer;
use crate::{placeholders, rds_ca};

/// Returns the time of day. `main` passes the real clock.
pub type Clock = fn() -> SystemTime;

/// Everything that a login needs except the token, which is signed for each.
pub struct Login {
    /// Signs the tokens, for one user at one endpoint.
    pub signer: TokenSigner,
    /// Verifies the server.
    pub trust: TrustStore,
    /// Where TCP connects.
    pub connect_to: DialAddress,
    /// The database to use.
    pub database: String,
    /// The clock that tokens are dated by.
    pub clock: Clock,
    /// The engine's part of the texts about a login.
    pub texts: &'static EngineTexts,
    /// How many seconds tokens are dated ahead of the clock: 0, except in a diagnosis that looks
    /// for clock skew.
    pub dated_ahead: i64,
    /// Whether the server has accepted one of its tokens.
    pub accepted: Accepted,
    /// How long the last login of the environment took, until a diagnosis tells it.
    pub took: Took,
    /// At the endpoint of a global database without `DB_REGION`: the writer, for whose region tokens are
    /// signed.
    pub writer: Option<Writer>,
}

/// Whether a server has accepted a token of a login: what is denied afterwards has changed at AWS.
#[derive(Debug, Default)]
pub struct Accepted(AtomicBool);

impl Accepted {
    /// Remembers that the server accepted a token.
    pub(crate) fn remember(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether the server has accepted a token.
    pub(crate) fn is_known(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// How long a login took that went well in the end, in milliseconds. That of the warm-up is not seen by
/// the event that it delays.
#[derive(Debug, Default)]
pub struct Took(AtomicU64);

impl Took {
    /// Remembers it.
    pub(crate) fn remember(&self, took: Duration) {
        self.0.store(took.as_millis().try_into().unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Tells it once.
    pub(crate) fn take(&self) -> Duration {
        Duration::from_millis(self.0.swap(0, Ordering::Relaxed))
    }
}

impl Login {
    /// The endpoint that the certificate must name, and that tokens are signed for, in the region of its
    /// writer if that is [known](Self::writer).
    pub fn endpoint(&self) -> &Endpoint {
        self.signer.endpoint()
    }

    /// The endpoint with the region that tokens are signed for.
    pub(crate) fn signed_for(&self) -> Endpoint {
        let writer = self.writer.as_ref().and_then(Writer::endpoint);
        writer.unwrap_or_else(|| self.endpoint().clone())
    }

    /// The same login at `endpoint`, in its region.
    pub(crate) fn at(&self, endpoint: Endpoint) -> Login {
        Login {
            signer: self.signer.at(endpoint),
            trust: self.trust.clone(),
            connect_to: self.connect_to.clone(),
            database: self.database.clone(),
            clock: self.clock,
            texts: self.texts,
            dated_ahead: self.dated_ahead,
            accepted: Accepted::default(),
            took: Took::default(),
            writer: None,
        }
    }

    /// Remembers the region of a global database's writer, which has been verified.
    pub(crate) fn see(&self, stream: &TlsStream<TcpStream>) {
        let Some(writer) = &self.writer else { return };
        let (endpoint, address) = (self.endpoint(), stream.get_ref().0.peer_addr());
        let Ok(address) = address else { return };
        // A server that AWS's roots do not vouch for does not choose the region.
        let region = self.proven_region(stream);
        let region = region.unwrap_or_else(|| endpoint.region().to_owned());
        if let Ok(there) = Endpoint::with_region(endpoint.host(), endpoint.port(), &region) {
            writer.see(address.ip(), there);
        }
    }

    /// The region of a verified server, if AWS's roots tell it.
    pub(crate) fn proven_region(&self, stream: &TlsStream<TcpStream>) -> Option<String> {
        let presented = stream.get_ref().1.peer_certificates()?;
        let name = self.endpoint().tls_name();
        rds_ca::proven_region(&self.trust, presented, &name, (self.clock)())
    }

    /// Whether the endpoint is an RDS Proxy.
    pub fn is_through_proxy(&self) -> bool {
        self.endpoint().kind().is_proxy()
    }

    /// Whether something other than the endpoint's own address is dialled: a tunnel, which may lead to one
    /// server alone.
    pub(crate) fn is_tunnelled(&self) -> bool {
        self.connect_to != self.endpoint().dial_address()
    }

    /// The placeholders that this login fills.
    pub fn placeholders(&self) -> Placeholders {
        placeholders::of_endpoint(self.texts, &self.signed_for())
            .with("user", self.signer.user())
            .with("database", &self.database)
            .with("connect_to", &self.connect_to.to_string())
            .with("dial_host", self.connect_to.host())
            .with("dial_port", &self.connect_to.port().to_string())
            .with("bundle", self.trust.source())
    }

    /// A new token, for one login over a connection to a verified server.
    ///
    /// # Errors
    /// [`Kind::Credentials`].
    pub async fn token(&self) -> Result<AuthToken, Error> {
        let now = (self.clock)();
        let shift = Duration::from_secs(self.dated_ahead.unsigned_abs());
        let date = if self.dated_ahead < 0 { now - shift } else { now + shift };
        let token = match &self.writer {
            Some(_) => self.signer.at(self.signed_for()).token(date).await,
            None => self.signer.token(date).await,
        };
        token.map_err(|error| {
            let expiring = error.is_expiring();
            let cause =
                if expiring { Cause::CredentialsExpired } else { Cause::CredentialsMissing };
            let error = Error::new(Kind::Credentials, "cannot sign a login token")
                .says(Loggable::of_error(&error));
            error.with_cause(cause).advice(
                "give the function an execution role; outside Lambda set AWS_ACCESS_KEY_ID, \
                 AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN",
            )
        })
    }
}
