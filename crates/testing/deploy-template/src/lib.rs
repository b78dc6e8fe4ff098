//! The templates in `deploy/`, translated and rendered as CloudFormation does, for tests.
//!
//! The translation is AWS's own: `aws-sam-translator` is the program behind the SAM transform. What
//! CloudFormation does with the result is simple enough to do here: parameters are checked against their
//! constraints and rules, conditions decide which resources exist, and intrinsic functions become
//! values. So a test sees exactly the policy that a role would get in a partition and region, without an
//! account.
//!
//! It is for tests: it panics on a wrong template.

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
/// The resource id of every RDS Proxy.
pub const PROXY_ID: &str = "prx-0123456789abcdef0";

/// The name that CloudFormation generates for a resource without one: it ends in random letters and
/// digits.
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

/// The template of the example proxy.
pub fn example_proxy() -> PathBuf {
    deploy_folder().join("example-proxy.yaml")
}

fn deploy_folder() -> PathBuf {
    pinned_tools::workspace().unwrap().join("deploy")
}

/// A template, as written and as translated.
pub struct Template {
    /// The file's content.
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
    /// The parameters that differ from their defaults.
    pub parameters: BTreeMap<String, String>,
}

/// The contents of a stack, with every intrinsic function replaced by its value.
pub struct Rendered {
    /// The resources whose conditions hold, by their logical ids.
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

    /// The same with parameters.
    #[must_use]
    pub fn with<'a>(mut self, parameters: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let owned = parameters.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        self.parameters.extend(owned);
        self
    }
}

impl Template {
    /// Reads and translates a template with a pinned `aws-sam-translator`, which is fetched if it is
    /// missing.
    pub fn read(path: &Path) -> Self {
        Self::of_text(&std::fs::read_to_string(path).unwrap())
    }

    /// The same for the text of a template.
    #[allow(clippy::print_stderr)] // the first time, it takes a while
    pub fn of_text(text: &str) -> Self {
        let tools = pinned_tools::sam(&mut |line| eprintln!("{line}")).unwrap();
        Self::translate(&tools.python, text)
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
    /// CloudFormation would refuse the parameters; the error is the template's own text.
    pub fn render(&self, stack: &Stack) -> Result<Rendered, Vec<String>> {
        let declared = Parameters::of_json(&self.translated).unwrap();
        let values = declared.values(&stack.parameters)?;
        let refusals = declared.broken_rules(&values).unwrap();
        let renderer = Renderer { template: &self.translated, stack, declared, values };
        if refusals.is_empty() { Ok(renderer.render()) } else { Err(refusals) }
    }
}

impl Rendered {
    /// The properties of a resource, which must exist.
    pub fn properties(&self, id: &str) -> &Value {
        let resource = self.resources.get(id).unwrap_or_else(|| panic!("there is no {id}"));
        &resource["Properties"]
    }

    /// All policies of the role `id`, as one policy document.
    pub fn policy(&self, id: &str) -> Value {
        let policies = self.properties(id)["Policies"].as_array().unwrap();
        let statements: Vec<Value> = policies
            .iter()
            .flat_map(|policy| policy["PolicyDocument"]["Statement"].as_array().unwrap())
            .cloned()
            .collect();
        json!({ "Version": "2012-10-17", "Statement": statements })
    }

    /// The policy of this name of the role `id`, as a policy document.
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
