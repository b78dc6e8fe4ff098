//! What is deployed, from sources to zips: release programs that start on Amazon Linux 2023, packed
//! with their statements, the same bytes from any clone.
//!
//! ```no_run
//! use packaging::Architecture;
//!
//! for package in packaging::build(Architecture::Arm64, &mut |line| eprintln!("{line}"))? {
//!     println!("{}: {} bytes", package.zip.display(), package.zip_bytes);
//! }
//! # Ok::<(), packaging::Failure>(())
//! ```

#![forbid(unsafe_code)]

mod architecture;
mod cargo;

// From sources to a program.
mod compile;
mod configuration;
mod rust_target;

// Whether the program is fit.
mod needs;
mod runtime;
mod traces;

// From the program and its statements to a zip.
mod package;
mod statements;

pub use architecture::Architecture;
pub use compile::{Compiled, compile};
pub use package::{Package, build, build_with};
pub use runtime::{AMAZON_LINUX_2023, Glibc, check};
pub use statements::statements;

use sql_function::sql::{Dialect, MYSQL};

/// Why nothing was built: a text that names the thing, the place and the way out.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// A function, and the engine whose statements it carries.
struct Function {
    name: &'static str,
    engine: &'static str,
    dialect: Dialect,
}

/// The functions that are deployed.
const FUNCTIONS: [Function; 2] = [
    Function { name: "mysql-function", engine: "mysql", dialect: MYSQL },
    Function { name: "postgres-function", engine: "postgres", dialect: Dialect::Postgres },
];
