//! A function's answer for people.

use doctor::visible;
use serde_json::{Map, Value};

/// A statement's rows as tables, one for each result set, or how many it changed; those of a transaction
/// under the statements' names; any other answer as indented JSON.
pub(crate) fn answer(payload: &str) -> String {
    let Ok(answer) = serde_json::from_str::<Value>(payload) else { return payload.to_owned() };
    let named = |result: &Value| {
        let name = result.get("statement")?.as_str()?;
        Some(format!("{name}:\n{}", results(result)?))
    };
    let text = match answer.get("transaction") {
        None => results(&answer),
        Some(each) => each.as_array().and_then(|each| {
            let texts: Option<Vec<_>> = each.iter().map(named).collect();
            Some(texts?.join("\n"))
        }),
    };
    text.unwrap_or_else(|| format!("{answer:#}"))
}

/// Whether every statement returned rows and changed none, as the server counts them. What returns no
/// rows may have changed something else, such as a table's definition.
pub(crate) fn is_read(payload: &str) -> bool {
    let answer = serde_json::from_str::<Value>(payload).unwrap_or_default();
    let read = |result: &Value| {
        let columns = result["columns"].as_array();
        columns.is_some_and(|columns| !columns.is_empty()) && affected(result) == Some(0)
    };
    match answer.get("transaction") {
        None => read(&answer),
        Some(results) => results.as_array().is_some_and(|results| results.iter().all(read)),
    }
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

/// The result sets of a statement: a procedure may return several.
fn results(answer: &Value) -> Option<String> {
    let first = rows(answer)?;
    let more = answer.get("more_results").and_then(Value::as_array).into_iter().flatten();
    let more =
        more.filter(|set| set["columns"].as_array().is_none_or(|columns| !columns.is_empty()));
    let texts: Option<Vec<_>> = std::iter::once(Some(first)).chain(more.map(rows)).collect();
    Some(texts?.join("\n\n"))
}

fn rows(answer: &Value) -> Option<String> {
    let columns = answer.get("columns")?.as_array()?;
    let columns: Vec<_> = columns.iter().filter_map(|c| c.get("name")?.as_str()).collect();
    if columns.is_empty() {
        return Some(format!("  ({} affected)", counted(affected(answer)?)));
    }
    let rows = answer.get("rows")?.as_array()?;
    let mut lines = vec![columns.iter().map(ToString::to_string).collect::<Vec<_>>()];
    for row in rows {
        lines.push(columns.iter().map(|column| cell(&row[*column])).collect());
    }
    let mut text = grid(&lines);
    text.push(format!("  ({})", counted(rows.len() as u64)));
    Some(text.join("\n"))
}

/// Lines of cells in columns, the first line of which is the head.
pub(crate) fn grid(lines: &[Vec<String>]) -> Vec<String> {
    let width = |index: usize| lines.iter().map(|line| line[index].chars().count()).max();
    let columns = lines.first().map_or(0, Vec::len);
    let widths: Vec<_> = (0..columns).filter_map(width).collect();
    let line = |cells: &Vec<String>| {
        let cells = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        format!("  {}", cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    let rule = widths.iter().map(|width| "-".repeat(*width)).collect();
    let mut text: Vec<_> = lines.iter().map(line).collect();
    text.insert(text.len().min(1), line(&rule));
    text
}

fn affected(result: &Value) -> Option<u64> {
    result.get("rows_affected")?.as_u64()
}

fn counted(rows: u64) -> String {
    if rows == 1 { "1 row".to_owned() } else { format!("{rows} rows") }
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
    fn one_row_is_singular() {
        let payload = r#"{"columns":[{"name":"n","type":"int"}],"rows":[{"n":1}]}"#;
        assert_eq!(answer(payload), "  n\n  -\n  1\n  (1 row)");
    }

    #[test]
    fn every_result_set_is_shown() {
        let set = |n: u8| {
            format!(r#""columns":[{{"name":"n","type":"int"}}],"rows":[{{"n":{n}}}],"row_count":1"#)
        };
        let none = r#""columns":[],"rows":[],"row_count":0"#;
        let of = |more: &str| {
            format!(r#"{{"statement":"p",{},"more_results":[{more}],"rows_affected":0}}"#, set(1))
        };
        let one = "  n\n  -\n  1\n  (1 row)";
        let two = format!("{one}\n\n  n\n  -\n  2\n  (1 row)");
        assert_eq!(answer(&of(&format!("{{{}}}", set(2)))), two);
        assert_eq!(answer(&of("")), one);
        assert_eq!(answer(&of(&format!("{{{none}}}"))), one);
    }

    const WRITE: &str =
        r#"{"statement":"add-item","columns":[],"rows":[],"row_count":0,"rows_affected":1}"#;
    const READ: &str = r#"{"statement":"count","columns":[{"name":"n","type":"int"}],
        "rows":[{"n":4}],"row_count":1,"rows_affected":0}"#;

    #[test]
    fn a_write_shows_how_many_rows_it_changed() {
        assert_eq!(answer(WRITE), "  (1 row affected)");
        let none = WRITE.replace(r#""rows_affected":1"#, r#""rows_affected":0"#);
        assert_eq!(answer(&none), "  (0 rows affected)");
    }

    #[test]
    fn a_transaction_shows_each_statement() {
        assert_eq!(
            answer(&format!(r#"{{"transaction":[{WRITE},{READ}]}}"#)),
            "add-item:\n  (1 row affected)\ncount:\n  n\n  -\n  4\n  (1 row)"
        );
    }

    #[test]
    fn only_what_returns_rows_and_changes_none_is_a_read() {
        assert!(is_read(READ));
        assert!(is_read(&format!(r#"{{"transaction":[{READ},{READ}]}}"#)));
        assert!(!is_read(WRITE));
        assert!(!is_read(&format!(r#"{{"transaction":[{READ},{WRITE}]}}"#)));
        let returning = READ.replace(r#""rows_affected":0"#, r#""rows_affected":1"#);
        assert!(!is_read(&returning), "INSERT … RETURNING");
        let definition = WRITE.replace(r#""rows_affected":1"#, r#""rows_affected":0"#);
        assert!(!is_read(&definition), "CREATE TABLE");
        assert!(!is_read(r#"{"statement":"purge-items","skipped":true,"reason":"running"}"#));
    }

    #[test]
    fn errors_show_type_and_message() {
        assert_eq!(error(r#"{"errorType":"Event","errorMessage":"no"}"#), "Event: no");
        assert_eq!(error("oops"), "oops");
    }
}
