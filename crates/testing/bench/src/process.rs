//! What the kernel knows of a process, and the time.

use std::fs;
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::Failure;

/// The processor time of all threads, those that have ended included (`/proc/PID/schedstat` has the first thread's
/// alone, and `stat` counts in hundredths of a second).
pub(crate) fn processor_time(id: u32) -> Result<Duration, Failure> {
    let mut nanoseconds = 0;
    for thread in fs::read_dir(format!("/proc/{id}/task"))? {
        let statistics = fs::read_to_string(thread?.path().join("schedstat"))?;
        let running = statistics.split(' ').next().and_then(|number| number.parse::<u64>().ok());
        nanoseconds += running.ok_or("the kernel keeps no schedstat")?;
    }
    Ok(Duration::from_nanos(nanoseconds))
}

/// The memory of a process that is resident now, in bytes.
pub(crate) fn resident(id: u32) -> Result<u64, Failure> {
    let status = fs::read_to_string(format!("/proc/{id}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    Ok(kib.ok_or("the process has ended")? * 1024)
}

/// A time as Lambda tells an event's deadline.
#[allow(clippy::disallowed_methods)] // the clock is read here alone
pub(crate) fn milliseconds_from_now(wait: Duration) -> u128 {
    (SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() + wait).as_millis()
}

/// Sends SIGTERM.
pub(crate) fn terminate(id: u32) -> Result<(), Failure> {
    let status = Command::new("kill").arg(id.to_string()).status()?;
    if status.success() { Ok(()) } else { Err("the process has ended by itself".into()) }
}
