//! The commands before and after a statement, which restrict it to its mode and its time limit.

use sql_function::Mode;
use std::time::Duration;
use tokio_postgres::{Client, Error};

/// Commands around a statement.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Envelope {
    /// The commands before it.
    pub(crate) before: String,
    /// The commands after it.
    pub(crate) after: String,
    /// How many of the commands after it must succeed for the statement to take effect.
    pub(crate) own: usize,
    /// Whether to count changed rows before and after it.
    pub(crate) counts: bool,
}

/// How many rows the transaction has changed, for a statement that changes rows in a WITH clause:
/// the server itself only counts those of the main command. The statistics may include an earlier
/// transaction, so the difference is used.
pub(crate) const CHANGED: &str = "\
SELECT pg_catalog.sum(s.n_tup_ins OPERATOR(pg_catalog.+) s.n_tup_upd OPERATOR(pg_catalog.+) s.n_tup_del) \
FROM pg_catalog.pg_stat_xact_user_tables s";

/// `SET TRANSACTION READ ONLY` for an RDS Proxy, which pins the session at any `SET`, but does not look
/// inside the server: a rule of this view calls `set_config` there. The setting ends with the
/// subtransaction, whoever set it (`CommitSubTransaction` in `xact.c`).
///
/// Sources: <https://www.postgresql.org/docs/current/view-pg-settings.html>,
/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-proxy-pinning.html>.
const READ_ONLY_UNSEEN: &str = "\
UPDATE pg_catalog.pg_settings SET setting = 'on'::pg_catalog.text \
WHERE name OPERATOR(pg_catalog.=) 'transaction_read_only'::pg_catalog.text";

impl Envelope {
    /// A transaction that `begin` begins.
    pub(crate) fn block(begin: &str) -> Envelope {
        let (before, after) = (begin.to_owned(), "COMMIT".to_owned());
        Envelope { before, after, own: 1, counts: false }
    }

    /// Restricts a statement to its `mode` within a `transaction`. A read cannot undo that: a
    /// subtransaction of a read-only one cannot write, and this one ends after the statement.
    pub(crate) fn restricted(transaction: Mode, mode: Mode, through_proxy: bool) -> Envelope {
        match (transaction, mode) {
            (Mode::Write, Mode::Read) => Envelope {
                before: format!(
                    "SAVEPOINT held; {}",
                    if through_proxy { READ_ONLY_UNSEEN } else { "SET TRANSACTION READ ONLY" }
                ),
                after: "RELEASE held".to_owned(),
                own: 1,
                counts: false,
            },
            _ => Envelope::default(),
        }
    }

    /// Has the server cancel the statement after `timeout`, if there is one; otherwise the role's
    /// own setting applies. In a transaction event, the timeout is reset for the next statement.
    pub(crate) fn limit(&mut self, timeout: Option<Duration>, another_follows: bool) {
        let Some(timeout) = timeout.as_ref().map(Duration::as_millis) else { return };
        let local = if self.own == 0 { "" } else { "LOCAL " };
        join(&mut self.before, &format!("SET {local}statement_timeout = {timeout}"));
        if another_follows {
            join(&mut self.after, "RESET statement_timeout");
        }
    }
}

fn join(commands: &mut String, command: &str) {
    if !commands.is_empty() {
        commands.push_str("; ");
    }
    commands.push_str(command);
}

impl Envelope {
    /// Counts the rows that the statement changes. It must run in a transaction.
    pub(crate) fn count(&mut self) {
        join(&mut self.before, CHANGED);
        self.counts = true;
    }
}

/// Runs commands, if there are any.
pub(crate) async fn batch(client: &Client, sql: &str) -> Result<(), Error> {
    if sql.is_empty() { Ok(()) } else { client.batch_execute(sql).await }
}
