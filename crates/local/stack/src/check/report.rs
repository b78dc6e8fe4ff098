//! What was found out about statements, for people and for programs.

use doctor::visible;
use local_stack::Planned;
use serde_json::{Value, json};
use std::path::PathBuf;

use crate::place::{file, line, reason};
use crate::table::grid;

/// A function's statements, as it describes them.
pub(crate) struct Checked {
    pub(crate) planned: Planned,
    /// The version of its server.
    pub(crate) server: String,
    pub(crate) statements: Vec<Value>,
}

/// Those of every function.
#[derive(Default)]
pub(crate) struct Report(Vec<Checked>);

impl Report {
    pub(crate) fn add(&mut self, checked: Checked) {
        self.0.push(checked);
    }

    /// Whether every statement is right.
    pub(crate) fn is_right(&self) -> bool {
        self.0.iter().all(|checked| checked.right().count() == checked.statements.len())
    }

    /// A line for each wrong statement, and a table of the others of each function.
    pub(crate) fn text(&self) -> String {
        let mut lines = Vec::new();
        for checked in &self.0 {
            let right: Vec<_> = checked.right().collect();
            let Planned { name, engine, .. } = &checked.planned;
            lines.push(format!("{name}: {} {}", engine.title(), checked.server));
            lines.extend(checked.wrong().map(|wrong| wrong.text()));
            if !right.is_empty() {
                let head = ["statement", "mode", "params", "columns"].map(str::to_owned).to_vec();
                let rows = right.iter().map(|entry| row(entry));
                lines.extend(grid(&std::iter::once(head).chain(rows).collect::<Vec<_>>()));
            }
            let of = match checked.statements.len() {
                1 => "1 statement".to_owned(),
                all => format!("{all} statements"),
            };
            lines.push(match checked.statements.len() - right.len() {
                0 => format!("{of}, all right\n"),
                wrong => format!("{of}, {wrong} wrong\n"),
            });
        }
        lines.join("\n")
    }

    /// The same as one document.
    pub(crate) fn json(&self) -> Value {
        let functions = self.0.iter().map(|checked| {
            json!({
                "function": checked.planned.name,
                "engine": checked.planned.engine.name(),
                "server": checked.server,
                "statements": checked.statements,
            })
        });
        let wrong = self.0.iter().flat_map(|checked| {
            checked.wrong().map(|Wrong { file, line, error_type, message }| {
                json!({
                    "function": checked.planned.name,
                    "file": file.display().to_string(),
                    "line": line,
                    "errorType": error_type,
                    "message": message,
                })
            })
        });
        json!({
            "ok": self.is_right(),
            "functions": functions.collect::<Vec<_>>(),
            "wrong": wrong.collect::<Vec<_>>(),
        })
    }
}

/// What is wrong with a statement.
struct Wrong {
    file: PathBuf,
    /// The line of the file.
    line: u64,
    error_type: String,
    message: String,
}

impl Wrong {
    /// `FILE:LINE: REASON`, and on a second line what to do.
    fn text(&self) -> String {
        let Wrong { file, line, message, .. } = self;
        let (reason, advice) = match message.split_once(" What to do: ") {
            Some((reason, advice)) => (reason, format!("\n  What to do: {}", visible(advice))),
            None => (&**message, String::new()),
        };
        format!("{}:{line}: {}{advice}", file.display(), visible(reason.trim_end_matches('.')))
    }
}

impl Checked {
    fn right(&self) -> impl Iterator<Item = &Value> {
        self.statements.iter().filter(|entry| entry.get("error").is_none())
    }

    fn wrong(&self) -> impl Iterator<Item = Wrong> {
        let catalogue = self.planned.function.catalogue().ok();
        self.statements.iter().filter_map(move |entry| {
            let error = entry.get("error")?;
            let text = |field: &str| error[field].as_str().unwrap_or_default();
            let name = entry["name"].as_str().unwrap_or_default();
            let file = file(&self.planned, name);
            let message = reason(name, &file, text("message"));
            let statement = || catalogue.as_ref()?.get(name).ok();
            let line = error["line"]
                .as_u64()
                .or_else(|| statement().map(|statement| line(statement, &message)))
                .unwrap_or(1);
            let error_type = text("errorType").to_owned();
            Some(Wrong { file, line, error_type, message })
        })
    }
}

/// A statement's line of the table.
fn row(entry: &Value) -> Vec<String> {
    let text = |value: &Value| visible(value.as_str().unwrap_or_default());
    let pairs = |field: &str| {
        if entry[field].is_null() {
            return "known when it runs".to_owned();
        }
        let pairs = entry[field].as_array().into_iter().flatten().enumerate();
        let pairs = pairs.map(|(index, pair)| match pair["name"].as_str() {
            Some(name) => format!("{} {}", visible(name), text(&pair["type"])),
            None => format!("{}: {}", index + 1, text(&pair["type"])),
        });
        let pairs = pairs.collect::<Vec<_>>().join(", ");
        if pairs.is_empty() { "-".to_owned() } else { pairs }
    };
    vec![text(&entry["name"]), text(&entry["mode"]), pairs("params"), pairs("columns")]
}
