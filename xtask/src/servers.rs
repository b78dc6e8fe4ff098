//! Fetches the servers that are missing, while cargo compiles.

use local_rds_packages::{Engine, find_or_fetch};
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::Failure;

/// Finds or fetches a server for each of `engines`, and does `work` meanwhile.
///
/// Both are always waited for. What failed first in the order (work, engines) is the failure.
pub(crate) fn fetch_during(
    engines: &[Engine],
    work: impl FnOnce() -> Result<(), Failure>,
) -> Result<(), Failure> {
    let failures = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for &engine in engines {
            let failures = &failures;
            scope.spawn(move || {
                if let Err(error) = find_or_fetch(engine, &mut |line| eprintln!("{line}")) {
                    let mut failures = failures.lock().unwrap_or_else(PoisonError::into_inner);
                    failures.push(Failure::from(error));
                }
            });
        }
        work()
    })?;
    let failures = failures.into_inner().unwrap_or_else(PoisonError::into_inner);
    failures.into_iter().next().map_or(Ok(()), Err)
}
