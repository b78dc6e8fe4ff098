//! CloudFormation stacks: their status, parameters, resources and template.

use std::collections::BTreeMap;

use aws_cli::Aws;
use serde::Deserialize;

use crate::Failure;

#[derive(Deserialize)]
struct Stacks {
    #[serde(rename = "Stacks")]
    stacks: Vec<Stack>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Stack {
    pub(crate) stack_name: String,
    pub(crate) stack_id: String,
    pub(crate) stack_status: String,
    #[serde(default)]
    outputs: Vec<Output>,
    #[serde(default)]
    parameters: Vec<Parameter>,
}

/// A resource of a stack.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Resource {
    pub(crate) logical_resource_id: String,
    pub(crate) resource_type: String,
    pub(crate) physical_resource_id: Option<String>,
}

#[derive(Deserialize)]
struct Resources {
    #[serde(rename = "StackResourceSummaries")]
    resources: Vec<Resource>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Template {
    template_body: serde_json::Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Output {
    output_key: String,
    output_value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Parameter {
    parameter_key: String,
    parameter_value: String,
}

impl Stack {
    /// Whether it has nothing but a change set that was never executed.
    pub(crate) fn is_in_review(&self) -> bool {
        self.stack_status == "REVIEW_IN_PROGRESS"
    }

    /// The value of a parameter, which a deployment keeps unless it sets another.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        let mut kept = self.parameters.iter().filter(|_| !self.is_in_review());
        let kept = kept.find(|parameter| parameter.parameter_key == name);
        kept.map(|parameter| parameter.parameter_value.as_str())
    }

    /// All parameters, by name.
    pub(crate) fn parameters(&self) -> Vec<(String, String)> {
        let parameters = self.parameters.iter();
        parameters.map(|it| (it.parameter_key.clone(), it.parameter_value.clone())).collect()
    }

    /// The outputs of the template.
    pub(crate) fn outputs(&self) -> BTreeMap<&str, &str> {
        self.outputs
            .iter()
            .map(|output| (output.output_key.as_str(), output.output_value.as_str()))
            .collect()
    }
}

/// The stack of this name or ARN; `None` when it does not exist. A deleted stack is found only by its
/// ARN.
pub(crate) fn describe(aws: &Aws, stack: &str) -> Result<Option<Stack>, Failure> {
    match aws.call::<Stacks>(&["cloudformation", "describe-stacks", "--stack-name", stack]) {
        Ok(found) => Ok(found.stacks.into_iter().next()),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The resources of a stack.
pub(crate) fn resources(aws: &Aws, stack: &str) -> Result<Vec<Resource>, Failure> {
    let found: Resources =
        aws.call(&["cloudformation", "list-stack-resources", "--stack-name", stack])?;
    Ok(found.resources)
}

/// The template of a stack, before SAM transformed it.
pub(crate) fn template(aws: &Aws, stack: &str) -> Result<String, Failure> {
    template_of(aws, &["--stack-name", stack])
}

/// The template of a change set, by its ARN.
pub(crate) fn template_of_change_set(aws: &Aws, id: &str) -> Result<String, Failure> {
    template_of(aws, &["--change-set-name", id])
}

fn template_of(aws: &Aws, what: &[&str]) -> Result<String, Failure> {
    let get = ["cloudformation", "get-template", "--template-stage", "Original"];
    let found: Template = aws.call(&[&get[..], what].concat())?;
    // The client parses JSON, and returns YAML as text.
    Ok(match found.template_body {
        serde_json::Value::String(text) => text,
        json => json.to_string(),
    })
}

/// The names of all stacks.
pub(crate) fn names(aws: &Aws) -> Result<Vec<String>, Failure> {
    let found: Stacks = aws.call(&["cloudformation", "describe-stacks"])?;
    Ok(found.stacks.into_iter().map(|stack| stack.stack_name).collect())
}
