//! Where AWS credentials come from: the environment first, and anything slower only when the
//! environment holds none.
//!
//! aws-config's own chain asks in the same order, but prepares for every answer beforehand: it
//! looks up a region and builds an HTTPS client, which reads the system's whole trust store. In
//! Lambda, where the environment always answers, that would be paid at each cold start for nothing.

use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, Result, future};
use tokio::sync::OnceCell;

/// The environment, else the rest of the chain, which is built when it is first asked.
#[derive(Debug, Default)]
pub(crate) struct EnvironmentFirst {
    environment: EnvironmentVariableCredentialsProvider,
    rest: OnceCell<Rest>,
}

impl EnvironmentFirst {
    async fn credentials(&self) -> Result {
        match self.environment.provide_credentials().await {
            Err(CredentialsError::CredentialsNotLoaded(_)) => {
                self.rest.get_or_init(rest_of_chain).await.provide_credentials().await
            }
            answer => answer,
        }
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

/// aws-config's chain: profile files (SSO and AssumeRole among them), web identity, ECS, EC2.
#[cfg(feature = "https")]
type Rest = aws_config::default_provider::credentials::DefaultCredentialsChain;

#[cfg(feature = "https")]
async fn rest_of_chain() -> Rest {
    use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};

    let client = aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https();
    let config = ProviderConfig::default().with_http_client(client);
    Rest::builder().configure(config).build().await
}

/// Keys that stand in a profile file: all that can be had without an HTTPS client.
#[cfg(not(feature = "https"))]
type Rest = aws_config::profile::ProfileFileCredentialsProvider;

#[cfg(not(feature = "https"))]
async fn rest_of_chain() -> Rest {
    Rest::builder().configure(&ProviderConfig::default()).build()
}
