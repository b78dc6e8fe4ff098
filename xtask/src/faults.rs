//! The faults that the tests tried, in a table for each engine.

use engine::Engine;
use std::fs;
use std::io;
use std::path::PathBuf;

use crate::Failure;
use crate::cargo;

/// The folder of the integration tests' reports: `engine-test.tsv`, whose lines have the engine, the
/// fault, how often it was tried, how often the answer was right, and the honest errors.
fn folder() -> Result<PathBuf, Failure> {
    cargo::beside_us("faults")
}

/// Removes the reports of earlier runs.
pub(crate) fn forget() -> Result<(), Failure> {
    let folder = folder()?;
    match fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(format!("cannot remove {}: {error}", folder.display()).into())
        }
        _ => Ok(()),
    }
}

/// Shows the reports of this run.
pub(crate) fn show() -> Result<(), Failure> {
    let folder = folder()?;
    let unreadable = |error| format!("cannot read {}: {error}", folder.display());
    let mut files: Vec<_> = fs::read_dir(&folder)
        .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect())
        .map_err(unreadable)?;
    files.sort();
    let texts: Result<Vec<_>, _> = files.iter().map(fs::read_to_string).collect();
    let text = texts.map_err(unreadable)?.concat();
    let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split('\t').collect()).collect();
    let widest = rows.iter().filter_map(|row| row.get(1)).map(|fault| fault.len()).max();
    let width = widest.unwrap_or_default();
    for engine in Engine::ALL {
        let rows = rows.iter().filter(|row| row[0] == engine.name());
        eprintln!("\n{engine}: faults tried and survived");
        eprintln!("  {:width$}  tried  right  honest errors", "fault");
        for row in rows {
            if let [_, fault, tried, right, errors] = row[..] {
                eprintln!("  {fault:width$}  {tried:>5}  {right:>5}  {errors}");
            }
        }
    }
    eprintln!();
    Ok(())
}
