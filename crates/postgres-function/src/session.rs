//! What an event may do to its session, undone with its last command, in the same flight: the server
//! gives the session the state of a new login, and says whether that is all of it.
//!
//! `DISCARD ALL` would do as much, and forget what is prepared; nor does it run beside other commands.
//! What neither undoes are settings of the users' own: see [`crate::custom_settings`].

use futures_util::{TryStreamExt, pin_mut};
use tokio_postgres::{Client, Error, SimpleQueryMessage, SimpleQueryRow};

/// Its last row tells whether SQL has prepared something, which stays, and whether no transaction is
/// open.
pub(crate) const RESET: &str = "\
RESET SESSION AUTHORIZATION; RESET ROLE; RESET ALL; CLOSE ALL; UNLISTEN *; DISCARD TEMP; \
DISCARD SEQUENCES; SELECT pg_catalog.pg_advisory_unlock_all(), \
EXISTS (SELECT FROM pg_catalog.pg_prepared_statement() WHERE from_sql), \
pg_catalog.transaction_timestamp() OPERATOR(pg_catalog.=) pg_catalog.statement_timestamp()";

/// Has a session's transactions take writes, of a role whose own begin read-only.
pub(crate) const READ_WRITE: &str = "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE";

/// Whether a server that takes writes refuses them because the role itself begins its transactions
/// read-only. What a server or a database is set to stays: a blue/green deployment keeps writes from
/// its other half with it.
const ROLES_OWN: &str = "\
SELECT NOT pg_catalog.pg_is_in_recovery() AND EXISTS (SELECT FROM pg_catalog.pg_settings \
WHERE name OPERATOR(pg_catalog.=) 'default_transaction_read_only'::pg_catalog.text \
AND setting OPERATOR(pg_catalog.=) 'on'::pg_catalog.text \
AND source OPERATOR(pg_catalog.=) ANY ('{user,database user}'::pg_catalog.text[]))";

/// What a session is known to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// That of a new login.
    New,
    /// Something has run since.
    Changed,
    /// It cannot be had back.
    Lost(&'static str),
}

/// What became of commands that were sent together.
#[derive(Default)]
pub(crate) struct Sent {
    /// How many were carried out.
    pub(crate) done: usize,
    /// Why the next one was not.
    pub(crate) error: Option<Error>,
    last: Option<SimpleQueryRow>,
}

impl Sent {
    /// A column of the last row.
    pub(crate) fn value(&self, column: usize) -> Option<&str> {
        self.last.as_ref()?.try_get(column).ok()?
    }

    /// What the session is, after a [`RESET`], and whether a transaction is open in it.
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

/// Sends commands in one message. None is carried out after one that fails.
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

/// Whether the role's own setting is what has transactions begin read-only.
pub(crate) async fn is_roles_own(client: &Client) -> bool {
    send(client, ROLES_OWN).await.value(0) == Some("t")
}
