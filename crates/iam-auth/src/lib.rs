//! IAM database authentication for Amazon RDS and Aurora: auth tokens, and the trust anchors that
//! verify the server which receives them.
//!
//! ```
//! # async fn login(now: std::time::SystemTime) -> Result<(), iam_auth::Error> {
//! use iam_auth::{Credentials, Endpoint, TokenSigner, TrustStore};
//!
//! let endpoint = Endpoint::parse("db.abc123def456.eu-west-1.rds.amazonaws.com", 3306)?;
//! let trust = TrustStore::load(&TrustStore::default_path(&endpoint), now)?;
//! let signer = TokenSigner::new(endpoint, "lambda-user", Credentials::from_chain().await)?;
//!
//! // For each login: connect, verify the server, sign a token, and send it as the password.
//! let tls = trust.client_config();
//! let server_name = signer.endpoint().tls_name();
//! let token = signer.token(now).await?;
//! # Ok(())
//! # }
//! ```
//!
//! The crate depends on no database driver and not on Lambda. Time is a parameter: only rustls
//! reads the clock, during a handshake. Only [`Credentials::from_chain`] reads the environment.
#![forbid(unsafe_code)]

// The endpoint.
mod dial_address;
mod endpoint;
mod partition;
mod rds_host;

// The token.
mod chain;
mod credentials;
mod token;

// The server's certificate.
mod certificate;
mod der;
#[cfg(feature = "embedded-roots")]
mod embedded;
mod pem;
#[cfg(feature = "rustls")]
mod tls;
mod trust;

// What all of them use.
mod calendar;
mod error;
mod sha256;

// For the functions of this project.
#[cfg(feature = "diagnosis")]
mod diagnosis;
#[cfg(feature = "diagnosis")]
mod recording_verifier;

pub use certificate::Certificate;
pub use credentials::Credentials;
pub use dial_address::DialAddress;
pub use endpoint::Endpoint;
pub use error::Error;
pub use partition::Partition;
pub use rds_host::EndpointKind;
pub use token::{AuthToken, TokenSigner, sign};
pub use trust::TrustStore;

#[cfg(feature = "diagnosis")]
#[doc(hidden)]
pub use diagnosis::Description;
#[cfg(feature = "diagnosis")]
#[doc(hidden)]
pub use recording_verifier::RecordingVerifier;
