//! Real MySQL, MariaDB and PostgreSQL servers on loopback that enforce IAM tokens as Amazon RDS does.
//!
//! A [`Server`] accepts IAM users over TLS and nobody else. It is a real server whose plugin asks the
//! verifier ([`iam`]), in this process, about each login. Its certificate is signed by a CA made for
//! it, which looks like a region's. Dropping the value stops the server and removes its files.
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
//! server.iam().set_clock_offset(16 * 60); // The token has now expired.
//! # Ok::<(), local_rds::Error>(())
//! ```
//!
//! It runs on Linux. [`local_packages`] finds the server programs, or fetches them without root.

mod account;
mod administrator;
mod builder;
mod certificates;
mod client_line;
mod cluster;
mod environment;
mod error;
mod folder;
mod member;
mod mysql;
mod plugins;
mod port;
mod postgres;
mod prepared;
mod profile;
mod replication;
mod run;
mod running;
mod server;
mod server_certificate;
mod server_engine;
mod setup_sql;

pub use administrator::Row;
pub use builder::Builder;
pub use certificates::{KeyType, ServerCertificate};
pub use cluster::{Cluster, ClusterBuilder, Topology};
pub use engine::Engine;
pub use environment::{MARK as ENVIRONMENT_MARK, write as write_environment};
pub use error::Error;
pub use local_packages::{Version, WrongVersion};
pub use profile::Profile;
pub use rds_iam_verifier as iam;
pub use server::Server;
