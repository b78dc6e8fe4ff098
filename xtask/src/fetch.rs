//! Fetches the servers and tools that are missing, while cargo compiles.

use engine::Engine;
use local_packages::{Version, fetch_pooler, fetch_valgrind, find_or_fetch};
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::Failure;

type Fetch = Box<dyn FnOnce() -> Result<(), Failure> + Send>;

/// Finds or fetches each of `servers` while `work` runs.
///
/// Waits for both. If several fail, the error is that of `work`, or else of the first server.
pub(crate) fn servers_during(
    servers: &[Version],
    work: impl FnOnce() -> Result<(), Failure>,
) -> Result<(), Failure> {
    versions_during(servers, vec![], work)
}

/// The same with `versions`. One that cannot be had is told, and its tests will fail.
pub(crate) fn versions_during(
    servers: &[Version],
    versions: Vec<Version>,
    work: impl FnOnce() -> Result<(), Failure>,
) -> Result<(), Failure> {
    let servers = servers.iter().cloned().map(server);
    during(servers.chain(versions.into_iter().map(one_of_many)).collect(), work)
}

/// The same with everything that the tests use: a server of each engine, `versions`, and pinned tools.
pub(crate) fn everything_during(
    versions: Vec<Version>,
    work: impl FnOnce() -> Result<(), Failure>,
) -> Result<(), Failure> {
    let engines = Engine::ALL.map(Version::from);
    let mut fetches: Vec<Fetch> = engines.into_iter().map(server).collect();
    fetches.extend(versions.into_iter().map(one_of_many));
    fetches.push(Box::new(|| Ok(fetch_pooler(&mut say).map(drop)?)));
    fetches.push(Box::new(|| Ok(fetch_valgrind(&mut say).map(drop)?)));
    fetches.push(Box::new(|| Ok(pinned_tools::sam(&mut say).map(drop)?)));
    fetches.push(Box::new(|| Ok(pinned_tools::aws(&mut say).map(drop)?)));
    fetches.push(Box::new(|| Ok(pinned_tools::ministack(&mut say).map(drop)?)));
    fetches.push(Box::new(|| Ok(pinned_tools::iam_data(&mut say).map(drop)?)));
    fetches.push(Box::new(|| Ok(pinned_tools::zig(&mut say).map(drop)?)));
    fetches.push(Box::new(|| Ok(pinned_tools::node(&mut say).map(drop)?)));
    during(fetches, work)
}

fn server(version: Version) -> Fetch {
    Box::new(move || Ok(find_or_fetch(&version, &mut say).map(drop)?))
}

/// A version that few tests use: if it cannot be had, those alone fail, and say why.
fn one_of_many(version: Version) -> Fetch {
    Box::new(move || {
        if let Err(error) = find_or_fetch(&version, &mut say) {
            say(&format!("{version}: its tests will fail: {}", command_line::chain(&error)));
        }
        Ok(())
    })
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
