//! Stands for an RDS Proxy in front of a local PostgreSQL server.
//!
//! A gate terminates TLS under the proxy's name and asks a verifier of its own about the client's token,
//! whose resource is the proxy's (`prx-…`). Behind it, PgBouncer gives each transaction any of a few
//! connections to the database, to which it logs in with a token of its own: a second verifier in the
//! chain. The gate keeps what clients send, for tests to read.
//!
//! What it takes is what an RDS Proxy takes: eight startup parameters, TLS, no cancel request. It does
//! not pin; [`Proxy::sent`] shows whether one would.

#![forbid(unsafe_code)]

mod certificate;
mod gate;
mod messages;
mod pooler;

pub use gate::{Proxy, Sent};
