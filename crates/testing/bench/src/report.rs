//! What was measured: as JSON for programs, and as tables for people.

use std::fmt::Write as _;

use serde::Serialize;

use crate::statistics::Spread;

/// A run.
#[derive(Serialize)]
pub struct Report {
    pub(crate) machine: Machine,
    pub(crate) rounds: usize,
    pub(crate) subjects: Vec<Row>,
    /// Tokens signed a second.
    pub(crate) tokens_per_second: f64,
    /// By how much half of the cold starts of the same subject differ at most from their median, in the worst case.
    pub(crate) noise: f64,
    /// What there is to say of the peers.
    pub(crate) notes: Vec<String>,
}

/// Where it ran.
#[derive(Serialize)]
pub(crate) struct Machine {
    pub(crate) processor: String,
    pub(crate) cores: usize,
    pub(crate) kernel: String,
}

/// The measurements of a subject.
#[derive(Serialize)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) cold_ms: Spread,
    pub(crate) processor_ms: Spread,
    pub(crate) warm_us: Spread,
    pub(crate) resident_mb: Spread,
    /// A peer has none.
    pub(crate) zip_mb: Option<f64>,
    /// Of a cold start and of a warm event, if there is a database.
    pub(crate) round_trips: Option<[Spread; 2]>,
    /// Rows a second, by the number of rows of a result.
    pub(crate) rows_per_second: Vec<(usize, f64)>,
    /// Values a second, by the number of columns of a row.
    pub(crate) columns_per_second: Vec<(usize, f64)>,
    /// Events a second, by the number of events side by side.
    pub(crate) events_per_second: Vec<(usize, f64)>,
}

impl Report {
    /// The tables, in Markdown.
    pub fn tables(&self) -> String {
        let mut text = String::from(
            "| | cold ms | cold CPU ms | warm µs | round trips cold / warm | RSS MB | zip MB |\n\
             |---|---|---|---|---|---|---|\n",
        );
        for row in &self.subjects {
            let floor = self.floor_of(row);
            let against = |value: f64, floor: Option<f64>, digits: usize| match floor {
                Some(floor) => format!("{value:.digits$} ({:.2} ×)", value / floor),
                None => format!("{value:.digits$}"),
            };
            let of = |part: fn(&Row) -> f64, digits| against(part(row), floor.map(part), digits);
            let trips = row.round_trips.map_or(String::new(), |[cold, warm]| {
                format!("{:.1} / {:.1}", cold.median, warm.median)
            });
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | {trips} | {} | {} |",
                row.name,
                of(|row| row.cold_ms.median, 1),
                of(|row| row.processor_ms.median, 1),
                of(|row| row.warm_us.median, 0),
                of(|row| row.resident_mb.median, 1),
                row.zip_mb.map_or("–".to_owned(), |zip| against(
                    zip,
                    floor.and_then(|floor| floor.zip_mb),
                    2
                )),
            );
        }
        for note in &self.notes {
            let _ = writeln!(text, "\n{note}");
        }
        text
    }

    /// The floor under a function.
    fn floor_of(&self, row: &Row) -> Option<&Row> {
        let engine = row.name.strip_suffix(" function")?;
        self.subjects.iter().find(|other| other.name == format!("{engine} floor"))
    }
}
