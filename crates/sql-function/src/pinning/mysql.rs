//! What pins on MySQL, MariaDB and Aurora MySQL.

use super::{calls, has_words};
use crate::sql::{Token, TokenKind};

/// The session variables that a proxy tracks: it replays them instead of pinning.
#[rustfmt::skip]
const TRACKED: [&str; 20] = [
    "AUTOCOMMIT", "AUTO_INCREMENT_INCREMENT", "CHARACTER_SET_CLIENT", "CHARACTER_SET_CONNECTION",
    "CHARACTER_SET_DATABASE", "CHARACTER_SET_FILESYSTEM", "CHARACTER_SET_RESULTS",
    "CHARACTER_SET_SERVER", "COLLATION_CONNECTION", "COLLATION_DATABASE", "COLLATION_SERVER",
    "INTERACTIVE_TIMEOUT", "NET_WRITE_TIMEOUT", "QUERY_CACHE_TYPE", "SESSION_TRACK_SCHEMA",
    "SQL_MODE", "TIME_ZONE", "TRANSACTION_ISOLATION", "TRANSACTION_READ_ONLY", "WAIT_TIMEOUT",
];
const UNTRACKED: &str = "it sets a variable that the proxy does not track";
const USER_VARIABLE: &str = "it sets a user variable";

