//! Real MySQL, MariaDB and PostgreSQL servers on loopback that enforce IAM tokens as Amazon RDS does.
//!
//! A [`Server`] accepts IAM users over TLS and nobody else. It is a real server with a plugin of
//! ours that asks [`iam`], in this process, about each login; its certificate comes from an
//! authority of its own, in the shape of RDS's. Dropping it ends it and removes all it has written.
//!
//! ```no_run
//! use local_rds::{Engine, Server};
//!
//! let server = Server::builder(Engine::MySql)
//!     .setup("CREATE TABLE items (id INT PRIMARY KEY, name TEXT); INSERT INTO items VALUES (1, 'a')")
//!     .start()?;
//! // Sign a token for this endpoint with this key, dial the address, trust the CA bundle.
//! let (endpoint, key) = ((server.host(), server.port()), server.access_key());
//! let (address, bundle) = (server.address(), server.ca_bundle());
//!
//! server.iam().set_clock_offset(16 * 60); // The token is now too old.
//! # Ok::<(), local_rds::Error>(())
//! ```
//!
//! It runs on Linux. Servers are found, or fetched without root, as [`local_packages`] says.

mod account;
mod administrator;
pub mod certificates;
mod error;
mod folder;
mod mysql;
mod plugins;
mod port;
mod postgres;
mod prepared;
mod profile;
mod run;
mod running;
mod server;
mod server_certificate;
mod server_engine;

pub use administrator::Row;
pub use certificates::KeyType;
pub use engine::Engine;
pub use error::Error;
pub use profile::Profile;
pub use rds_iam_verifier as iam;
pub use server::{Builder, Server};
