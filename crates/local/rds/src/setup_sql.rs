//! The SQL for setting up: which of its lines the server refuses.
//!
//! A server splits the text itself, and its errors name a character or a statement, but no line of the
//! text. The statements are found again here.

use std::io;

use engine::Engine;

use crate::Error;

/// The error about `sql`, of which `engine`'s server has said `error`.
pub(crate) fn refused(engine: Engine, sql: &str, error: &io::Error) -> Error {
    let said = error.to_string();
    let (number, words) = numbered(&said);
    let (character, words) = positioned(words);
    let line = match character {
        Some(character) => {
            let before = sql.chars().take(character.saturating_sub(1));
            Some(1 + before.filter(|char| *char == '\n').count())
        }
        None => starts(engine, sql).get(number.saturating_sub(1)).map(|start| {
            line_in_statement(words).map_or_else(
                || line_at(sql, start.word),
                |line| line_at(sql, start.text) + line.saturating_sub(1),
            )
        }),
    };
    Error::in_setup(line, words.to_owned())
}

/// The number of the statement, and the words after it.
fn numbered(said: &str) -> (usize, &str) {
    let rest = said.strip_prefix("statement ").and_then(|rest| rest.split_once(": "));
    rest.and_then(|(number, words)| Some((number.parse().ok()?, words))).unwrap_or((1, said))
}

/// PostgreSQL's character, counted from 1, and the words before it.
fn positioned(said: &str) -> (Option<usize>, &str) {
    let found = said.strip_suffix(')').and_then(|said| said.rsplit_once(" (at character "));
    let found = found.and_then(|(words, at)| Some((Some(at.parse().ok()?), words)));
    found.unwrap_or((None, said))
}

/// MySQL's syntax errors, 1064, end with `at line 3`, counted in the statement.
fn line_in_statement(words: &str) -> Option<usize> {
    let (_, line) = words.rsplit_once(" at line ").filter(|_| words.starts_with("1064 "))?;
    line.parse().ok()
}

fn line_at(sql: &str, offset: usize) -> usize {
    1 + sql[..offset].matches('\n').count()
}

/// Where a statement begins: its text, which may be a comment, and its first word.
#[derive(Debug, PartialEq)]
struct Start {
    text: usize,
    word: usize,
}

/// The statements that a server finds.
fn starts(engine: Engine, sql: &str) -> Vec<Start> {
    let is_postgres = engine == Engine::Postgres;
    let mut starts = Vec::new();
    let (mut at, mut text, mut word, mut body) = (0, None, None, Body::default());
    while at < sql.len() {
        let rest = &sql[at..];
        let (kind, length) = token(rest, is_postgres);
        let token = &rest[..length];
        if !token.trim().is_empty() {
            text = text.or(Some(at));
        }
        if kind != Kind::Nothing {
            word = word.or(Some(at));
            body.enter(token, is_postgres);
        }
        if token == ";" && body.depth == 0 {
            // To MySQL, nothing is a statement too, which it refuses.
            if let Some(word) = word.filter(|_| !is_postgres || word != Some(at)) {
                starts.push(Start { text: text.unwrap_or(word), word });
            }
            (text, word, body) = (None, None, Body::default());
        }
        at += length;
    }
    starts.extend(word.map(|word| Start { text: text.unwrap_or(word), word }));
    starts
}

/// Where a semicolon does not end the statement: the body of a routine, and parentheses.
#[derive(Default)]
struct Body {
    depth: usize,
    words: usize,
    creates: bool,
    /// The statement creates something that has a body.
    has: bool,
    /// What END ends is told by the next word.
    ends: bool,
    after_begin: bool,
}

