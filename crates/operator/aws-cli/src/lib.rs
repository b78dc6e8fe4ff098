//! AWS, asked through the `aws` program: RDS about a database, Lambda about a function.
//!
//! [`discover`] returns what a function must know to log in to a database, [`objections`] and
//! [`reach`] what would keep it from doing so.
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

// The program.
mod client;
mod error;

// Who asks, and the functions.
mod caller;
mod lambda;

// A database: what was asked, and what RDS answers.
mod behind;
mod blue_green;
mod cluster;
mod database;
mod discover;
mod instance;
mod nearby;
mod proxy;
mod proxy_auth;
mod proxy_endpoint;
mod proxy_target;
mod reader;
mod serverless;
mod target;
mod vpc;

// Whether a function can log in to it.
mod enable;
mod network;
mod reach;
mod support;

pub use behind::{Behind, behind};
pub use blue_green::{BlueGreen, Side, blue_green, name_of_resource};
pub use caller::Caller;
pub use client::Aws;
pub use database::Database;
pub use discover::discover;
pub use enable::enable_iam_auth;
pub use error::Error;
pub use lambda::{Function, Invocation, Vpc, invoke};
pub use network::{Concurrency, Subnet, subnets, vpcs_of_groups};
pub use proxy_auth::{ProxyAuth, ProxySecret};
pub use proxy_endpoint::{ProxyEndpoint, proxy_endpoints};
pub use proxy_target::{ProxyTarget, TargetHealth, proxy_targets};
pub use reach::{Families, Reach, families, reach};
pub use reader::Reader;
pub use serverless::{RESUME_TIMEOUT, Serverless};
pub use support::{Objection, objections};
pub use target::Target;
