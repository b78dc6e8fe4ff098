//! Statements that are refused before anything is sent.

use diagnosis::Cause;
use mysql_common::named_params::ParsedNamedParams;
use sql_function::{Error, Kind, Statement, loggable};

/// Statements before and after which MySQL commits implicitly:
/// <https://dev.mysql.com/doc/refman/8.4/en/implicit-commit.html>. MariaDB's list is shorter.
const COMMITS: [&str; 23] = [
    "ALTER",
    "ANALYZE",
    "BEGIN",
    "CACHE",
    "CHANGE",
    "CHECK",
    "COMMIT",
    "CREATE",
    "DROP",
    "FLUSH",
    "GRANT",
    "IMPORT",
    "INSTALL",
    "LOCK",
    "OPTIMIZE",
    "RENAME",
    "REPAIR",
    "RESET",
    "REVOKE",
    "ROLLBACK",
    "START",
    "TRUNCATE",
    "UNINSTALL",
];

/// Whether a statement commits its transaction. One about a temporary table does not.
pub(crate) fn is_commit(statement: &Statement) -> bool {
    let verb = statement.verb();
    let temporary = matches!(&*verb, "CREATE" | "DROP")
        && statement.tokens().take(4).any(|token| token.is("TEMPORARY"));
    COMMITS.contains(&&*verb) && !temporary
}

/// Whether the driver would change the statement when preparing it: it replaces named parameters
/// with `?`, and may mistake a part of a quoted string for one.
pub(crate) fn is_rewritten(sql: &str) -> bool {
    ParsedNamedParams::parse(sql.as_bytes()).map_or(true, |parsed| !parsed.params().is_empty())
}

/// The driver would change the statement.
pub(crate) fn rewritten(statement: &Statement) -> Error {
    let message = loggable!(
        "the driver would mistake a part of statement {:?} for a named parameter",
        statement.name
    );
    Error::new(Kind::Statement, message)
        .advice("use ? for parameters, and put a space between - or / and a quote after it")
}

/// The statement would end the event's transaction.
pub(crate) fn commits(statement: &Statement) -> Error {
    let message = loggable!("statement {:?} would commit the transaction it is in", statement.name);
    Error::new(Kind::Statement, message)
        .advice("send it in a separate event: MySQL commits before and after statements that are not about rows")
}

/// A read that could write in the event's transaction.
pub(crate) fn unrestricted_read(statement: &Statement) -> Error {
    let message = loggable!(
        "statement {:?} is a read that could write, in a transaction that writes",
        statement.name
    );
    Error::new(Kind::Statement, message).with_cause(Cause::StatementMode).advice(
        "add the line \"-- mode: write\" at its top if it writes, or send it in a separate event: MySQL can \
         restrict a whole transaction to reading, but not one of its statements",
    )
}
