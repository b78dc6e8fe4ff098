//! Intrinsic functions, as conditions and values have them.

use serde_json::Value;

/// The name and the argument of an intrinsic function, if `value` is one.
pub(crate) fn of(value: &Value) -> Option<(&str, &Value)> {
    let members = value.as_object().filter(|members| members.len() == 1)?;
    let (name, argument) = members.iter().next()?;
    let is_condition = name == "Condition" && argument.is_string();
    let is_function = name == "Ref" || name.starts_with("Fn::") || is_condition;
    is_function.then_some((name.as_str(), argument))
}

/// `Fn::Split` of a text.
pub(crate) fn split(delimiter: &Value, text: &Value) -> Value {
    let delimiter = delimiter.as_str().unwrap_or_default();
    text.as_str().unwrap_or_default().split(delimiter).collect()
}

/// `Fn::Select` from a list.
pub(crate) fn select(index: &Value, list: &Value) -> Result<Value, String> {
    let number = index.as_u64().and_then(|index| usize::try_from(index).ok());
    let item = number.and_then(|number| list.get(number)).cloned();
    item.ok_or_else(|| format!("the list {list} has no item {index}"))
}
