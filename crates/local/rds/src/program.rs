//! The parts of the program.

mod command;
mod document;
mod env_file;
mod guide;
mod host;
pub(crate) mod options;
mod organization;
mod permissions;
pub(crate) mod serve;
mod signals;
pub(crate) mod token;

/// Why the program fails, for the person who started it.
pub(crate) type Failure = Box<dyn std::error::Error>;
