//! Why AWS could not be asked, or what it refused, each with what to do.

use std::fmt;

/// Why something is not known, or was not done.
pub struct Error {
    is_not_found: bool,
    message: String,
}

impl Error {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { is_not_found: false, message: message.into() }
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self { is_not_found: true, message: message.into() }
    }

    /// What the client said when `operation` failed, with what to do. Its texts are the same in
    /// versions 1 and 2 but for a prefix. `status` is the client's exit status.
    pub(crate) fn of_client(arguments: &[&str], said: &str, status: &str) -> Self {
        let operation = arguments.get(..2).unwrap_or(arguments).join(" ");
        let line = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or(status).trim();
        let line = line.strip_prefix("aws: [ERROR]: ").unwrap_or(line);
        let code = line
            .split_once("An error occurred (")
            .and_then(|(_, rest)| rest.split_once(')'))
            .map_or("", |(code, _)| code);
        let message = format!("`aws {operation}`: {line}");
        if says_not_found(code, line) {
            return Self::not_found(message);
        }
        match what_to_do(code, line) {
            Some(advice) => Self::new(format!("{message}; {advice}")),
            None => Self::new(message),
        }
    }

    /// Whether the resource does not exist.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.is_not_found
    }
}

/// Each service has its own code; S3 has only the status of an answer without a body, and
/// CloudFormation only a text.
fn says_not_found(code: &str, line: &str) -> bool {
    match code {
        "404" | "NoSuchEntity" | "ResourceNotFoundException" => true,
        "ValidationError" => line.contains("does not exist"),
        // EC2's ids that have the form, and that it never gave, are malformed to it.
        _ => ["NotFound", "NotFoundFault", ".Malformed"].iter().any(|end| code.ends_with(end)),
    }
}

fn what_to_do(code: &str, line: &str) -> Option<&'static str> {
    let says = |text: &str| line.contains(text);
    Some(match code {
        "ExpiredToken" | "ExpiredTokenException" | "RequestExpired" => {
            "log in again (`aws sso login`), or renew the credentials in the environment"
        }
        "InvalidClientTokenId" | "SignatureDoesNotMatch" | "UnrecognizedClientException" => {
            "check the access key, its secret and this machine's clock"
        }
        "AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation" => {
            "deploy/deployer-policy.json lists the permissions that a deployer needs"
        }
        _ if says("Unable to locate credentials")
            || says("SSO session")
            || says("Token has exp") =>
        {
            "log in with `aws sso login` or `aws configure`, or choose a --profile"
        }
        _ if says("must specify a region") => "set --region or AWS_REGION",
        _ if says("config profile") => "`aws configure list-profiles` lists the profiles",
        _ if says("Could not connect to the endpoint") => {
            "check the network, the region's name and AWS_ENDPOINT_URL"
        }
        _ => return None,
    })
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Error({})", self.message)
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Error {
        Error::of_client(&["rds", "describe-db-instances", "--x"], text, "exit status: 255")
    }

    #[test]
    fn errors_of_both_versions_say_what_to_do() {
        let v1 = "An error occurred (ExpiredToken) when calling the X operation: it has expired";
        for text in [v1.to_owned(), format!("\naws: [ERROR]: {v1}")] {
            let error = said(&text).to_string();
            assert!(error.starts_with("`aws rds describe-db-instances`: An error"), "{error}");
            assert!(error.contains("aws sso login"), "{error}");
        }
        for (text, advice) in [
            ("You must specify a region.", "--region"),
            ("Unable to locate credentials.", "aws configure"),
            ("The config profile (x) could not be found", "list-profiles"),
            ("Could not connect to the endpoint URL: \"http://x\"", "network"),
            ("An error occurred (AccessDenied) when calling", "deployer-policy.json"),
            ("An error occurred (SignatureDoesNotMatch) when calling", "access key"),
            ("", "exit status: 255"),
        ] {
            assert!(said(text).to_string().contains(advice), "{}", said(text));
        }
    }

    #[test]
    fn what_does_not_exist_is_recognised() {
        for code in [
            "DBInstanceNotFound",
            "DBProxyNotFoundFault",
            "NoSuchEntity",
            "ResourceNotFoundException",
            "404",
            "InvalidSubnetID.NotFound",
            "InvalidGroupId.Malformed",
        ] {
            let error =
                said(&format!("An error occurred ({code}) when calling the X operation: x"));
            assert!(error.is_not_found(), "{error}");
        }
        let stack = "when calling the DescribeStacks operation: Stack with id x does not exist";
        assert!(said(&format!("An error occurred (ValidationError) {stack}")).is_not_found());
        for other in ["An error occurred (AccessDenied) does not exist", "it does not exist", ""] {
            assert!(!said(other).is_not_found(), "{other}");
        }
    }
}
