//! What a statement does to its session and to prepared statements, as far as its text shows.

use sql_function::{Mode, Statement};

/// Whether a statement that has run makes what is prepared out of date.
pub(crate) fn changes_plans(statement: &Statement) -> bool {
    matches!(&*statement.verb(), "ALTER" | "CREATE" | "DEALLOCATE" | "DISCARD" | "DROP")
}

/// Whether a statement changes rows below its outermost command.
pub(crate) fn changes_below(statement: &Statement) -> bool {
    const CHANGES: [&str; 4] = ["INSERT", "UPDATE", "DELETE", "MERGE"];
    let changes = statement.tokens().filter(|token| token.is_one_of(&CHANGES)).count();
    statement.mode == Mode::Write
        && statement.verb() == "WITH"
        && changes > usize::from(statement.changes_rows())
}

/// Whether a statement changes what no command takes back: the seed of `random()`, a library.
pub(crate) fn outlast_reset(statement: &Statement) -> bool {
    statement.has_word("setseed") || statement.verb() == "LOAD"
}

/// Whether a statement may leave traces in its session, as far as its text shows.
pub(crate) fn leaves(statement: &Statement) -> bool {
    const TRACES: [&str; 4] = ["set_config", "pg_temp", "TEMP", "TEMPORARY"];
    !statement.is_atomic()
        || statement.tokens().any(|token| {
            token.is_one_of(&TRACES) || token.text.to_ascii_lowercase().contains("advisory_lock")
        })
}
