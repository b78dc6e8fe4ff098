//! The options of `deploy`.

use aws_cli::Target;
use packaging::Architecture;

use crate::choice::Given;
use crate::plan::Statements;

/// The options of `deploy`.
#[derive(Clone, Debug)]
pub struct Deploy {
    /// The database to ask AWS about; `None` when every value is given.
    pub target: Option<Target>,
    /// Values in place of those that AWS knows.
    pub given: Given,
    /// Where the statements are.
    pub statements: Statements,
    /// The function that is for the database; `None` for its engine's first.
    pub function: Option<String>,
    /// The user that the function logs in as.
    pub user: String,
    /// The database that it uses.
    pub database: String,
    /// The stack.
    pub stack: String,
    /// The functions' architecture.
    pub architecture: Architecture,
    /// Other parameters of the template.
    pub parameters: Vec<(String, String)>,
    /// Turn IAM authentication on where it is off.
    pub enable_iam_auth: bool,
    /// The bucket to upload to; `None` for the default one of the account and the region.
    pub bucket: Option<String>,
    /// Do not ask for confirmation.
    pub yes: bool,
    /// Stop before anything is changed at AWS. Without a [`target`](Self::target), no account is needed.
    pub dry_run: bool,
}
