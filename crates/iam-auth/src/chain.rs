//! The sources of AWS credentials: the environment, and slower ones only if the environment has
//! none.
//!
//! aws-config's default chain has the same order, but prepares for all sources in advance: it looks
//! up a region and builds an HTTPS client, which reads the system's trust store. In Lambda the
//! environment always has credentials, so this would only slow down each cold start. Without the
//! feature `https`, aws-config is not even compiled.

use std::env;

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, Result, future};

/// The environment, then the rest of the chain, which is built when it is first used.
#[derive(Debug, Default)]
pub(crate) struct EnvironmentFirst {
    #[cfg(feature = "https")]
    rest: tokio::sync::OnceCell<aws_config::default_provider::credentials::DefaultCredentialsChain>,
}

impl EnvironmentFirst {
    async fn credentials(&self) -> Result {
        let answer = from_environment();
        #[cfg(feature = "https")]
        if let Err(missing) = &answer {
            let rest = self.rest.get_or_init(rest_of_chain).await;
            return rest.provide_credentials().await.map_err(|error| also(missing, error));
        }
        answer
    }
}

impl ProvideCredentials for EnvironmentFirst {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.credentials())
    }
}

/// The variables that Lambda sets and all AWS SDKs read. An empty one counts as missing.
pub(crate) fn from_environment() -> Result {
    let variable = |name| env::var(name).ok().filter(|value| !value.trim().is_empty());
    let required = |name| {
        variable(name).ok_or_else(|| CredentialsError::not_loaded(format!("{name} is not set")))
    };
    Ok(Credentials::new(
        required("AWS_ACCESS_KEY_ID")?,
        required("AWS_SECRET_ACCESS_KEY")?,
        variable("AWS_SESSION_TOKEN"),
        None,
        "environment",
    ))
}

/// The chain's error, with what is missing in the environment: half a key is a mistake that the chain
/// does not name.
#[cfg(feature = "https")]
fn also(missing: &CredentialsError, error: CredentialsError) -> CredentialsError {
    use std::error::Error as _;
    match (missing.source(), error.source()) {
        (Some(missing), Some(rest))
            if matches!(error, CredentialsError::CredentialsNotLoaded(_)) =>
        {
            CredentialsError::not_loaded(format!("{missing}; {rest}"))
        }
        _ => error,
    }
}

/// aws-config's chain: profile files (including SSO, `aws login` and AssumeRole), web identity, ECS,
/// EC2.
#[cfg(feature = "https")]
async fn rest_of_chain() -> aws_config::default_provider::credentials::DefaultCredentialsChain {
    use aws_config::default_provider::credentials::DefaultCredentialsChain;
    use aws_config::provider_config::ProviderConfig;
    use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};

    let client = aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https();
    let config = ProviderConfig::default().with_http_client(client);
    DefaultCredentialsChain::builder().configure(config).build().await
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::process::Command;

    use super::*;

    /// Runs the test `name` of this module in a process with only this environment: a process
    /// cannot safely change its own while other tests run.
    fn in_child(name: &str, environment: &[(&str, &Path)]) {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", &format!("chain::tests::{name}"), "--nocapture"])
            .env_clear()
            // Prevents requests to the EC2 metadata service and reads from the home folder.
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .envs([("AWS_CONFIG_FILE", "/dev/null"), ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")])
            .envs(environment.iter().copied())
            .env("IAM_AUTH_TEST_CHILD", "1")
            .output()
            .unwrap();
        let stdout = String::from_utf8_lossy(&output.stdout);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{stdout}{stderr}");
        assert!(stdout.contains("1 passed"), "{stdout}");
    }

    fn is_child() -> bool {
        std::env::var_os("IAM_AUTH_TEST_CHILD").is_some()
    }

    #[tokio::test]
    async fn the_environment_answers_alone() {
        if !is_child() {
            return in_child(
                "the_environment_answers_alone",
                &[
                    ("AWS_ACCESS_KEY_ID", Path::new("AKIDENVIRONMENT")),
                    ("AWS_SECRET_ACCESS_KEY", Path::new("SECRET")),
                    ("AWS_SESSION_TOKEN", Path::new("SESSION")),
                ],
            );
        }
        let chain = EnvironmentFirst::default();
        let credentials = chain.provide_credentials().await.unwrap();
        assert_eq!(credentials.access_key_id(), "AKIDENVIRONMENT");
        assert_eq!(credentials.session_token(), Some("SESSION"));
        #[cfg(feature = "https")]
        assert!(!chain.rest.initialized(), "the slow part of the chain was built for nothing");
    }

    #[tokio::test]
    async fn with_no_credentials_the_error_says_where_to_put_them() {
        if !is_child() {
            return in_child("with_no_credentials_the_error_says_where_to_put_them", &[]);
        }
        let credentials = crate::Credentials::from_chain().await;
        let error = credentials.get(std::time::UNIX_EPOCH).await.unwrap_err();
        assert!(error.is_credentials());
        assert!(error.to_string().contains("AWS_ACCESS_KEY_ID"), "{error}");
    }

    #[tokio::test]
    async fn a_blank_variable_counts_as_missing() {
        if !is_child() {
            let set = [("AWS_ACCESS_KEY_ID", "AKID"), ("AWS_SECRET_ACCESS_KEY", " ")];
            return in_child(
                "a_blank_variable_counts_as_missing",
                &set.map(|(name, value)| (name, Path::new(value))),
            );
        }
        let error = from_environment().unwrap_err();
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert_eq!(source, "AWS_SECRET_ACCESS_KEY is not set");
    }
}
