//! Lists: text with commas, which the template gets as a list.

use serde_json::Value;

/// Whether a parameter is a list.
pub(crate) fn is_list(declaration: &Value) -> bool {
    let kind = declaration["Type"].as_str().unwrap_or_default();
    kind.starts_with("List<") || kind == "CommaDelimitedList"
}

/// The items of a list.
pub(crate) fn items(value: &str) -> impl Iterator<Item = &str> {
    value.split(',').map(str::trim)
}
