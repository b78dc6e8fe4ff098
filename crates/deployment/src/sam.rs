//! `sam`, unmodified: it checks a template, and makes a change set of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde::Deserialize;
use tempfile::TempDir;

use crate::{Account, Failure, Report};

/// The pinned `sam`, and whom it asks, and where.
pub(crate) struct Client {
    program: PathBuf,
    account: Account,
}

/// What `sam deploy` makes a change set of.
pub(crate) struct Package<'a> {
    /// The template's text, with nothing in it that is on this machine.
    pub(crate) template: &'a str,
    pub(crate) stack: &'a str,
    pub(crate) parameters: &'a [(String, String)],
}

/// The last line of `sam deploy --output json`.
#[derive(Deserialize)]
struct Outcome {
    status: String,
    changeset_id: Option<String>,
}

impl Client {
    pub(crate) fn new(account: Account, report: &Report) -> Result<Self, Failure> {
        let tools = private_tools::sam(&mut |line| report.note(line))?;
        Ok(Self { program: tools.sam, account })
    }

    /// Makes a change set that is not carried out. Returns its ARN, or `None` when nothing would
    /// change.
    pub(crate) fn change_set(&self, package: &Package<'_>) -> Result<Option<String>, Failure> {
        // In a file, where no character of a value has a meaning. JSON is YAML.
        let folder = TempDir::with_prefix("rds-iam-lambda-")?;
        let file = folder.path().join("parameters.yaml");
        let values: serde_json::Map<_, _> = package
            .parameters
            .iter()
            .map(|(name, value)| (name.clone(), value.as_str().into()))
            .collect();
        fs::write(&file, serde_json::to_vec(&values)?)?;
        let template = folder.path().join("template.yaml");
        fs::write(&template, package.template)?;

        let mut command = self.command("deploy", &template);
        command
            .args(["--stack-name", package.stack, "--parameter-overrides"])
            .arg(format!("file://{}", file.display()))
            .args(["--capabilities", "CAPABILITY_IAM", "--no-execute-changeset"])
            .args(["--no-confirm-changeset", "--no-fail-on-empty-changeset", "--output", "json"]);
        if let Some(profile) = &self.account.profile {
            command.args(["--profile", profile]);
        }
        let output = run(&mut command)?;
        let said = String::from_utf8_lossy(&output.stdout);
        let lines = said.lines().rev();
        let outcome = lines.filter_map(|line| serde_json::from_str::<Outcome>(line).ok()).next();
        match outcome {
            Some(Outcome { status, changeset_id: Some(id) }) if status == "changeset_created" => {
                Ok(Some(id))
            }
            Some(Outcome { status, .. }) if status == "no_changes" => Ok(None),
            _ => Err(format!("`sam deploy` made no change set:\n{}", everything(&output)).into()),
        }
    }

    /// Checks the template with everything that SAM and cfn-lint know, without an account.
    pub(crate) fn validate(&self, template: &Path) -> Result<(), Failure> {
        let output = run(self.command("validate", template).arg("--lint"))?;
        if output.status.success() {
            return Ok(());
        }
        Err(format!("`sam validate --lint` refuses the template:\n{}", everything(&output)).into())
    }

    fn command(&self, name: &str, template: &Path) -> Command {
        let mut command = Command::new(&self.program);
        command.arg(name).arg("--template-file").arg(template);
        if let Some(region) = &self.account.region {
            command.args(["--region", region]);
        }
        command.env("SAM_CLI_TELEMETRY", "0").env("NO_COLOR", "1").stdin(Stdio::null());
        command
    }
}

fn run(command: &mut Command) -> Result<Output, Failure> {
    let program = command.get_program().to_owned();
    command.output().map_err(|error| format!("cannot run {}: {error}", program.display()).into())
}

fn everything(output: &Output) -> String {
    let said = [&output.stdout, &output.stderr].map(|said| String::from_utf8_lossy(said));
    said.map(|said| said.trim().to_owned()).join("\n").trim().to_owned()
}
