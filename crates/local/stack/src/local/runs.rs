//! What is run without `--event`: the events of schedules, and statements that read and take no parameters.

use serde_json::{Map, Value, json};
use sql_function::{Catalogue, Mode, Statement};
use std::collections::BTreeSet;
use std::time::SystemTime;
use time::OffsetDateTime;

/// What EventBridge Scheduler replaces by the time of the schedule:
/// <https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html>.
const SCHEDULED_TIME: &str = "<aws.scheduler.scheduled-time>";

/// An event to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    /// What it is, for people.
    pub(crate) title: String,
    pub(crate) event: String,
}

/// What becomes of a function's statements.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Runs {
    /// The reads first, because what is scheduled may write.
    pub(crate) run: Vec<Run>,
    /// Events for the others, with examples of values.
    pub(crate) others: Vec<String>,
    /// Why files are refused.
    pub(crate) refused: Vec<String>,
}

/// The runs of the statements called `only`, or of all, at the time `now`.
pub(crate) fn of(catalogue: &Catalogue, only: Option<&BTreeSet<String>>, now: SystemTime) -> Runs {
    let mut runs = Runs::default();
    let mut scheduled = Vec::new();
    for (name, statement) in catalogue.iter() {
        if only.is_some_and(|only| !only.contains(name)) {
            continue;
        }
        let statement = match statement {
            Ok(statement) => statement,
            Err(error) => {
                runs.refused.push(error.report());
                continue;
            }
        };
        let alone = json!({ "statement": name }).to_string();
        let is_free = statement.mode == Mode::Read && statement.params() == 0;
        if is_free {
            runs.run.push(Run { title: name.to_owned(), event: alone.clone() });
        }
        for schedule in &statement.schedules {
            let event = schedule.event(name).replace(SCHEDULED_TIME, &timestamp(now));
            if is_free && serde_json::from_str::<Value>(&event).ok() == Some(json!({ "statement": name })) {
                continue; // It was run just now.
            }
            let zone = schedule.timezone.as_ref().map(|zone| format!(" {zone}"));
            let zone = zone.unwrap_or_default();
            let title = format!("{name}, scheduled {}{zone}", schedule.expression);
            scheduled.push(Run { title, event });
        }
        if !is_free && statement.schedules.is_empty() {
            runs.others.push(example(statement));
        }
    }
    runs.run.append(&mut scheduled);
    runs
}

/// `2026-03-22T18:59:43Z`
pub(crate) fn timestamp(now: SystemTime) -> String {
    let now = OffsetDateTime::from(now);
    let (date, time) = (now.date(), now.time());
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
        date.year(),
        u8::from(date.month()),
        date.day(),
        time.hour(),
        time.minute(),
        time.second()
    )
}
