//! What AWS knows of a database, asked through the `aws` client: everything a function must be told
//! to log in to it, and everything that would keep it from doing so.
//!
//! ```no_run
//! use aws_cli::{Aws, Target, discover};
//!
//! let aws = Aws::new("aws").region("eu-west-1");
//! let database = discover(&aws, &Target::Instance("mydb".into()))?;
//! println!("{}:{} is {}", database.endpoint, database.port, database.resource_id);
//! # Ok::<(), aws_cli::Error>(())
//! ```

#![forbid(unsafe_code)]

mod client;
mod cluster;
mod database;
mod enable;
mod error;
mod instance;
mod nearby;
mod proxy;
mod reach;
mod support;

pub use client::Aws;
pub use database::{Database, Engine, Target};
pub use enable::enable_iam_auth;
pub use error::Error;
pub use reach::{Reach, reach};
pub use support::{Objection, objections};

/// Asks AWS about a database.
///
/// # Errors
/// [`Error::is_not_found`] when there is none of that name, with the names that come near;
/// the `aws` client cannot be run, has no credentials or no region, or was refused; the engine is
/// one that knows no IAM authentication; the database has no endpoint yet.
pub fn discover(aws: &Aws, target: &Target) -> Result<Database, Error> {
    let target = &target.in_lower_case();
    let found = match target {
        Target::Instance(name) => instance::discover(aws, name),
        Target::Cluster(name) => cluster::discover(aws, name),
        Target::Proxy(name) => proxy::discover(aws, name),
    };
    found.map_err(|error| if error.is_not_found() { nearby::explain(aws, target) } else { error })
}
