//! What must not grow unnoticed, and depends on no machine: instructions and allocations, bytes of the zips, crates
//! that are linked. Each is compared with a baseline that is committed.
//!
//! Round trips are guarded by the scenarios `cold::as_few_round_trips` and `round_trip`, which count them exactly.

mod counted;
mod linked;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::{Failure, subject};

/// By how much a number may change, in parts of the baseline, and why.
///
/// Instructions: the same program on the same input differs by one in a hundred, from how the kernel divides what is
/// read and wakes what waits. Allocations of an event differ by one at most, for the same reason. A zip's
/// bytes are always the same from the same sources and compiler: two in a hundred are what a small change may cost.
const INSTRUCTIONS: f64 = 0.035;
const ALLOCATIONS: f64 = 0.02;
const ZIP: f64 = 0.02;
/// The same for programs of another compiler, whose optimisations differ.
const OTHER_COMPILER: f64 = 0.15;

/// What is guarded, measured or as it was accepted.
#[derive(Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Guarded {
    /// What `rustc --version` says.
    pub compiler: String,
    /// By what is done once.
    pub instructions: BTreeMap<String, u64>,
    /// By the function whose event is warm.
    pub allocations: BTreeMap<String, u64>,
    /// By function.
    pub zip_bytes: BTreeMap<String, u64>,
    /// The crates that are linked, by function.
    pub crates: BTreeMap<String, BTreeSet<String>>,
}

/// Measures everything.
///
/// # Errors
/// A function does not build, a server or valgrind cannot be had, or a function fails.
pub fn measure(progress: &mut dyn FnMut(&str)) -> Result<Guarded, Failure> {
    let mut guarded =
        Guarded { compiler: linked::compiler()?, crates: linked::crates()?, ..Guarded::default() };
    counted::count(&subject::functions(progress)?, &mut guarded, progress)?;
    Ok(guarded)
}

/// The baseline, which is committed.
///
/// # Errors
/// The file cannot be read.
pub fn baseline() -> Result<Guarded, Failure> {
    let file = file()?;
    let text = fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    Ok(serde_json::from_str(&text)?)
}

/// Makes what was measured the baseline.
///
/// # Errors
/// The file cannot be written.
pub fn accept(measured: &Guarded) -> Result<(), Failure> {
    Ok(fs::write(file()?, serde_json::to_string_pretty(measured)? + "\n")?)
}

fn file() -> Result<PathBuf, Failure> {
    Ok(pinned_tools::workspace()?.join("crates/testing/bench/guard.json"))
}

/// What has changed by more than it may, in sentences.
pub fn changes(baseline: &Guarded, measured: &Guarded) -> Vec<String> {
    let mut changes = vec![];
    let other_compiler = baseline.compiler != measured.compiler;
    for (what, unit, before, after, tolerance) in [
        ("", "instructions", &baseline.instructions, &measured.instructions, INSTRUCTIONS),
        (
            "a warm event of ",
            "allocations",
            &baseline.allocations,
            &measured.allocations,
            ALLOCATIONS,
        ),
        ("the zip of ", "bytes", &baseline.zip_bytes, &measured.zip_bytes, ZIP),
    ] {
        let tolerance = if other_compiler { OTHER_COMPILER } else { tolerance };
        let names: BTreeSet<_> = before.keys().chain(after.keys()).collect();
        for name in names {
            let change = match (before.get(name), after.get(name)) {
                (Some(&before), Some(&after)) => number(before, after, tolerance),
                (None, Some(after)) => Some(format!("{after}, which are not in the baseline")),
                _ => Some("was not measured".to_owned()),
            };
            changes.extend(change.map(|change| format!("{what}{name}: {unit}: {change}")));
        }
    }
    for (function, after) in &measured.crates {
        let none = BTreeSet::new();
        let before = baseline.crates.get(function).unwrap_or(&none);
        let list = |names: Vec<&String>| {
            names.into_iter().map(String::as_str).collect::<Vec<_>>().join(", ")
        };
        let (new, gone) =
            (list(after.difference(before).collect()), list(before.difference(after).collect()));
        if !new.is_empty() {
            changes.push(format!("{function} links more crates: {new}"));
        }
        if !gone.is_empty() {
            changes.push(format!("{function} links these crates no more: {gone}"));
        }
    }
    changes
}

/// How a number has changed, if by more than it may.
fn number(before: u64, after: u64, tolerance: f64) -> Option<String> {
    let change = after as f64 / before as f64 - 1.0;
    (change.abs() > tolerance).then(|| {
        let percent = change * 100.0;
        format!(
            "{before} before, {after} now: {percent:+.1} %, where {:.1} % may be",
            tolerance * 100.0
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guarded(instructions: u64, allocations: u64, crates: &[&str]) -> Guarded {
        let of = |name: &str, number| BTreeMap::from([(name.to_owned(), number)]);
        Guarded {
            compiler: "rustc 1.94.1".into(),
            instructions: of("a token", instructions),
            allocations: of("mysql-function", allocations),
            zip_bytes: of("mysql-function", 3_000_000),
            crates: BTreeMap::from([(
                "mysql-function".into(),
                crates.iter().map(|&name| name.into()).collect(),
            )]),
        }
    }

    #[test]
    fn what_grows_is_named() {
        let baseline = guarded(100_000, 20, &["a", "b"]);
        let changes = |measured| changes(&baseline, &measured);
        assert_eq!(changes(guarded(100_000, 20, &["a", "b"])), [""; 0]);
        assert_eq!(changes(guarded(102_000, 20, &["a", "b"])), [""; 0]);
        assert_eq!(
            changes(guarded(105_000, 21, &["a", "c"])),
            [
                "a token: instructions: 100000 before, 105000 now: +5.0 %, where 3.5 % may be",
                "a warm event of mysql-function: allocations: 20 before, 21 now: +5.0 %, where 2.0 % may be",
                "mysql-function links more crates: c",
                "mysql-function links these crates no more: b",
            ]
        );
        let other =
            Guarded { compiler: "rustc 1.95.0".into(), ..guarded(110_000, 20, &["a", "b"]) };
        assert_eq!(changes(other), [""; 0]);
        let fewer = Guarded { instructions: BTreeMap::new(), ..guarded(1, 20, &["a", "b"]) };
        assert_eq!(changes(fewer), ["a token: instructions: was not measured"]);
    }
}
