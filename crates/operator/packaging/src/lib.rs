//! Builds the functions for Lambda: release programs that start on Amazon Linux 2023, packed with
//! their statements, the same bytes from any clone.
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

// From sources to programs.
mod compile;
mod configuration;
mod own_package;
mod rust_target;

// Whether a program starts on Lambda.
mod needs;
mod runtime;
mod traces;

// From a program and its statements to a zip.
mod functions;
mod package;
mod places;
mod statements;

// The template that names the zips.
mod schedules;
mod template;

pub use architecture::Architecture;
pub use compile::{Compiled, compile, compile_own};
pub use functions::{Function, functions, functions_beside, share_a_folder};
pub use own_package::OwnPackage;
pub use package::{Package, build, build_functions, build_own, build_with};
pub use places::places;
pub use runtime::{AMAZON_LINUX_2023, Glibc, check};
pub use schedules::Scheduled;
pub use statements::{check as check_statements, statements};
pub use template::{built, template};

use engine::Engine;

/// Why nothing was built: a text that names the file, the place and what to do.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The functions that are deployed, each by an engine that it serves.
pub const FUNCTIONS: [Engine; 2] = [Engine::MySql, Engine::Postgres];
