//! IAM database authentication for Amazon RDS and Aurora: auth tokens, and the trust anchors that
//! verify the server which receives them.
//!
#![cfg_attr(all(feature = "embedded-roots", feature = "rustls"), doc = "```")]
#![cfg_attr(not(all(feature = "embedded-roots", feature = "rustls")), doc = "```ignore")]
//! use iam_auth::{Credentials, Endpoint, Error, TokenSigner, TrustStore};
//! use std::time::SystemTime;
//!
//! async fn log_in() -> Result<(), Error> {
//!     let endpoint = Endpoint::parse("db.abc123def456.eu-west-1.rds.amazonaws.com", 5432)?;
//!     let trust = TrustStore::embedded(&endpoint, SystemTime::now())?;
//!     let signer = TokenSigner::new(endpoint, "app_user", Credentials::from_chain().await)?;
//!
//!     // For each login: connect, verify the server, sign a token, and send it as the password.
//!     let tls = trust.client_config();
//!     let server_name = signer.endpoint().tls_name();
//!     let token = signer.token(SystemTime::now()).await?;
//!     Ok(())
//! }
//! # // The credentials of a Lambda function, or of anybody who exports them.
//! # // SAFETY: nothing else runs in this process yet.
//! # unsafe {
//! #     std::env::set_var("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE");
//! #     std::env::set_var("AWS_SECRET_ACCESS_KEY", "SECRET");
//! # }
//! # let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
//! # runtime.block_on(log_in()).unwrap();
//! ```
//!
//! # Where to look
//!
//! | For | see |
//! |---|---|
//! | the host, port and region that a token is signed for | [`Endpoint`], [`EndpointKind`], [`Partition`] |
//! | the address where TCP connects, if that is another | [`DialAddress`] |
//! | AWS credentials: the environment, profiles, SSO, ECS, EC2, your own | [`Credentials`] |
//! | a token for each login | [`TokenSigner`], [`AuthToken`], [`sign`] |
//! | the roots that verify the server | [`TrustStore`], [`Roots`], [`Certificate`] |
//! | what can go wrong | [`Error`] |
//!
//! Each driver needs settings of its own, and most have defaults that send a token to an unverified
//! server: see [docs/DRIVERS.md] with a tested example for each.
//!
//! The crate depends on no database driver and not on Lambda. Time is a parameter: only rustls
//! reads the clock, during a handshake. Only [`Credentials::from_chain`] reads the environment.
//!
//! [docs/DRIVERS.md]: https://github.com/rds-iam-lambda/rds-iam-lambda/blob/main/docs/DRIVERS.md
#![forbid(unsafe_code)]

// The endpoint.
mod dial_address;
mod endpoint;
mod other_service;
mod partition;
mod rds_host;

// The token.
mod chain;
mod credentials;
mod no_credentials;
mod token;

// The server's certificate.
mod certificate;
mod der;
#[cfg(feature = "embedded-roots")]
mod embedded;
mod pem;
mod roots;
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
pub use roots::Roots;
pub use token::{AuthToken, TokenSigner, sign};
pub use trust::TrustStore;

/// The examples in README.md compile.
#[cfg(all(doctest, feature = "embedded-roots", feature = "rustls"))]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(feature = "diagnosis")]
#[doc(hidden)]
pub use diagnosis::Description;
#[cfg(feature = "diagnosis")]
#[doc(hidden)]
pub use recording_verifier::RecordingVerifier;
