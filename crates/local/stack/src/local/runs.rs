//! What is run without `--event`: the events of schedules, and statements that read and take no parameters.

use serde_json::{Value, json};
use sql_function::{Catalogue, Declared, Mode, ParamType, Scalar, Statement};
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
            if is_free
                && serde_json::from_str::<Value>(&event).ok() == Some(json!({ "statement": name }))
            {
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

/// An event that would run a statement, with an example of each parameter.
fn example(statement: &Statement) -> String {
    let name = Value::from(statement.name.as_str());
    let params = match &statement.declared[..] {
        [] => match statement.params() {
            0 => return format!(r#"{{"statement":{name}}}"#),
            params => Value::from(vec![Value::Null; params]).to_string(),
        },
        declared => {
            let mut fields: Vec<String> = Vec::new();
            for Declared { name, param_type, .. } in declared {
                let field = format!("{}:{}", Value::from(name.as_str()), sample(*param_type));
                // In MySQL one name may stand for several placeholders.
                if !fields.contains(&field) {
                    fields.push(field);
                }
            }
            format!("{{{}}}", fields.join(","))
        }
    };
    format!(r#"{{"statement":{name},"params":{params}}}"#)
}

/// A value of a type.
fn sample(of: ParamType) -> Value {
    let value = match of.scalar {
        Scalar::Int => json!(1),
        Scalar::Number => json!(1.5),
        Scalar::Text => json!("text"),
        Scalar::Boolean => json!(true),
        Scalar::Date => json!("2026-01-31"),
        Scalar::Time => json!("12:30:00"),
        Scalar::Timestamp => json!("2026-01-31T12:30:00Z"),
        Scalar::Uuid => json!("123e4567-e89b-12d3-a456-426614174000"),
        Scalar::Json => json!("{}"),
        Scalar::Base64 => json!("aGVsbG8="),
    };
    if of.is_array { json!([value]) } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sql_function::sql::MYSQL;
    use std::fs;
    use std::time::Duration;

    fn runs(files: &[(&str, &str)], only: Option<&[&str]>) -> Runs {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(folder.path().join(format!("{name}.sql")), text).unwrap();
        }
        let only = only.map(|names| names.iter().map(ToString::to_string).collect());
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_774_205_983);
        of(&Catalogue::load(folder.path(), MYSQL).unwrap(), only.as_ref(), now)
    }

    const FILES: [(&str, &str); 6] = [
        (
            "add",
            "-- mode: write\n-- param: id int\n-- param: at timestamp\nINSERT INTO a VALUES (?, ?)",
        ),
        ("count", "-- schedule: rate(1 hour)\nSELECT 1"),
        ("find", "SELECT ?, ?"),
        (
            "purge",
            "-- mode: write\n-- param: at timestamp\n-- schedule: cron(0 4 * * ? *) Europe/Berlin\n\
             -- params: [\"<aws.scheduler.scheduled-time>\"]\nDELETE FROM a WHERE b < ?",
        ),
        ("truncate", "-- mode: write\nTRUNCATE a"),
        ("wrong", "-- mode: wrong\nSELECT 1"),
    ];

    #[test]
    fn schedules_and_free_reads_run() {
        let runs = runs(&FILES, None);
        let run = |title: &str, event: &str| Run { title: title.into(), event: event.into() };
        assert_eq!(
            runs.run,
            [
                run("count", r#"{"statement":"count"}"#),
                run(
                    "purge, scheduled cron(0 4 * * ? *) Europe/Berlin",
                    r#"{"statement":"purge","params":["2026-03-22T18:59:43Z"]}"#
                ),
            ]
        );
        assert_eq!(
            runs.others,
            [
                r#"{"statement":"add","params":{"id":1,"at":"2026-01-31T12:30:00Z"}}"#,
                r#"{"statement":"find","params":[null,null]}"#,
                r#"{"statement":"truncate"}"#,
            ]
        );
        assert_eq!(runs.refused.len(), 1);
        assert!(runs.refused[0].contains("wrong.sql: line 1: "), "{:?}", runs.refused);
    }

    #[test]
    fn only_those_that_changed_run() {
        let runs = runs(&FILES, Some(&["count", "gone"]));
        assert_eq!((runs.run.len(), runs.others.len(), runs.refused.len()), (1, 0, 0));
    }
}
