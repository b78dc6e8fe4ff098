//! Everything that a login needs, and the token that is signed for each.

use diagnosis::{Cause, EngineTexts, Placeholders};
use iam_auth::{AuthToken, DialAddress, Endpoint, TokenSigner, TrustStore};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use crate::error::{Error, Kind};
use crate::placeholders;
use crate::said::Loggable;

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

impl Login {
    /// The endpoint that tokens are signed for and the certificate must name.
    pub fn endpoint(&self) -> &Endpoint {
        self.signer.endpoint()
    }

    /// Whether the endpoint is an RDS Proxy.
    pub fn is_through_proxy(&self) -> bool {
        self.endpoint().kind().is_proxy()
    }

    /// The placeholders that this login fills.
    pub fn placeholders(&self) -> Placeholders {
        placeholders::of_endpoint(self.texts, self.endpoint())
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
        self.signer.token(date).await.map_err(|error| {
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
