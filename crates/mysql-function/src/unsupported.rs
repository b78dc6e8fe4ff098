//! What is refused before anything of it is sent.

use diagnosis::Cause;
use mysql_common::named_params::ParsedNamedParams;
use sql_function::{Error, Kind, Statement, named};

/// What MySQL commits a transaction before or after, whatever becomes of it:
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

/// Whether a statement commits the transaction that it is in. One about a temporary table does not.
pub(crate) fn is_commit(statement: &Statement) -> bool {
    let verb = statement.verb();
    let temporary = matches!(&*verb, "CREATE" | "DROP")
        && statement.tokens().take(4).any(|token| token.is("TEMPORARY"));
    COMMITS.contains(&&*verb) && !temporary
}

/// Whether the driver's call for preparing a statement would send another one: it puts a `?` in place
/// of what it takes for a named parameter, also in a quote that it has not seen begin.
pub(crate) fn is_rewritten(sql: &str) -> bool {
    ParsedNamedParams::parse(sql.as_bytes()).map_or(true, |parsed| !parsed.params().is_empty())
}

/// The driver would send another statement than this one.
pub(crate) fn rewritten(statement: &Statement) -> Error {
    let message =
        named!("statement {:?} would be read as one with named parameters", statement.name);
    Error::new(Kind::Statement, message).advice(
        "use ? for parameters, and put a blank between a - or / and the quote that follows it",
    )
}

/// It would end the transaction that the event is.
pub(crate) fn commits(statement: &Statement) -> Error {
    let message = named!("statement {:?} would commit the transaction it is in", statement.name);
    Error::new(Kind::Statement, message)
        .advice("send it by itself: MySQL commits before and after what is not about rows")
}

/// It is a read, and could write in the transaction that the event is.
pub(crate) fn unheld(statement: &Statement) -> Error {
    let message = named!(
        "statement {:?} is a read that could write, in a transaction that writes",
        statement.name
    );
    Error::new(Kind::Statement, message).named(Cause::StatementMode).advice(
        "if it writes it needs the line \"-- mode: write\" at its top; else send it by itself: MySQL \
         holds a whole transaction to reading, and not one of its statements",
    )
}
