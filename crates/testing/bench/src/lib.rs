//! Measures the functions as they are deployed, beside the least that a function can be and one that does nothing,
//! in one run: absolute times are the machine's, and what is compared is the ratios.

#![forbid(unsafe_code)]

mod environment;
pub mod guard;
mod measure;
pub mod peers;
mod process;
mod report;
mod statistics;
mod subject;
mod workload;

use std::error::Error;
use std::{fs, thread};

use engine::Engine;
use tempfile::TempDir;

use measure::{Proxies, Stage, rounds};
use peers::Peers;
pub use report::Report;
use report::{Machine, Row};

/// Why nothing was measured.
pub type Failure = Box<dyn Error + Send + Sync>;

/// A round of round trips takes long, and scatters little.
const ROUNDS_OF_TRIPS: usize = 5;
const ROUNDS_OF_RESULTS: usize = 5;
const SIDE_BY_SIDE: [usize; 4] = [1, 4, 16, 64];

/// Measures all of them, and peers in other languages if those are wanted, starting each so many times.
///
/// # Errors
/// A function does not build, a server does not start, or a function fails.
pub fn report(
    count: usize,
    with_peers: bool,
    say: &mut dyn FnMut(&str),
) -> Result<Report, Failure> {
    let mut subjects = subject::build(say)?;
    let folder = TempDir::with_prefix("rds-iam-lambda-")?;
    let Peers { subjects: peers, notes } =
        if with_peers { peers::build(folder.path(), say)? } else { Peers::default() };
    subjects.extend(peers);
    let statements = workload::write_statements(folder.path())?;
    say("starting a server of each engine");
    let servers = Engine::ALL.map(workload::server).into_iter().collect::<Result<Vec<_>, _>>()?;
    let stage = Stage { servers: &servers, statements: &statements.display().to_string() };
    let proxies = Proxies::start(&servers)?;
    let all: Vec<_> = subjects.iter().collect();
    let with_database: Vec<_> = subjects.iter().filter(|it| it.engine.is_some()).collect();
    let functions: Vec<_> =
        with_database.iter().copied().filter(|it| !it.is_floor && it.peer.is_none()).collect();

    say(&format!("{count} rounds of cold and warm starts"));
    let starts = rounds(&all, count, |subject| {
        let start = stage.start(subject)?;
        let seconds = [start.cold, start.processor, start.warm].map(|time| time.as_secs_f64());
        let [cold, processor, warm] = seconds;
        Ok([cold * 1e3, processor * 1e3, warm * 1e6, start.resident as f64 / 1e6])
    })?;
    say("round trips");
    let trips =
        rounds(&with_database, ROUNDS_OF_TRIPS, |subject| stage.round_trips(subject, &proxies))?;
    let mut rows = vec![];
    for (subject, [cold_ms, processor_ms, warm_us, resident_mb]) in all.iter().zip(starts) {
        let trips = with_database.iter().position(|it| it.name == subject.name).map(|at| trips[at]);
        rows.push(Row {
            name: subject.name.clone(),
            cold_ms,
            processor_ms,
            warm_us,
            resident_mb,
            zip_mb: subject.zip.map(|bytes| bytes as f64 / 1e6),
            round_trips: trips,
            rows_per_second: vec![],
            columns_per_second: vec![],
            events_per_second: vec![],
        });
    }
    let mut results = |names: &dyn Fn(usize) -> String, counts: &[usize], to: fn(&mut Row) -> &mut Vec<(usize, f64)>| {
        for &count in counts {
            let statement = names(count);
            say(&format!("{statement}"));
            let spreads = rounds(&with_database, ROUNDS_OF_RESULTS, |subject| {
                let times = stage.statement(subject, &statement)?;
                Ok([times.into_iter().fold(f64::INFINITY, f64::min)])
            })?;
            for (subject, [seconds]) in with_database.iter().zip(spreads) {
                if let Some(row) = rows.iter_mut().find(|row| row.name == subject.name) {
                    to(row).push((count, count as f64 / seconds.median));
                }
            }
        }
        Ok::<(), Failure>(())
    };
    results(&workload::rows, &workload::ROWS, |row| &mut row.rows_per_second)?;
    results(&workload::columns, &workload::COLUMNS, |row| &mut row.columns_per_second)?;
    for count in SIDE_BY_SIDE {
        say(&format!("{count} events side by side"));
        let spreads =
            rounds(&functions, ROUNDS_OF_TRIPS, |subject| Ok([stage.side_by_side(subject, count)?]))?;
        for (subject, [rate]) in functions.iter().zip(spreads) {
            if let Some(row) = rows.iter_mut().find(|row| row.name == subject.name) {
                row.events_per_second.push((count, rate.median));
            }
        }
    }
    let noise = rows.iter().map(|row| row.cold_ms.noise()).fold(0.0, f64::max);
    let tokens_per_second = measure::tokens()?;
    Ok(Report { machine: machine()?, rounds: count, subjects: rows, tokens_per_second, noise, notes })
}

fn machine() -> Result<Machine, Failure> {
    let processors = fs::read_to_string("/proc/cpuinfo")?;
    let model = processors.lines().find_map(|line| line.strip_prefix("model name"));
    let processor = model.map_or("unknown", |line| line.trim_start_matches([' ', '\t', ':']));
    Ok(Machine {
        processor: processor.to_owned(),
        cores: thread::available_parallelism()?.get(),
        kernel: fs::read_to_string("/proc/sys/kernel/osrelease")?.trim().to_owned(),
    })
}
