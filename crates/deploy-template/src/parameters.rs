//! Parameters: their values, and the constraints that CloudFormation holds them to.
//!
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html>

use regex::Regex;
use serde_json::Value;
use std::collections::BTreeMap;

/// Every parameter's value, the given ones held to their constraints.
pub(crate) fn values(
    template: &Value,
    given: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, Value>, Vec<String>> {
    let declared = template["Parameters"].as_object().unwrap();
    let unknown = given.keys().filter(|name| !declared.contains_key(*name));
    let mut refusals: Vec<_> = unknown.map(|name| format!("Parameter {name} is unknown")).collect();
    let mut values = BTreeMap::new();
    for (name, declaration) in declared {
        let default = || text(&declaration["Default"]);
        match given.get(name).cloned().or_else(default) {
            None => refusals.push(format!("Parameter {name} must have a value")),
            Some(value) => {
                refusals.extend(refusal(name, declaration, &value));
                values.insert(name.clone(), typed(declaration, value));
            }
        }
    }
    if refusals.is_empty() { Ok(values) } else { Err(refusals) }
}

/// A list is a text with commas for the caller, and a list for the template.
fn typed(declaration: &Value, value: String) -> Value {
    let kind = declaration["Type"].as_str().unwrap();
    if kind.starts_with("List<") || kind == "CommaDelimitedList" {
        value.split(',').collect()
    } else {
        value.into()
    }
}

/// What is wrong with `value`.
fn refusal(name: &str, declaration: &Value, value: &str) -> Option<String> {
    let constraint = |key: &str| Some(&declaration[key]).filter(|value| !value.is_null());
    let number = |key: &str| constraint(key).and_then(text).map(|n| n.parse::<f64>().unwrap());
    let length = f64::from(u32::try_from(value.chars().count()).unwrap());
    let as_number = if declaration["Type"] == "Number" { value.parse::<f64>().ok() } else { None };

    let good = (declaration["Type"] != "Number" || as_number.is_some())
        // The pattern must match all of the value.
        && constraint("AllowedPattern").is_none_or(|pattern| {
            let all = format!("^(?:{})$", pattern.as_str().unwrap());
            Regex::new(&all).unwrap().is_match(value)
        })
        && constraint("AllowedValues").is_none_or(|allowed| {
            allowed.as_array().unwrap().iter().any(|a| text(a).as_deref() == Some(value))
        })
        && number("MinValue").is_none_or(|least| as_number.unwrap() >= least)
        && number("MaxValue").is_none_or(|most| as_number.unwrap() <= most)
        && number("MinLength").is_none_or(|least| length >= least)
        && number("MaxLength").is_none_or(|most| length <= most);
    let words = constraint("ConstraintDescription").and_then(Value::as_str);
    let words = words.unwrap_or("is not one of its allowed values");
    (!good).then(|| format!("Parameter {name} {words}"))
}

/// YAML writes 3306 or "3306".
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
