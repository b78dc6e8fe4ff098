//! The user's AWS credentials, passed to the function and to nothing else.

use aws_cli::Aws;
use serde::Deserialize;

use crate::Failure;

/// An access key. It has no `Debug` and no `Display`, so that it is never shown.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Credentials {
    access_key_id: String,
    secret_access_key: String,
    #[serde(default)]
    session_token: Option<String>,
}

impl Credentials {
    /// Those of the environment.
    pub(crate) fn of_environment(variable: impl Fn(&str) -> Option<String>) -> Option<Credentials> {
        let given = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
        Some(Credentials {
            access_key_id: given("AWS_ACCESS_KEY_ID")?,
            secret_access_key: given("AWS_SECRET_ACCESS_KEY")?,
            session_token: given("AWS_SESSION_TOKEN"),
        })
    }

    /// Those that the `aws` client finds: a profile, SSO, AssumeRole, an instance's role.
    ///
    /// # Errors
    /// It finds none, or cannot refresh them.
    pub(crate) fn of_client(aws: &Aws) -> Result<Credentials, Failure> {
        // https://docs.aws.amazon.com/cli/latest/reference/configure/export-credentials.html
        Ok(aws.call(&["configure", "export-credentials", "--format", "process"])?)
    }

    /// Key id, secret and session token, which is empty when there is none.
    pub(crate) fn into_parts(self) -> (String, String, String) {
        (self.access_key_id, self.secret_access_key, self.session_token.unwrap_or_default())
    }
}
