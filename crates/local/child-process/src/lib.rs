//! Child processes that never outlive their owner, and logs that never fill a disk.
//!
//! A [`Process`] leads a process group, is ended and reaped when it is dropped, and is ended by the
//! kernel when its owner is killed. What it prints goes to a [`LogFile`], which is kept short.
//!
//! ```
//! use child_process::{LogFile, Process};
//! use std::process::Command;
//!
//! let folder = tempfile::tempdir()?;
//! let log = LogFile::create(folder.path().join("log"))?;
//! let mut command = Command::new("sleep");
//! command.arg("60").stdout(log.writer()?).stderr(log.writer()?);
//! let sleep = Process::start(command, libc::SIGTERM)?;
//! assert_eq!(sleep.ended(), None);
//! drop(sleep); // SIGTERM, and SIGKILL if it does not end
//! # Ok::<(), std::io::Error>(())
//! ```

pub mod log_file;
mod process;
mod run;
mod signal;
mod spawn;
mod tree;

pub use log_file::LogFile;
pub use process::Process;
pub use run::run;
