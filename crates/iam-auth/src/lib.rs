//! Passwordless login to Amazon RDS and Aurora: IAM auth tokens, and the trust anchors that verify
//! the server which receives them.
//!
//! ```
//! # async fn login(now: std::time::SystemTime) -> Result<(), iam_auth::Error> {
//! use iam_auth::{Credentials, Endpoint, TokenSigner, TrustStore};
//!
//! let endpoint = Endpoint::parse("db.abc123def456.eu-west-1.rds.amazonaws.com", 3306)?;
//! let trust = TrustStore::load(&TrustStore::default_path(&endpoint), now)?;
//! let signer = TokenSigner::new(endpoint, "lambda-user", Credentials::from_chain().await)?;
//!
//! // For each login: connect and verify first, then sign, then send the token as the password.
//! let tls = trust.client_config();
//! let server_name = signer.endpoint().tls_name();
//! let token = signer.token(now).await?;
//! # Ok(())
//! # }
//! ```
//!
//! The crate knows no database driver and no Lambda. Time is a parameter: only rustls reads the clock
//! itself, at a handshake. The environment is read for [`Credentials::from_chain`] alone.
#![forbid(unsafe_code)]

// The database and the way to it.
mod dial_address;
mod endpoint;
mod partition;
mod rds_host;

// The token.
mod chain;
mod credentials;
mod token;

// The server's proof.
mod certificate;
mod der;
mod pem;
mod recording_verifier;
mod trust;

// What they all stand on.
mod calendar;
mod error;
mod sha256;

pub use certificate::Certificate;
pub use credentials::{Credentials, Description};
pub use dial_address::DialAddress;
pub use endpoint::Endpoint;
pub use error::Error;
pub use partition::Partition;
pub use rds_host::EndpointKind;
pub use recording_verifier::RecordingVerifier;
pub use token::{AuthToken, TokenSigner, sign};
pub use trust::TrustStore;
