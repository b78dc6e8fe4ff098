//! Checking the template with `sam`.

use std::fs;
use std::process::{Command, Stdio};

use pinned_tools::Sam;
use tempfile::TempDir;

use crate::Failure;

/// Checks the template with SAM and cfn-lint, without an account.
pub(crate) fn validate(sam: &Sam, template: &str, region: &str) -> Result<(), Failure> {
    let folder = TempDir::with_prefix("rds-iam-lambda-")?;
    let file = folder.path().join("template.yaml");
    fs::write(&file, template)?;
    let mut command = Command::new(&sam.sam);
    command
        .args(["validate", "--lint", "--region", region, "--template-file"])
        .arg(&file)
        .env("SAM_CLI_TELEMETRY", "0")
        .env("NO_COLOR", "1")
        .stdin(Stdio::null());
    let output =
        command.output().map_err(|error| format!("cannot run {}: {error}", sam.sam.display()))?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].map(|it| String::from_utf8_lossy(&it).into_owned());
    let said = said.join("\n");
    Err(format!("`sam validate --lint` refuses the template:\n{}", said.trim()).into())
}
