//! Whether a statement pins an RDS Proxy's session: the client keeps one connection to the database
//! until it disconnects, which no other client can use meanwhile.
//!
//! The lists are AWS's:
//! <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-proxy-pinning.html>. A statement is
//! judged by its tokens. What a procedure, a function or a trigger does pins nothing.

mod mysql;
mod postgres;

use crate::sql::{self, Dialect, Token, TokenKind};
use crate::statement::Statement;

/// The longest text that does not pin, in bytes.
const MAX_TEXT: usize = 16 << 10;

/// Why `statement` pins, as what follows "it pins its connection: "; `None` if nothing of AWS's
/// lists is in it.
///
/// On MySQL and MariaDB values are part of the text, so that long ones make it longer than 16 KB.
pub fn reason(statement: &Statement, dialect: Dialect) -> Option<&'static str> {
    // The whole file is sent, with the comments and options at its top.
    if statement.sql.len() > MAX_TEXT {
        return Some("its text is longer than 16 KB, comments and options included: they are sent");
    }
    let is_mysql = matches!(dialect, Dialect::MySql { .. });
    if is_mysql && statement.exclusive {
        return Some("it is exclusive: its lock is taken with GET_LOCK");
    }
    if sql::has_executable_comment(&statement.sql, dialect) {
        return Some("it has an executable comment (/*! … */)");
    }
    let tokens: Vec<_> = statement.tokens().filter(|token| !token.is_sign(';')).collect();
    let first = tokens.iter().position(|token| !token.is_sign('('))?;
    let tokens = &tokens[first..];
    // What is created runs later.
    if tokens[0].is_one_of(&["CREATE", "ALTER"]) && creates_code(tokens) {
        return None;
    }
    let locks_session = statement.exclusive && !statement.is_transactional();
    if is_mysql { mysql::reason(tokens) } else { postgres::reason(tokens, locks_session) }
}

/// Whether the statement creates a procedure, a function, a trigger or an event.
fn creates_code(tokens: &[Token<'_>]) -> bool {
    const CODE: [&str; 7] =
        ["PROCEDURE", "FUNCTION", "TRIGGER", "EVENT", "PACKAGE", "AGGREGATE", "ROUTINE"];
    const OTHER: [&str; 6] = ["TABLE", "VIEW", "SEQUENCE", "INDEX", "DATABASE", "SCHEMA"];
    let kind = tokens.iter().find(|token| token.is_one_of(&CODE) || token.is_one_of(&OTHER));
    kind.is_some_and(|kind| kind.is_one_of(&CODE))
}

/// Whether `tokens` call one of these functions of the server. `schema` is the one that it may be
/// qualified with: a function of another has only the name in common.
fn calls(tokens: &[Token<'_>], names: &[&str], schema: Option<&str>) -> bool {
    tokens.windows(2).enumerate().any(|(at, pair)| {
        let [name, next] = pair else { return false };
        let of = |back: usize| at.checked_sub(back).map(|at| &tokens[at]);
        let is_qualified = of(1).is_some_and(|token| token.is_sign('.'));
        let is_its_schema =
            schema.is_some_and(|schema| of(2).is_some_and(|token| token.is(schema)));
        let is_named = match (name.kind, schema) {
            (TokenKind::Word, _) => name.is_one_of(names),
            // PostgreSQL calls a function by its quoted name, too.
            (TokenKind::Quoted, Some(_)) => {
                let name = name.text.trim_matches('"');
                names.iter().any(|one| one.to_ascii_lowercase() == name)
            }
            _ => false,
        };
        is_named && next.is_sign('(') && (!is_qualified || is_its_schema)
    })
}

/// Whether these words follow one another in `tokens`.
fn has_words(tokens: &[Token<'_>], words: &[&str]) -> bool {
    tokens
        .windows(words.len())
        .any(|part| part.iter().zip(words).all(|(token, word)| token.is(word)))
}

#[cfg(test)]
mod tests;
