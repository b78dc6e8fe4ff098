//! The `aws` client, version 1 or 2: run, its JSON read, its complaints turned into ways out.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::Command;

use serde::de::DeserializeOwned;

use crate::error::{Error, Kind};

/// The `aws` client, and whom it asks.
#[derive(Clone)]
pub struct Aws {
    program: PathBuf,
    region: Option<String>,
    profile: Option<String>,
    endpoint_url: Option<String>,
    envs: Vec<(String, String)>,
}

impl Aws {
    /// The client that is the program `program`: a path, or a name on the PATH.
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

    /// Asks in `region`, and not in the one of the user's configuration.
    #[must_use]
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.region = Some(region.into());
        self
    }

    /// Asks as `profile` of the user's configuration.
    #[must_use]
    pub fn profile(mut self, profile: impl Into<String>) -> Self {
        self.profile = Some(profile.into());
        self
    }

    /// Asks another server than AWS's, such as an emulator.
    #[must_use]
    pub fn endpoint_url(mut self, url: impl Into<String>) -> Self {
        self.endpoint_url = Some(url.into());
        self
    }

    /// Runs the client with variables beside those of its environment.
    #[must_use]
    pub fn envs<K: Into<String>, V: Into<String>>(
        mut self,
        variables: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        self.envs.extend(variables.into_iter().map(|(name, value)| (name.into(), value.into())));
        self
    }

    /// Calls an operation, as in `["rds", "describe-db-instances"]`, and reads its answer.
    ///
    /// # Errors
    /// The client cannot be run, AWS refuses, or the answer is not of the expected form.
    pub fn call<T: DeserializeOwned>(&self, arguments: &[&str]) -> Result<T, Error> {
        let answer = self.run(arguments)?;
        serde_json::from_slice(&answer).map_err(|error| {
            Error::other(format!(
                "the answer to `aws {}` is not of the expected form: {error}",
                arguments.join(" ")
            ))
        })
    }

    /// Calls an operation and returns what it printed, which is nothing for many of them.
    ///
    /// # Errors
    /// The client cannot be run, or AWS refuses.
    pub fn run(&self, arguments: &[&str]) -> Result<Vec<u8>, Error> {
        let output = self.command(arguments).output().map_err(|error| self.cannot_run(&error))?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(refusal(arguments, said.trim(), &output.status.to_string()))
    }

    /// The region that is asked: the one set here, or else that of the user's configuration file.
    /// The environment's is for the caller to hand in.
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
        // Version 2 pages through `less` and asks for what is missing, when it sees a terminal.
        let unattended: [(&str, OsString); 2] =
            [("AWS_PAGER", "".into()), ("AWS_CLI_AUTO_PROMPT", "off".into())];
        command.envs(self.envs.iter().map(|(name, value)| (name, value)));
        command.envs(unattended).stdin(std::process::Stdio::null());
        command
    }

    fn cannot_run(&self, error: &io::Error) -> Error {
        let program = self.program.display();
        match error.kind() {
            io::ErrorKind::NotFound => Error::other(format!(
                "the aws client is not there ({program}): install it, or give by hand what it \
                 would have been asked"
            )),
            _ => Error::other(format!("cannot run {program}: {error}")),
        }
    }
}

/// What the client said, with the way out. Its texts are the same in versions 1 and 2 but for a
/// prefix.
fn refusal(arguments: &[&str], said: &str, status: &str) -> Error {
    let operation = arguments.get(..2).unwrap_or(arguments).join(" ");
    let line = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or(status).trim();
    let line = line.strip_prefix("aws: [ERROR]: ").unwrap_or(line);
    let code = line
        .split_once("An error occurred (")
        .and_then(|(_, rest)| rest.split_once(')'))
        .map_or("", |(code, _)| code);
    let message = |way_out: &str| format!("`aws {operation}`: {line}; {way_out}");
    let says = |text: &str| line.contains(text);
    match code {
        _ if code.ends_with("NotFound") || code.ends_with("NotFoundFault") => {
            Error::new(Kind::NotFound, format!("`aws {operation}`: {line}"))
        }
        "ExpiredToken" | "ExpiredTokenException" | "RequestExpired" => Error::new(
            Kind::Credentials,
            message("log in again (`aws sso login`), or renew the credentials in the environment"),
        ),
        "InvalidClientTokenId" | "SignatureDoesNotMatch" | "UnrecognizedClientException" => {
            Error::new(
                Kind::Credentials,
                message("check the access key and its secret, and that the clock is right"),
            )
        }
        "AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation" => {
            Error::other(message("the README lists the rights that a deployer needs"))
        }
        _ if says("Unable to locate credentials")
            || says("SSO session")
            || says("Token has exp") =>
        {
            Error::new(
                Kind::Credentials,
                message("log in with `aws sso login` or `aws configure`, or name a --profile"),
            )
        }
        _ if says("must specify a region") => {
            Error::other(message("give --region, or set AWS_REGION"))
        }
        _ if says("config profile") => {
            Error::other(message("`aws configure list-profiles` shows the profiles there are"))
        }
        _ if says("Could not connect to the endpoint") => {
            Error::other(message("check the network, the region's name, and AWS_ENDPOINT_URL"))
        }
        _ => Error::other(format!("`aws {operation}`: {line}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Error {
        refusal(&["rds", "describe-db-instances", "--x"], text, "exit status: 255")
    }

    #[test]
    fn complaints_of_both_versions_become_ways_out() {
        let v1 = "An error occurred (ExpiredToken) when calling the X operation: it has expired";
        for text in [v1.to_owned(), format!("\naws: [ERROR]: {v1}")] {
            let error = said(&text);
            assert!(error.is_credentials(), "{error}");
            assert!(
                error.to_string().starts_with("`aws rds describe-db-instances`: An error"),
                "{error}"
            );
            assert!(error.to_string().contains("aws sso login"), "{error}");
        }
        let missing = "An error occurred (DBInstanceNotFound) when calling …: not found";
        assert!(said(missing).is_not_found());
        for (text, way_out) in [
            ("You must specify a region.", "--region"),
            ("Unable to locate credentials.", "aws configure"),
            ("The config profile (x) could not be found", "list-profiles"),
            ("Could not connect to the endpoint URL: \"http://x\"", "network"),
            ("An error occurred (AccessDenied) when calling", "README"),
            ("", "exit status: 255"),
        ] {
            assert!(said(text).to_string().contains(way_out), "{}", said(text));
        }
    }

    #[test]
    fn a_missing_client_is_told() {
        let error = Aws::new("/nowhere/aws").run(&["sts", "get-caller-identity"]).unwrap_err();
        assert!(error.to_string().contains("/nowhere/aws"), "{error}");
    }
}
