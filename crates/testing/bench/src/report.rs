//! What was measured: as JSON for programs, and as tables for people.

use std::fmt::Write as _;
use std::{fs, thread};

use engine::Engine;
use serde::{Deserialize, Serialize};

use crate::Failure;
use crate::statistics::Spread;
use crate::subject::{EMPTY, Subject};

/// A run.
#[derive(Deserialize, Serialize)]
pub struct Report {
    pub(crate) machine: Machine,
    pub(crate) rounds: usize,
    pub(crate) subjects: Vec<Row>,
    /// Tokens signed a second.
    pub(crate) tokens_per_second: f64,
    /// Half of the cold starts of a subject are within this part of their median, in the worst case.
    pub(crate) noise: f64,
    /// What there is to say of the peers.
    pub(crate) notes: Vec<String>,
}

/// Where it ran.
#[derive(Deserialize, Serialize)]
pub(crate) struct Machine {
    pub(crate) processor: String,
    pub(crate) cores: usize,
    pub(crate) kernel: String,
}

/// The measurements of a subject.
#[derive(Deserialize, Serialize)]
pub(crate) struct Row {
    pub(crate) name: String,
    /// From the start of the process to the first answer.
    pub(crate) cold_ms: Spread,
    /// The processor time until then.
    pub(crate) processor_ms: Spread,
    /// From an event to its answer.
    pub(crate) warm_us: Spread,
    pub(crate) resident_mb: Spread,
    /// A peer has none.
    pub(crate) zip_mb: Option<f64>,
    /// Of a cold start and of a warm event, if there is a database.
    pub(crate) round_trips: Option<[Spread; 2]>,
    /// A query of a floor's without an event, and all that a function sends for it.
    pub(crate) without_events_us: Option<[f64; 2]>,
    /// Rows a second, by the number of rows of a result.
    pub(crate) rows_per_second: Vec<(usize, f64)>,
    /// Values a second, by the number of columns of a row.
    pub(crate) columns_per_second: Vec<(usize, f64)>,
    /// Events a second, by the number of events side by side.
    pub(crate) events_per_second: Vec<(usize, f64)>,
}

impl Machine {
    /// This machine.
    pub(crate) fn this() -> Result<Machine, Failure> {
        let processors = fs::read_to_string("/proc/cpuinfo")?;
        let model = processors.lines().find_map(|line| line.strip_prefix("model name"));
        let processor = model.map_or("unknown", |line| line.trim_start_matches([' ', '\t', ':']));
        Ok(Machine {
            processor: processor.to_owned(),
            cores: thread::available_parallelism()?.get(),
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease")?.trim().to_owned(),
        })
    }
}

impl Row {
    /// A row with the measurements of starts: cold, processor, warm and resident.
    pub(crate) fn new(subject: &Subject, spreads: [Spread; 4]) -> Row {
        let [cold_ms, processor_ms, warm_us, resident_mb] = spreads;
        Row {
            name: subject.name.clone(),
            cold_ms,
            processor_ms,
            warm_us,
            resident_mb,
            zip_mb: subject.zip.map(|bytes| bytes as f64 / 1e6),
            round_trips: None,
            without_events_us: None,
            rows_per_second: vec![],
            columns_per_second: vec![],
            events_per_second: vec![],
        }
    }
}

impl Report {
    /// All tables, in Markdown.
    pub fn tables(&self) -> String {
        let Report { machine, rounds, tokens_per_second, noise, .. } = self;
        let mut text = self.starts();
        let _ = write!(
            text,
            "\nMedians of {rounds} interleaved rounds, in parentheses as a multiple of the floor; {}, {} cores, Linux \
             {}.\nNoise: half of the cold starts of a subject were within {:.0} % of its median. Tokens: {} a second.\n",
            machine.processor,
            machine.cores,
            machine.kernel,
            noise * 100.0,
            thousands(*tokens_per_second),
        );
        for note in &self.notes {
            let _ = writeln!(text, "{note}");
        }
        text += "\nA warm event beside an empty one, and, without an event, the query alone and all that the function sends \
                 for it:\n\n";
        text += &self.warm();
        text += "\nRows a second, by the rows of a result:\n\n";
        text += &self.counts(|row| &row.rows_per_second);
        text += "\nValues a second, by the columns of a row:\n\n";
        text += &self.counts(|row| &row.columns_per_second);
        text += "\nEvents a second, by the events side by side in an environment:\n\n";
        text += &self.counts(|row| &row.events_per_second);
        text
    }

    /// The table of cold starts and warm events.
    fn starts(&self) -> String {
        self.starts_of(|_| true)
    }

    /// The same without the floors, and without MariaDB, which the function of MySQL serves.
    pub(crate) fn summary(&self) -> String {
        let mariadb = Engine::MariaDb.title();
        self.starts_of(|row| !row.name.starts_with(mariadb) && !row.name.ends_with(" floor"))
    }

