//! What pins on PostgreSQL and Aurora PostgreSQL. A proxy tracks nothing of a session there.

use super::{calls, has_words};
use crate::sql::{Token, TokenKind};

/// Session locks. Those of a transaction (`pg_advisory_xact_lock`) pin nothing.
const LOCKS: [&str; 7] = [
    "PG_ADVISORY_LOCK",
    "PG_ADVISORY_LOCK_SHARED",
    "PG_TRY_ADVISORY_LOCK",
    "PG_TRY_ADVISORY_LOCK_SHARED",
    "PG_ADVISORY_UNLOCK",
    "PG_ADVISORY_UNLOCK_SHARED",
    "PG_ADVISORY_UNLOCK_ALL",
];
/// What follows the name in `SELECT … INTO temp`.
const CLAUSES: [&str; 13] = [
    "FROM",
    "WHERE",
    "GROUP",
    "HAVING",
    "WINDOW",
    "UNION",
    "INTERSECT",
    "EXCEPT",
    "ORDER",
    "LIMIT",
    "OFFSET",
    "FETCH",
    "FOR",
];
const TEMPORARY: [&str; 2] = ["TEMP", "TEMPORARY"];
const SCHEMA: Option<&str> = Some("pg_catalog");

/// Why a statement of these tokens pins. The first is its verb. The lock of an exclusive one belongs to
/// the transaction that it runs in, unless it `locks_session`.
pub(super) fn reason(tokens: &[Token<'_>], locks_session: bool) -> Option<&'static str> {
    let verb = &tokens[0];
    match () {
        () if verb.is("SET") => Some("it is a SET, which pins in every form"),
        () if verb.is("RESET") => Some("it resets a setting of the session"),
        () if verb.is_one_of(&["PREPARE", "EXECUTE", "DEALLOCATE", "DISCARD"])
            || executes(tokens) =>
        {
            Some("it is about a prepared statement (PREPARE, EXECUTE, DEALLOCATE, DISCARD)")
        }
        () if verb.is("DECLARE") => Some("it declares a cursor"),
        () if verb.is("LISTEN") => Some("it listens"),
        () if verb.is("LOAD") => Some("it loads a library"),
        () if is_temporary(tokens) => Some("it creates or uses something temporary"),
        () if calls(tokens, &["SET_CONFIG"], SCHEMA) => Some("it calls set_config"),
        () if calls(tokens, &["NEXTVAL", "SETVAL"], SCHEMA) => Some("it calls nextval or setval"),
        () if calls(tokens, &LOCKS, SCHEMA) => {
            Some("it takes an advisory lock of the session: pg_advisory_xact_lock does not pin")
        }
        () if locks_session => Some(
            "it is exclusive and cannot run in a transaction, so that its lock is one of the session",
        ),
        () => None,
    }
}

/// Whether it is `EXPLAIN EXECUTE p` or `CREATE TABLE … AS EXECUTE p`.
fn executes(tokens: &[Token<'_>]) -> bool {
    match () {
        () if tokens[0].is("EXPLAIN") => {
            let mut depth = 0_i64;
            let verb = tokens[1..].iter().find(|token| {
                let option = depth > 0 || token.is_one_of(&["ANALYZE", "VERBOSE"]);
                depth += i64::from(token.is_sign('(')) - i64::from(token.is_sign(')'));
                !option && depth == 0 && !token.is_sign(')')
            });
            verb.is_some_and(|verb| verb.is("EXECUTE"))
        }
        () => tokens[0].is("CREATE") && has_words(tokens, &["AS", "EXECUTE"]),
    }
}

/// Whether it creates a temporary table, view or sequence, or names the schema of those.
fn is_temporary(tokens: &[Token<'_>]) -> bool {
    let created =
        tokens[0].is("CREATE") && tokens.iter().take(5).any(|token| token.is_one_of(&TEMPORARY));
    let selected = tokens.windows(2).enumerate().any(|(at, pair)| {
        let [first, second] = pair else { return false };
        let into = first.is("INTO")
            || first.is_one_of(&["LOCAL", "GLOBAL"]) && at > 0 && tokens[at - 1].is("INTO");
        let inserts = at > 0 && tokens[at - 1].is_one_of(&["INSERT", "MERGE"]);
        // Else it is the name of a table.
        let named = tokens.get(at + 2).is_some_and(|next| {
            matches!(next.kind, TokenKind::Word | TokenKind::Quoted) && !next.is_one_of(&CLAUSES)
        });
        into && !inserts && second.is_one_of(&TEMPORARY) && named
    });
    let schema = tokens.windows(2).any(|pair| {
        let name = pair[0].text.trim_matches('"').to_ascii_lowercase();
        let is_name = matches!(pair[0].kind, TokenKind::Word)
            || pair[0].kind == TokenKind::Quoted && pair[0].text.starts_with('"');
        let temporary = name == "pg_temp" || name.starts_with("pg_temp_");
        is_name && temporary && pair[1].is_sign('.')
    });
    created || selected || schema
}
