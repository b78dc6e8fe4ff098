//! Rows as JSON, from the servers' texts.

use std::fmt::Write as _;

/// Appends a value: `text` if it is a number, or else a string of it.
pub(crate) fn value(text: Option<&str>, is_number: bool, to: &mut String) {
    let Some(text) = text else { return to.push_str("null") };
    if is_number {
        return to.push_str(text);
    }
    to.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => {
                to.push('\\');
                to.push(character);
            }
            ..' ' => {
                let _ = write!(to, "\\u{:04x}", u32::from(character));
            }
            _ => to.push(character),
        }
    }
    to.push('"');
}

/// Appends what goes before the value of the column with this number.
pub(crate) fn key(number: usize, name: &str, to: &mut String) {
    to.push_str(if number == 0 { "{\"" } else { ",\"" });
    to.push_str(name);
    to.push_str("\":");
}
