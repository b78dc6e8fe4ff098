//! The statements that set up and limit a session.

use sql_function::{Login, Mode};
use std::time::Duration;

/// The largest packet to send or accept. An event has at most 6 MB, or twice that as hexadecimal
/// digits, and a response 6 MB. A longer row is refused before it fills the function's memory.
pub(crate) const MAX_PACKET: usize = 13 << 20;

/// The session's user and role, which a reset does not restore. MySQL has roles since 8.0; each
/// server ignores the other's comment.
pub(crate) const IDENTITY: &str = "SELECT CONCAT(CURRENT_USER(), ' ', COALESCE(\
     /*!80000 CURRENT_ROLE(), */ /*M!100005 CURRENT_ROLE(), */ ''))";

/// How long the server may take to prepare a statement that is not run, where it supports a limit.
pub(crate) const PREPARE: Duration = Duration::from_secs(5);

/// The maximum timeout to set: longer than any invocation, and accepted by every server.
const MAX_TIMEOUT: Duration = Duration::from_secs(24 * 60 * 60);

/// The statements that set up a session after each login and each reset, whatever the parameter
/// group or `init_connect` set. RDS's default `sql_mode` is not strict: a value that does not fit
/// would be truncated. `SET NAMES` sets the same collation as the `mysql` client. A reset keeps the
/// current database.
///
/// An RDS Proxy pins a session that sets a variable which the proxy does not track, so these are
/// not set there: <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-proxy-pinning.html>.
pub(crate) fn startup(login: &Login) -> Vec<String> {
    let mut startup = vec![
        "SET NAMES utf8mb4, SESSION autocommit = 1, \
         SESSION sql_mode = CONCAT(@@session.sql_mode, ',STRICT_TRANS_TABLES')"
            .to_owned(),
        format!("USE `{}`", login.database.replace('`', "``")),
        transactions(Mode::Read).to_owned(),
    ];
    if !login.is_through_proxy() {
        let untracked = "SET SESSION completion_type = NO_CHAIN, SESSION sql_select_limit = 18446744073709551615";
        startup.push(untracked.to_owned());
    }
    startup
}

/// Sets what statements outside transactions may do.
pub(crate) fn transactions(mode: Mode) -> &'static str {
    match mode {
        Mode::Read => "SET SESSION TRANSACTION READ ONLY",
        Mode::Write => "SET SESSION TRANSACTION READ WRITE",
    }
}

/// Has the server cancel what runs longer: MySQL a SELECT, MariaDB any statement. Each ignores the
/// other's comment.
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
