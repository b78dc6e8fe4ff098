//! The master user, who must keep logging in with a password.

use aws_cli::Database;

use crate::Failure;

/// RDS's administrator, on every engine.
const RDS_ADMIN: &str = "rdsadmin";
/// The names that RDS's console suggests for the master user, and the servers' default superusers.
const USUAL: [&str; 3] = ["admin", "postgres", "root"];

/// What is known of the master user.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Master<'a> {
    /// The name, where RDS says it.
    name: Option<&'a str>,
    /// Whether it logs in with IAM alone, as in a cluster of Aurora's express configuration.
    uses_iam: bool,
}

impl<'a> Master<'a> {
    pub(crate) fn of(database: Option<&'a Database>) -> Self {
        Self {
            name: database.and_then(|found| found.master_user.as_deref()),
            uses_iam: database.is_some_and(|found| found.internet_access_gateway),
        }
    }
}

/// Refuses the master user, or else the usual names of one.
pub(crate) fn refuse_master(user: &str, master: Master<'_>, postgres: bool) -> Result<(), Failure> {
    let is_master = match master.name {
        Some(master) => user == master,
        None => USUAL.contains(&user),
    };
    if user == RDS_ADMIN {
        return Err(
            format!("{RDS_ADMIN} is RDS's administrator; create a user for the functions").into()
        );
    }
    if !is_master {
        return Ok(());
    }
    let who = match master.name {
        Some(_) => format!("{user} is the master user"),
        None => format!("{user} is a usual name of the master user"),
    };
    // https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.html: "if the IAM
    // role (rds_iam) is added to a user (including the RDS master user), IAM authentication takes
    // precedence over password authentication".
    let why = if master.uses_iam {
        "it exists, logs in with IAM already, and may do everything, and a function needs fewer \
         privileges; log in as it to run the SQL for another user"
    } else if postgres {
        "rds_iam takes precedence over a password, so whatever logs in as the master user with its \
         password, RDS's own tools included, would be locked out"
    } else {
        "AWSAuthenticationPlugin replaces the password, so whatever logs in as the master user with its \
         password would be locked out; and a function needs fewer privileges"
    };
    Err(format!("{who}: {why}; choose a user for the functions alone, such as lambda_user").into())
}

#[cfg(test)]
mod tests {
    use super::{Master, refuse_master};

    fn refusal(user: &str, name: Option<&str>, uses_iam: bool) -> Option<String> {
        let refused = refuse_master(user, Master { name, uses_iam }, true);
        refused.err().map(|error| error.to_string())
    }

    #[test]
    fn the_master_user_is_refused() {
        for usual in ["admin", "postgres", "root", "rdsadmin"] {
            assert!(refusal(usual, None, false).is_some(), "{usual}");
        }
        let error = refusal("owner", Some("owner"), false).unwrap();
        assert!(error.contains("owner is the master user: rds_iam takes precedence"), "{error}");
        let error = refusal("postgres", Some("postgres"), true).unwrap();
        assert!(
            error.contains("logs in with IAM already") && !error.contains("password"),
            "{error}"
        );
        // AWS knows that it is another user.
        assert_eq!(refusal("admin", Some("owner"), false), None);
        assert!(refusal("rdsadmin", Some("owner"), false).is_some());
        assert_eq!(refusal("lambda-user", None, false), None);
    }
}
