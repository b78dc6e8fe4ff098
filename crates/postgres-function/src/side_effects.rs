//! The side effects of a statement on its session and on prepared statements, as far as its text
//! shows.

use sql_function::{Mode, Statement};

/// Whether a statement may make prepared statements out of date.
pub(crate) fn changes_plans(statement: &Statement) -> bool {
    matches!(&*statement.verb(), "ALTER" | "CREATE" | "DEALLOCATE" | "DISCARD" | "DROP")
}

/// Whether a statement changes rows in a WITH clause.
pub(crate) fn changes_in_with(statement: &Statement) -> bool {
    const CHANGES: [&str; 4] = ["INSERT", "UPDATE", "DELETE", "MERGE"];
    let changes = statement.tokens().filter(|token| token.is_one_of(&CHANGES)).count();
    statement.mode == Mode::Write
        && statement.verb() == "WITH"
        && changes > usize::from(statement.changes_rows())
}

/// Whether a statement changes what a reset does not restore: the seed of `random()`, or loaded
/// libraries.
pub(crate) fn outlasts_reset(statement: &Statement) -> bool {
    statement.has_word("setseed") || statement.verb() == "LOAD"
}

/// Whether a statement may have side effects on its session. What is not temporary is the database's.
pub(crate) fn changes_session(statement: &Statement) -> bool {
    const OF_DATABASE: [&str; 15] = [
        "ALTER", "ANALYZE", "CLUSTER", "COMMENT", "CREATE", "DROP", "GRANT", "LOCK", "NOTIFY",
        "REFRESH", "REINDEX", "REVOKE", "SHOW", "TRUNCATE", "VACUUM",
    ];
    let verb = statement.verb();
    let explains =
        verb == "EXPLAIN" && (statement.mode == Mode::Read || !statement.has_word("ANALYZE"));
    const TRACES: [&str; 4] = ["set_config", "pg_temp", "TEMP", "TEMPORARY"];
    !(statement.is_atomic() || explains || OF_DATABASE.contains(&&*verb))
        || statement.tokens().any(|token| {
            token.is_one_of(&TRACES) || token.text.to_ascii_lowercase().contains("advisory_lock")
        })
}
