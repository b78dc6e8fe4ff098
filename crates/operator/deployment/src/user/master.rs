//! The master user, who must keep logging in with a password.

use crate::Failure;

/// RDS's administrator, on every engine.
const RDS_ADMIN: &str = "rdsadmin";
/// The names that RDS's console suggests for the master user, and the servers' default superusers.
const USUAL: [&str; 3] = ["admin", "postgres", "root"];

/// Refuses the master user: `master`, or else the usual names.
pub(crate) fn refuse_master(
    user: &str,
    master: Option<&str>,
    postgres: bool,
) -> Result<(), Failure> {
    let is_master = match master {
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
    let who = match master {
        Some(_) => format!("{user} is the master user"),
        None => format!("{user} is a usual name of the master user"),
    };
    // https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.html: "if the IAM
    // role (rds_iam) is added to a user (including the RDS master user), IAM authentication takes
    // precedence over password authentication".
    let why = if postgres {
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
    use super::refuse_master;

    #[test]
    fn the_master_user_is_refused() {
        for usual in ["admin", "postgres", "root", "rdsadmin"] {
            assert!(refuse_master(usual, None, true).is_err(), "{usual}");
        }
        let error = refuse_master("owner", Some("owner"), true).unwrap_err().to_string();
        assert!(error.contains("owner is the master user: rds_iam takes precedence"), "{error}");
        // AWS knows that it is another user.
        refuse_master("admin", Some("owner"), false).unwrap();
        refuse_master("rdsadmin", Some("owner"), false).unwrap_err();
        refuse_master("lambda-user", None, false).unwrap();
    }
}
