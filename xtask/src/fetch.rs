//! Fetches the servers and tools that are missing, while cargo compiles.

use engine::Engine;
use local_packages::{fetch_pooler, find_or_fetch};
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::Failure;

type Fetch = Box<dyn FnOnce() -> Result<(), Failure> + Send>;

/// Finds or fetches a server for each of `engines` while `work` runs.
///
/// Waits for both. If several fail, the error is that of `work`, or else of the first engine.
pub(crate) fn servers_during(
    engines: &[Engine],
    work: impl FnOnce() -> Result<(), Failure>,
) -> Result<(), Failure> {
    during(engines.iter().map(|&engine| server(engine)).collect(), work)
}

/// The same with everything that the tests use: all servers and pinned tools.
pub(crate) fn everything_during(work: impl FnOnce() -> Result<(), Failure>) -> Result<(), Failure> {
    let mut fetches: Vec<Fetch> = Engine::ALL.into_iter().map(server).collect();
    fetches.push(Box::new(|| Ok(fetch_pooler(&mut say).map(drop)?)));
    fetches.push(Box::new(|| Ok(pinned_tools::sam(&mut say).map(drop)?)));
    fetches.push(Box::new(|| Ok(pinned_tools::aws(&mut say).map(drop)?)));
    fetches.push(Box::new(|| Ok(pinned_tools::ministack(&mut say).map(drop)?)));
    fetches.push(Box::new(|| Ok(pinned_tools::iam_data(&mut say).map(drop)?)));
    fetches.push(Box::new(|| Ok(pinned_tools::zig(&mut say).map(drop)?)));
    fetches.push(Box::new(|| Ok(pinned_tools::node(&mut say).map(drop)?)));
    during(fetches, work)
}

fn server(engine: Engine) -> Fetch {
    Box::new(move || Ok(find_or_fetch(&engine.into(), &mut say).map(drop)?))
}

fn say(line: &str) {
    eprintln!("{line}");
}

fn during(fetches: Vec<Fetch>, work: impl FnOnce() -> Result<(), Failure>) -> Result<(), Failure> {
    let failures = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for fetch in fetches {
            let failures = &failures;
            scope.spawn(move || {
                if let Err(error) = fetch() {
                    let mut failures = failures.lock().unwrap_or_else(PoisonError::into_inner);
                    failures.push(error);
                }
            });
        }
        work()
    })?;
    let failures = failures.into_inner().unwrap_or_else(PoisonError::into_inner);
    failures.into_iter().next().map_or(Ok(()), Err)
}
