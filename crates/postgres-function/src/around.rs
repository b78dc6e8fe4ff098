//! What goes before and after a statement, so that it does what its mode says and no more, for as long
//! as it may.

use sql_function::Mode;
use std::time::Duration;
use tokio_postgres::{Client, Error};

/// Commands around a statement.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Around {
    /// What goes before it.
    pub(crate) before: String,
    /// What goes after it.
    pub(crate) after: String,
    /// How many commands go after it without which it has not been carried out.
    pub(crate) own: usize,
}

impl Around {
    /// A transaction of its own, which `begin` begins.
    pub(crate) fn block(begin: &str) -> Around {
        Around { before: begin.to_owned(), after: "COMMIT".to_owned(), own: 1 }
    }

    /// Something that lasts for the session, before it.
    pub(crate) fn after(command: &str) -> Around {
        Around { before: command.to_owned(), ..Around::default() }
    }

    /// What holds a statement to its `mode` within a `transaction`. A read cannot take it back: the
    /// server lets no subtransaction write whose parent may not, and this one ends after it.
    pub(crate) fn held(transaction: Mode, mode: Mode) -> Around {
        match (transaction, mode) {
            (Mode::Write, Mode::Read) => Around {
                before: "SAVEPOINT held; SET TRANSACTION READ ONLY".to_owned(),
                after: "RELEASE held".to_owned(),
                own: 1,
            },
            _ => Around::default(),
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

/// Runs commands, if there are any.
pub(crate) async fn batch(client: &Client, sql: &str) -> Result<(), Error> {
    if sql.is_empty() { Ok(()) } else { client.batch_execute(sql).await }
}
