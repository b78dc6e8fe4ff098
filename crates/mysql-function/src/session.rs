//! The statements that set up and limit a session.

use sql_function::{Login, Mode};
use std::time::Duration;

/// The largest packet to send or accept. An event has at most 6 MB, or twice that as hexadecimal
/// digits, and a response 6 MB. A longer row is refused before it fills the function's memory.
pub(crate) const MAX_PACKET: usize = 13 << 20;

/// Asks a new session, before it is set up, what the greeting tells only outside TLS, and what
/// [`UNTRACKED`] sets; and whether the server takes writes. Without the limit, `sql_select_limit = 0` would
/// hide the row.
pub(crate) const ASK: &str = "SELECT CONNECTION_ID(), VERSION(), @@session.completion_type, \
                              @@session.sql_select_limit, CAST(@@global.read_only AS CHAR), \
                              CAST(@@global.innodb_read_only AS CHAR) LIMIT 1";

/// The answer to [`ASK`].
pub(crate) type Answer = (u64, String, String, u64, String, String);

/// What a server says of a new session.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Session {
    /// The connection's number, for KILL.
    pub(crate) thread: u64,
    /// Whether the server has roles: MySQL since 8.0, and MariaDB.
    pub(crate) has_roles: bool,
    /// Whether the settings of the server make [`UNTRACKED`] necessary.
    pub(crate) is_limited: bool,
    /// Why the server accepts no writes.
    pub(crate) read_only: Option<&'static str>,
}

impl Session {
    /// Reads the answer to [`ASK`].
    pub(crate) fn read(answer: Answer) -> Session {
        let (thread, version, chaining, limit, read_only, innodb_read_only) = answer;
        let major = version.split('.').next().and_then(|major| major.parse().ok()).unwrap_or(0_u32);
        let is_limited = chaining != "NO_CHAIN" || limit < u64::from(u32::MAX);
        let read_only = match () {
            // Aurora's readers.
            () if is_on(&innodb_read_only) => Some("innodb_read_only is on"),
            () if is_on(&read_only) => Some("read_only is on"),
            () => None,
        };
        Session { thread, has_roles: major >= 8, is_limited, read_only }
    }

    /// The question for the session's user and role, which a reset does not restore. No comment
    /// that only some servers execute is in it: it would pin an RDS Proxy.
    pub(crate) fn identity(self) -> &'static str {
        if self.has_roles {
            "CONCAT(CURRENT_USER(), ' ', COALESCE(CURRENT_ROLE(), ''))"
        } else {
            "CURRENT_USER()"
        }
    }
}

/// Whether a server's variable is on. MariaDB 12 has more values for `read_only` than ON.
pub(crate) fn is_on(value: &str) -> bool {
    !matches!(value, "" | "0" | "OFF")
}

/// How long the server may take to prepare a statement that is not run, where it supports a limit.
pub(crate) const PREPARE: Duration = Duration::from_secs(5);

/// The maximum timeout to set: longer than any invocation, and accepted by every server.
const MAX_TIMEOUT: Duration = Duration::from_secs(24 * 60 * 60);

/// The statements that set up a session after each login and each reset, whatever the parameter
/// group or `init_connect` set. RDS's default `sql_mode` is not strict: a value that does not fit
/// would be truncated. `SET NAMES` sets the same collation as the `mysql` client. A reset keeps the
/// current database.
///
/// Behind an RDS Proxy, they set only what it tracks, which pins nothing:
/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-proxy-pinning.html>.
pub(crate) fn startup(login: &Login) -> Vec<String> {
    let mut variables = "SET NAMES utf8mb4, SESSION autocommit = 1, \
         SESSION sql_mode = CONCAT(@@session.sql_mode, ',STRICT_TRANS_TABLES')"
        .to_owned();
    if !login.is_through_proxy() {
        variables += ", ";
        variables += UNTRACKED;
    }
    let database = format!("USE `{}`", login.database.replace('`', "``"));
    vec![variables, database, transactions(Mode::Read).to_owned()]
}

/// The variables that an RDS Proxy does not track. There they are set only if the server's own
/// settings would hide rows or chain transactions.
pub(crate) const UNTRACKED: &str =
    "SESSION completion_type = NO_CHAIN, SESSION sql_select_limit = 18446744073709551615";

/// Sets what statements outside transactions may do.
pub(crate) fn transactions(mode: Mode) -> &'static str {
    match mode {
        Mode::Read => "SET SESSION TRANSACTION READ ONLY",
        Mode::Write => "SET SESSION TRANSACTION READ WRITE",
    }
}

/// Has the server cancel what runs longer: MySQL a SELECT, MariaDB any statement. Each ignores the
/// other's comment. Never sent to an RDS Proxy, which tracks neither variable.
pub(crate) fn limit(timeout: Option<Duration>) -> String {
    let timeout = timeout.map(|timeout| timeout.min(MAX_TIMEOUT));
    let (mysql, mariadb) = match timeout {
        None => ("DEFAULT".to_owned(), "DEFAULT".to_owned()),
        Some(timeout) => (timeout.as_millis().to_string(), timeout.as_secs_f64().to_string()),
    };
    format!(
        "SET SESSION /*!50708 max_execution_time = {mysql} */ /*M! max_statement_time = {mariadb} */"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_says_whether_it_takes_writes() {
        for (read_only, innodb, expected) in [
            ("0", "0", None),
            ("OFF", "0", None),
            ("1", "0", Some("read_only is on")),
            ("ON", "0", Some("read_only is on")),
            ("NO_LOCK_NO_ADMIN", "0", Some("read_only is on")),
            ("0", "1", Some("innodb_read_only is on")),
            ("1", "1", Some("innodb_read_only is on")),
        ] {
            let [version, chaining] = ["8.4.7", "NO_CHAIN"].map(str::to_owned);
            let answer = (7, version, chaining, u64::MAX, read_only.into(), innodb.into());
            assert_eq!(Session::read(answer).read_only, expected, "{read_only} {innodb}");
        }
    }
}
