//! Refuses statements that no event may run, with the line and a fix, when the catalogue is loaded.

use super::{Mode, Refusal, Statement};
use crate::sql::{Dialect, Token, TokenKind};
use diagnosis::Cause;

/// Checks that the file can be run as one statement of an event.
pub(super) fn all(statement: &Statement) -> Result<(), Refusal> {
    let tokens: Vec<_> = statement.tokens().collect();
    if tokens.iter().all(|token| token.is_sign(';') || token.is_sign('(')) {
        return Err(Refusal {
            line: None,
            why: "contains no SQL".into(),
            fix: "write a statement into it, or delete the file".into(),
            cause: Cause::StatementFile,
        });
    }
    let mysql = matches!(statement.dialect, Dialect::MySql { .. });
    let found = client_command(&statement.sql, &tokens, mysql)
        .or_else(|| no_word(statement, mysql))
        .or_else(|| second_statement(&tokens))
        .or_else(|| foreign_placeholder(&statement.sql, &tokens, mysql))
        .or_else(|| transaction_control(statement))
        .or_else(|| stream(&tokens, mysql))
        .or_else(|| unbound_read(statement, &tokens));
    let Some(Found { at, why, fix, cause }) = found else { return Ok(()) };
    let line = 1 + statement.sql[..at].matches('\n').count();
    Err(Refusal { line: Some(line), why, fix: fix.to_owned(), cause })
}

/// What is refused, and where it is.
struct Found {
    at: usize,
    why: String,
    fix: &'static str,
    cause: Cause,
}

impl Found {
    fn new(token: &Token<'_>, why: String, fix: &'static str) -> Found {
        Found { at: token.at, why, fix, cause: Cause::StatementFile }
    }
}

/// The first word of the statement, with and without conditional comments.
pub(super) fn verbs(statement: &Statement) -> impl Iterator<Item = Token<'_>> {
    let first = |conditional: bool| {
        let mut tokens = statement.tokens().filter(move |token| conditional || !token.conditional);
        tokens.find(|token| !token.is_sign('(') && !token.is_sign(';'))
    };
    [first(true), first(false)].into_iter().flatten()
}

/// The word after `token`.
fn after<'a>(statement: &'a Statement, token: &Token<'_>) -> Option<Token<'a>> {
    let at = token.at;
    statement.tokens().find(|next| next.at > at)
}

/// A command of the clients `mysql` and `psql`.
fn client_command(sql: &str, tokens: &[Token<'_>], mysql: bool) -> Option<Found> {
    let begins_line = |token: &Token<'_>| {
        let before = sql[..token.at].trim_end_matches([' ', '\t']);
        before.is_empty() || before.ends_with('\n')
    };
    let command = tokens.iter().find(|token| {
        let delimiter = mysql && token.is("DELIMITER") && begins_line(token);
        // `\N` is NULL in MySQL.
        let backslash = token.is_sign('\\') && !(mysql && sql[token.end()..].starts_with('N'));
        delimiter || backslash
    })?;
    let end = sql[command.at..].find(char::is_whitespace).map_or(sql.len(), |end| command.at + end);
    let (text, client) = (&sql[command.at..end], if mysql { "mysql" } else { "psql" });
    Some(Found::new(
        command,
        format!("{text} is a command of the {client} client, not of the server"),
        "remove it: a file is one statement, including the semicolons in it",
    ))
}

/// A first token that no statement begins with.
fn no_word(statement: &Statement, mysql: bool) -> Option<Found> {
    let first = verbs(statement).find(|verb| verb.kind != TokenKind::Word)?;
    let why = if mysql && first.is_sign('-') {
        "in MySQL, a comment needs a space after the two dashes".to_owned()
    } else {
        format!("no statement begins with {:?}", first.text)
    };
    Some(Found::new(&first, why, "correct the line"))
}

