//! A description for people.

use doctor::visible;
use typed_clients::{Bad, Description, Entry, Schedule, Statement};

/// The table of a function's statements.
pub(super) fn of(function: &str, description: &Description) -> String {
    let server = match &description.server {
        Some(server) => server.as_str(),
        None => description.engine_title(),
    };
    let mut lines = vec![format!("{function}: {server}")];
    for entry in &description.statements {
        lines.push(String::new());
        match entry {
            Entry::Bad(bad) => lines.push(format!("  {}", error(bad))),
            Entry::Good(statement) => lines.extend(statement_lines(statement)),
        }
    }
    let lines: Vec<_> = lines.iter().map(|line| visible(line).trim_end().to_owned()).collect();
    lines.join("\n") + "\n"
}

/// A file that is wrong, with its line and why.
pub(super) fn error(bad: &Bad) -> String {
    let line = bad.error.line.map(|line| format!(", line {line}")).unwrap_or_default();
    let message = bad.error.message.lines().collect::<Vec<_>>().join(" ");
    format!("{}{line}: {message}", bad.name)
}

fn statement_lines(statement: &Statement) -> Vec<String> {
    let exclusive = if statement.exclusive { ", exclusive" } else { "" };
    let timeout = statement.timeout_ms.map(|ms| format!(", timeout {ms} ms")).unwrap_or_default();
    let mut lines = vec![format!("  {} ({}{exclusive}{timeout})", statement.name, statement.mode)];
    lines.extend(statement.description.trim().lines().map(|line| format!("    {line}")));
    let rows: Vec<_> = params(statement);
    lines.extend(titled("takes", &rows));
    let columns = match &statement.columns {
        None => "columns that only a run tells".to_owned(),
        Some(columns) if columns.is_empty() => "no rows".to_owned(),
        Some(columns) => {
            let columns =
                columns.iter().map(|column| format!("{} {}", column.name, column.type_name));
            columns.collect::<Vec<_>>().join(", ")
        }
    };
    lines.extend(titled("returns", &[columns]));
    let schedules: Vec<_> = statement.schedules.iter().map(schedule).collect();
    lines.extend(titled("runs", &schedules));
    lines
}

/// A line for each parameter, with names and types in columns.
fn params(statement: &Statement) -> Vec<String> {
    let names = statement.params.iter().enumerate().map(|(at, param)| match &param.name {
        Some(name) => name.clone(),
        None => (at + 1).to_string(),
    });
    let names: Vec<_> = names.collect();
    let width = |texts: &mut dyn Iterator<Item = &str>| {
        texts.map(|text| text.chars().count()).max().unwrap_or_default()
    };
    let of_names = width(&mut names.iter().map(String::as_str));
    let of_types = width(&mut statement.params.iter().map(|param| &*param.type_name));
    let lines = names.iter().zip(&statement.params).map(|(name, param)| {
        let words = param.description.as_deref().unwrap_or_default();
        format!("{name:of_names$}  {:of_types$}  {words}", param.type_name)
    });
    lines.collect()
}

fn schedule(schedule: &Schedule) -> String {
    let zone = schedule.timezone.as_deref().unwrap_or("UTC");
    let params = match &schedule.params {
        serde_json::Value::Null => String::new(),
        params => format!(" with {params}"),
    };
    format!("{} {zone}{params}", schedule.expression)
}

/// Lines with a title before the first.
fn titled(title: &str, lines: &[String]) -> Vec<String> {
    let titles = std::iter::once(title).chain(std::iter::repeat(""));
    titles.zip(lines).map(|(title, line)| format!("    {title:7}  {line}")).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::of;
    use typed_clients::Description;

    #[test]
    fn a_person_sees_what_a_statement_takes_and_returns() {
        let answer = r#"{"describe": {"engine": "postgres", "server": "PostgreSQL 15.18", "statements": [
            {"name": "purge", "description": "Removes old rows.\nTwice a day.", "mode": "write",
             "exclusive": true, "timeout_ms": 30000, "max_rows": 10000, "columns": [],
             "params": [{"name": "days", "type": "int", "description": "how old", "schema": {}},
                        {"name": "x", "type": "text?", "schema": {}}],
             "schedules": [{"expression": "rate(1 day)", "timezone": null, "params": {"days": 30}}]},
            {"name": "items", "mode": "read", "max_rows": 10000, "params": [], "schedules": [],
             "columns": [{"name": "id", "type": "int4", "schema": {}},
                         {"name": "na\u001bme", "type": "text", "schema": {}}]},
            {"name": "call", "mode": "write", "params": [{"name": null, "type": "unknown"}]},
            {"name": "bad", "error": {"errorType": "Statement", "message": "no such\ncolumn", "line": 7}}]}}"#;
        let description = Description::of_answer(answer.as_bytes()).unwrap();
        let expected = "\
f: PostgreSQL 15.18

  bad, line 7: no such column

  call (write)
    takes    1  unknown
    returns  columns that only a run tells

  items (read)
    returns  id int4, na\\u{1b}me text

  purge (write, exclusive, timeout 30000 ms)
    Removes old rows.
    Twice a day.
    takes    days  int    how old
             x     text?
    returns  no rows
    runs     rate(1 day) UTC with {\"days\":30}
";
        assert_eq!(of("f", &description), expected);
    }
}
