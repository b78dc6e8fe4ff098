//! A function's answer for people.

use doctor::visible;
use serde_json::{Map, Value};

/// A statement's rows as a table; any other answer as indented JSON.
pub(crate) fn answer(payload: &str) -> String {
    let Ok(answer) = serde_json::from_str::<Value>(payload) else { return payload.to_owned() };
    rows(&answer).unwrap_or_else(|| format!("{answer:#}"))
}

/// An error's type and message.
pub(crate) fn error(payload: &str) -> String {
    let error = serde_json::from_str::<Map<String, Value>>(payload).unwrap_or_default();
    match (&error.get("errorType"), &error.get("errorMessage")) {
        (Some(Value::String(name)), Some(Value::String(message))) => {
            visible(&format!("{name}: {message}"))
        }
        _ => visible(payload),
    }
}

fn rows(answer: &Value) -> Option<String> {
    let columns = answer.get("columns")?.as_array()?;
    let columns: Vec<_> = columns.iter().filter_map(|c| c.get("name")?.as_str()).collect();
    let rows = answer.get("rows")?.as_array()?;
    let mut lines = vec![columns.iter().map(ToString::to_string).collect::<Vec<_>>()];
    for row in rows {
        lines.push(columns.iter().map(|column| cell(&row[*column])).collect());
    }
    let width = |index: usize| lines.iter().map(|line| line[index].chars().count()).max();
    let widths: Vec<_> = (0..columns.len()).filter_map(width).collect();
    let line = |cells: &Vec<String>| {
        let cells = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        format!("  {}", cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    let rule = widths.iter().map(|width| "-".repeat(*width)).collect();
    let mut text = vec![line(&lines[0]), line(&rule)];
    text.extend(lines[1..].iter().map(line));
    text.push(format!("  ({} rows)", rows.len()));
    Some(text.join("\n"))
}

/// Strings are shown without quotes and without control characters.
fn cell(value: &Value) -> String {
    match value {
        Value::String(text) => visible(text),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_line_up_under_their_names() {
        let payload = r#"{"statement":"items","columns":[{"name":"id","type":"int"},
            {"name":"name","type":"varchar"}],"rows":[{"id":1,"name":"first"},
            {"id":20,"name":"zw\u001b[2Jei"}],"row_count":2}"#;
        assert_eq!(
            answer(payload),
            "  id  name\n  --  -------------\n  1   first\n  20  zw\\u{1b}[2Jei\n  (2 rows)"
        );
    }

    #[test]
    fn errors_show_type_and_message() {
        assert_eq!(error(r#"{"errorType":"Event","errorMessage":"no"}"#), "Event: no");
        assert_eq!(error("oops"), "oops");
    }
}
