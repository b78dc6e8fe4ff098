//! Metric filters: which lines of a log group they count.
//!
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntaxForMetricFilters.html>

use regex::Regex;
use serde_json::Value;

/// Whether a pattern of the form `{ $.member = "text" }` matches a line: one JSON object with this
/// member at its top.
pub fn matches(pattern: &str, line: &str) -> bool {
    let form = Regex::new(r#"^\{ \$\.(\w+) = "([\w-]+)" \}$"#).unwrap();
    let parts = form.captures(pattern);
    let parts = parts.unwrap_or_else(|| panic!("the pattern {pattern} is not supported here"));
    let object = serde_json::from_str::<Value>(line).ok().filter(Value::is_object);
    object.is_some_and(|object| object[&parts[1]] == parts[2])
}
