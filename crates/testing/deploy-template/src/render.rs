//! Intrinsic functions, evaluated as CloudFormation does.
//!
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference.html>.
//! A function that is not supported here panics: a test must not ignore it.

use regex::{Captures, Regex};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use template_parameters::Parameters;

use crate::{ACCOUNT, PROXY_ID, Rendered, STACK_NAME, Stack, physical_name};

pub(crate) struct Renderer<'a> {
    pub(crate) template: &'a Value,
    pub(crate) stack: &'a Stack,
    pub(crate) declared: Parameters,
    /// The parameters' values.
    pub(crate) values: BTreeMap<String, Value>,
}

impl Renderer<'_> {
    pub(crate) fn render(&self) -> Rendered {
        let section = |name: &str| {
            let all = self.template[name].as_object().into_iter().flatten();
            all.filter(|(_, value)| {
                let condition = value["Condition"].as_str();
                condition.is_none_or(|name| self.named_condition(name))
            })
        };
        let mut resources = Map::new();
        for (id, resource) in section("Resources") {
            resources.insert(id.clone(), self.value(resource).unwrap());
        }
        let mut outputs = Map::new();
        for (name, output) in section("Outputs") {
            outputs.insert(name.clone(), self.value(&output["Value"]).unwrap());
        }
        Rendered { resources, outputs }
    }

    /// A value, or nothing if it is `AWS::NoValue`.
    fn value(&self, value: &Value) -> Option<Value> {
        match value {
            Value::Object(object) => match function(object) {
                Some((name, argument)) => self.call(name, argument),
                None => Some(Value::Object(
                    object
                        .iter()
                        .filter_map(|(key, value)| Some((key.clone(), self.value(value)?)))
                        .collect(),
                )),
            },
            Value::Array(list) => Some(list.iter().filter_map(|item| self.value(item)).collect()),
            plain => Some(plain.clone()),
        }
    }

    fn call(&self, name: &str, argument: &Value) -> Option<Value> {
        let texts = || -> Vec<&str> {
            argument.as_array().unwrap().iter().filter_map(Value::as_str).collect()
        };
        match name {
            "Ref" => self.reference(argument.as_str().unwrap()),
            "Fn::If" => {
                let branch = if self.named_condition(texts()[0]) { 1 } else { 2 };
                self.value(&argument[branch])
            }
            "Fn::Sub" => Some(self.substitute(argument).into()),
            "Fn::Split" => {
                let text = self.value(&argument[1])?;
                Some(text.as_str().unwrap().split(texts()[0]).collect())
            }
            "Fn::Select" => {
                let index = usize::try_from(argument[0].as_u64().unwrap()).unwrap();
                let item = self.value(&argument[1])?.get(index).cloned();
                Some(item.unwrap_or_else(|| panic!("{argument} has no item {index}")))
            }
            "Fn::GetAtt" => Some(self.attribute(texts()[0], texts()[1]).into()),
            "Fn::Join" => {
                let list = self.value(&argument[1])?;
                let texts: Vec<_> =
                    list.as_array().unwrap().iter().filter_map(Value::as_str).collect();
                Some(texts.join(argument[0].as_str().unwrap()).into())
            }
            other => panic!("the function {other} is not supported here"),
        }
    }

    fn reference(&self, name: &str) -> Option<Value> {
        let pseudo = match name {
            "AWS::NoValue" => return None,
            "AWS::Partition" => self.stack.partition.as_str(),
            "AWS::Region" => self.stack.region.as_str(),
            "AWS::AccountId" => ACCOUNT,
            "AWS::StackName" => STACK_NAME,
            _ => {
                let parameter = self.values.get(name).cloned();
                return Some(parameter.unwrap_or_else(|| self.name(name).into()));
            }
        };
        Some(pseudo.into())
    }

    /// A text, or a text and the values of variables of its own.
    fn substitute(&self, argument: &Value) -> String {
        let (text, own) = match argument {
            Value::Array(both) => (&both[0], &both[1]),
            text => (text, &Value::Null),
        };
        let variable = Regex::new(r"\$\{([^}]+)\}").unwrap();
        let value =
            |captures: &Captures<'_>| match (own.get(&captures[1]), captures[1].split_once('.')) {
                (Some(own), _) => self.value(own).unwrap().as_str().unwrap().to_owned(),
                (None, Some((id, attribute))) => self.attribute(id, attribute),
                (None, None) => self.reference(&captures[1]).unwrap().as_str().unwrap().to_owned(),
            };
        variable.replace_all(text.as_str().unwrap(), value).into_owned()
    }

    /// The name of a resource: its own, or the one that CloudFormation generates. A resource without a
    /// name is represented by its id.
    fn name(&self, id: &str) -> String {
        let resource = &self.template["Resources"][id];
        let own = match resource["Type"].as_str() {
            Some("AWS::Logs::LogGroup") => &resource["Properties"]["LogGroupName"],
            Some("AWS::Scheduler::ScheduleGroup") => &resource["Properties"]["Name"],
            Some("AWS::RDS::DBProxy") => &resource["Properties"]["DBProxyName"],
            Some(
                "AWS::Lambda::Function"
                | "AWS::SQS::Queue"
                | "AWS::IAM::Role"
                | "AWS::Scheduler::Schedule"
                | "AWS::CloudWatch::Alarm",
            ) => return physical_name(id),
            _ => return id.to_owned(),
        };
        self.value(own).unwrap().as_str().unwrap().to_owned()
    }

    /// An ARN has the form of an ARN, and so has a proxy's endpoint. Any other attribute than these and a
    /// name is represented by its id.
    fn attribute(&self, id: &str, attribute: &str) -> String {
        let name = self.name(id);
        let kind = self.template["Resources"][id]["Type"].as_str().unwrap();
        let Stack { partition, region, .. } = self.stack;
        match (kind, attribute) {
            (_, "Arn") => {}
            (_, "QueueName") => return name,
            ("AWS::RDS::DBProxy", "DBProxyArn") => {
                return format!("arn:{partition}:rds:{region}:{ACCOUNT}:db-proxy:{PROXY_ID}");
            }
            ("AWS::RDS::DBProxy", "Endpoint") => {
                return format!("{name}.proxy-abc123def456.{region}.rds.amazonaws.com");
            }
            _ => return format!("{id}.{attribute}"),
        }
        let arn = |service: &str, resource: &str| {
            let region = if service == "iam" { "" } else { region };
            format!("arn:{partition}:{service}:{region}:{ACCOUNT}:{resource}{name}")
        };
        match kind {
            "AWS::IAM::Role" => arn("iam", "role/"),
            "AWS::Lambda::Function" => arn("lambda", "function:"),
            "AWS::SQS::Queue" => arn("sqs", ""),
            "AWS::Scheduler::ScheduleGroup" => arn("scheduler", "schedule-group/"),
            other => panic!("the ARN of an {other} is not supported here"),
        }
    }

    fn named_condition(&self, name: &str) -> bool {
        self.declared.condition(name, &self.values).unwrap()
    }
}

/// A function's name and argument, if `object` is one.
fn function(object: &Map<String, Value>) -> Option<(&str, &Value)> {
    let (name, argument) = object.iter().next().filter(|_| object.len() == 1)?;
    let is_function =
        name == "Ref" || name.starts_with("Fn::") || name == "Condition" && argument.is_string();
    is_function.then_some((name, argument))
}
