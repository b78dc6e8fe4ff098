//! Whose credentials these are.

use serde::Deserialize;

use crate::client::Aws;
use crate::error::Error;

/// The account and the identity of the credentials.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Caller {
    /// The account, twelve digits.
    pub account: String,
    /// The ARN of the user, or of the session of an assumed role.
    pub arn: String,
}

impl Caller {
    /// Asks AWS. It needs no permission.
    ///
    /// # Errors
    /// There are no credentials, or AWS does not accept them.
    pub fn of(aws: &Aws) -> Result<Self, Error> {
        aws.call(&["sts", "get-caller-identity"])
    }

    /// The partition of the account: `aws`, `aws-cn`, `aws-us-gov`.
    #[must_use]
    pub fn partition(&self) -> &str {
        self.arn.split(':').nth(1).unwrap_or("aws")
    }
}
