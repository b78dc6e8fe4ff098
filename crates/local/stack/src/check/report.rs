//! What was found out about statements, for people and for programs.

use doctor::visible;
use local_stack::Planned;
use serde_json::{Value, json};
use sql_function::Catalogue;
use std::fs;
use std::path::PathBuf;

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
        self.0.iter().all(|checked| checked.wrong().next().is_none())
    }

    /// A line for each wrong statement, and a table of the others of each function.
    pub(crate) fn text(&self) -> String {
        let mut lines = Vec::new();
        for checked in &self.0 {
            let right: Vec<_> = checked.right().collect();
            let Planned { name, engine, .. } = &checked.planned;
            lines.push(format!("{name}: {} {}", engine.title(), checked.server));
            lines.extend(checked.wrong().map(|wrong| visible(&wrong.line())));
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
    /// The line of the file, if one is known.
    line: Option<u64>,
    error_type: String,
    message: String,
}

impl Wrong {
    fn line(&self) -> String {
        let line = self.line.unwrap_or(1);
        format!("{}:{line}: {}", self.file.display(), self.message)
    }
}

impl Checked {
    fn right(&self) -> impl Iterator<Item = &Value> {
        self.statements.iter().filter(|entry| entry.get("error").is_none())
    }

    fn wrong(&self) -> impl Iterator<Item = Wrong> {
        self.statements.iter().filter_map(|entry| {
            let error = entry.get("error")?;
            let text = |field: &str| error[field].as_str().unwrap_or_default().to_owned();
            let file = self.file(entry["name"].as_str().unwrap_or_default());
            let line = error["line"].as_u64();
            Some(Wrong { file, line, error_type: text("errorType"), message: text("message") })
        })
    }

    /// The file of a statement, where the caller knows it.
    fn file(&self, name: &str) -> PathBuf {
        let folder = &self.planned.function.folder;
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let mut paths = entries.map(|entry| entry.path()).filter(|path| Catalogue::takes(path));
        let named = paths.find(|path| path.file_stem().is_some_and(|stem| stem == name));
        named.unwrap_or_else(|| folder.join(name).with_extension("sql"))
    }
}

/// A statement's line of the table.
fn row(entry: &Value) -> Vec<String> {
    let text = |value: &Value| visible(value.as_str().unwrap_or_default());
    let pairs = |field: &str| {
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
