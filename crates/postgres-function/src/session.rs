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

/// Whether the server is in recovery, whether transactions are read-only by default, and whether that is the
/// role's own setting. The setting of a server or a database is respected: a blue/green deployment uses it
/// to prevent writes.
const DEFAULTS: &str = "\
SELECT pg_catalog.pg_is_in_recovery(), setting OPERATOR(pg_catalog.=) 'on'::pg_catalog.text, \
source OPERATOR(pg_catalog.=) ANY ('{user,database user}'::pg_catalog.text[]) \
FROM pg_catalog.pg_settings \
WHERE name OPERATOR(pg_catalog.=) 'default_transaction_read_only'::pg_catalog.text";

/// What a server and a role have transactions do by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Defaults {
    /// Whether the role's own setting makes its transactions read-only on a server that accepts writes.
    pub(crate) role_reads: bool,
    /// Why the server accepts no writes.
    pub(crate) read_only: Option<&'static str>,
}

impl Defaults {
    /// What the server reports at a login, from version 14 on: `in_hot_standby` and
    /// `default_transaction_read_only`. `None` if it must be [asked](Defaults::ask).
    pub(crate) fn reported(
        in_hot_standby: Option<&str>,
        default: Option<&str>,
    ) -> Option<Defaults> {
        match (in_hot_standby, default) {
            (Some("on"), _) => Some(Defaults::new(true, false, false)),
            (_, Some("off")) => Some(Defaults::default()),
            _ => None,
        }
    }

    /// Asks the server.
    pub(crate) async fn ask(client: &Client) -> Defaults {
        let sent = send(client, DEFAULTS).await;
        let is = |column| sent.value(column) == Some("t");
        Defaults::new(is(0), is(1), is(2))
    }

    fn new(in_recovery: bool, reads: bool, is_roles_own: bool) -> Defaults {
        let read_only = match (in_recovery, reads, is_roles_own) {
            (true, ..) => Some("it is in recovery"),
            (_, true, false) => Some("default_transaction_read_only is on"),
            _ => None,
        };
        Defaults { role_reads: !in_recovery && reads && is_roles_own, read_only }
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_reports_what_it_does_is_not_asked() {
        let standby = Some("it is in recovery");
        for (in_hot_standby, default, expected) in [
            (Some("on"), Some("off"), Some(standby)),
            (Some("on"), Some("on"), Some(standby)),
            (Some("off"), Some("off"), Some(None)),
            (Some("off"), Some("on"), None),
            (None, Some("off"), Some(None)),
            (None, None, None),
        ] {
            let reported = Defaults::reported(in_hot_standby, default);
            assert_eq!(reported.map(|defaults| defaults.read_only), expected);
            assert!(reported.is_none_or(|defaults| !defaults.role_reads));
        }
    }

    #[test]
    fn a_setting_of_the_role_does_not_make_the_server_read_only() {
        let of = |read_only| Defaults { role_reads: false, read_only };
        assert_eq!(Defaults::new(false, false, false), of(None));
        assert_eq!(
            Defaults::new(false, true, false),
            of(Some("default_transaction_read_only is on"))
        );
        assert_eq!(Defaults::new(true, true, true), of(Some("it is in recovery")));
        assert!(Defaults::new(false, true, true).role_reads);
        assert_eq!(Defaults::new(false, true, true).read_only, None);
    }
}
