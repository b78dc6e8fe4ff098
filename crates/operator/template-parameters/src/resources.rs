//! The resources of a stack: those whose conditions hold, with values in place of intrinsic functions,
//! evaluated as CloudFormation does.
//!
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference.html>

use std::collections::BTreeMap;

use regex::{Captures, Regex};
use serde_json::{Map, Value};

use crate::condition::Conditions;

/// What values are made of.
pub(crate) struct Values<'a> {
    /// The template's conditions, with the parameters' values.
    pub(crate) conditions: Conditions<'a>,
    /// Pseudo parameters, and names and attributes of resources: `AWS::Region`, `Queue`, `Queue.Arn`.
    pub(crate) known: &'a dyn Fn(&str) -> Option<String>,
}

impl Values<'_> {
    /// The resources that exist, by their ids.
    pub(crate) fn existing(&self, all: &Value) -> Result<Map<String, Value>, String> {
        let mut resources = Map::new();
        for (id, resource) in all.as_object().into_iter().flatten() {
            let exists = match resource["Condition"].as_str() {
                Some(condition) => self.conditions.named(condition)?,
                None => true,
            };
            if exists && let Some(resource) = self.value(resource)? {
                resources.insert(id.clone(), resource);
            }
        }
        Ok(resources)
    }

    /// A value; nothing if it is `AWS::NoValue`.
    pub(crate) fn value(&self, value: &Value) -> Result<Option<Value>, String> {
        Ok(Some(match value {
            Value::Object(members) => match function(members) {
                Some((name, argument)) => return self.call(name, argument),
                None => {
                    let mut all = Map::new();
                    for (name, member) in members {
                        if let Some(member) = self.value(member)? {
                            all.insert(name.clone(), member);
                        }
                    }
                    all.into()
                }
            },
            Value::Array(items) => {
                let items = items.iter().filter_map(|item| self.value(item).transpose());
                Value::Array(items.collect::<Result<_, _>>()?)
            }
            plain => plain.clone(),
        }))
    }

    fn call(&self, name: &str, argument: &Value) -> Result<Option<Value>, String> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Ok(Some(match name {
            "Ref" => return Ok(self.reference(&text(argument))),
            "Fn::If" => {
                let holds = self.conditions.named(&text(&argument[0]))?;
                return self.value(&argument[if holds { 1 } else { 2 }]);
            }
            "Fn::GetAtt" => {
                self.named(&format!("{}.{}", text(&argument[0]), text(&argument[1]))).into()
            }
            "Fn::Sub" => self.substitute(argument)?.into(),
            "Fn::Join" => {
                let list = self.value(&argument[1])?.unwrap_or_default();
                let texts = list.as_array().into_iter().flatten().map(text);
                texts.collect::<Vec<_>>().join(&text(&argument[0])).into()
            }
            "Fn::Split" => {
                let whole = self.value(&argument[1])?.unwrap_or_default();
                text(&whole).split(&text(&argument[0])).collect()
            }
            "Fn::Select" => {
                let list = self.value(&argument[1])?.unwrap_or_default();
                let index = argument[0].as_u64().and_then(|index| usize::try_from(index).ok());
                let item = index.and_then(|index| list.get(index)).cloned();
                item.ok_or_else(|| format!("the list {list} has no item {}", argument[0]))?
            }
            other => return Err(format!("the function {other} is not supported")),
        }))
    }

    /// The value of a parameter or of another name.
    fn reference(&self, name: &str) -> Option<Value> {
        if name == "AWS::NoValue" {
            return None;
        }
        let parameter = self.conditions.values.get(name).cloned();
        Some(parameter.unwrap_or_else(|| self.named(name).into()))
    }

    /// What is known of a name, or else `${…}`.
    fn named(&self, name: &str) -> String {
        (self.known)(name).unwrap_or_else(|| format!("${{{name}}}"))
    }

    /// A text, or a text and the values of variables of its own.
    fn substitute(&self, argument: &Value) -> Result<String, String> {
        let (text, own) = match argument {
            Value::Array(both) => (both.first(), both.get(1).and_then(Value::as_object)),
            text => (Some(text), None),
        };
        let mut variables = BTreeMap::new();
        for (name, value) in own.into_iter().flatten() {
            variables.insert(name.as_str(), self.value(value)?);
        }
        let variable = Regex::new(r"\$\{([^}]+)\}").map_err(|error| error.to_string())?;
        let replace = |found: &Captures<'_>| {
            if let Some(literal) = found[1].strip_prefix('!') {
                return format!("${{{literal}}}");
            }
            let own = variables.get(&found[1]).cloned().flatten();
            match own.or_else(|| self.reference(&found[1])) {
                Some(Value::String(text)) => text,
                Some(other) => other.to_string(),
                None => String::new(),
            }
        };
        let text = text.and_then(Value::as_str).unwrap_or_default();
        Ok(variable.replace_all(text, replace).into_owned())
    }
}

/// A function's name and argument, if `members` is one.
fn function(members: &Map<String, Value>) -> Option<(&str, &Value)> {
    let (name, argument) = members.iter().next().filter(|_| members.len() == 1)?;
    (name == "Ref" || name.starts_with("Fn::")).then_some((name, argument))
}
