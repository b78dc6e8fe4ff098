//! The `aws` client: the user's own, or else the pinned one.

use aws_cli::Aws;
use std::env;
use std::path::Path;
use std::process::{Command, Stdio};

/// A client for a region and a profile, where they are given.
///
/// # Errors
/// There is none on the PATH, and the pinned one cannot be fetched.
pub fn find(
    region: Option<&str>,
    profile: Option<&str>,
    progress: &mut dyn FnMut(&str),
) -> Result<Aws, pinned_tools::Error> {
    let aws = match on_path() {
        Some(aws) => aws,
        None => Aws::new(pinned_tools::aws(progress)?),
    };
    Ok(aws.with(region, profile))
}

/// The client on the PATH, if there is one and it runs.
#[must_use]
pub fn on_path() -> Option<Aws> {
    let folders = env::var_os("PATH")?;
    let program = env::split_paths(&folders).map(|folder| folder.join("aws")).find(|p| runs(p))?;
    Some(Aws::new(program))
}

fn runs(program: &Path) -> bool {
    let mut version = Command::new(program);
    version.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    program.is_file() && version.status().is_ok_and(|status| status.success())
}
