//! `sam`, unmodified: it uploads what the template names, and makes a change set.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use private_tools::Sam;
use serde::Deserialize;
use tempfile::TempDir;

use crate::{Account, Failure};

/// What `sam deploy` makes a change set of.
pub(crate) struct Package<'a> {
    pub(crate) template: &'a Path,
    pub(crate) stack: &'a str,
    pub(crate) region: &'a str,
    pub(crate) parameters: &'a [(String, String)],
    /// The bucket to upload to; `None` is the one that sam manages.
    pub(crate) bucket: Option<&'a str>,
}

/// The last line of `sam deploy --output json`.
#[derive(Deserialize)]
struct Outcome {
    status: String,
    changeset_id: Option<String>,
}

/// Uploads, and makes a change set that is not carried out. Returns its ARN, or `None` when nothing
/// would change.
pub(crate) fn change_set(
    sam: &Sam,
    account: &Account,
    package: &Package<'_>,
) -> Result<Option<String>, Failure> {
    // In a file, where no character of a value has a meaning. JSON is YAML.
    let folder = TempDir::with_prefix("rds-iam-lambda-")?;
    let file = folder.path().join("parameters.yaml");
    let values: serde_json::Map<_, _> = package
        .parameters
        .iter()
        .map(|(name, value)| (name.clone(), value.as_str().into()))
        .collect();
    fs::write(&file, serde_json::to_vec(&values)?)?;

    let mut command = command(sam, account, "deploy", package.template);
    command
        .args(["--stack-name", package.stack, "--region", package.region])
        .args(["--s3-prefix", package.stack, "--parameter-overrides"])
        .arg(format!("file://{}", file.display()))
        .args(["--capabilities", "CAPABILITY_IAM", "--no-execute-changeset"])
        .args(["--no-confirm-changeset", "--no-fail-on-empty-changeset", "--no-progressbar"])
        .args(["--output", "json"]);
    match package.bucket {
        Some(bucket) => command.args(["--s3-bucket", bucket]),
        None => command.arg("--resolve-s3"),
    };
    let output = run(&mut command)?;
    let said = String::from_utf8_lossy(&output.stdout);
    let outcome = said.lines().rev().find_map(|line| serde_json::from_str::<Outcome>(line).ok());
    match outcome {
        Some(Outcome { status, changeset_id: Some(id) }) if status == "changeset_created" => {
            Ok(Some(id))
        }
        Some(Outcome { status, .. }) if status == "no_changes" => Ok(None),
        _ => Err(format!("`sam deploy` made no change set:\n{}", everything(&output)).into()),
    }
}

/// Checks the template with everything that SAM and cfn-lint know, without an account.
pub(crate) fn validate(sam: &Sam, template: &Path, region: &str) -> Result<(), Failure> {
    let mut command = command(sam, &Account::default(), "validate", template);
    command.args(["--lint", "--region", region]);
    let output = run(&mut command)?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("`sam validate --lint` refuses the template:\n{}", everything(&output)).into())
}

fn command(sam: &Sam, account: &Account, name: &str, template: &Path) -> Command {
    let mut command = Command::new(&sam.sam);
    command.arg(name).arg("--template-file").arg(template);
    if let Some(profile) = &account.profile {
        command.args(["--profile", profile]);
    }
    command.env("SAM_CLI_TELEMETRY", "0").env("NO_COLOR", "1").stdin(Stdio::null());
    command
}

fn run(command: &mut Command) -> Result<Output, Failure> {
    let program = command.get_program().to_owned();
    command.output().map_err(|error| format!("cannot run {}: {error}", program.display()).into())
}

fn everything(output: &Output) -> String {
    let said = [&output.stdout, &output.stderr].map(|said| String::from_utf8_lossy(said));
    said.map(|said| said.trim().to_owned()).join("\n").trim().to_owned()
}
