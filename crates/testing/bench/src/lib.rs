//! Measures the functions as they are deployed, beside the least that a function can be and one that does nothing,
//! in one run: times are the machine's, and what is compared is their ratios.

#![forbid(unsafe_code)]

// What is measured, and on what.
mod environment;
pub mod peers;
mod process;
mod subject;
mod workload;

// How.
mod counts;
mod distance;
mod measure;
mod statistics;

// What came out.
mod document;
mod plot;
mod report;

pub mod guard;

use std::error::Error;

use engine::Engine;
use tempfile::TempDir;

pub use document::write;
pub use report::Report;

use counts::Counts;
use measure::{Distances, Stage, rounds};
use peers::Peers;
use report::{Machine, Row};
use subject::Subject;

/// Why nothing was measured.
pub type Failure = Box<dyn Error + Send + Sync>;

/// Round trips scatter little, and large results take long.
const FEW_ROUNDS: usize = 5;

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
    let flights = workload::write_flights(folder.path())?;
    say("starting a server of each engine");
    let servers = Engine::ALL.map(workload::server).into_iter().collect::<Result<Vec<_>, _>>()?;
    let stage = Stage { servers: &servers, statements: &statements.display().to_string() };
    let all: Vec<_> = subjects.iter().collect();
    let mut rows = starts(&stage, &all, count, say)?;
    round_trips(&stage, &all, &mut rows, say)?;
    for counts in &counts::ALL {
        let (few, rounds) = (measured(counts, &all), count.min(FEW_ROUNDS));
        per_second(counts, &stage, &few, rounds, &mut rows, say)?;
    }
    say("queries alone, and tokens");
    let floors: Vec<_> = all.iter().copied().filter(|subject| subject.is_floor).collect();
    let few = count.min(FEW_ROUNDS);
    let times = rounds(&floors, few, |floor| stage.without_events(floor, &flights))?;
    for (floor, times) in floors.iter().zip(times) {
        row(&mut rows, floor)?.without_events_us = Some(times.map(|time| time.median));
    }
    let tokens_per_second = subject::tokens_per_second(say)?;
    let noise = rows.iter().map(|row| row.cold_ms.noise()).fold(0.0, f64::max);
    Ok(Report {
        machine: Machine::this()?,
        rounds: count,
        subjects: rows,
        tokens_per_second,
        noise,
        notes,
    })
}

fn row<'a>(rows: &'a mut [Row], subject: &Subject) -> Result<&'a mut Row, Failure> {
    let row = rows.iter_mut().find(|row| row.name == subject.name);
    row.ok_or_else(|| format!("{} has not been started", subject.name).into())
}

/// Cold starts and warm events.
fn starts(
    stage: &Stage<'_>,
    subjects: &[&Subject],
    count: usize,
    say: &mut dyn FnMut(&str),
) -> Result<Vec<Row>, Failure> {
    say(&format!("{count} rounds of cold starts and warm events"));
    let spreads = rounds(subjects, count, |subject| {
        let start = stage.start(subject)?;
        let [cold, processor, warm] =
            [start.cold, start.processor, start.warm].map(|time| time.as_secs_f64());
        Ok([cold * 1e3, processor * 1e3, warm * 1e6, start.resident as f64 / 1e6])
    })?;
    let rows = subjects.iter().zip(spreads).map(|(subject, spreads)| Row::new(subject, spreads));
    Ok(rows.collect())
}

/// Those of the subjects that have a database.
fn round_trips(
    stage: &Stage<'_>,
    subjects: &[&Subject],
    rows: &mut [Row],
    say: &mut dyn FnMut(&str),
) -> Result<(), Failure> {
    say("round trips");
    let distances = Distances::to(stage.servers)?;
    let with_database: Vec<_> =
        subjects.iter().copied().filter(|subject| subject.engine.is_some()).collect();
    let spreads =
        rounds(&with_database, FEW_ROUNDS, |subject| stage.round_trips(subject, &distances))?;
    for (subject, spreads) in with_database.iter().zip(spreads) {
        row(rows, subject)?.round_trips = Some(spreads);
    }
    Ok(())
}

/// The subjects that can do what is counted.
fn measured<'a>(counts: &Counts, subjects: &[&'a Subject]) -> Vec<&'a Subject> {
    let can = |subject: &&Subject| {
        let takes_one = subject.is_floor || subject.peer.is_some();
        subject.engine.is_some() && (!takes_one || counts.one_at_a_time)
    };
    subjects.iter().copied().filter(can).collect()
}

/// How much a second, by count.
fn per_second(
    counts: &Counts,
    stage: &Stage<'_>,
    subjects: &[&Subject],
    count_of_rounds: usize,
    rows: &mut [Row],
    say: &mut dyn FnMut(&str),
) -> Result<(), Failure> {
    for &count in counts.of {
        say(&format!("{count} {}", counts.what));
        let spreads = rounds(subjects, count_of_rounds, |subject| {
            Ok([(counts.per_second)(stage, subject, count)?])
        })?;
        for (subject, [rate]) in subjects.iter().zip(spreads) {
            (counts.part)(row(rows, subject)?).push((count, rate.median));
        }
    }
    Ok(())
}
