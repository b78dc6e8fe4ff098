//! Asks a deployed function, which sees the network that it runs in.

use aws_cli::Aws;
use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use crate::here::Answer;
use crate::{Failure, blocking};

/// A function may run 15 minutes; the client gives up after one, and asks again.
const READ_TIMEOUT: &str = "900";

/// How the function is set up.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Configuration {
    #[serde(rename = "FunctionArn")]
    pub(crate) arn: String,
    /// The ARN of its execution role.
    #[serde(default)]
    pub(crate) role: String,
    #[serde(default)]
    pub(crate) vpc_config: Option<Vpc>,
    #[serde(default)]
    environment: Option<Environment>,
}

/// Where it runs.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Vpc {
    pub(crate) vpc_id: Option<String>,
    pub(crate) subnet_ids: Vec<String>,
    pub(crate) security_group_ids: Vec<String>,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Environment {
    #[serde(default)]
    variables: BTreeMap<String, String>,
}

impl Configuration {
    /// A variable of the function. Variables may be secrets: only those of this project are asked
    /// for.
    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        let variables = &self.environment.as_ref()?.variables;
        variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Invoked {
    function_error: Option<String>,
    log_result: Option<String>,
}

/// Invokes the function called `name`.
pub(crate) async fn ask(aws: Aws, name: &str) -> Result<Answer, Failure> {
    // Files, because versions 1 and 2 of the client take other forms of a payload on the line.
    // Nobody else of this machine gets into their folder.
    let private = Permissions::from_mode(0o700);
    let folder =
        tempfile::Builder::new().prefix("rds-iam-lambda-").permissions(private).tempdir()?;
    let (event, payload) = (folder.path().join("event.json"), folder.path().join("payload.json"));
    fs::write(&event, diagnosis::EVENT)?;
    let event = format!("fileb://{}", event.display());
    let (name, out) = (name.to_owned(), payload.display().to_string());
    let invoked: Invoked = blocking(move || {
        let mut call = vec!["lambda", "invoke", "--function-name", &name, "--payload", &event];
        call.extend(["--log-type", "Tail", "--cli-read-timeout", READ_TIMEOUT, &out]);
        Ok(aws.call(&call)?)
    })
    .await?;
    let log = invoked.log_result.and_then(|log| BASE64_STANDARD.decode(log).ok());
    Ok(Answer {
        payload: fs::read(&payload)?,
        function_error: invoked.function_error,
        log: log.map(|log| String::from_utf8_lossy(&log).into_owned()).unwrap_or_default(),
    })
}

/// Asks how the function called `name` is set up.
pub(crate) fn configuration(aws: &Aws, name: &str) -> Result<Configuration, Failure> {
    Ok(aws.call(&["lambda", "get-function-configuration", "--function-name", name])?)
}
