//! The master user, who must stay with his password.

use crate::Failure;

/// The name of RDS's own administrator, on every engine.
const OF_RDS: &str = "rdsadmin";
/// The names that RDS's console proposes for the master user, and the servers' own.
const USUAL: [&str; 3] = ["admin", "postgres", "root"];

/// Refuses the master user: `master` where AWS told who it is, and else the names that are usual.
pub(crate) fn refuse_master(
    user: &str,
    master: Option<&str>,
    postgres: bool,
) -> Result<(), Failure> {
    let is_master = match master {
        Some(master) => user == master,
        None => USUAL.contains(&user),
    };
    if user == OF_RDS {
        return Err(format!("{OF_RDS} is RDS's own user; make one for the functions").into());
    }
    if !is_master {
        return Ok(());
    }
    let who = match master {
        Some(_) => format!("{user} is the master user"),
        None => format!("{user} is what the master user is usually called"),
    };
    // https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.html: "if the IAM
    // role (rds_iam) is added to a user (including the RDS master user), IAM authentication takes
    // precedence over password authentication".
    let why = if postgres {
        "rds_iam takes precedence over a password, so that it would lock the master user out of \
         everything that logs in with one, RDS's own tools included"
    } else {
        "AWSAuthenticationPlugin takes the place of the password, so that it would lock the master \
         user out of everything that logs in with one; and a function needs less than all rights"
    };
    Err(format!("{who}: {why}; name a user of the functions' own, such as lambda_user").into())
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
        // AWS said that it is somebody else.
        refuse_master("admin", Some("owner"), false).unwrap();
        refuse_master("rdsadmin", Some("owner"), false).unwrap_err();
        refuse_master("lambda-user", None, false).unwrap();
    }
}
