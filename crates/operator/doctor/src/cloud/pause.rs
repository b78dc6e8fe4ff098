//! Whether the database pauses, which RDS knows and a function can only suspect.

use aws_cli::{Database, RESUME_TIMEOUT};
use diagnosis::{Cause, Suspect};

use super::{Login, Seen, of_table};

/// In words, after the database's own.
pub(super) fn describe(database: &Database) -> String {
    let Some(serverless) = &database.serverless else { return String::new() };
    let (least, most) = (serverless.min_capacity, serverless.max_capacity);
    let pauses = match (serverless.pauses_after(), serverless.kept_awake_by()) {
        (Some(_), Some(why)) => format!(", and never pauses: {why}"),
        (Some(seconds), None) => format!(
            ", and pauses after {seconds} s without a connection; that of a warm function keeps it awake and \
             billed"
        ),
        (None, _) => String::new(),
    };
    format!("; it is Aurora Serverless v2 of {least} to {most} ACUs{pauses}")
}

/// The time-out of the function, if the database may be paused and that is too short for it to resume.
fn too_short(database: &Database, login: &Login) -> Option<u64> {
    let timeout = login.function.as_ref()?.timeout?;
    let may_be_paused = database.serverless.as_ref()?.may_be_paused();
    (may_be_paused && timeout < RESUME_TIMEOUT).then_some(timeout)
}

/// A function that logs in now, and would not to a database that is paused.
pub(super) fn warning(database: &Database, login: &Login, seen: Seen) -> Option<Suspect> {
    let timeout = too_short(database, login).filter(|_| seen.logged_in)?;
    let because = format!(
        "RDS says that the {} pauses, and the function's time-out of {timeout} s may end before it has \
         resumed",
        database.target
    );
    Some(of_table(Cause::DatabasePaused, because, database, login))
}

/// What the function suspects, with what RDS says: that the database pauses, or that it never does.
pub(super) fn suspected(
    database: &Database,
    login: &Login,
    seen: Seen,
) -> Option<Result<Suspect, Cause>> {
    if !seen.suspects_pause {
        return None;
    }
    let pauses = database.serverless.as_ref().filter(|it| it.may_be_paused());
    let Some(seconds) = pauses.and_then(aws_cli::Serverless::pauses_after) else {
        return Some(Err(Cause::DatabasePaused));
    };
    let because = format!(
        "RDS says that the {} pauses after {seconds} s without a connection, and the login took long",
        database.target
    );
    Some(Ok(of_table(Cause::DatabasePaused, because, database, login)))
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    /// What the function with this time-out is told.
    fn told(least: f64, timeout: u64, seen: Seen) -> (bool, Option<bool>, String) {
        let serverless = Some(aws_cli::Serverless {
            min_capacity: least,
            max_capacity: 4.0,
            seconds_until_auto_pause: None,
            is_global: false,
        });
        let database = Database { serverless, ..sample::database() };
        let mut login = sample::login(true);
        login.function.as_mut().unwrap().timeout = Some(timeout);
        let suspected = suspected(&database, &login, seen).map(|it| it.is_ok());
        (warning(&database, &login, seen).is_some(), suspected, describe(&database))
    }

    #[test]
    fn a_pause_is_what_rds_says() {
        let well = Seen { logged_in: true, suspects_pause: false };
        let slow = Seen { logged_in: true, suspects_pause: true };
        let silent = Seen { logged_in: false, suspects_pause: true };
        for (least, timeout, seen, expected) in [
            (0.0, 30, well, (true, None)),
            (0.0, 45, well, (false, None)),
            (0.5, 30, well, (false, None)),
            (0.0, 60, slow, (false, Some(true))),
            (0.0, 30, silent, (false, Some(true))),
            (0.5, 30, silent, (false, Some(false))),
        ] {
            let (warns, suspected, text) = told(least, timeout, seen);
            assert_eq!((warns, suspected), expected, "{least} {timeout} {seen:?}");
            assert_eq!(text.contains("pauses after 300 s"), least == 0.0, "{text}");
        }
        let provisioned = sample::database();
        assert!(matches!(suspected(&provisioned, &sample::login(true), slow), Some(Err(_))));
        assert_eq!(describe(&provisioned), "");
    }
}
