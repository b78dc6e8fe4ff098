//! The proof: the deployed function is asked to log in, and tells how it went.

use std::fs;

use aws_cli::Aws;
use diagnosis::Diagnosis;
use serde::Deserialize;
use tempfile::TempDir;

use crate::Failure;

/// A function in a VPC that starts from nothing takes its time; the client gives up after a minute
/// and would ask again.
const READ_TIMEOUT: &str = "900";

#[derive(Deserialize)]
struct Invoked {
    #[serde(rename = "FunctionError")]
    function_error: Option<String>,
}

/// Invokes the function called `name` with a diagnose event.
pub(crate) fn ask(aws: &Aws, name: &str) -> Result<Diagnosis, Failure> {
    // Files, because versions 1 and 2 of the client take other forms of a payload on the line.
    let folder = TempDir::with_prefix("rds-iam-lambda-")?;
    let (event, answer) = (folder.path().join("event.json"), folder.path().join("answer.json"));
    fs::write(&event, diagnosis::EVENT)?;
    let payload = format!("fileb://{}", event.display());
    let out = answer.display().to_string();
    let mut call = vec!["lambda", "invoke", "--function-name", name, "--payload", &payload];
    call.extend(["--cli-read-timeout", READ_TIMEOUT, &out]);
    let invoked: Invoked = aws.call(&call)?;
    let answer = fs::read(&answer)?;
    Ok(doctor::read_answer(&answer, invoked.function_error.as_deref())?)
}
