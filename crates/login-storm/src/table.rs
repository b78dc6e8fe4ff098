//! Storms in a table, for docs/RELIABILITY.md and for the choice of the backoff.

use sql_function::Backoff;
use std::fmt::Write as _;
use std::time::Duration;

use crate::{Outcome, Storm};

/// The storms that the document shows.
const ENVIRONMENTS: [u32; 3] = [100, 1_000, 10_000];
const CAPS: [u32; 2] = [20, 200];
/// Any seed would do; the document is held to this one.
const SEED: u64 = 6;

/// One storm, played.
#[derive(Clone, Debug)]
pub struct Row {
    /// What was played.
    pub storm: Storm,
    /// How it went.
    pub outcome: Outcome,
}

/// Every combination of the numbers of environments and of the caps, with `backoff`.
pub fn table(backoff: Backoff, deadline: Duration) -> Vec<Row> {
    let storms = ENVIRONMENTS
        .into_iter()
        .flat_map(|environments| CAPS.map(|cap| Storm { environments, cap, deadline, backoff }));
    storms.map(|storm| Row { storm, outcome: storm.play(SEED) }).collect()
}

impl Row {
    /// How many environments did not get in before the deadline.
    pub fn gave_up(&self) -> u32 {
        self.storm.environments - self.outcome.in_time
    }

    /// Attempts for each login that was admitted.
    pub fn attempts_per_login(&self) -> f64 {
        self.outcome.attempts as f64 / f64::from(self.outcome.in_time.max(1))
    }
}

/// The rows in Markdown.
pub fn markdown(rows: &[Row]) -> String {
    let mut text = String::from(
        "| environments | cap, logins/s | all in after | in | gave up | attempts per login | peak, attempts/s |\n\
         |---:|---:|---:|---:|---:|---:|---:|\n",
    );
    for row in rows {
        let Row { storm, outcome } = row;
        let all_in = match row.gave_up() {
            0 => format!("{:.1} s", outcome.last_in.as_secs_f64()),
            _ => "–".to_owned(),
        };
        let _infallible = writeln!(
            text,
            "| {} | {} | {all_in} | {} | {} | {:.1} | {} |",
            storm.environments,
            storm.cap,
            outcome.in_time,
            row.gave_up(),
            row.attempts_per_login(),
            outcome.peak,
        );
    }
    text
}
