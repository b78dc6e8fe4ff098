//! Lambda functions: their configuration, and one way to invoke them.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde::Deserialize;

use crate::client::Aws;
use crate::error::Error;

/// A function's longest timeout, in seconds. The client's own limit of a minute would make it invoke
/// the function again.
const READ_TIMEOUT: &str = "900";

/// The configuration of a function.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Function {
    /// Its ARN.
    #[serde(rename = "FunctionArn")]
    pub arn: String,
    /// The ARN of its execution role.
    #[serde(default)]
    pub role: String,
    /// The SHA-256 of its code, in base64.
    pub code_sha256: String,
    /// How many seconds an invocation may take.
    #[serde(rename = "Timeout", default)]
    pub timeout: Option<u64>,
    #[serde(default)]
    vpc_config: Option<Vpc>,
    #[serde(default)]
    environment: Option<Environment>,
}

/// The VPC of a function.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Vpc {
    /// Its id. Lambda writes an empty one for a function outside a VPC.
    pub vpc_id: Option<String>,
    /// Its subnets.
    pub subnet_ids: Vec<String>,
    /// Its security groups.
    pub security_group_ids: Vec<String>,
    /// Whether the function sends by IPv6 too, in dual-stack subnets.
    pub ipv6_allowed_for_dual_stack: Option<bool>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Environment {
    #[serde(default)]
    variables: BTreeMap<String, String>,
}

impl Function {
    /// Asks AWS for the function `name`: a name or an ARN.
    ///
    /// # Errors
    /// [`Error::is_not_found`] when there is none; AWS refuses to answer.
    pub fn of(aws: &Aws, name: &str) -> Result<Self, Error> {
        aws.call(&["lambda", "get-function-configuration", "--function-name", name])
    }

    /// An environment variable. Others than this project's may be secrets, and are never asked for.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<&str> {
        let variables = &self.environment.as_ref()?.variables;
        variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The VPC, where the function is in one.
    #[must_use]
    pub fn vpc(&self) -> Option<&Vpc> {
        self.vpc_config
            .as_ref()
            .filter(|vpc| vpc.vpc_id.as_deref().is_some_and(|id| !id.is_empty()))
    }
}

/// What an invocation returned.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// The function's response, or its error document.
    pub payload: Vec<u8>,
    /// `Unhandled` when the function failed.
    pub function_error: Option<String>,
    /// The last 4 KB of the invocation's log.
    pub log: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Invoked {
    function_error: Option<String>,
    log_result: Option<String>,
}

/// Invokes the function `name` with an event, and waits for its response.
///
/// # Errors
/// AWS refuses, the client gives up after 15 minutes, or no temporary file can be written.
pub fn invoke(aws: &Aws, name: &str, event: &str) -> Result<Invocation, Error> {
    // Files, because versions 1 and 2 of the client take different forms of a payload as an argument.
    let temporary = |error| Error::new(format!("cannot use a temporary folder: {error}"));
    // Nobody else on this machine may read the response.
    let private = Permissions::from_mode(0o700);
    let folder = tempfile::Builder::new().prefix("rds-iam-lambda-").permissions(private).tempdir();
    let folder = folder.map_err(temporary)?;
    let (request, response) =
        (folder.path().join("event.json"), folder.path().join("payload.json"));
    fs::write(&request, event).map_err(temporary)?;
    let (request, out) = (format!("fileb://{}", request.display()), response.display().to_string());
    let mut call = vec!["lambda", "invoke", "--function-name", name, "--payload", &request];
    call.extend(["--log-type", "Tail", "--cli-read-timeout", READ_TIMEOUT, &out]);
    let Invoked { function_error, log_result } = aws.call(&call)?;
    let log = log_result.and_then(|log| BASE64_STANDARD.decode(log).ok()).unwrap_or_default();
    Ok(Invocation {
        payload: fs::read(&response).map_err(temporary)?,
        function_error,
        log: String::from_utf8_lossy(&log).into_owned(),
    })
}
