//! Conditions and rules: constraints on the values of several parameters together.
//!
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/rules-section-structure.html>

use serde_json::{Map, Value};
use std::collections::BTreeMap;

use crate::function;

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
        let is_none = || format!("{condition} is not a function");
        let (name, argument) = function::of(condition).ok_or_else(is_none)?;
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
        let Some((name, argument)) = function::of(value) else { return Ok(value.clone()) };
        match name {
            "Ref" => {
                let name = argument.as_str().unwrap_or_default();
                let value = self.values.get(name).cloned();
                value.ok_or_else(|| format!("the parameter {name} has no value"))
            }
            "Fn::Split" => Ok(function::split(&argument[0], &self.value(&argument[1])?)),
            "Fn::Select" => function::select(&argument[0], &self.value(&argument[1])?),
            other => Err(format!("the function {other} is not supported")),
        }
    }
}
