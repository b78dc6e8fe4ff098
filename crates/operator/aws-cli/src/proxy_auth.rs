//! How an RDS Proxy authenticates its clients and itself.

use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Auth {
    secret_arn: Option<String>,
    user_name: Option<String>,
    #[serde(rename = "IAMAuth")]
    iam_auth: Option<String>,
}

/// How a proxy authenticates its clients and itself.
///
/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DBProxy.html>
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProxyAuth {
    /// Whether `DefaultAuthScheme` is `IAM_AUTH`: the proxy takes a token of every user, and logs in to
    /// the database with one of its own role, without a secret. Otherwise it is `NONE`, and the proxy
    /// takes a token only of a user with a secret.
    pub is_iam_by_default: bool,
    /// The secrets with which it logs in to the database. Usually none where IAM is the default.
    pub secrets: Vec<ProxySecret>,
}

/// A secret of a proxy: the `Auth` of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxySecret {
    /// The secret's ARN.
    pub arn: String,
    /// The user, where RDS reports it; it is in the secret itself.
    pub user: Option<String>,
    /// Whether `IAMAuth` is `REQUIRED`: the proxy takes tokens of this user, and nothing else. Otherwise it
    /// is `DISABLED`. `ENABLED` is for SQL Server alone.
    pub is_iam_required: bool,
}

impl ProxyAuth {
    pub(crate) fn read(default_scheme: Option<&str>, auth: Vec<Auth>) -> Self {
        let secret = |auth: Auth| ProxySecret {
            arn: auth.secret_arn.unwrap_or_default(),
            user: auth.user_name.filter(|user| !user.is_empty()),
            is_iam_required: auth.iam_auth.as_deref() == Some("REQUIRED"),
        };
        Self {
            is_iam_by_default: default_scheme == Some("IAM_AUTH"),
            secrets: auth.into_iter().map(secret).collect(),
        }
    }

    /// Whether it takes tokens of any user.
    #[must_use]
    pub fn takes_tokens(&self) -> bool {
        self.is_iam_by_default || self.secrets.iter().any(|secret| secret.is_iam_required)
    }
}
