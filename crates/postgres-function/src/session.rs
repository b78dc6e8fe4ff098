//! Restores a session together with the last command of an event, and checks that this was
//! complete.
//!
//! `DISCARD ALL` would also drop prepared statements, and cannot be sent together with other
//! commands. Neither removes custom settings: see [`crate::custom_settings`].

use futures_util::{TryStreamExt, pin_mut};
use tokio_postgres::{Client, Error, SimpleQueryMessage, SimpleQueryRow};

/// Restores the session. The last row tells whether there are statements that were prepared in SQL,
/// which remain, and whether no transaction is open.
pub(crate) const RESET: &str = "\
RESET SESSION AUTHORIZATION; RESET ROLE; RESET ALL; CLOSE ALL; UNLISTEN *; DISCARD TEMP; \
DISCARD SEQUENCES; SELECT pg_catalog.pg_advisory_unlock_all(), \
EXISTS (SELECT FROM pg_catalog.pg_prepared_statement() WHERE from_sql), \
pg_catalog.transaction_timestamp() OPERATOR(pg_catalog.=) pg_catalog.statement_timestamp()";

/// Gives back the locks of the session.
pub(crate) const UNLOCK: &str = "SELECT pg_catalog.pg_advisory_unlock_all()";

/// Whether the role's own setting makes its transactions read-only on a server that accepts writes.
/// The setting of a server or a database is respected: a blue/green deployment uses it to prevent
/// writes.
const ROLES_OWN: &str = "\
SELECT NOT pg_catalog.pg_is_in_recovery() AND EXISTS (SELECT FROM pg_catalog.pg_settings \
WHERE name OPERATOR(pg_catalog.=) 'default_transaction_read_only'::pg_catalog.text \
AND setting OPERATOR(pg_catalog.=) 'on'::pg_catalog.text \
AND source OPERATOR(pg_catalog.=) ANY ('{user,database user}'::pg_catalog.text[]))";

/// The state of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Like a new session.
    New,
    /// Something was run in it.
    Changed,
    /// It cannot be restored, and why.
    Lost(&'static str),
}

/// The result of commands that were sent together.
#[derive(Default)]
pub(crate) struct Sent {
    /// How many succeeded.
    pub(crate) done: usize,
    /// The error of the next one.
    pub(crate) error: Option<Error>,
    last: Option<SimpleQueryRow>,
}

impl Sent {
    /// A column of the last row.
    pub(crate) fn value(&self, column: usize) -> Option<&str> {
        self.last.as_ref()?.try_get(column).ok()?
    }

    /// The session's state after a [`RESET`], and whether a transaction is open in it.
    pub(crate) fn state(&self) -> (State, bool) {
        if self.error.is_some() {
            return (State::Lost("the server did not restore the session"), false);
        }
        match (self.value(1), self.value(2)) {
            (Some("f"), Some("t")) => (State::New, false),
            (Some(_), Some("t")) => (State::Lost("a statement is prepared in SQL"), false),
            _ => (State::Lost("a transaction is open"), true),
        }
    }
}

/// Sends commands in one message. After one that fails, no more are run.
pub(crate) async fn send(client: &Client, sql: &str) -> Sent {
    let mut sent = Sent::default();
    if sql.is_empty() {
        return sent;
    }
    let answers = async {
        let answers = client.simple_query_raw(sql).await?;
        pin_mut!(answers);
        while let Some(answer) = answers.try_next().await? {
            match answer {
                SimpleQueryMessage::CommandComplete(_) => sent.done += 1,
                SimpleQueryMessage::Row(row) => sent.last = Some(row),
                _ => {}
            }
        }
        Ok(())
    };
    let outcome: Result<(), Error> = answers.await;
    sent.error = outcome.err();
    sent
}

/// Whether the role's own setting makes its transactions read-only.
pub(crate) async fn is_roles_own(client: &Client) -> bool {
    send(client, ROLES_OWN).await.value(0) == Some("t")
}
