//! What goes before and after a statement, so that it does what its mode says and no more, for as long
//! as it may.

use sql_function::Mode;
use std::time::Duration;
use tokio_postgres::{Client, Error};

/// Commands around a statement.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Envelope {
    /// What goes before it.
    pub(crate) before: String,
    /// What goes after it.
    pub(crate) after: String,
    /// How many commands go after it without which it has not been carried out.
    pub(crate) own: usize,
    /// Whether the rows that it changes are to be counted, before and after it.
    pub(crate) counts: bool,
}

/// How many rows the transaction has changed: for a statement that changes some below its outermost
/// command, which alone the server counts. It counts from an earlier transaction on, so that only the
/// difference tells.
pub(crate) const CHANGED: &str = "\
SELECT pg_catalog.sum(s.n_tup_ins OPERATOR(pg_catalog.+) s.n_tup_upd OPERATOR(pg_catalog.+) s.n_tup_del) \
FROM pg_catalog.pg_stat_xact_user_tables s";

impl Envelope {
    /// A transaction of its own, which `begin` begins.
    pub(crate) fn block(begin: &str) -> Envelope {
        let (before, after) = (begin.to_owned(), "COMMIT".to_owned());
        Envelope { before, after, own: 1, counts: false }
    }

    /// Something that lasts for the session, before it.
    pub(crate) fn after(command: &str) -> Envelope {
        Envelope { before: command.to_owned(), ..Envelope::default() }
    }

    /// What holds a statement to its `mode` within a `transaction`. A read cannot take it back: the
    /// server lets no subtransaction write whose parent may not, and this one ends after it.
    pub(crate) fn held(transaction: Mode, mode: Mode) -> Envelope {
        match (transaction, mode) {
            (Mode::Write, Mode::Read) => Envelope {
                before: "SAVEPOINT held; SET TRANSACTION READ ONLY".to_owned(),
                after: "RELEASE held".to_owned(),
                own: 1,
                counts: false,
            },
            _ => Envelope::default(),
        }
    }

    /// Has the server end a statement after `timeout`; one that has none is left to the role's own
    /// setting. Only within a transaction event does another one follow.
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
    /// Has the rows that a statement changes counted, which runs in a transaction.
    pub(crate) fn count(&mut self) {
        join(&mut self.before, CHANGED);
        self.counts = true;
    }
}

/// Runs commands, if there are any.
pub(crate) async fn batch(client: &Client, sql: &str) -> Result<(), Error> {
    if sql.is_empty() { Ok(()) } else { client.batch_execute(sql).await }
}
