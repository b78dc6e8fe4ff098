//! The templates in `deploy/`, translated and rendered as CloudFormation does, for tests.
//!
//! The translation is AWS's own: `aws-sam-translator` is the program behind the SAM transform. What
//! CloudFormation does with the result is small enough to be done here: parameters are held to their
//! constraints and rules, conditions decide what is there, and intrinsic functions become values. So
//! a test sees the very policy that a role would get in a given partition and region, without an
//! account.
//!
//! It is for tests: what is wrong with a template makes it panic.

#![allow(clippy::unwrap_used, clippy::expect_used)] // tests' bodies

pub mod filter;
pub mod iam;
mod render;

use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use render::Renderer;
use template_parameters::Parameters;

/// The account of every stack.
pub const ACCOUNT: &str = "123456789012";
/// The name of every stack.
pub const STACK_NAME: &str = "rds-iam-lambda";

/// The name that CloudFormation makes for a resource that gives itself none: it ends in letters and
/// digits of chance.
pub fn physical_name(id: &str) -> String {
    format!("{STACK_NAME}-{id}-AbCd1234EfGh")
}

/// The template of the functions.
pub fn functions() -> PathBuf {
    deploy_folder().join("template.yaml")
}

/// The template of the example database.
pub fn example_database() -> PathBuf {
    deploy_folder().join("example-database.yaml")
}

fn deploy_folder() -> PathBuf {
    pinned_tools::workspace().unwrap().join("deploy")
}

/// A template, as it was written and as it is translated.
pub struct Template {
    /// What is in the file.
    pub source: Value,
    /// What CloudFormation gets.
    pub translated: Value,
}

/// Where a template is deployed, and with which parameters.
#[derive(Clone)]
pub struct Stack {
    /// `aws`, `aws-cn`, `aws-us-gov`.
    pub partition: String,
    /// Such as `eu-west-1`.
    pub region: String,
    /// The parameters that do not have their defaults.
    pub parameters: BTreeMap<String, String>,
}

/// What a stack is made of, with every intrinsic function replaced by its value.
pub struct Rendered {
    /// The resources that the conditions let in, by their logical ids.
    pub resources: Map<String, Value>,
    /// The values of the outputs.
    pub outputs: Map<String, Value>,
}

impl Stack {
    /// A stack in `region`.
    pub fn new(partition: &str, region: &str) -> Self {
        Self {
            partition: partition.to_owned(),
            region: region.to_owned(),
            parameters: BTreeMap::new(),
        }
    }

    /// The same, with parameters set.
    #[must_use]
    pub fn with<'a>(mut self, parameters: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let owned = parameters.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        self.parameters.extend(owned);
        self
    }
}

impl Template {
    /// Reads and translates a template, with a pinned `aws-sam-translator` that is fetched if it is
    /// not there yet.
    #[allow(clippy::print_stderr)] // the first time, it takes a while
    pub fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).unwrap();
        let tools = pinned_tools::sam(&mut |line| eprintln!("{line}")).unwrap();
        Self::translate(&tools.python, &text)
    }

    fn translate(python: &Path, text: &str) -> Self {
        let mut child = Command::new(python)
            .args(["-c", include_str!("../translate.py")])
            .env("AWS_REGION", "eu-west-1")
            .env("AWS_DEFAULT_REGION", "eu-west-1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "the template cannot be translated");
        let mut both: Value = serde_json::from_slice(&output.stdout).unwrap();
        Self { source: both["source"].take(), translated: both["translated"].take() }
    }

    /// The stack as CloudFormation would make it.
    ///
    /// # Errors
    /// What CloudFormation would refuse of the parameters, in the template's words.
    pub fn render(&self, stack: &Stack) -> Result<Rendered, Vec<String>> {
        let declared = Parameters::of_json(&self.translated).unwrap();
        let values = declared.values(&stack.parameters)?;
        let refusals = declared.broken_rules(&values).unwrap();
        let renderer = Renderer { template: &self.translated, stack, declared, values };
        if refusals.is_empty() { Ok(renderer.render()) } else { Err(refusals) }
    }
}

impl Rendered {
    /// The properties of a resource. It must be there.
    pub fn properties(&self, id: &str) -> &Value {
        let resource = self.resources.get(id).unwrap_or_else(|| panic!("there is no {id}"));
        &resource["Properties"]
    }

    /// Everything that the role `id` may do by its own policies, as one policy document.
    pub fn policy(&self, id: &str) -> Value {
        let policies = self.properties(id)["Policies"].as_array().unwrap();
        let statements: Vec<Value> = policies
            .iter()
            .flat_map(|policy| policy["PolicyDocument"]["Statement"].as_array().unwrap())
            .cloned()
            .collect();
        json!({ "Version": "2012-10-17", "Statement": statements })
    }

    /// The policy that the role `id` has by this name, as a policy document.
    pub fn inline_policy(&self, id: &str, name: &str) -> Value {
        let policies = self.properties(id)["Policies"].as_array().unwrap();
        let named = policies.iter().find(|policy| policy["PolicyName"] == name);
        named.unwrap_or_else(|| panic!("{id} has no policy {name}"))["PolicyDocument"].clone()
    }

    /// The environment variables of the function `id`.
    pub fn environment(&self, id: &str) -> Vec<(String, String)> {
        let variables = self.properties(id)["Environment"]["Variables"].as_object().unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        variables.iter().map(|(name, value)| (name.clone(), text(value))).collect()
    }
}
