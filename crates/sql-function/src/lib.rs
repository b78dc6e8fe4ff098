//! Everything that the MySQL and the PostgreSQL Lambda function have in common, which is all but
//! the driver.
//!
//! An engine's function implements [`Connector`], [`Connection`] and [`Examine`] for its driver,
//! and its `main` hands [`run`] the arguments, the environment and the clock:
//!
//! ```no_run
//! use std::env;
//! use std::time::SystemTime;
//!
//! fn main_of<C: sql_function::Connector>() -> Result<(), lambda_runtime::Error> {
//!     sql_function::run::<C>(env::args_os().nth(1), |name| env::var(name).ok(), SystemTime::now)
//! }
//! ```
//!
//! An event names a statement of the [`Catalogue`], the `.sql` files that the function was deployed
//! with:
//!
//! ```
//! use sql_function::{Mode, Statement, sql};
//!
//! let file = "-- mode: write\n-- timeout: 5s\nINSERT INTO items (name) VALUES (?)";
//! let statement = Statement::parse("add_item", file.to_owned(), sql::MYSQL)?;
//! assert_eq!((statement.mode, statement.params()), (Mode::Write, 1));
//! # Ok::<(), sql_function::Error>(())
//! ```

#![forbid(unsafe_code)]

// The way of an invocation.
mod attempt;
mod boundary;
mod catalogue;
mod event;
mod handle;
mod own;
mod param;
mod perform;
mod pool;
mod response;
mod rows;
mod settings;
mod statement;
mod surroundings;
mod texts;
mod value;

// What an engine implements, and what it is given.
pub mod dial;
mod driver;
mod login;
mod placeholders;
pub mod refusal;
pub mod schema;
pub mod sql;

// The diagnosis, and the description of the statements.
mod describe;
pub mod diagnose;

// What all of them use.
mod backoff;
mod deadline;
mod error;
mod json;
mod panics;
mod rds_ca;
mod said;
mod shutdown;
mod summary;
mod telemetry;
mod truncate;

pub use backoff::Backoff;
pub use boundary::{Stopped, run, serve};
pub use catalogue::{Catalogue, SCHEDULED};
pub use deadline::Deadline;
pub use driver::{Connection, Connector, Description, Examine, ExecResult};
pub use error::{Error, Fate, Kind, is_reusable};
pub use login::{Clock, Login};
pub use own::{Answer, Context, Driver, Transaction};
pub use param::{Elements, Param};
pub use rows::{Column, RESPONSE_LIMIT, Row, Rows};
pub use said::{Loggable, Said};
pub use settings::NameLimit;
pub use statement::{Declared, Mode, ParamType, Scalar, Schedule, Statement};
pub use surroundings::Surroundings;
pub use truncate::{quote_short, truncate};
pub use value::{Array, Json, Value};