/// The start of a second statement. Semicolons in the body of a procedure or in parentheses (of a
/// rule) are part of the first.
fn second_statement(tokens: &[Token<'_>]) -> Option<Found> {
    let has_body =
        tokens.first().is_some_and(|token| token.is_one_of(&["CREATE", "ALTER", "BEGIN"]));
    let mut depth = 0_usize;
    let mut ended = false;
    for (index, token) in tokens.iter().enumerate() {
        if token.is_sign('(') {
            depth += 1;
        } else if token.is_sign(')') {
            depth = depth.saturating_sub(1);
        } else if token.is_sign(';') {
            ended |= depth == 0;
        } else if ended {
            return Some(Found::new(
                token,
                "a second statement begins here, but a file contains only one".into(),
                "put each into its own file, and send them as one event: \
                 {\"transaction\": [{\"statement\": \"a\"}, {\"statement\": \"b\"}]}",
            ));
        } else if has_body && token.is_one_of(&["BEGIN", "CASE"]) {
            // END CASE has closed it already.
            let closes = index.checked_sub(1).is_some_and(|before| tokens[before].is("END"));
            depth += usize::from(!closes);
        } else if has_body && token.is("END") {
            const OPENED_OTHERWISE: [&str; 5] = ["IF", "LOOP", "WHILE", "REPEAT", "FOR"];
            let other = tokens.get(index + 1).is_some_and(|next| next.is_one_of(&OPENED_OTHERWISE));
            depth = depth.saturating_sub(usize::from(!other));
        }
    }
    None
}

/// A placeholder of another engine or driver.
fn foreign_placeholder(sql: &str, tokens: &[Token<'_>], mysql: bool) -> Option<Found> {
    let mut brackets = 0_i64;
    for (index, token) in tokens.iter().enumerate() {
        let previous = index.checked_sub(1).map(|before| &tokens[before]);
        let next = tokens.get(index + 1);
        let next_word = next.filter(|next| next.kind == TokenKind::Word && next.at == token.end());
        let name_follows =
            next_word.is_some_and(|next| !next.text.starts_with(|c: char| c.is_ascii_digit()));
        let adjoins = sql[..token.at].ends_with(|c: char| {
            c.is_alphanumeric() || matches!(c, ':' | '_' | '$' | ')' | ']' | '"' | '`' | '\'')
        });
        brackets += i64::from(token.is_sign('[')) - i64::from(token.is_sign(']'));
        let named = token.is_sign(':') && name_follows && !adjoins && brackets == 0;
        let numbered = mysql && token.is_sign('$') && next_word.is_some() && !name_follows;
        // `?` is also an operator, and the start of other operators.
        let is_longer = next.is_some_and(|next| {
            next.kind == TokenKind::Sign && next.at == token.end() && "-|&#".contains(next.text)
        });
        let mark = !mysql
            && token.is_sign('?')
            && !is_longer
            && (previous.is_some_and(|token| {
                token.is_one_of(&["AND", "OR", "NOT", "IN", "LIKE", "LIMIT", "OFFSET", "WHERE"])
                    || token.kind == TokenKind::Sign && "=<>(,+-*/%".contains(token.text)
            }) || next
                .is_none_or(|token| token.kind == TokenKind::Sign && ");,".contains(token.text)));
        if named || numbered || mark {
            let name = next_word.filter(|_| !mark).map(|next| next.text).unwrap_or_default();
            let placeholder = format!("{}{name}", token.text);
            return Some(if mysql {
                Found::new(
                    token,
                    format!("{placeholder} is not a MySQL placeholder"),
                    "use ? for each parameter, in the order of the event's \"params\"",
                )
            } else {
                Found::new(
                    token,
                    format!("{placeholder} is not a PostgreSQL placeholder"),
                    "use $1, $2 … for the parameters, in the order of the event's \"params\"",
                )
            });
        }
    }
    None
}

/// Statements that begin, end or prepare a transaction: they would leave one open, or end the
/// event's own.
fn transaction_control(statement: &Statement) -> Option<Found> {
    const CONTROL: [&str; 8] =
        ["ABORT", "COMMIT", "END", "RELEASE", "ROLLBACK", "SAVEPOINT", "XA", "BEGIN"];
    verbs(statement).find_map(|verb| {
        let next = after(statement, &verb);
        let next_is = |word| next.is_some_and(|next| next.is(word));
        let what = match () {
            // MariaDB's block outside a procedure.
            () if verb.is("BEGIN") && next_is("NOT") => return None,
            () if verb.is_one_of(&CONTROL) => verb.text.to_ascii_uppercase(),
            () if verb.is("START") && next_is("TRANSACTION") => "START TRANSACTION".into(),
            () if verb.is("PREPARE") && next_is("TRANSACTION") => "PREPARE TRANSACTION".into(),
            () => return None,
        };
        Some(Found::new(
            &verb,
            format!("{what} controls transactions, which is up to the event"),
            "send the statements between BEGIN and COMMIT as one event: \
             {\"transaction\": [{\"statement\": \"a\"}, {\"statement\": \"b\"}]}",
        ))
    })
}

/// Statements that need a client to do more than read rows.
fn stream(tokens: &[Token<'_>], mysql: bool) -> Option<Found> {
    let verb = tokens.iter().find(|token| !token.is_sign('('))?;
    let has = |words: &[&str]| tokens.iter().any(|token| token.is_one_of(words));
    let (what, fix) = match () {
        () if !mysql && verb.is("COPY") && has(&["STDIN", "STDOUT"]) => (
            "COPY exchanges data with the client, which a function does not support",
            "use SELECT, or INSERT … SELECT FROM unnest($1, $2) with arrays as parameters",
        ),
        () if !mysql && verb.is("LISTEN") => (
            "LISTEN waits for notifications, which nothing receives between events",
            "remove it: use NOTIFY, or poll a table on a schedule",
        ),
        () if mysql && verb.is("LOAD") && has(&["LOCAL"]) => (
            "LOAD DATA LOCAL reads a file from the client, which a function does not support",
            "use INSERT with several rows, or INSERT … SELECT FROM JSON_TABLE(?, …)",
        ),
        () => return None,
    };
    Some(Found::new(verb, what.into(), fix))
}

/// Verbs that run other code or change what the session may do, so that the server cannot restrict
/// them to reading. The server itself refuses other writes and unknown statements.
#[rustfmt::skip]
const UNBOUND: [&str; 48] = [
    "ANALYZE", "BACKUP", "BEGIN", "BINLOG", "CACHE", "CALL", "CHANGE", "CHECK", "CHECKPOINT",
    "CLONE", "CLOSE", "CLUSTER", "COPY", "DEALLOCATE", "DECLARE", "DISCARD", "DO", "EXECUTE",
    "FLUSH", "GET", "HANDLER", "INSTALL", "KILL", "LISTEN", "LOAD", "LOCK", "NOTIFY", "OPTIMIZE",
    "PREPARE", "PURGE", "REASSIGN", "REFRESH", "REINDEX", "REPACK", "REPAIR", "RESET", "RESIGNAL",
    "RESTART", "SET", "SHUTDOWN", "SIGNAL", "START", "STOP", "UNINSTALL", "UNLISTEN", "UNLOCK",
    "USE", "VACUUM",
];

/// A statement in mode read that the server cannot restrict to reading.
fn unbound_read(statement: &Statement, tokens: &[Token<'_>]) -> Option<Found> {
    if statement.mode == Mode::Write {
        return None;
    }
    let into_file = tokens
        .windows(2)
        .find(|pair| pair[0].is("INTO") && pair[1].is_one_of(&["OUTFILE", "DUMPFILE"]))
        .map(|pair| (pair[1], "a SELECT INTO OUTFILE".to_owned()));
    let unbound = verbs(statement)
        .find(|verb| verb.is_one_of(&UNBOUND))
        .map(|verb| (verb, format!("{} is a statement", verb.text.to_ascii_uppercase())));
    let (token, what) = unbound.or(into_file)?;
    Some(Found {
        at: token.at,
        why: format!("{what} that the server cannot restrict to reading"),
        fix: "add the line \"-- mode: write\" at its top",
        cause: Cause::StatementMode,
    })
}
