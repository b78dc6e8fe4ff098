//! Everything that the MySQL and the PostgreSQL Lambda function have in common, which is all but
//! the driver.
//!
//! An engine's crate implements [`Connector`], [`Connection`] and [`Examine`] for its driver. A
//! program answers events with the statements that they name ([`run`]), or with a handler of its
//! own ([`serve`]), which gets each event and a [`Context`] to reach the database with:
//!
//! ```no_run
//! use serde::{Deserialize, Serialize};
//! use sql_function::{Connector, Context, Error, Mode, Stopped, params};
//!
//! #[derive(Deserialize)]
//! struct Move {
//!     from: i64,
//!     to: i64,
//!     amount: i64,
//! }
//!
//! #[derive(Deserialize, Serialize)]
//! struct Account {
//!     id: i64,
//!     balance: i64,
//! }
//!
//! /// The connection is logged in, verified, and closed or reused afterwards. What fails says what
//! /// became of the work.
//! async fn handle<C: Connector>(event: Move, mut db: Context<C>) -> Result<Vec<Account>, Error> {
//!     let Move { from, to, amount } = event;
//!     let mut transaction = db.begin(Mode::Write);
//!     let taken = transaction
//!         .execute(
//!             "UPDATE accounts SET balance = balance - $2 WHERE id = $1 AND balance >= $2",
//!             &params![from, amount],
//!         )
//!         .await?;
//!     if taken.rows_affected == 0 {
//!         return Err(Error::own("TooLittle", "the account has less")); // rolled back
//!     }
//!     let give = "UPDATE accounts SET balance = balance + $2 WHERE id = $1";
//!     transaction.execute(give, &params![to, amount]).await?;
//!     transaction.commit().await?;
//!     db.query("SELECT id, balance FROM accounts WHERE id IN ($1, $2)", &params![from, to]).await
//! }
//!
//! /// An engine's own macro, such as `postgres_function::main!(handle)`, writes this.
//! fn main_of<C: Connector>() -> Result<(), Stopped> {
//!     sql_function::serve(handle::<C>, sql_function::surroundings!())
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
mod place;
mod pool;
mod response;
mod retries;
mod role;
mod rows;
mod settings;
mod statement;
mod surroundings;
mod texts;
mod value;
mod writer_search;

// What an engine implements, and what it is given.
pub mod dial;
mod driver;
mod family;
mod global;
mod log_in;
mod login;
mod names;
mod opening;
pub mod pinning;
mod placeholders;
mod proxy_words;
pub mod refusal;
pub mod schema;
pub mod sql;
mod ways;
mod writer;

// The diagnosis, and the description of the statements.
mod describe;
pub mod diagnose;

// What all of them use.
mod backoff;
mod deadline;
mod error;
mod json;
mod line;
mod metrics;
mod near;
mod otlp;
mod panics;
mod rds_ca;
mod record;
mod said;
mod shutdown;
mod span;
mod summary;
mod telemetry;
pub mod trace;
mod truncate;

pub use backoff::Backoff;
pub use boundary::{Stopped, run, serve};
pub use catalogue::{Catalogue, SCHEDULED};
pub use deadline::Deadline;
pub use driver::{Connection, Connector, Description, Examine, ExecResult};
pub use error::{Error, Fate, Kind, is_reusable};
pub use global::{see_writer, token_at};
pub use login::{Accepted, Clock, Login, Took};
pub use own::{Answer, Context, Driver, Transaction};
pub use param::{Elements, Param};
pub use proxy_words::ProxySays;
pub use rows::{Column, RESPONSE_LIMIT, Row, Rows};
pub use said::{Loggable, Said};
pub use settings::NameLimit;
pub use statement::{Declared, Mode, ParamType, Scalar, Schedule, Statement};
pub use surroundings::Surroundings;
pub use truncate::{quote_short, truncate};
pub use value::{Array, Json, Value};
pub use writer::Writer;