    fn starts_of(&self, is_wanted: impl Fn(&Row) -> bool) -> String {
        let mut text = String::from(
            "| | cold ms | cold CPU ms | warm µs | round trips cold / warm | RSS MB | zip MB |\n\
             |---|---|---|---|---|---|---|\n",
        );
        for row in self.subjects.iter().filter(|row| is_wanted(row)) {
            let floor = self.floor_of(row);
            let of = |part: fn(&Row) -> Option<f64>, digits: usize| match (
                part(row),
                floor.and_then(part),
            ) {
                (Some(value), Some(least)) => format!("{value:.digits$} ({:.2})", value / least),
                (Some(value), None) => format!("{value:.digits$}"),
                (None, _) => "–".to_owned(),
            };
            let trips = row.round_trips.map_or(String::new(), |[cold, warm]| {
                format!("{:.1} / {:.1}", cold.median, warm.median)
            });
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | {trips} | {} | {} |",
                row.name,
                of(|row| Some(row.cold_ms.median), 1),
                of(|row| Some(row.processor_ms.median), 1),
                of(|row| Some(row.warm_us.median), 0),
                of(|row| Some(row.resident_mb.median), 1),
                of(|row| row.zip_mb, 2),
            );
        }
        text
    }

    /// What the functions add to an empty event and a query.
    fn warm(&self) -> String {
        let empty = self.subjects.iter().find(|row| row.name == EMPTY);
        let empty = empty.map_or(0.0, |row| row.warm_us.median);
        let mut text = String::from(
            "| | warm µs | empty event µs | query µs | sent µs | (warm − empty) / query | / sent |\n\
             |---|---|---|---|---|---|---|\n",
        );
        for row in &self.subjects {
            let times = self.floor_of(row).and_then(|floor| floor.without_events_us);
            let Some([query, sent]) = times else { continue };
            let warm = row.warm_us.median;
            let [of_query, of_sent] = [query, sent].map(|part| (warm - empty) / part);
            let _ = writeln!(
                text,
                "| {} | {warm:.0} | {empty:.0} | {query:.0} | {sent:.0} | {of_query:.2} | {of_sent:.2} |",
                row.name
            );
        }
        text
    }

    /// A table of how much a second, by count.
    fn counts(&self, part: impl Fn(&Row) -> &Vec<(usize, f64)>) -> String {
        let with = || self.subjects.iter().filter(|row| !part(row).is_empty());
        let Some(first) = with().next() else { return String::new() };
        let counts = part(first);
        let heads: String =
            counts.iter().map(|(count, _)| format!(" {} |", thousands(*count as f64))).collect();
        let mut text = format!("| |{heads}\n|---|{}\n", "---|".repeat(counts.len()));
        for row in with() {
            let rates = part(row).iter().map(|(_, rate)| format!(" {} |", thousands(*rate)));
            let _ = writeln!(text, "| {} |{}", row.name, rates.collect::<String>());
        }
        text
    }

    /// The floor under a function.
    fn floor_of(&self, row: &Row) -> Option<&Row> {
        let engine = row.name.strip_suffix(" function")?;
        self.subjects.iter().find(|other| other.name == format!("{engine} floor"))
    }
}

/// A whole number, with commas.
pub(crate) fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let first = (digits.len() - 1) % 3 + 1;
    let (head, rest) = digits.split_at(first);
    let rest = rest.as_bytes().chunks(3).map(String::from_utf8_lossy);
    rest.fold(head.to_owned(), |text, group| text + "," + &group)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    fn spread(median: f64) -> Spread {
        Spread { median, lower: median, upper: median }
    }

    fn row(name: &str, size: f64) -> Row {
        let [cold_ms, processor_ms, warm_us, resident_mb] =
            [6.0, 3.0, 100.0, 6.0].map(|number| spread(number * size));
        let trips = if name == EMPTY { None } else { Some([spread(5.5), spread(1.0)]) };
        let counts =
            if name == EMPTY { vec![] } else { vec![(1, 9e3 * size), (1_000, 1e6 * size)] };
        Row {
            name: name.into(),
            cold_ms,
            processor_ms,
            warm_us,
            resident_mb,
            zip_mb: Some(2.0 * size),
            round_trips: trips,
            without_events_us: name.ends_with("floor").then_some([40.0, 50.0]),
            rows_per_second: counts.clone(),
            columns_per_second: counts.clone(),
            events_per_second: counts,
        }
    }

    /// A report that nobody measured.
    pub(crate) fn report() -> Report {
        let machine = Machine { processor: "Z80".into(), cores: 2, kernel: "6.1".into() };
        let subjects = vec![row("MySQL function", 1.5), row("MySQL floor", 1.0), row(EMPTY, 0.5)];
        Report {
            machine,
            rounds: 3,
            subjects,
            tokens_per_second: 104_000.4,
            noise: 0.07,
            notes: vec![],
        }
    }

    #[test]
    fn tables_have_a_function_beside_its_floor() {
        let tables = report().tables();
        for line in [
            "| MySQL function | 9.0 (1.50) | 4.5 (1.50) | 150 (1.50) | 5.5 / 1.0 | 9.0 (1.50) | 3.00 (1.50) |",
            "| MySQL floor | 6.0 | 3.0 | 100 | 5.5 / 1.0 | 6.0 | 2.00 |",
            "| empty function | 3.0 | 1.5 | 50 |  | 3.0 | 1.00 |",
            "| MySQL function | 150 | 50 | 40 | 50 | 2.50 | 2.00 |",
            "| | 1 | 1,000 |",
            "| MySQL function | 13,500 | 1,500,000 |",
        ] {
            assert!(tables.contains(&format!("{line}\n")), "{line}: not in\n{tables}");
        }
        assert!(
            tables.contains("within 7 % of its median. Tokens: 104,000 a second.\n"),
            "{tables}"
        );
    }

    #[test]
    fn a_report_is_read_as_it_was_written() {
        let json = serde_json::to_string(&report()).unwrap();
        let again: Report = serde_json::from_str(&json).unwrap();
        assert_eq!(serde_json::to_string(&again).unwrap(), json);
    }
}
