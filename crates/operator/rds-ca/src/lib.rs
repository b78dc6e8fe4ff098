//! The supply chain of the root certificates of RDS: taken from a known source, checked one by one, held to
//! pins, and packed into a Lambda layer that is the same bytes everywhere.
//!
//! [`Certs::read`] reads and checks the whole folder `certs/`. [`update()`] and [`snapshot()`] build a new
//! folder, check it the same way, and only then write it.

#![forbid(unsafe_code)]

// One certificate, and a file of them.
mod bundle;
mod pins;
mod root;

// The folder.
mod certs;
mod provenance;

// Its sources.
mod download;
mod snapshot;
mod update;

// What is made from it.
pub mod embedded;
pub mod layer;
mod list;

pub use certs::Certs;
pub use download::Client;
pub use list::list;
pub use reproducible_zip::sha256;
pub use root::Root;
pub use snapshot::snapshot;
pub use update::{Source, update};

/// Why something was refused: a text that names the certificate, its file and what to do.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;
