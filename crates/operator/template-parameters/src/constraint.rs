//! A value, checked against the constraints of its parameter.

use regex::Regex;
use serde_json::Value;

use crate::{resource_id, text};

/// The longest value that CloudFormation accepts, in bytes:
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html>.
const LONGEST: usize = 4096;

/// What is wrong with a value: `must be at least 1`.
pub(crate) fn broken(declaration: &Value, value: &str) -> Option<String> {
    if value.len() > LONGEST {
        return Some(format!("must be at most {LONGEST} bytes long"));
    }
    let broken = [
        number(declaration, value),
        length(declaration, value),
        pattern(declaration, value),
        allowed_values(declaration, value),
        resource_id::broken(declaration["Type"].as_str().unwrap_or_default(), value),
    ];
    let first = broken.into_iter().flatten().next()?;
    // The template's own text, where it has one.
    Some(declaration["ConstraintDescription"].as_str().map_or(first, str::to_owned))
}

/// Every number of our templates is a count: the resource that gets it would refuse a fraction.
fn number(declaration: &Value, value: &str) -> Option<String> {
    if declaration["Type"] != "Number" {
        return None;
    }
    let Ok(number) = value.parse::<i64>() else {
        return Some("must be a whole number".to_owned());
    };
    within(declaration, "MinValue", "MaxValue", number)
}

fn length(declaration: &Value, value: &str) -> Option<String> {
    let characters = i64::try_from(value.chars().count()).unwrap_or(i64::MAX);
    let broken = within(declaration, "MinLength", "MaxLength", characters)?;
    Some(format!("{broken} characters long"))
}

fn within(declaration: &Value, least: &str, most: &str, number: i64) -> Option<String> {
    let limit = |key: &str| text(&declaration[key])?.parse::<i64>().ok();
    let too_little = limit(least).filter(|least| number < *least);
    let too_much = limit(most).filter(|most| number > *most);
    let too_little = too_little.map(|least| format!("must be at least {least}"));
    too_little.or_else(|| too_much.map(|most| format!("must be at most {most}")))
}

fn pattern(declaration: &Value, value: &str) -> Option<String> {
    let pattern = declaration["AllowedPattern"].as_str()?;
    // The pattern must match the whole value.
    match Regex::new(&format!("^(?:{pattern})$")) {
        Ok(regex) if regex.is_match(value) => None,
        Ok(_) => Some(format!("must match {pattern}")),
        Err(error) => Some(format!("has an invalid pattern: {error}")),
    }
}

fn allowed_values(declaration: &Value, value: &str) -> Option<String> {
    let allowed = declaration["AllowedValues"].as_array()?;
    let allowed: Vec<_> = allowed.iter().filter_map(text).collect();
    let known = allowed.iter().any(|allowed| allowed == value);
    (!known).then(|| format!("must be one of {}", allowed.join(", ")))
}