/// Why a statement of these tokens pins. The first is its verb.
pub(super) fn reason(tokens: &[Token<'_>]) -> Option<&'static str> {
    let verb = &tokens[0];
    let second_is = |words: &[&str]| tokens.get(1).is_some_and(|token| token.is_one_of(words));
    match () {
        () if verb.is_one_of(&["PREPARE", "EXECUTE", "DEALLOCATE"]) => {
            Some("it is about a prepared statement")
        }
        () if verb.is("DROP") && second_is(&["PREPARE"]) => {
            Some("it is about a prepared statement")
        }
        () if verb.is("LOCK") && second_is(&["TABLE", "TABLES"]) => Some("it locks tables"),
        () if verb.is("FLUSH") && has_words(tokens, &["WITH", "READ", "LOCK"]) => {
            Some("it locks tables (FLUSH TABLES WITH READ LOCK)")
        }
        () if verb.is("CREATE") && tokens.iter().take(4).any(|token| token.is("TEMPORARY")) => {
            Some("it creates a temporary table")
        }
        () if calls(tokens, &["GET_LOCK"], None) => Some("it calls GET_LOCK"),
        () if calls(tokens, &["ROW_COUNT", "FOUND_ROWS"], None) => {
            Some("it calls ROW_COUNT or FOUND_ROWS, which may pin")
        }
        () if verb.is("SET") => set(&tokens[1..]),
        () if sets_user_variable(tokens) => Some(USER_VARIABLE),
        () => None,
    }
}

/// Whether a statement other than SET sets a user variable. What a procedure does with one that it is
/// given is not seen by the proxy.
fn sets_user_variable(tokens: &[Token<'_>]) -> bool {
    let is_variable = |at: usize| is_user_variable(&tokens[at.min(tokens.len())..]);
    let all = tokens[0].is_one_of(&["LOAD", "GET"]);
    (0..tokens.len()).any(|at| {
        let assigned = || {
            let rest = &tokens[at + 1..];
            let name = rest.iter().take(1).all(is_name) && !rest.is_empty();
            name && rest.get(1).is_some_and(|token| token.is_sign(':'))
        };
        let follows = at > 0 && tokens[at - 1].is("INTO");
        is_variable(at)
            && (at == 0 || !tokens[at - 1].is_sign('@'))
            && (all || follows || assigned())
    })
}

/// Whether `tokens` begin with `@` and no second one.
fn is_user_variable(tokens: &[Token<'_>]) -> bool {
    tokens.first().is_some_and(|token| token.is_sign('@'))
        && !tokens.get(1).is_some_and(|token| token.is_sign('@'))
}

fn is_name(token: &Token<'_>) -> bool {
    matches!(token.kind, TokenKind::Word | TokenKind::Quoted)
}

/// Why `SET …` pins: one that sets a tracked and an untracked variable does.
fn set(tokens: &[Token<'_>]) -> Option<&'static str> {
    let first = |words: &[&str]| tokens.first().is_some_and(|token| token.is_one_of(words));
    // These set no variable.
    if first(&["ROLE", "PASSWORD", "DEFAULT", "RESOURCE"])
        || has_words(&tokens[..tokens.len().min(2)], &["SESSION", "AUTHORIZATION"])
    {
        return None;
    }
    // MariaDB's SET STATEMENT … FOR …, of which the proxy tracks nothing.
    if first(&["STATEMENT"]) {
        return Some(UNTRACKED);
    }
    let mut scope = Scope::Session;
    // The commas are between characteristics of transactions.
    if tokens.iter().take(2).any(|token| token.is("TRANSACTION")) {
        return assignment(tokens, &mut scope);
    }
    top_level(tokens).into_iter().find_map(|part| assignment(part, &mut scope))
}

/// What a variable is set for.
#[derive(Clone, Copy)]
enum Scope {
    Session,
    /// The same, and the form that pins nothing by AWS's list.
    Local,
    /// The server.
    Global,
}

impl Scope {
    fn of(token: &Token<'_>) -> Option<Scope> {
        match () {
            () if token.is("SESSION") => Some(Scope::Session),
            () if token.is("LOCAL") => Some(Scope::Local),
            () if token.is_one_of(&["GLOBAL", "PERSIST", "PERSIST_ONLY"]) => Some(Scope::Global),
            () => None,
        }
    }
}

/// Why one assignment of a SET pins. A scope applies to those after it, too.
fn assignment(mut part: &[Token<'_>], scope: &mut Scope) -> Option<&'static str> {
    if is_user_variable(part) {
        return Some(USER_VARIABLE);
    }
    let system = part.len() > 2 && part[0].is_sign('@') && part[1].is_sign('@');
    if system {
        part = &part[2..];
    }
    let here = part.first().and_then(Scope::of);
    if here.is_some() {
        // `@@session.name` or `SESSION name`.
        let dot = usize::from(part.get(1).is_some_and(|token| token.is_sign('.')));
        part = &part[(1 + dot).min(part.len())..];
    }
    if let (Some(here), false) = (here, system) {
        *scope = here;
    }
    let name = part.first()?;
    let of = here.unwrap_or(*scope);
    let is = |word: &str| name.text.trim_matches('`').eq_ignore_ascii_case(word);
    match of {
        Scope::Local => None,
        _ if is("TRANSACTION") && here.is_none() && !system => {
            Some("SET TRANSACTION without SESSION is about the next transaction")
        }
        Scope::Global => Some("it sets a variable of the server, which the proxy does not track"),
        _ if is("TRANSACTION") || is("NAMES") || is("CHARSET") => None,
        _ if is("CHARACTER") || is("CHAR") => None,
        // `@@name` without a scope is about the next transaction.
        _ if system
            && here.is_none()
            && (is("TRANSACTION_ISOLATION") || is("TRANSACTION_READ_ONLY")) =>
        {
            Some("a variable of the transaction that is set without SESSION is about the next one")
        }
        Scope::Session if TRACKED.iter().any(|tracked| is(tracked)) => None,
        Scope::Session => Some(UNTRACKED),
    }
}

/// The parts between commas that are in no parentheses.
fn top_level<'a, 'b>(tokens: &'a [Token<'b>]) -> Vec<&'a [Token<'b>]> {
    let mut depth = 0_i64;
    tokens
        .split(|token| {
            depth += i64::from(token.is_sign('(')) - i64::from(token.is_sign(')'));
            depth == 0 && token.is_sign(',')
        })
        .collect()
}
