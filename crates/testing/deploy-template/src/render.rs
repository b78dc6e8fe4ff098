//! What CloudFormation knows of a stack beyond its parameters: pseudo parameters, and the names and ARNs of
//! resources.

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
        let known = |name: &str| Some(self.known(name));
        let resources = self.declared.resources(&self.values, &known).unwrap();
        let mut outputs = Map::new();
        for (name, output) in self.template["Outputs"].as_object().into_iter().flatten() {
            let condition = output["Condition"].as_str();
            if condition.is_none_or(|it| self.declared.condition(it, &self.values).unwrap()) {
                outputs.insert(name.clone(), self.value(&output["Value"]).into());
            }
        }
        Rendered { resources, outputs }
    }

    fn value(&self, value: &Value) -> String {
        let known = |name: &str| Some(self.known(name));
        let value = self.declared.value(value, &self.values, &known).unwrap().unwrap();
        value.as_str().unwrap().to_owned()
    }

    /// A pseudo parameter, a resource, or an attribute of one.
    fn known(&self, name: &str) -> String {
        match name {
            "AWS::Partition" => self.stack.partition.clone(),
            "AWS::Region" => self.stack.region.clone(),
            "AWS::AccountId" => ACCOUNT.to_owned(),
            "AWS::StackName" => STACK_NAME.to_owned(),
            _ => match name.split_once('.') {
                Some((id, attribute)) => self.attribute(id, attribute),
                None => self.name(name),
            },
        }
    }

    /// The name of a resource: its own, or the one that CloudFormation generates. A resource without a
    /// name is represented by its id.
    fn name(&self, id: &str) -> String {
        let resource = &self.template["Resources"][id];
        assert!(resource.is_object(), "there is no parameter and no resource {id}");
        match resource["Type"].as_str().unwrap() {
            "AWS::Logs::LogGroup" => self.value(&resource["Properties"]["LogGroupName"]),
            "AWS::Scheduler::ScheduleGroup" => self.value(&resource["Properties"]["Name"]),
            "AWS::CloudWatch::Dashboard" => self.value(&resource["Properties"]["DashboardName"]),
            "AWS::RDS::DBProxy" => self.value(&resource["Properties"]["DBProxyName"]),
            "AWS::Lambda::Function"
            | "AWS::SQS::Queue"
            | "AWS::IAM::Role"
            | "AWS::Scheduler::Schedule"
            | "AWS::CloudWatch::Alarm" => physical_name(id),
            _ => id.to_owned(),
        }
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
}
