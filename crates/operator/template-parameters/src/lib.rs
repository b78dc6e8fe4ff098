//! Checks values of a template's parameters for what CloudFormation and Lambda would refuse.
//!
//! The constraints are the template's own: types, `AllowedPattern`, `AllowedValues`, minima and maxima of
//! numbers and lengths, and rules. There is no second list of them, and a value is refused in the
//! template's words before anything is built:
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html>.
//!
//! ```
//! let template = "
//! Parameters:
//!   Port: { Type: Number, Default: 3306, MinValue: 1, MaxValue: 65535 }
//! ";
//! let parameters = template_parameters::Parameters::of_yaml(template)?;
//! assert!(parameters.refusals([("Port", "3307")]).is_empty());
//! let refusals = parameters.refusals([("Port", "0"), ("Prot", "1")]);
//! assert_eq!(refusals[0], "Parameter Port, \"0\", must be at least 1");
//! assert_eq!(refusals[1], "the template has no parameter Prot");
//! # Ok::<(), String>(())
//! ```

mod condition;
mod constraint;
mod list;
mod resource_id;
mod resources;
mod yaml;

use serde_json::{Map, Value};
use std::collections::BTreeMap;

use condition::Conditions;
use resources::Values;

/// The parameters that a template declares, with the conditions and rules about them.
#[derive(Debug, PartialEq)]
pub struct Parameters {
    declared: Map<String, Value>,
    conditions: Value,
    rules: Value,
    resources: Value,
}

impl Parameters {
    /// The parameters of a template in YAML.
    ///
    /// # Errors
    /// It is not YAML, or has no parameters.
    pub fn of_yaml(template: &str) -> Result<Self, String> {
        Self::of_json(&yaml::read(template)?)
    }

    /// The parameters of a template in JSON.
    ///
    /// # Errors
    /// It has no parameters.
    pub fn of_json(template: &Value) -> Result<Self, String> {
        let declared = template["Parameters"].as_object();
        Ok(Self {
            declared: declared.cloned().ok_or("the template has no Parameters")?,
            conditions: template["Conditions"].clone(),
            rules: template["Rules"].clone(),
            resources: template["Resources"].clone(),
        })
    }

    /// What would be refused among these values, in the template's words.
    pub fn refusals<'a>(&self, given: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<String> {
        let refusal = |(name, value): (&str, &str)| match self.declared.get(name) {
            None => Some(format!("the template has no parameter {name}")),
            Some(declaration) => constraint::broken(declaration, value)
                .map(|why| format!("Parameter {name}, {}, {why}", quoted(value))),
        };
        given.into_iter().filter_map(refusal).collect()
    }

    /// The value of every parameter in a new stack: a list where the template gets a list.
    ///
    /// # Errors
    /// What would be refused, and which values are missing.
    pub fn values(
        &self,
        given: &BTreeMap<String, String>,
    ) -> Result<BTreeMap<String, Value>, Vec<String>> {
        let pairs = given.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let mut refusals = self.refusals(pairs);
        let mut values = BTreeMap::new();
        for (name, declaration) in &self.declared {
            let default = || text(&declaration["Default"]);
            match given.get(name).cloned().or_else(default) {
                None => refusals.push(format!("Parameter {name} must have a value")),
                Some(value) => {
                    let list = list::is_list(declaration);
                    let value = if list { list::items(&value).collect() } else { value.into() };
                    values.insert(name.clone(), value);
                }
            }
        }
        if refusals.is_empty() { Ok(values) } else { Err(refusals) }
    }

    /// The names of the parameters.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.declared.keys().map(String::as_str)
    }

    /// The rules of the template that these [`values`](Self::values) break.
    ///
    /// # Errors
    /// A rule has a function that this crate does not know.
    pub fn broken_rules(&self, values: &BTreeMap<String, Value>) -> Result<Vec<String>, String> {
        Conditions { named: &self.conditions, values }.broken(&self.rules)
    }

    /// The resources that a stack with these [`values`](Self::values) has, by their ids, with values in
    /// place of intrinsic functions. `known` has the values of other names than the parameters':
    /// `AWS::Region`, a resource's id, or `Queue.Arn`. What it does not know stays as it is written in the
    /// template, such as `${Queue.Arn}`.
    ///
    /// # Errors
    /// The template has a function that this crate does not know.
    pub fn resources(
        &self,
        values: &BTreeMap<String, Value>,
        known: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Map<String, Value>, String> {
        let conditions = Conditions { named: &self.conditions, values };
        Values { conditions, known }.existing(&self.resources)
    }

    /// One value of the template, as in [`resources`](Self::resources). `None` if it is `AWS::NoValue`.
    ///
    /// # Errors
    /// It has a function that this crate does not know.
    pub fn value(
        &self,
        value: &Value,
        values: &BTreeMap<String, Value>,
        known: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Option<Value>, String> {
        let conditions = Conditions { named: &self.conditions, values };
        Values { conditions, known }.value(value)
    }

    /// Whether the template's condition `name` holds for these [`values`](Self::values).
    ///
    /// # Errors
    /// There is no such condition, or it has a function that this crate does not know.
    pub fn condition(&self, name: &str, values: &BTreeMap<String, Value>) -> Result<bool, String> {
        Conditions { named: &self.conditions, values }.named(name)
    }
}

/// YAML may write 3306 or "3306".
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The start of a value, which may be long.
fn quoted(value: &str) -> String {
    const LENGTH: usize = 100;
    match value.char_indices().nth(LENGTH) {
        Some((end, _)) => format!("{:?}…", &value[..end]),
        None => format!("{value:?}"),
    }
}
