//! What the session of a login is, and how it is made again.

use sql_function::{Login, Mode};
use std::time::Duration;

/// The largest packet sent or accepted. An event is at most 6 MB, twice that as hexadecimal digits,
/// and a response 6 MB: a longer row ends the result before it fills the function's memory.
pub(crate) const MAX_PACKET: usize = 13 << 20;

/// Who the session is: as a role or another user, what it may do is not what a new one may. MySQL has
/// roles from 8.0 on; each server passes over the other's comment.
pub(crate) const IDENTITY: &str = "SELECT CONCAT(CURRENT_USER(), ' ', COALESCE(\
     /*!80000 CURRENT_ROLE(), */ /*M!100005 CURRENT_ROLE(), */ ''))";

/// No statement of an invocation may take longer, and no server's limit is shorter.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// What a session begins with, statement by statement, after each login and each reset: what the function
/// relies on, whatever the server's parameter group or its `init_connect` says. RDS's own is not
/// strict: a value that does not fit would be cut. `SET NAMES` gives the collation that the `mysql`
/// client has. A reset leaves the database in use.
///
/// An RDS Proxy keeps a connection to itself once a variable is set that it does not track, so those
/// are left alone there:
/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-proxy-pinning.html>.
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

/// What the session lets statements do outside of transactions.
pub(crate) fn transactions(mode: Mode) -> &'static str {
    match mode {
        Mode::Read => "SET SESSION TRANSACTION READ ONLY",
        Mode::Write => "SET SESSION TRANSACTION READ WRITE",
    }
}

/// Has the server end what runs longer: MySQL a SELECT, MariaDB anything. Each passes over the
/// other's comment.
pub(crate) fn limit(timeout: Option<Duration>) -> String {
    let timeout = timeout.map(|timeout| timeout.min(LONGEST));
    let (mysql, mariadb) = match timeout {
        None => ("DEFAULT".to_owned(), "DEFAULT".to_owned()),
        Some(timeout) => (timeout.as_millis().to_string(), timeout.as_secs_f64().to_string()),
    };
    format!(
        "SET SESSION /*!50708 max_execution_time = {mysql} */ /*M! max_statement_time = {mariadb} */"
    )
}
