//! Whom AWS takes us for.

use aws_cli::Aws;
use serde::Deserialize;

use crate::Failure;

/// The account and the identity that the credentials belong to.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Caller {
    pub(crate) account: String,
    arn: String,
}

impl Caller {
    /// Asks AWS, which needs no right.
    pub(crate) fn of(aws: &Aws) -> Result<Self, Failure> {
        Ok(aws.call(&["sts", "get-caller-identity"])?)
    }

    /// The partition of the account.
    pub(crate) fn partition(&self) -> &str {
        self.arn.split(':').nth(1).unwrap_or("aws")
    }
}
