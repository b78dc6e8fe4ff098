//! Storms as Markdown tables: docs/RELIABILITY.md shows them, and the backoff was chosen by them.

use sql_function::Backoff;
use std::fmt::Write as _;
use std::time::Duration;

use crate::storm::{Outcome, Storm};

/// The storms in the document.
const ENVIRONMENTS: [u32; 3] = [100, 1_000, 10_000];
/// Logins a second. AWS's figure was 20 for MySQL, later 200 for all, and none since 2026-06-30, because
/// the rate grows with the instance; 1,000 stands for a larger one. Sources: "IAM database authentication",
/// RDS user guide, over the years; `storm.rs` has the announcement.
const RATES: [u32; 3] = [20, 200, 1_000];
/// Any seed would do. The document was made with this one.
const SEED: u64 = 6;

/// The backoffs that were compared: base and cap, in milliseconds.
const CHOICES: [(u64, u64); 6] =
    [(50, 1_000), (100, 5_000), (200, 5_000), (200, 20_000), (500, 5_000), (1_000, 30_000)];
/// The storm they were compared by, in environments and logins per second. All of them can log in
/// before the deadline.
const COMPARED: (u32, u32) = (1_000, 200);

/// One storm and its result.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    /// The storm.
    pub storm: Storm,
    /// Its result.
    pub outcome: Outcome,
}

/// A storm for each number of environments and the `rate`, or several, with `backoff`.
pub(crate) fn table(backoff: Backoff, deadline: Duration, rate: Option<u32>) -> Vec<Row> {
    let rates = rate.map_or(RATES.to_vec(), |rate| vec![rate]);
    let storms = ENVIRONMENTS.into_iter().flat_map(|environments| {
        let storm = move |&rate| Storm { environments, rate, deadline, backoff };
        rates.iter().map(storm)
    });
    storms.map(|storm| Row { storm, outcome: storm.run(SEED) }).collect()
}

impl Row {
    /// How many environments did not log in before the deadline.
    pub(crate) fn gave_up(&self) -> u32 {
        self.storm.environments - self.outcome.in_time
    }

    /// When the last environment had logged in; a dash if some did not.
    fn all_in(&self) -> String {
        match self.gave_up() {
            0 => format!("{:.1} s", self.outcome.last_in.as_secs_f64()),
            _ => "–".to_owned(),
        }
    }

    /// Attempts per accepted login.
    pub(crate) fn attempts_per_login(&self) -> f64 {
        self.outcome.attempts as f64 / f64::from(self.outcome.in_time.max(1))
    }
}

/// The rows in Markdown.
pub(crate) fn markdown(rows: &[Row]) -> String {
    let mut text = String::from(
        "| environments | rate, logins/s | all in after | in | gave up | attempts per login | peak, attempts/s |\n\
         |---:|---:|---:|---:|---:|---:|---:|\n",
    );
    for row in rows {
        let Row { storm, outcome } = row;
        let all_in = row.all_in();
        let _infallible = writeln!(
            text,
            "| {} | {} | {all_in} | {} | {} | {:.1} | {} |",
            storm.environments,
            storm.rate,
            outcome.in_time,
            row.gave_up(),
            row.attempts_per_login(),
            outcome.peak,
        );
    }
    text
}

/// One storm with other backoffs, in Markdown. A login that fails once is tried again after half of
/// the base, on average.
pub(crate) fn comparison(deadline: Duration, rate: Option<u32>) -> String {
    let mut text = String::from(
        "| base | cap | all in after | attempts per login | peak, attempts/s |\n\
         |---:|---:|---:|---:|---:|\n",
    );
    let (environments, usual) = COMPARED;
    let rate = rate.unwrap_or(usual);
    for (base, longest) in CHOICES {
        let [base, longest] = [base, longest].map(Duration::from_millis);
        let backoff = Backoff { base, cap: longest };
        let storm = Storm { environments, rate, deadline, backoff };
        let row = Row { storm, outcome: storm.run(SEED) };
        let chosen = if backoff == Backoff::LOGIN { " (chosen)" } else { "" };
        let _infallible = writeln!(
            text,
            "| {} ms | {} s{chosen} | {} | {:.1} | {} |",
            base.as_millis(),
            longest.as_secs(),
            row.all_in(),
            row.attempts_per_login(),
            row.outcome.peak,
        );
    }
    text
}
