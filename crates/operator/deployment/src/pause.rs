//! A database that pauses: Aurora Serverless v2 with a minimum of 0 ACUs. What it costs, and the time-out
//! that its functions need.
//!
//! Source: <https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-serverless-v2-auto-pause.html>.

use aws_cli::{Database, RESUME_TIMEOUT};

/// What to say of a database that has a minimum of 0 ACUs, with the time-out of its functions in seconds.
pub(crate) fn notes(database: &Database, timeout: u64) -> Vec<String> {
    let Some(serverless) = &database.serverless else { return vec![] };
    let Some(seconds) = serverless.pauses_after() else { return vec![] };
    let target = &database.target;
    if let Some(why) = serverless.kept_awake_by() {
        return vec![format!("note: the {target} has a minimum of 0 ACUs, in vain: {why}")];
    }
    let mut notes = vec![format!(
        "note: the {target} pauses after {seconds} s without a connection (Aurora Serverless v2 with a \
         minimum of 0 ACUs), and the login that wakes it waits some 15 s, after a day 30 s or more. The \
         connection of a warm function keeps it awake, and at least 0.5 ACUs are billed, until Lambda ends the \
         environment, minutes after its last event; with a frequent schedule it never pauses"
    )];
    if timeout < RESUME_TIMEOUT {
        notes.push(format!(
            "warning: the functions' time-out of {timeout} s may end before the {target} has resumed; give \
             them {RESUME_TIMEOUT} s or more: --parameter Timeout=60"
        ));
    }
    notes
}

/// What to say of one behind a proxy.
pub(crate) fn behind_proxy(database: &Database) -> Option<String> {
    database.serverless.as_ref()?.pauses_after()?;
    Some(format!(
        "note: the {} has a minimum of 0 ACUs, in vain: it never pauses behind an RDS Proxy, which keeps \
         connections open",
        database.target
    ))
}
