//! A Lambda function for MySQL, MariaDB and Aurora MySQL, and what a function of one's own for them
//! is made with.
//!
//! A program of one's own is a handler and one line; see [`sql_function`] for what it gets:
//!
//! ```no_run
//! use mysql_function::MySql;
//! use mysql_function::sql_function::{Context, Error, params};
//!
//! #[derive(serde::Deserialize, serde::Serialize)]
//! struct Item {
//!     id: i64,
//!     name: String,
//! }
//!
//! async fn handle(id: i64, mut db: Context<MySql>) -> Result<Vec<Item>, Error> {
//!     db.query("SELECT id, name FROM items WHERE id = ?", &params![id]).await
//! }
//!
//! mysql_function::main!(handle);
//! ```

#[doc(hidden)]
pub mod buffer_pool;
mod close_on_drop;
mod connect;
mod connection;
mod describe;
mod failure;
mod literal;
mod query;
mod rows;
mod server_info;
mod session;
mod side_effects;
mod startup;
mod texts;
mod token;
mod topology;
mod unsupported;
mod value;
mod version;

pub use connect::MySql;
pub use connection::Connection;
/// The driver, for [`Context::driver`](sql_function::Context::driver).
pub use mysql_async;
pub use sql_function;
#[doc(hidden)]
pub use zero_on_free::ZeroOnFree;

/// The `main` of a program: it answers events with a handler, `main!(handle)`, or with the
/// statements that it is deployed with, `main!()`.
///
/// It also sets the allocator, because the driver does not overwrite copies of tokens before it
/// frees them.
#[macro_export]
macro_rules! main {
    () => {
        $crate::main! { @program $crate::sql_function::run::<$crate::MySql> }
    };
    (@program $serve:expr $(, $handler:expr)?) => {
        #[global_allocator]
        static ALLOCATOR: $crate::ZeroOnFree = $crate::ZeroOnFree;

        fn main() -> ::std::result::Result<(), $crate::sql_function::Stopped> {
            $crate::buffer_pool::disable();
            ($serve)($($handler,)? $crate::sql_function::surroundings!())
        }
    };
    ($handler:expr) => {
        $crate::main! { @program $crate::sql_function::serve::<$crate::MySql, _, _, _, _>, $handler }
    };
}
