//! Custom settings (`SET app.tenant = …`). No command removes one: after a reset it is an empty
//! text, where a new session has none. So a session with such settings is only used for events that
//! begin by setting them again.

use sql_function::Statement;
use sql_function::sql::{Token, TokenKind};
use std::collections::BTreeSet;

/// The names of the custom settings that `statement` sets; `None` if they are not known.
pub(crate) fn settings(statement: &Statement) -> Option<BTreeSet<String>> {
    let tokens: Vec<_> = statement.tokens().collect();
    let mut names = BTreeSet::new();
    if statement.verb() == "SET" {
        names.extend(dotted(&tokens));
    }
    for (at, _) in tokens.iter().enumerate().filter(|(_, token)| token.is("set_config")) {
        match tokens.get(at + 2) {
            Some(name) if name.kind == TokenKind::Quoted && name.text.starts_with('\'') => {
                let name = name.text.trim_matches('\'');
                names.extend(name.contains('.').then(|| name.to_ascii_lowercase()));
            }
            _ => return None,
        }
    }
    Some(names)
}

/// The name in a SET command, if it has a dot.
fn dotted(tokens: &[Token<'_>]) -> Option<String> {
    let at = tokens.iter().position(|token| token.is_sign('.'))?;
    let assigns = tokens.get(at + 2).is_some_and(|token| token.is_sign('=') || token.is("TO"));
    let part = |at: usize| tokens.get(at).map(|token| token.text.trim_matches('"'));
    let name = format!("{}.{}", part(at.checked_sub(1)?)?, part(at + 1)?);
    assigns.then(|| name.to_ascii_lowercase())
}

/// The settings that the first of `statements` set, up to one that sets none.
pub(crate) fn set_first(statements: &[&Statement]) -> BTreeSet<String> {
    let sets = statements.iter().map(|statement| settings(statement).unwrap_or_default());
    sets.take_while(|names| !names.is_empty()).flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use sql_function::sql::Dialect;

    fn statement(sql: &str) -> Statement {
        Statement::parse("s", format!("-- mode: write\n{sql}"), Dialect::Postgres)
            .unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn settings_are_told_by_their_names() {
        for (sql, names) in [
            ("SET app.tenant = 'a'", Some(vec!["app.tenant"])),
            ("SET LOCAL App.\"Tenant\" TO 7", Some(vec!["app.tenant"])),
            ("SET search_path = app.x", Some(vec![])),
            (
                "SELECT set_config('app.tenant', $1, true), set_config('TimeZone', 'UTC', false)",
                Some(vec!["app.tenant"]),
            ),
            ("SELECT pg_catalog.set_config($1, $2, false)", None),
            ("SELECT 'set_config(''a.b'')'", Some(vec![])),
        ] {
            let expected = names.map(|names| names.into_iter().map(str::to_owned).collect());
            assert_eq!(settings(&statement(sql)), expected, "{sql}");
        }
    }

    #[test]
    fn what_an_event_begins_with_counts() {
        let sets = statement("SELECT set_config('a.b', $1, true)");
        let (more, reads) = (statement("SET LOCAL a.c = 1"), statement("SELECT 1"));
        let names =
            |statements: &[&Statement]| set_first(statements).into_iter().collect::<Vec<_>>();
        assert_eq!(names(&[&sets, &more, &reads]), ["a.b", "a.c"]);
        assert_eq!(names(&[&sets, &reads, &more]), ["a.b"]);
        assert!(names(&[&reads, &sets]).is_empty());
    }
}
