//! Verifies IAM auth tokens as Amazon RDS does, for the local servers.
//!
//! A [`Verifier`] checks everything about a token that RDS can check ([`Refusal`] lists it), then what
//! the [`Policies`] of its [`Principal`] say of `rds-db:connect`. It shares no code with the signer, down to dates and
//! percent-encoding, so that a mistake in one does not pass in the other. The manifest enforces
//! that: `iam-auth` is not among its dependencies, not even for tests.
//!
//! A login travels from the plugin in the database server over a Unix socket to a [`Listener`], and
//! from there to [`Verifier::verify`]. Tests change keys, policy, clock and cap while a server runs.

mod access_key;
mod calendar;
mod cap;
mod check;
mod condition;
mod condition_key;
mod condition_value;
mod listener;
mod log;
mod one_or_more;
mod operator;
mod percent;
mod policies;
mod policy;
mod principal;
mod refusal;
mod request;
mod resource;
mod signature;
mod template;
mod token;
mod verifier;
mod wildcard;

#[cfg(test)]
mod tests;

pub use access_key::AccessKey;
pub use listener::Listener;
pub use policies::Policies;
pub use policy::{Policy, PolicyError};
pub use principal::{Organization, Principal, PrincipalError};
pub use refusal::{Part, Refusal};
pub use resource::Resource;
pub use verifier::Verifier;
