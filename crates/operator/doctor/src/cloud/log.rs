//! The log iam-db-auth-error, in which the database says why it refused a token.
//!
//! Source: "Troubleshooting for IAM database authentication",
//! <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.Troubleshooting.html>.

use aws_cli::{Aws, Database, Target};
use diagnosis::{Cause, Verdict};
use serde::Deserialize;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::{Finding, Login, unanswered};

/// How far back the log is read. Lines arrive within a minute or two.
const LOOK_BACK: Duration = Duration::from_secs(15 * 60);
/// The most lines that are shown.
const LINES: usize = 5;

#[derive(Deserialize)]
struct Found {
    events: Vec<Event>,
}

#[derive(Deserialize)]
struct Event {
    message: String,
}

pub(super) fn examine(aws: &Aws, database: &Database, login: &Login, now: SystemTime) -> Finding {
    if database.exports_auth_errors != Some(true) {
        let text =
            "iam-db-auth-error, the log of refused tokens, is not exported to CloudWatch Logs";
        return Finding::new(Verdict::NotReached, text).fact("exported", false);
    }
    let (what, name) = match (&database.target, &database.cluster) {
        (Target::Instance(_), Some(cluster)) => ("cluster", cluster.as_str()),
        (Target::Cluster(name), _) => ("cluster", name.as_str()),
        (target, _) => ("instance", target.name()),
    };
    let group = format!("/aws/rds/{what}/{name}/iam-db-auth-error");
    let since =
        now.checked_sub(LOOK_BACK).unwrap_or(now).duration_since(UNIX_EPOCH).unwrap_or_default();
    let since = since.as_millis().to_string();
    let call = ["logs", "filter-log-events", "--log-group-name", &group, "--start-time", &since];
    let found: Found = match aws.call(&call) {
        Ok(found) => found,
        Err(error) => return unanswered(false, "", &error),
    };
    let user = login.user.as_deref().unwrap_or_default();
    let lines: Vec<_> = found.events.iter().map(|event| event.message.trim_end()).collect();
    let ours: Vec<_> = lines.iter().copied().filter(|line| line.contains(user)).collect();
    let shown = if ours.is_empty() { lines } else { ours };
    let last = &shown[shown.len().saturating_sub(LINES)..];
    match last {
        [] => Finding::new(
            Verdict::NotReached,
            format!(
                "{group} has no line of the last 15 minutes: the token did not get that far, or the log \
                 is a minute or two late"
            ),
        ),
        lines => Finding::new(Verdict::Failed, format!("{group} says:\n{}", lines.join("\n")))
            .disproves(&[Cause::LogUnread]),
    }
    .fact("exported", true)
    .fact("lines", last.to_vec())
}
