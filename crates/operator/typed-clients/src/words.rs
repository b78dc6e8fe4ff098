//! Text for people in comments: what a person wrote in a `.sql` file must not end the comment around it.

use serde_json::Value;

use crate::description::{Description, Param, Statement};

/// Lines of a text for a comment, without trailing blanks. Characters that a reader cannot see, or that
/// reorder what is shown (<https://trojansource.codes>), are written as `U+202E`.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = String> {
    text.trim().lines().map(|line| {
        let line: String = line.chars().map(shown).collect();
        line.trim_end().to_owned()
    })
}

fn shown(character: char) -> String {
    match character {
        '\t' => " ".to_owned(),
        _ if is_hidden(character) => format!("U+{:04X}", u32::from(character)),
        _ => character.to_string(),
    }
}

fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// What a reader should know of a statement: its words, how it runs, and when.
pub(crate) fn of_statement(statement: &Statement) -> Vec<String> {
    let mut text: Vec<_> = lines(&statement.description).collect();
    if !text.is_empty() {
        text.push(String::new());
    }
    let mode = match statement.mode.as_str() {
        "write" => "Writes",
        _ => "Reads only",
    };
    let exclusive = if statement.exclusive { ", one run at a time" } else { "" };
    let timeout = statement.timeout_ms.map(|ms| format!(", at most {ms} ms")).unwrap_or_default();
    text.push(format!("{mode}{exclusive}{timeout}."));
    for schedule in &statement.schedules {
        let zone = schedule.timezone.as_deref().unwrap_or("UTC");
        text.extend(lines(&format!("A schedule runs it: `{}`, {zone}.", schedule.expression)));
    }
    text
}

/// What a reader should know of a parameter: its words and its type.
pub(crate) fn of_param(param: &Param) -> Vec<String> {
    let mut text: Vec<_> = lines(param.description.as_deref().unwrap_or_default()).collect();
    let mut of_type = of_type(&param.type_name, &param.schema);
    if let (Some(last), Some(first)) = (text.last_mut(), of_type.first_mut()) {
        *last = format!("{last} ({first})");
        of_type.remove(0);
    }
    text.extend(of_type);
    text
}

/// What a reader should know of a type: the server's name for it, and how JSON has it.
pub(crate) fn of_type(name: &str, schema: &Value) -> Vec<String> {
    let encoding = match schema.get("contentEncoding").and_then(Value::as_str) {
        Some(encoding) => format!(", in {encoding}"),
        None => String::new(),
    };
    lines(&format!("`{name}`{encoding}")).collect()
}

/// The names of the files that are left out of a client, with the reasons.
pub(crate) fn left_out(description: &Description) -> Vec<String> {
    let mut text = Vec::new();
    for bad in description.bad() {
        text.extend(lines(&format!("{} is left out: {}", bad.name, bad.error.message)));
    }
    text
}

/// A string in JSON, which is also one in JavaScript, with nothing hidden in it.
pub(crate) fn json_string(text: &str) -> String {
    let json = serde_json::Value::from(text).to_string();
    json.chars()
        .map(|c| if is_hidden(c) { format!("\\u{:04x}", u32::from(c)) } else { c.to_string() })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{json_string, lines};

    #[test]
    fn a_string_is_the_same_when_it_is_read() {
        let text = "a\"b\\\u{202e}\u{7f}\n\u{1f600}";
        let json = json_string(text);
        assert_eq!(json, "\"a\\\"b\\\\\\u202e\\u007f\\n\u{1f600}\"");
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
    }

    #[test]
    fn nothing_is_hidden() {
        let text = "Adds\tan item \r\n\r\n\u{202e}hidden\u{7}\u{2028}text ";
        let shown: Vec<_> = lines(text).collect();
        assert_eq!(shown, ["Adds an item", "", "U+202EhiddenU+0007U+2028text"]);
    }
}
