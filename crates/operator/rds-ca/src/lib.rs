//! The roots that make TLS to RDS verifiable, as a supply chain: taken from a named source, checked
//! one by one, held to pins, and packed into a Lambda layer that is the same bytes everywhere.
//!
//! The folder `certs/` of this project is read as a whole ([`Certs::read`]) and nothing in it is
//! taken on trust. What changes it ([`snapshot`], [`update`]) makes a new whole, checks it the same
//! way, and only then writes.

#![forbid(unsafe_code)]

// One certificate, and many.
mod bundle;
mod pins;
mod root;

// The folder.
mod certs;
mod provenance;

// What fills it.
mod download;
pub mod snapshot;
pub mod update;

// What is made of it.
pub mod layer;
mod list;

pub use certs::Certs;
pub use download::Client;
pub use list::list;
pub use reproducible_zip::sha256;
pub use root::{Root, Use};
pub use update::Source;

/// Why something was refused: a text that names the thing, the place and the way out.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;
