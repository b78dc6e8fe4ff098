//! A database of another account: a role of this one cannot log in there.
//!
//! The principal of a login must be one of the account of the database:
//! <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.IAMPolicy.html>

use aws_cli::{Aws, Caller, Database, Target, name_of_resource};

use crate::choice::Choice;
use crate::{Failure, Report};

/// Checks the account of a database that is named by its ARN, before AWS is asked about it.
///
/// # Errors
/// It is another than the caller's.
pub(crate) fn named(target: &Target, caller: &Caller) -> Result<(), Failure> {
    let mut parts = target.name().split(':');
    match (parts.next(), parts.nth(3)) {
        (Some("arn"), Some(account)) => same(&target.to_string(), account, caller),
        _ => Ok(()),
    }
}

/// Checks the account of a database.
///
/// # Errors
/// It is another than the caller's.
pub(crate) fn found(database: &Database, caller: &Caller) -> Result<(), Failure> {
    match database.account() {
        Some(account) => same(&database.target.to_string(), account, caller),
        None => Ok(()),
    }
}

fn same(database: &str, account: &str, caller: &Caller) -> Result<(), Failure> {
    if account == caller.account {
        return Ok(());
    }
    Err(format!(
        "the {database} is of the account {account}, and these credentials are of {}: the role that logs in \
         must be one of the database's account, and the template makes it where it is deployed; deploy with \
         a --profile of {account}",
        caller.account
    )
    .into())
}

/// Warns where nothing but a resource id was given, and no database of this account has it.
pub(crate) fn by_hand(aws: &Aws, choice: &Choice, caller: &Caller, report: &Report) {
    for id in choice.resource_ids.ids.iter().filter(|id| !id.starts_with("prx-")) {
        // Without the right to ask there is nothing to say.
        if let Ok(None) = name_of_resource(aws, id) {
            report.note(&format!(
                "warning: no database of the account {} in {} has the resource id {id}; the function's \
                 role can log in only to databases of its own account and region",
                caller.account,
                choice.endpoint.region()
            ));
        }
    }
}
