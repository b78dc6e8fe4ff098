//! Conditions and rules: constraints on the values of several parameters together.
//!
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/rules-section-structure.html>

use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The conditions of a template, for these values of its parameters.
pub(crate) struct Conditions<'a> {
    pub(crate) named: &'a Value,
    pub(crate) values: &'a BTreeMap<String, Value>,
}

impl Conditions<'_> {
    /// The descriptions of the assertions that do not hold.
    pub(crate) fn broken(&self, rules: &Value) -> Result<Vec<String>, String> {
        let mut broken = Vec::new();
        for rule in rules.as_object().into_iter().flat_map(Map::values) {
            if let Some(condition) = rule.get("RuleCondition")
                && !self.holds(condition)?
            {
                continue;
            }
            for assertion in rule["Assertions"].as_array().into_iter().flatten() {
                if !self.holds(&assertion["Assert"])? {
                    let why = assertion["AssertDescription"].as_str();
                    broken.push(why.unwrap_or("a rule of the template").to_owned());
                }
            }
        }
        Ok(broken)
    }

    /// Whether the condition of this name holds.
    pub(crate) fn named(&self, name: &str) -> Result<bool, String> {
        let condition = self.named.get(name);
        self.holds(condition.ok_or_else(|| format!("there is no condition {name}"))?)
    }

    fn holds(&self, condition: &Value) -> Result<bool, String> {
        let (name, argument) = function(condition)?;
        let list = || argument.as_array().into_iter().flatten();
        match name {
            "Condition" => self.named(argument.as_str().unwrap_or_default()),
            "Fn::Not" => Ok(!self.holds(&argument[0])?),
            "Fn::And" => list().try_fold(true, |all, one| Ok(self.holds(one)? && all)),
            "Fn::Or" => list().try_fold(false, |any, one| Ok(self.holds(one)? || any)),
            "Fn::Equals" => Ok(self.value(&argument[0])? == self.value(&argument[1])?),
            other => Err(format!("the condition function {other} is not supported")),
        }
    }

    fn value(&self, value: &Value) -> Result<Value, String> {
        if !value.is_object() {
            return Ok(value.clone());
        }
        let (name, argument) = function(value)?;
        match name {
            "Ref" => {
                let name = argument.as_str().unwrap_or_default();
                let value = self.values.get(name).cloned();
                value.ok_or_else(|| format!("the parameter {name} has no value"))
            }
            "Fn::Split" => {
                let separator = argument[0].as_str().unwrap_or_default();
                let text = self.value(&argument[1])?;
                Ok(text.as_str().unwrap_or_default().split(separator).collect())
            }
            "Fn::Select" => {
                let index = argument[0].as_u64().and_then(|index| usize::try_from(index).ok());
                let index = index.ok_or_else(|| format!("{} is not an index", argument[0]))?;
                let item = self.value(&argument[1])?.get(index).cloned();
                item.ok_or_else(|| format!("the list has no item {index}"))
            }
            other => Err(format!("the function {other} is not supported")),
        }
    }
}

/// The name and the argument of an intrinsic function.
fn function(value: &Value) -> Result<(&str, &Value), String> {
    let members = value.as_object().filter(|members| members.len() == 1);
    let function = members.and_then(|members| members.iter().next());
    function
        .map(|(name, argument)| (name.as_str(), argument))
        .ok_or_else(|| format!("{value} is not a function"))
}