impl Body {
    fn enter(&mut self, token: &str, is_postgres: bool) {
        let is = |words: &[&str]| words.iter().any(|word| token.eq_ignore_ascii_case(word));
        let ends = std::mem::take(&mut self.ends);
        // IF and loops are not counted.
        if ends && !is(&["IF", "LOOP", "WHILE", "REPEAT", "FOR"]) {
            self.depth = self.depth.saturating_sub(1);
        }
        let after_begin = std::mem::replace(&mut self.after_begin, is(&["BEGIN"]));
        self.creates |= self.words == 0 && is(&["CREATE", "ALTER"]);
        self.words += 1;
        self.has |= self.creates && is(&["PROCEDURE", "FUNCTION", "TRIGGER", "EVENT", "PACKAGE"]);
        let begins = match is_postgres {
            true => after_begin && is(&["ATOMIC"]) || self.depth > 0 && is(&["CASE"]),
            false => is(&["BEGIN", "CASE"]),
        };
        if is(&["("]) || self.has && begins && !ends {
            self.depth += 1;
        } else if is(&[")"]) {
            self.depth = self.depth.saturating_sub(1);
        } else if !is_postgres && after_begin && is(&["NOT"]) && !self.has {
            // MariaDB's BEGIN NOT ATOMIC.
            (self.has, self.depth) = (true, self.depth + 1);
        }
        self.ends = self.has && self.depth > 0 && is(&["END"]);
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// Space and comments.
    Nothing,
    Something,
}

/// The first token of `rest`, which is not empty, and its length.
fn token(rest: &str, is_postgres: bool) -> (Kind, usize) {
    let is_mysql = !is_postgres;
    let is_in_word = |char: char| char.is_alphanumeric() || char == '_' || char == '$';
    let spaces = rest.len() - rest.trim_start().len();
    let bytes = rest.as_bytes();
    let line = || rest.find('\n').unwrap_or(rest.len());
    if spaces > 0 {
        return (Kind::Nothing, spaces);
    }
    if rest.starts_with("--") && (is_postgres || bytes.get(2).is_none_or(u8::is_ascii_whitespace))
        || is_mysql && rest.starts_with('#')
    {
        return (Kind::Nothing, line());
    }
    // MySQL runs what is in such a comment.
    if let Some(run) = ["/*!", "/*M!"].iter().find(|start| is_mysql && rest.starts_with(**start)) {
        let version = rest[run.len()..].bytes().take_while(u8::is_ascii_digit).count();
        return (Kind::Nothing, run.len() + version);
    }
    if is_mysql && rest.starts_with("*/") {
        return (Kind::Nothing, 2);
    }
    if rest.starts_with("/*") {
        return (Kind::Nothing, comment(rest, is_postgres));
    }
    let quoted = |from: usize, has_escapes| from + quoted(&rest[from..], has_escapes);
    let length = match bytes[0] {
        b'\'' | b'"' => quoted(0, is_mysql),
        b'`' if is_mysql => quoted(0, false),
        b'e' | b'E' if is_postgres && bytes.get(1) == Some(&b'\'') => quoted(1, true),
        b'$' if is_postgres => dollar_quoted(rest),
        _ => rest.find(|char| !is_in_word(char)).unwrap_or(rest.len()),
    };
    (Kind::Something, length.max(rest.chars().next().map_or(1, char::len_utf8)))
}

/// The length of a comment. PostgreSQL's may have others inside.
fn comment(rest: &str, may_nest: bool) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(found) = rest[at..].find(['/', '*']) {
        at += found;
        if rest[at..].starts_with("/*") && (may_nest || depth == 0) {
            (depth, at) = (depth + 1, at + 2);
        } else if rest[at..].starts_with("*/") {
            (depth, at) = (depth.saturating_sub(1), at + 2);
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    rest.len()
}

/// The length of a text in quotes. A doubled quote inside looks like the next text.
fn quoted(rest: &str, has_escapes: bool) -> usize {
    let bytes = rest.as_bytes();
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if has_escapes => at += 2,
            byte if byte == bytes[0] => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// The length of `$tag$ … $tag$`, or none of a parameter.
fn dollar_quoted(rest: &str) -> usize {
    let Some(end) = rest[1..].find('$').map(|at| at + 2) else { return 0 };
    let tag = &rest[..end];
    let is_tag = |char: char| char.is_alphanumeric() || char == '_';
    if !tag[1..end - 1].chars().all(is_tag)
        || tag[1..].starts_with(|char: char| char.is_ascii_digit())
    {
        return 0;
    }
    rest[end..].find(tag).map_or(rest.len(), |at| end + at + end)
}

#[cfg(test)]
mod tests {
    use super::{refused, starts};
    use engine::Engine;
    use std::io;

    #[track_caller]
    fn lines(engine: Engine, sql: &str, expected: &[usize]) {
        let found: Vec<_> =
            starts(engine, sql).iter().map(|start| super::line_at(sql, start.word)).collect();
        assert_eq!(found, expected, "{engine}: {sql}");
    }

    #[test]
    fn statements_begin_where_servers_find_them() {
        let common = "-- a; b\nSELECT ';', \"it''s;\";\n/* ; */ SELECT\n1;\n\nSELECT 2 -- ;\n";
        for engine in Engine::ALL {
            lines(engine, common, &[2, 3, 6]);
            lines(engine, "", &[]);
            lines(engine, "é;\nSELECT 'é;", &[1, 2]);
        }
        lines(Engine::MySql, "# ;\nSELECT 'a\\';', `;`;\n/*!40101 SET a=1 */;\nx;;", &[2, 3, 4, 4]);
        lines(
            Engine::Postgres,
            "SELECT $$;\n$$, $a$;$$;$a$, E'\\';', $1;\n/* /* ; */ ; */ x;;",
            &[1, 3],
        );
    }

    #[test]
    fn a_body_is_one_statement() {
        lines(
            Engine::MySql,
            "CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW BEGIN\n\
             IF NEW.id = 1 THEN SET NEW.id = CASE 1 WHEN 1 THEN 2 END; END IF;\n\
             CASE 1 WHEN 2 THEN SET @a = 1; END CASE;\nEND;\nSELECT 1;\nBEGIN;\nSELECT 2",
            &[1, 5, 6, 7],
        );
        lines(Engine::MariaDb, "BEGIN NOT ATOMIC\nSELECT 1;\nEND;\nSELECT 2", &[1, 4]);
        lines(
            Engine::Postgres,
            "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC\nSELECT CASE WHEN true THEN 1 END;\nEND;\n\
             CREATE RULE r AS ON INSERT TO a DO (SELECT 1;\nSELECT 2);\nBEGIN;\nSELECT 3;",
            &[1, 4, 6, 7],
        );
    }

    #[test]
    fn an_error_has_the_line_that_the_server_means() {
        let sql = "-- é\nSELECT 1;\n\n-- two\nSELECT\n  x";
        for (engine, said, line, words) in [
            (Engine::Postgres, "42703 no x (at character 32)", Some(6), "42703 no x"),
            (Engine::Postgres, "statement 2: 22012 zero", Some(5), "22012 zero"),
            (Engine::Postgres, "22012 zero", Some(2), "22012 zero"),
            (
                Engine::MySql,
                "statement 2: 1064 near 'x' at line 3",
                Some(6),
                "1064 near 'x' at line 3",
            ),
            (Engine::MySql, "statement 2: 1146 no table", Some(5), "1146 no table"),
            (Engine::MySql, "statement 9: lost", None, "lost"),
        ] {
            let error = refused(engine, sql, &io::Error::other(said));
            assert_eq!(error.setup_line(), line, "{said}");
            let source = std::error::Error::source(&error).unwrap();
            assert_eq!(source.to_string(), words);
        }
    }
}
