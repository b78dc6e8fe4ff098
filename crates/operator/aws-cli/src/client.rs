//! The `aws` program, version 1 or 2: how it is run, and its answer read.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde::de::DeserializeOwned;

use crate::error::Error;

/// The `aws` program, and the options of every call.
#[derive(Clone)]
pub struct Aws {
    program: PathBuf,
    region: Option<String>,
    profile: Option<String>,
    endpoint_url: Option<String>,
    envs: Vec<(String, String)>,
}

impl Aws {
    /// The client at `program`: a path, or a name on the PATH.
    #[must_use]
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            region: None,
            profile: None,
            endpoint_url: None,
            envs: Vec::new(),
        }
    }

    /// Sets the region, in place of the one in the user's configuration.
    #[must_use]
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.region = Some(region.into());
        self
    }

    /// Sets the region and the profile of the user's configuration, where they are given.
    #[must_use]
    pub fn with(mut self, region: Option<&str>, profile: Option<&str>) -> Self {
        self.region = region.map(str::to_owned).or(self.region);
        self.profile = profile.map(str::to_owned).or(self.profile);
        self
    }

    /// Sets another server than AWS's, such as an emulator.
    #[must_use]
    pub fn endpoint_url(mut self, url: impl Into<String>) -> Self {
        self.endpoint_url = Some(url.into());
        self
    }

    /// Adds variables to the client's environment.
    #[must_use]
    pub fn envs<K: Into<String>, V: Into<String>>(
        mut self,
        variables: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        self.envs.extend(variables.into_iter().map(|(name, value)| (name.into(), value.into())));
        self
    }

    /// Calls an operation, such as `["rds", "describe-db-instances"]`, and reads its answer.
    ///
    /// # Errors
    /// The client cannot be run, AWS refuses, or the answer does not have the expected form.
    pub fn call<T: DeserializeOwned>(&self, arguments: &[&str]) -> Result<T, Error> {
        let answer = self.run(arguments)?;
        serde_json::from_slice(&answer).map_err(|error| {
            Error::new(format!("unexpected answer to `aws {}`: {error}", arguments.join(" ")))
        })
    }

    /// Calls an operation and returns its output, which is empty for many of them.
    ///
    /// # Errors
    /// The client cannot be run, or AWS refuses.
    pub fn run(&self, arguments: &[&str]) -> Result<Vec<u8>, Error> {
        let output = self.command(arguments).output().map_err(|error| self.cannot_run(&error))?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(Error::of_client(arguments, said.trim(), &output.status.to_string()))
    }

    /// The region of the calls: the one set here, or else that of the user's configuration file.
    /// The environment's is for the caller to pass in.
    #[must_use]
    pub fn effective_region(&self) -> Option<String> {
        if self.region.is_some() {
            return self.region.clone();
        }
        let configured = self.run(&["configure", "get", "region"]).ok()?;
        let region = String::from_utf8(configured).ok()?.trim().to_owned();
        (!region.is_empty()).then_some(region)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments);
        command.args(["--output", "json"]);
        for (option, value) in [
            ("--region", &self.region),
            ("--profile", &self.profile),
            ("--endpoint-url", &self.endpoint_url),
        ] {
            if let Some(value) = value {
                command.args([option, value]);
            }
        }
        // On a terminal, version 2 pages through `less` and prompts for missing arguments.
        let unattended: [(&str, OsString); 2] =
            [("AWS_PAGER", "".into()), ("AWS_CLI_AUTO_PROMPT", "off".into())];
        command.envs(self.envs.iter().map(|(name, value)| (name, value)));
        command.envs(unattended).stdin(Stdio::null());
        command
    }

    fn cannot_run(&self, error: &io::Error) -> Error {
        let program = self.program.display();
        match error.kind() {
            io::ErrorKind::NotFound => {
                Error::new(format!("the AWS CLI is not installed: no program {program}"))
            }
            _ => Error::new(format!("cannot run {program}: {error}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Aws;

    #[test]
    fn a_missing_client_is_named() {
        let error = Aws::new("/nowhere/aws").run(&["sts", "get-caller-identity"]).unwrap_err();
        assert!(error.to_string().contains("/nowhere/aws"), "{error}");
    }
}
