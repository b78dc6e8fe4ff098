//! A Lambda function for PostgreSQL and Aurora PostgreSQL, and what a function of one's own for it
//! is made with.
//!
//! A program of one's own is a handler and one line; see [`sql_function`] for what it gets:
//!
//! ```no_run
//! use postgres_function::sql_function::{Context, Error, params};
//! use postgres_function::Postgres;
//!
//! #[derive(serde::Deserialize, serde::Serialize)]
//! struct Item {
//!     id: i64,
//!     name: String,
//! }
//!
//! async fn handle(id: i64, mut db: Context<Postgres>) -> Result<Vec<Item>, Error> {
//!     db.query("SELECT id, name FROM items WHERE id = $1", &params![id]).await
//! }
//!
//! postgres_function::main!(handle);
//! ```

#![forbid(unsafe_code)]

mod ahead;
mod binary;
mod close_on_drop;
mod connect;
mod connection;
mod custom_settings;
mod describe;
mod envelope;
mod failure;
mod filtered;
mod messages;
mod param;
mod pipeline;
mod query;
mod rights;
mod server_info;
mod server_text;
mod session;
mod side_effects;
mod startup;
mod texts;
mod token;
mod topology;
mod unnamed;
mod value;

pub use connect::Postgres;
pub use connection::Connection;
pub use sql_function;
/// The driver, for [`Context::driver`](sql_function::Context::driver).
pub use tokio_postgres;

/// The `main` of a program: it answers events with a handler, `main!(handle)`, or with the
/// statements that it is deployed with, `main!()`.
#[macro_export]
macro_rules! main {
    () => {
        fn main() -> ::std::result::Result<(), $crate::sql_function::Stopped> {
            $crate::sql_function::run::<$crate::Postgres>($crate::sql_function::surroundings!())
        }
    };
    ($handler:expr) => {
        fn main() -> ::std::result::Result<(), $crate::sql_function::Stopped> {
            $crate::sql_function::serve::<$crate::Postgres, _, _, _, _>(
                $handler,
                $crate::sql_function::surroundings!(),
            )
        }
    };
}
